//! Refused: forgetting that an access token may be DPoP-bound.

use grantflow::*;

fn attach(token: &AccessToken, request: &mut http::Request<()>) -> Result<(), Error> {
    match token {
        //~^ E0004
        AccessToken::Bearer(token) => token.authorize(request),
    }
}

fn main() {}
