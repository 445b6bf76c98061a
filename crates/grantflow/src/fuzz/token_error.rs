//! Error answers: code and texts are bounded, and nothing that is printed is a server's text or a secret.

use http::Response;

use super::{CODE, STATUSES, exchange, pending, printed, respond, server};
use crate::{Error, ErrorCode};

const SECRET: &str = "client-secret-of-the-oracle";

/// A status by the first byte, then code, description and URI, separated by NUL. In them, `{k}`, `{c}` and `{v}` become
/// the client's secret, the code and the verifier: servers quote requests.
pub fn token_error(bytes: &[u8]) {
    let Some((chooser, text)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let verifier = verifier();
    let text = String::from_utf8_lossy(text).replace("{k}", SECRET).replace("{c}", CODE).replace("{v}", &verifier);
    let parts: Vec<&str> = text.splitn(3, '\0').collect();

    let (first, code) = shown(status, &parts);
    for secret in [SECRET, CODE, &verifier] {
        assert!(!first.contains(secret), "a secret was printed");
    }
    // Other characters of the same lengths print the same. A registered code may be printed, so it is not changed.
    let registered = code.is_some_and(|code| !matches!(code, ErrorCode::Other(_)));
    let other: Vec<String> = parts
        .iter()
        .enumerate()
        .map(|(at, part)| if registered && at == 0 { (*part).into() } else { mask(part) })
        .collect();
    let (second, _) = shown(status, &other.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(first, second, "what is printed depends on what the server wrote");
}

/// The verifier of [`exchange`]'s code.
fn verifier() -> String {
    let (pending, _) = pending(&server().client("app").secret_post(SECRET).unwrap());
    let stored = serde_json::to_value(pending.into_stored()).unwrap();
    stored["verifier"].as_str().unwrap().to_owned()
}

/// Everything that is printed of the failure of these parts, and its code.
fn shown(status: u16, parts: &[&str]) -> (String, Option<ErrorCode>) {
    let names = ["error", "error_description", "error_uri"];
    let body: serde_json::Map<String, serde_json::Value> =
        names.iter().zip(parts).map(|(name, part)| ((*name).to_owned(), (*part).into())).collect();
    let body = serde_json::to_vec(&body).unwrap();
    let response = Response::builder().status(status).body(body.as_slice()).unwrap();
    let exchange = exchange(&server().client("app").secret_post(SECRET).unwrap());
    let failure = respond(exchange, response).expect_err("an error is no token");

    // An OAuth error is read with any status except interim ones and redirects.
    let readable = !parts[0].is_empty() && !(100..200).contains(&status) && !(300..400).contains(&status);
    assert_eq!(matches!(failure.error, Error::Refused(_)), readable, "an error was lost or made up");
    if let Error::Refused(refused) = &failure.error {
        let response = refused.response();
        bounded(response.code().as_str(), parts[0], 128);
        for (got, sent) in [(response.untrusted_description(), parts.get(1)), (response.untrusted_uri(), parts.get(2))]
        {
            assert_eq!(got.is_some(), sent.is_some(), "a text was lost or made up");
            if let (Some(got), Some(sent)) = (got, sent) {
                bounded(got, sent, 1024);
            }
        }
    }
    let kept = failure.error.answer().map_or(0, |answer| answer.untrusted_body().len());
    assert!(kept <= 8192, "{kept} bytes of the body were kept");
    let shown = printed(&failure) + &printed(&failure.error);
    assert!(shown.len() < 8192, "an error of {} bytes", shown.len());
    // The length of a body reveals nothing; it differs if JSON escapes it.
    (shown.replace(&format!("[{} bytes]", body.len().min(8192)), "[body]"), failure.error.code().cloned())
}

/// The whole text if it is short enough, else as much as fits: at most three bytes less, for a character.
fn bounded(got: &str, sent: &str, limit: usize) {
    assert!(sent.starts_with(got) && got.len() <= limit);
    assert!(got.len() == sent.len() || got.len() + 3 >= limit, "cut without need");
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
