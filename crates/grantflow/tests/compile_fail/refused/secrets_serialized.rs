//! Refused: serializing a secret by accident. `into_stored()` is the one way, and it can be searched for.

use grantflow::*;

fn store<T: serde::Serialize>(_: &T) {}

fn store_tokens(tokens: &Tokens, access: &AccessToken, bearer: &BearerToken, dpop: &DpopToken) {
    store(tokens); //~ E0277
    store(access); //~ E0277
    store(bearer); //~ E0277
    store(dpop); //~ E0277
}

fn store_texts(refresh: &RefreshToken, id_token: &UnverifiedIdToken, secret: &ClientSecret, url: &AuthorizationUrl) {
    store(refresh); //~ E0277
    store(id_token); //~ E0277
    store(secret); //~ E0277
    store(url); //~ E0277
}

fn store_states(pending: &PendingCallback, code: &CodeExchange, refresh: &RefreshExchange, client: &Client) {
    store(pending); //~ E0277
    store(code); //~ E0277
    store(refresh); //~ E0277
    store(client); //~ E0277
}

fn main() {}
