//! Refused: using a DPoP-bound access token where a Bearer one is asked for.

use grantflow::*;

fn attach(token: &DpopToken, request: &mut http::Request<()>) {
    let _ = token.authorize(request); //~ E0599
}

fn call_api(_: &BearerToken) {}

fn call(dpop: &DpopToken, either: &AccessToken) {
    call_api(dpop); //~ E0308
    call_api(either); //~ E0308
}

fn main() {}
