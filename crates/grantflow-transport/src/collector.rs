//! A body that grows within a limit, and leaves no copies.

use core::fmt;

use grantflow::Body;
use zeroize::{Zeroize as _, Zeroizing};

/// The first capacity of a collector, in bytes. A token answer fits into it.
const FIRST: usize = 4096;

/// Collects the chunks of an answer's body.
///
/// It takes no more than its limit. Answers hold tokens, so it wipes its memory: when it must grow, it copies its bytes
/// into a larger buffer and overwrites the smaller one, and it overwrites its bytes when it is dropped. Copies in the
/// HTTP stack are out of its reach.
pub struct Collector {
    bytes: Zeroizing<Vec<u8>>,
    limit: u64,
}

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BodyError {
    /// It is larger than the limit, before or after decompression.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// It is compressed and cannot be decompressed: it was cut or damaged. Feature `gzip`.
    #[error("the body is compressed, and was cut or damaged")]
    Undecodable,
}

impl Collector {
    /// A collector that takes at most `limit` bytes.
    pub fn new(limit: u64) -> Self {
        Self { bytes: Zeroizing::new(Vec::new()), limit }
    }

    /// Takes the next chunk.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`], if that would exceed the limit. The chunk is then not taken.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), BodyError> {
        let length = self.bytes.len().checked_add(chunk.len()).filter(|length| *length as u64 <= self.limit);
        let length = length.ok_or(BodyError::TooLarge { limit: self.limit })?;
        self.make_room(length);
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    #[cfg(feature = "gzip")]
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }

    #[cfg(any(feature = "gzip", test))]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_body(mut self) -> Body {
        // The body wipes them from here on.
        Body::from(core::mem::take(&mut *self.bytes))
    }

    /// Makes room for `length` bytes in all. If that needs another buffer, returns the old one, wiped: a `Vec` that
    /// grows by itself frees its old buffer unchanged.
    fn make_room(&mut self, length: usize) -> Option<Vec<u8>> {
        if length <= self.bytes.capacity() {
            return None;
        }
        let roomy = self.bytes.capacity().saturating_mul(2).max(FIRST);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut larger = Vec::with_capacity(roomy.min(limit).max(length));
        larger.extend_from_slice(&self.bytes);
        let mut old = core::mem::replace(&mut *self.bytes, larger);
        old.as_mut_slice().zeroize();
        Some(old)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Collector([{} of at most {} bytes])", self.bytes.len(), self.limit)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn collected(chunks: &[&[u8]], limit: u64) -> Result<Body, BodyError> {
        let mut collector = Collector::new(limit);
        for chunk in chunks {
            collector.push(chunk)?;
        }
        collector.finish(&mut HeaderMap::new())
    }

    #[test]
    fn a_buffer_that_is_outgrown_is_wiped() {
        let secret = b"a-refresh-token ".repeat(256);
        let mut collector = Collector::new(1 << 20);
        collector.push(&secret).unwrap();
        let old = collector.make_room(secret.len() + 1).expect("it is full");
        assert_eq!(old, vec![0; secret.len()], "the old buffer still has its bytes");
        assert_eq!(collector.bytes(), secret, "the new one has them all");
    }

    /// The other way to leave a copy is the vector's own growth, which frees the old buffer unchanged.
    #[test]
    fn no_push_lets_the_vector_grow_by_itself() {
        let mut collector = Collector::new(1 << 20);
        for length in (1..400).chain([5_000, 70_000]) {
            let chunk = vec![b'x'; length];
            collector.make_room(collector.bytes.len() + length);
            let (place, capacity) = (collector.bytes.as_ptr(), collector.bytes.capacity());
            collector.push(&chunk).unwrap();
            assert_eq!((collector.bytes.as_ptr(), collector.bytes.capacity()), (place, capacity), "{length}");
        }
    }

    #[test]
    fn a_body_may_be_as_long_as_the_limit_and_no_longer() {
        assert_eq!(collected(&[b"1234", b"5678"], 8).unwrap().as_ref(), b"12345678");
        assert_eq!(collected(&[b"1234", b"56789"], 8).unwrap_err(), BodyError::TooLarge { limit: 8 });
        assert_eq!(collected(&[], 0).unwrap().as_ref(), b"");
        assert_eq!(collected(&[b""], 0).unwrap().as_ref(), b"");
        assert_eq!(collected(&[b"1"], 0).unwrap_err(), BodyError::TooLarge { limit: 0 });
        assert_eq!(collected(&[b"1"], u64::MAX).unwrap().as_ref(), b"1");
    }

    #[test]
    fn the_buffer_does_not_outgrow_the_limit() {
        let mut collector = Collector::new(5_000);
        collector.push(&[b'x'; 4_096]).unwrap();
        collector.push(b"y").unwrap();
        assert!(collector.bytes.capacity() <= 5_000, "{}", collector.bytes.capacity());
    }

    #[test]
    fn what_is_collected_is_not_printed() {
        let mut collector = Collector::new(100);
        collector.push(b"at-secret").unwrap();
        assert_eq!(format!("{collector:?}"), "Collector([9 of at most 100 bytes])");
    }
}
