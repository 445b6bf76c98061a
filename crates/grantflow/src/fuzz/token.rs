//! Token answers: what is accepted is what serde_json sees, and what is refused leaves what it must.

use http::{Response, header};
use serde_json::Value;

use super::{NOW, client, exchange, respond, server};
use crate::{AccessToken, Error, Left, Quirk};

const STATUSES: [u16; 16] = [200, 201, 204, 299, 302, 307, 400, 401, 403, 404, 429, 500, 501, 502, 503, 100];

/// The first byte chooses the status and whether `Retry-After` comes with it, the second the quirks; the rest is the body.
pub fn token_response(bytes: &[u8]) {
    let [chooser, quirks, body @ ..] = bytes else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let retry_after = chooser & 16 != 0;
    let mut server = server();
    for (bit, quirk) in [
        (1, Quirk::MissingTokenType),
        (2, Quirk::NullIsAbsent),
        (4, Quirk::ScopeList),
        (8, Quirk::ScopeSeparator(',')),
        (16, Quirk::FormEncodedAnswer),
        (32, Quirk::token_path(&["data"])),
    ] {
        if quirks & bit != 0 {
            // Form and path contradict each other; then the path stays away.
            server = server.clone().quirk(quirk).unwrap_or(server);
        }
    }
    let mut response = Response::builder().status(status);
    if retry_after {
        response = response.header(header::RETRY_AFTER, "7");
    }
    let outcome = respond(exchange(&client(&server)), response.body(body).unwrap());
    match outcome {
        Ok(tokens) => {
            assert!((200..300).contains(&status), "a token out of a {status}");
            let text = token_text(tokens.access_token());
            assert!(
                !text.is_empty() && text.bytes().all(|b| (0x20..=0x7e).contains(&b)),
                "a token that is no visible text"
            );
            assert!(tokens.expires_at().is_none_or(|at| at >= NOW));
            // The strict reading is compared member by member; nesting beyond serde_json's tree limit has no other reader.
            if quirks & 63 == 0
                && let Ok(value) = serde_json::from_slice::<Value>(body)
            {
                agree(&tokens, &value);
            }
        }
        Err(failure) => {
            let verdict = matches!(failure.error, Error::Refused(_));
            match failure.left {
                Left::Spent => {
                    assert!(verdict && (200..500).contains(&status) && status != 429 && !(300..400).contains(&status));
                }
                Left::Intact(_) => assert!(status == 429 || status == 503 && retry_after),
                Left::Unknown(_) => assert!(status != 429 && !(verdict && (200..300).contains(&status))),
            }
            if status != 100 {
                assert_eq!(failure.error.status().map(|s| s.as_u16()), Some(status), "the status is not to be seen");
            }
        }
    }
}

fn token_text(token: &AccessToken) -> &str {
    match token {
        AccessToken::Bearer(token) => token.expose_secret(),
        AccessToken::Dpop(token) => token.expose_secret(),
    }
}

fn agree(tokens: &crate::Tokens, value: &Value) {
    let member = |name: &str| value.as_object().expect("tokens out of what is no object").get(name);
    assert_eq!(member("access_token").and_then(Value::as_str), Some(token_text(tokens.access_token())));
    assert!(member("error").is_none(), "a token beside an error");
    let kind = member("token_type").and_then(Value::as_str).expect("tokens without a type").to_ascii_lowercase();
    assert_eq!(kind == "dpop", matches!(tokens.access_token(), AccessToken::Dpop(_)));
    assert!(kind == "dpop" || kind == "bearer");
    assert_eq!(member("refresh_token").and_then(Value::as_str), tokens.refresh_token().map(|t| t.expose_secret()));
    assert_eq!(member("id_token").and_then(Value::as_str), tokens.unverified_id_token().map(|t| t.expose_secret()));
    let lifetime = tokens.expires_at().map(|at| at.saturating_since(NOW).as_secs());
    match member("expires_in") {
        None => assert_eq!(lifetime, None),
        Some(Value::Number(number)) => {
            let seconds = number.as_u64().unwrap_or_else(|| number.as_f64().unwrap() as u64);
            assert_eq!(lifetime, Some(seconds.min(u64::MAX - NOW.as_secs())));
        }
        Some(Value::String(digits)) => assert!(digits.bytes().all(|b| b.is_ascii_digit()) && lifetime.is_some()),
        Some(other) => panic!("a lifetime out of {other}"),
    }
    let words = |text: &str| text.split(' ').filter(|w| !w.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let granted = tokens.scope().explicit().map(|scope| words(scope.as_str()));
    assert_eq!(member("scope").and_then(Value::as_str).map(words), granted);
    let known = ["access_token", "token_type", "refresh_token", "id_token", "expires_in", "scope"];
    let rest: serde_json::Map<String, Value> = tokens.extra().expect("the rest is an object");
    let unknown = value.as_object().unwrap().keys().filter(|name| {
        !known.contains(&name.as_str()) && !["error", "error_description", "error_uri"].contains(&name.as_str())
    });
    assert!(unknown.clone().all(|name| rest.contains_key(name)), "an unknown member was lost");
    assert_eq!(unknown.count(), rest.len(), "an unknown member was made up");
}

/// Code, description and URI, separated by NUL. What is printed must not depend on what the server wrote.
pub fn token_error(bytes: &[u8]) {
    let Some((chooser, text)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let text = String::from_utf8_lossy(text);
    let parts: Vec<&str> = text.splitn(3, '\0').collect();
    let shown = |parts: &[&str]| {
        let names = ["error", "error_description", "error_uri"];
        let body: serde_json::Map<String, Value> =
            names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), (*part).into())).collect();
        let body = serde_json::to_vec(&body).unwrap();
        let response = Response::builder().status(status).body(body.as_slice()).unwrap();
        let failure = respond(exchange(&client(&server())), response).expect_err("an error is no token");
        if let Error::Refused(refused) = &failure.error {
            let response = refused.response();
            assert!(response.code().as_str().len() <= 128 && parts[0].starts_with(response.code().as_str()));
            assert!(
                response.untrusted_description().is_none_or(|text| text.len() <= 1024 && parts[1].starts_with(text))
            );
            assert!(response.untrusted_uri().is_none_or(|text| text.len() <= 1024 && parts[2].starts_with(text)));
        }
        let mut shown = format!("{failure} {failure:?} {} {:?}", failure.error, failure.error);
        let mut cause = std::error::Error::source(&failure);
        while let Some(error) = cause {
            shown += &format!("{error} {error:?}");
            cause = error.source();
        }
        assert!(shown.len() < 4096, "an error of {} bytes", shown.len());
        // How long a body is tells nothing; its length differs where JSON escapes it.
        (shown.replace(&format!("[{} bytes]", body.len().min(8192)), "[body]"), failure.error.code().cloned())
    };
    // The same lengths, other characters.
    let masked: Vec<String> = parts.iter().map(|part| mask(part)).collect();
    let masked: Vec<&str> = masked.iter().map(String::as_str).collect();
    let (first, code) = shown(&parts);
    let (second, _) = shown(&masked);
    if matches!(code, Some(crate::ErrorCode::Other(_)) | None) {
        assert_eq!(first, second, "what is printed depends on what the server wrote");
    }
}

/// Other characters of the same lengths.
fn mask(text: &str) -> String {
    text.chars()
        .map(|c| match c.len_utf8() {
            1 => 'x',
            2 => 'ß',
            3 => '€',
            _ => '😀',
        })
        .collect()
}
