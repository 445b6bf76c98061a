//! Refused: using a DPoP-bound access token where a Bearer one is asked for.

use grantflow::*;

fn attach(token: &DpopToken, request: &mut http::Request<()>) {
    let _ = token.authorize(request);
    let _bearer: &BearerToken = token;
}

fn main() {}
