//! HTTP Basic credentials (RFC 7617), with id and secret form-encoded first (RFC 6749 §2.3.1).

use base64ct::{Base64, Encoding as _};
use http::HeaderValue;
use zeroize::Zeroizing;

use super::form::{Space, encode_into, encoded_len};

/// `Basic …`, marked sensitive. `None` if `raw` credentials cannot be separated again or cannot be in a header.
///
/// In encoded form, a space is `%20`: many servers percent-decode, few form-decode. `raw` leaves both parts as they
/// are, for servers that do not decode at all.
pub(crate) fn header(id: &str, secret: &str, raw: bool) -> Option<HeaderValue> {
    let mut pair = Zeroizing::new(String::with_capacity(encoded_len(id) + 1 + encoded_len(secret)));
    if raw {
        // RFC 7617 §2: the first colon ends the user id, and control characters are not allowed.
        if id.contains(':') || id.chars().chain(secret.chars()).any(char::is_control) {
            return None;
        }
        pair.push_str(id);
        pair.push(':');
        pair.push_str(secret);
    } else {
        encode_into(&mut pair, id, Space::Percent);
        pair.push(':');
        encode_into(&mut pair, secret, Space::Percent);
    }
    let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
    let mut line = Zeroizing::new(String::with_capacity("Basic ".len() + encoded.len()));
    line.push_str("Basic ");
    line.push_str(&encoded);
    let mut value = HeaderValue::from_str(&line).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(id: &str, secret: &str, raw: bool) -> String {
        let value = header(id, secret, raw).unwrap();
        assert!(value.is_sensitive());
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn vectors() {
        assert_eq!(
            text("s6BhdRkqt3", "7Fjfp0ZBr1KtDRbnfVdmIw", false),
            "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3"
        );
        assert_eq!(text("s6BhdRkqt3", "gX1fBat3bV", false), "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW");
        assert_eq!(
            text("CLIENT_ID??", "CLIENT_SECRET??", false),
            "Basic Q0xJRU5UX0lEJTNGJTNGOkNMSUVOVF9TRUNSRVQlM0YlM0Y="
        );
        assert_eq!(text("rs08", "long-secure-random-secret", false), "Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0");
    }

    #[test]
    fn a_space_is_percent_20_and_a_colon_is_escaped() {
        let encoded = text("a b", "c:d+", false);
        let pair = Base64::decode_vec(encoded.strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, b"a%20b:c%3Ad%2B");
    }

    #[test]
    fn raw_credentials_stay_as_they_are() {
        let pair = Base64::decode_vec(text("a b", "c:d+é", true).strip_prefix("Basic ").unwrap()).unwrap();
        assert_eq!(pair, "a b:c:d+é".as_bytes());
        assert!(header("a:b", "c", true).is_none());
        assert!(header("a", "b\n", true).is_none());
    }
}
