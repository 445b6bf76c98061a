//! What a request shows of its client (RFC 6749 section 2.3), at every endpoint that takes a form.

use base64ct::{Base64, Encoding};
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::form::{Form, decode_component};
use crate::hit::ClientAuth;
use crate::knobs::Knobs;

/// What a request showed of its client.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) method: ClientAuth,
    pub(crate) id: Option<String>,
    pub(crate) secret: Option<String>,
}

impl Credentials {
    pub(crate) fn of(headers: &HeaderMap, form: &Form, knobs: &Knobs) -> Credentials {
        let mut seen = Vec::new();
        let mut id = form.get("client_id").map(str::to_owned);
        let mut secret = None;
        for value in headers.get_all(AUTHORIZATION) {
            match basic(value.as_bytes()) {
                Some(encoded) => {
                    seen.push(ClientAuth::Basic);
                    let pair = decode_basic(encoded, knobs.raw_basic);
                    let named = id.take();
                    if let Some((basic_id, basic_secret)) = pair {
                        // The same client id in the body is not a second method.
                        if named.is_none_or(|named| named == basic_id) {
                            id = Some(basic_id);
                            secret = Some(basic_secret);
                        }
                    }
                }
                None => seen.push(ClientAuth::Other),
            }
        }
        if let Some(value) = form.get("client_secret") {
            seen.push(ClientAuth::Post);
            secret = Some(value.to_owned());
        }
        if form.get("client_assertion").is_some() {
            seen.push(ClientAuth::Other);
        }
        let method = match (seen.as_slice(), &id) {
            ([], None) => ClientAuth::Absent,
            ([], Some(_)) => ClientAuth::Public,
            ([only], _) => *only,
            _ => ClientAuth::Several,
        };
        Credentials { method, id, secret }
    }
}

/// What follows `Basic`, in any case (RFC 9110 section 11.1).
fn basic(value: &[u8]) -> Option<&str> {
    let (scheme, encoded) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("basic").then(|| encoded.trim_start_matches(' '))
}

/// The client id and secret. By RFC 6749 section 2.3.1 both are form-encoded before RFC 7617 joins them with a
/// colon. With `raw` they are taken as they are.
fn decode_basic(encoded: &str, raw: bool) -> Option<(String, String)> {
    let decoded = String::from_utf8(Base64::decode_vec(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    match raw {
        true => Some((id.to_owned(), secret.to_owned())),
        false => Some((decode_component(id)?, decode_component(secret)?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(header: &str, body: &str, knobs: &Knobs) -> Credentials {
        let mut headers = HeaderMap::new();
        if !header.is_empty() {
            headers.insert(AUTHORIZATION, header.parse().unwrap());
        }
        Credentials::of(&headers, &Form::parse(body.as_bytes()), knobs)
    }

    fn encoded(text: &str) -> String {
        format!("Basic {}", Base64::encode_string(text.as_bytes()))
    }

    #[test]
    fn basic_is_form_decoded() {
        let header = encoded("an+id%3A:+%25%26%2B%C2%A3%E2%82%AC");
        let decoded = credentials(&header, "", &Knobs::default());
        assert_eq!(decoded.method, ClientAuth::Basic);
        assert_eq!(decoded.id.as_deref(), Some("an id:"));
        assert_eq!(decoded.secret.as_deref(), Some(" %&+\u{a3}\u{20ac}"));

        let knobs = Knobs { raw_basic: true, ..Knobs::default() };
        let raw = credentials(&header, "", &knobs);
        assert_eq!(raw.id.as_deref(), Some("an+id%3A"));
        assert_eq!(raw.secret.as_deref(), Some("+%25%26%2B%C2%A3%E2%82%AC"));
    }

    #[test]
    fn methods_are_told_apart() {
        let knobs = Knobs::default();
        let basic = encoded("a:b");
        for (header, body, method) in [
            ("", "", ClientAuth::Absent),
            ("", "client_id=a", ClientAuth::Public),
            ("", "client_id=a&client_secret=", ClientAuth::Public),
            ("", "client_id=a&client_secret=b", ClientAuth::Post),
            ("", "client_id=a&client_assertion=b", ClientAuth::Other),
            (&basic, "", ClientAuth::Basic),
            (&basic, "client_id=a", ClientAuth::Basic),
            (&basic, "client_secret=b", ClientAuth::Several),
            ("Bearer x", "client_id=a", ClientAuth::Other),
            ("Bearer x", "client_secret=a", ClientAuth::Several),
        ] {
            let found = credentials(header, body, &knobs);
            assert_eq!(found.method, method, "{header} {body}");
        }
    }

    #[test]
    fn unreadable_basic_names_nobody() {
        let knobs = Knobs::default();
        for header in ["Basic", "Basic !", "Basic YQ==", &encoded("a:100%"), &encoded("other:b")] {
            let found = credentials(header, "client_id=a", &knobs);
            assert_eq!(found.secret, None, "{header}");
        }
    }
}
