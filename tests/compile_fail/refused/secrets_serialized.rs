//! Refused: serializing a secret by accident.

use grantflow::*;

fn store(tokens: &Tokens, refresh: &RefreshToken, bearer: &BearerToken, pending: &PendingCallback, secret: &ClientSecret) {
    let _ = serde_json::to_string(tokens);
    let _ = serde_json::to_string(refresh);
    let _ = serde_json::to_string(bearer);
    let _ = serde_json::to_string(pending);
    let _ = serde_json::to_string(secret);
}

fn main() {}
