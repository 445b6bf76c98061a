//! Refused: forgetting that an access token may be DPoP-bound.

use grantflow::*;

fn attach(token: &AccessToken, request: &mut http::Request<()>) {
    match token {
        AccessToken::Bearer(token) => token.authorize(request).unwrap(),
    }
}

fn main() {}
