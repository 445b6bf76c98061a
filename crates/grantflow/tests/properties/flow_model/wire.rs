//! Requests and answers, read by the model itself.

use grantflow::{Callback, PendingCallback};
use serde_json::Value;

/// Delivers a callback in the way in which it came.
pub(super) fn receive(pending: PendingCallback, callback: &grantflow_testkit::Callback) -> Callback {
    match &callback.body {
        Some(_) => pending.receive_form_post(&callback.request().unwrap()),
        None => pending.receive_url(&callback.url),
    }
}

/// Whether this is an answer with this token, as serde_json reads it.
pub(super) fn holds_token(body: &[u8], token: &str) -> bool {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => {
            let bearer = body["token_type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
            bearer && body["access_token"] == token && body.get("error").is_none()
        }
        // Nested deeper than serde_json builds a tree, in a member without a meaning.
        Err(_) => String::from_utf8_lossy(body).contains(&format!("\"access_token\":\"{token}\"")),
    }
}

/// The refresh token of an answer, if it can be sent.
pub(super) fn refresh_token_in(body: &[u8]) -> Option<String> {
    match serde_json::from_slice::<Value>(body) {
        Ok(body) => body["refresh_token"].as_str().filter(|token| !token.is_empty()).map(str::to_owned),
        // As above. No token of the testkit contains a quote.
        Err(_) => {
            let after =
                String::from_utf8_lossy(body).split_once("\"refresh_token\":\"").map(|(_, after)| after.to_owned());
            after?.split('"').next().map(str::to_owned)
        }
    }
}

/// Whether an answer names the scope.
pub(super) fn says_scope(body: &[u8]) -> bool {
    String::from_utf8_lossy(body).contains("\"scope\":")
}

/// A parameter of a URL; the requested ones need no decoding.
pub(super) fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
}
