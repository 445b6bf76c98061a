//! Decompresses a complete body, within its limit.
//!
//! No compression is ever requested (`Accept-Encoding: identity`), but some servers and gateways compress even so.

use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use std::io::{ErrorKind, Read as _};
use zeroize::Zeroizing;

use crate::collector::{BodyError, Collector};

/// How many bytes are decompressed at a time.
const BLOCK: usize = 8 * 1024;

/// The content codings that can be undone (RFC 9110 §8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    /// RFC 1952; also called `x-gzip`.
    Gzip,
    /// RFC 1950: Deflate in the zlib format.
    Deflate,
}

impl Coding {
    /// The one coding that was applied, if it is known. A body with two codings stays as it is: no token server sends
    /// one, and a bomb in two layers grows a millionfold. A body without a named coding may still be gzip: some
    /// gateways remove the header and leave the body.
    fn named_in(headers: &HeaderMap) -> Option<Self> {
        let mut named = None;
        for value in headers.get_all(CONTENT_ENCODING) {
            let words = value.to_str().ok()?.split(',').map(str::trim);
            for word in words.filter(|word| !word.is_empty() && !word.eq_ignore_ascii_case("identity")) {
                let coding = match word {
                    _ if word.eq_ignore_ascii_case("gzip") || word.eq_ignore_ascii_case("x-gzip") => Self::Gzip,
                    _ if word.eq_ignore_ascii_case("deflate") => Self::Deflate,
                    _ => return None,
                };
                if named.replace(coding).is_some() {
                    return None;
                }
            }
        }
        named.or(Some(Self::Gzip))
    }

    /// Whether a body begins as this coding does. Some gateways decompress a body and leave the header; and neither
    /// JSON nor a form begins like this.
    fn begins(self, body: &[u8]) -> bool {
        match (self, body) {
            (Self::Gzip, [0x1f, 0x8b, ..]) => true,
            // RFC 1950 §2.2: Deflate with a window of up to 32 KiB, and a check of the two bytes.
            (Self::Deflate, [method, flags, ..]) => {
                method & 0x0f == 8 && method >> 4 <= 7 && u16::from_be_bytes([*method, *flags]) % 31 == 0
            }
            _ => false,
        }
    }
}

/// The body without its compression, if it has one that can be undone.
pub(crate) fn undo(collected: Collector, headers: &mut HeaderMap) -> Result<Collector, BodyError> {
    let coding = match Coding::named_in(headers) {
        Some(coding) if coding.begins(collected.bytes()) => coding,
        _ => return Ok(collected),
    };
    let plain = match coding {
        Coding::Gzip => gunzip(collected.bytes(), collected.limit())?,
        Coding::Deflate => inflate(collected.bytes(), collected.limit())?,
    };
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Ok(plain)
}

fn gunzip(body: &[u8], limit: u64) -> Result<Collector, BodyError> {
    let mut plain = Collector::new(limit);
    let mut block = Zeroizing::new([0; BLOCK]);
    let mut decoder = MultiGzDecoder::new(body);
    loop {
        match decoder.read(&mut *block) {
            Ok(0) => return Ok(plain),
            Ok(length) => plain.push(block.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return Err(BodyError::Undecodable),
        }
    }
}

/// flate2's reader for this format does not tell a cut body from a complete one, so each step is checked here.
fn inflate(mut body: &[u8], limit: u64) -> Result<Collector, BodyError> {
    let mut plain = Collector::new(limit);
    let mut block = Zeroizing::new([0; BLOCK]);
    let mut decoder = Decompress::new(true);
    loop {
        let (read, written) = (decoder.total_in(), decoder.total_out());
        let status =
            decoder.decompress(body, &mut *block, FlushDecompress::None).map_err(|_| BodyError::Undecodable)?;
        let step = |before: u64, after: u64| usize::try_from(after.saturating_sub(before)).unwrap_or_default();
        let (read, written) = (step(read, decoder.total_in()), step(written, decoder.total_out()));
        body = body.get(read..).unwrap_or_default();
        plain.push(block.get(..written).unwrap_or_default())?;
        match status {
            Status::StreamEnd if body.is_empty() => return Ok(plain),
            // More bytes follow its end.
            Status::StreamEnd => return Err(BodyError::Undecodable),
            // No more output is possible.
            _ if read == 0 && written == 0 => return Err(BodyError::Undecodable),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    use super::*;

    const ANSWER: &[u8] = br#"{"access_token":"at-1","token_type":"Bearer","refresh_token":"rt-1"}"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// The result for a body with these values of `Content-Encoding`, and what is left of them.
    fn finished(codings: &[&'static str], body: &[u8], limit: u64) -> (Result<Vec<u8>, BodyError>, HeaderMap) {
        let mut headers = HeaderMap::new();
        for coding in codings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_static(coding));
        }
        headers.insert(CONTENT_LENGTH, body.len().into());
        let mut collector = Collector::new(limit);
        let body = collector.push(body).and_then(|()| collector.finish(&mut headers));
        (body.map(Vec::from), headers)
    }

    fn undone(codings: &[&'static str], body: &[u8]) {
        let (plain, headers) = finished(codings, body, 1 << 20);
        assert_eq!(plain.as_deref(), Ok(ANSWER), "{codings:?}");
        assert!(headers.is_empty(), "{codings:?} left {headers:?}");
    }

    fn left_alone(codings: &[&'static str], body: &[u8]) {
        let (plain, headers) = finished(codings, body, 1 << 20);
        assert_eq!(plain.as_deref(), Ok(body), "{codings:?}");
        assert_eq!(headers.get_all(CONTENT_ENCODING).iter().count(), codings.len(), "{codings:?}");
        assert!(headers.contains_key(CONTENT_LENGTH), "{codings:?}");
    }

    #[test]
    fn a_known_compression_is_undone_under_each_of_its_names() {
        for name in ["gzip", "GZIP", "x-gzip", " gzip ", "identity, gzip", "gzip,", ",gzip"] {
            undone(&[name], &gzip(ANSWER));
        }
        undone(&["identity", "gzip"], &gzip(ANSWER));
        undone(&[], &gzip(ANSWER));
        undone(&["identity"], &gzip(ANSWER));
        undone(&["gzip"], &[gzip(&ANSWER[..9]), gzip(&ANSWER[9..])].concat());
        for name in ["deflate", "Deflate"] {
            undone(&[name], &zlib(ANSWER));
        }
    }

    #[test]
    fn what_is_not_known_or_not_compressed_is_left_alone() {
        for name in ["br", "zstd", "compress", "gzip, gzip", "br, gzip", "gzip br", "\u{7f}"] {
            if HeaderValue::from_str(name).is_ok() {
                left_alone(&[name], &gzip(ANSWER));
            }
        }
        left_alone(&["gzip", "gzip"], &gzip(&gzip(ANSWER)));
        left_alone(&[], ANSWER);
        left_alone(&[], &zlib(ANSWER));
        left_alone(&["gzip"], ANSWER);
        left_alone(&["gzip"], b"");
        left_alone(&["gzip"], b"\x1f");
        left_alone(&["deflate"], ANSWER);
        left_alone(&["deflate"], b"access_token=at-1&token_type=bearer");
        // Deflate without zlib's frame cannot be told from other bytes.
        let mut bare = DeflateEncoder::new(Vec::new(), Compression::best());
        bare.write_all(ANSWER).unwrap();
        left_alone(&["deflate"], &bare.finish().unwrap());
    }

    #[test]
    fn a_body_that_breaks_off_cannot_be_undone() {
        for (name, whole) in [("gzip", gzip(ANSWER)), ("deflate", zlib(ANSWER))] {
            for length in 2..whole.len() {
                let (plain, _) = finished(&[name], &whole[..length], 1 << 20);
                assert_eq!(plain, Err(BodyError::Undecodable), "{length} bytes of {} of {name}", whole.len());
            }
        }
    }

    #[test]
    fn a_damaged_body_cannot_be_undone_or_says_the_same() {
        for (name, whole, first) in [("gzip", gzip(ANSWER), 2), ("deflate", zlib(ANSWER), 2)] {
            for at in first..whole.len() {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x10;
                let (plain, _) = finished(&[name], &damaged, 1 << 20);
                // The head of gzip has bytes without a meaning: a time, and the name of a system.
                let same = plain.as_deref() == Ok(ANSWER) && name == "gzip" && at < 10;
                assert!(plain == Err(BodyError::Undecodable) || same, "{name}, byte {at}: {plain:?}");
            }
        }
        for (name, whole) in [("gzip", gzip(ANSWER)), ("deflate", zlib(ANSWER))] {
            let (plain, _) = finished(&[name], &[&*whole, b"{}"].concat(), 1 << 20);
            assert_eq!(plain, Err(BodyError::Undecodable), "{name} with something behind it");
        }
    }

    #[test]
    fn the_limit_is_for_what_comes_out() {
        let length = ANSWER.len() as u64;
        for (name, whole) in [("gzip", gzip(ANSWER)), ("deflate", zlib(ANSWER))] {
            let zeros = vec![0; 3_000_000];
            let bomb = if name == "gzip" { gzip(&zeros) } else { zlib(&zeros) };
            assert_eq!(finished(&[name], &bomb, 100_000).0, Err(BodyError::TooLarge { limit: 100_000 }), "{name}");
            assert_eq!(finished(&[name], &bomb, 3_000_000).0, Ok(zeros), "{name}");
            // A short text grows by compression, so the compressed body already exceeds the limit.
            assert_eq!(finished(&[name], &whole, length - 1).0, Err(BodyError::TooLarge { limit: length - 1 }));
        }
    }

    #[test]
    fn many_empty_members_end() {
        let empty = gzip(b"").repeat(20_000);
        assert_eq!(finished(&["gzip"], &empty, 1 << 20).0, Ok(Vec::new()));
    }
}
