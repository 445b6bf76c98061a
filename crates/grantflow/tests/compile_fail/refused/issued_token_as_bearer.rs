//! Refused: using a token that is no access token (RFC 8693 §2.2.1, `N_A`) where a Bearer token is asked for.

use grantflow::*;

fn attach(token: &IssuedToken, request: &mut http::Request<()>) {
    let _ = token.authorize(request); //~ E0599
}

fn call_api(_: &BearerToken) {}

fn call(token: &IssuedToken, exchanged: &Exchanged, assertion: &IdentityAssertion) {
    call_api(token); //~ E0308
    let _ = token.bearer(); //~ E0599
    // Whether it is an access token has to be asked first.
    let _ = exchanged.bearer(); //~ E0599
    let _ = assertion.bearer(); //~ E0599
}

fn forgotten(exchanged: Exchanged) -> Tokens {
    match exchanged { //~ E0004
        Exchanged::Tokens { tokens, .. } => *tokens,
    }
}

fn main() {}
