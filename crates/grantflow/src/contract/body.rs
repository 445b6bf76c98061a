//! The body of a message.

use core::fmt;

use zeroize::Zeroizing;

/// A message's body. It holds credentials or tokens, so it is redacted when printed and wiped when dropped.
///
/// `AsRef<[u8]>` borrows its bytes, `Vec::from` takes them. An adapter should put what it has read into one with
/// `Body::from`, because an `http::Response<Vec<u8>>` prints its tokens with `{:?}`.
#[derive(Clone, Default)]
pub struct Body(Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Body> for Vec<u8> {
    /// The bytes. From here on, the caller has to wipe them.
    fn from(mut body: Body) -> Self {
        core::mem::take(&mut *body.0)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body([{} bytes])", self.0.len())
    }
}
