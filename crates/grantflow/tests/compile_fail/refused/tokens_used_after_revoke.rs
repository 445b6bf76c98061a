//! Refused: using tokens that are on their way to be given up.

use grantflow::*;

fn at_an_api(tokens: Tokens) {
    let _revocation = tokens.revoke();
    let _bearer = tokens.bearer(); //~ E0382
}

fn for_a_refresh(tokens: Tokens) {
    let _revocation = tokens.revoke();
    let _exchange = tokens.refresh(); //~ E0382
}

fn twice(revocation: Revocation) -> Revocation {
    let _tokens = revocation.into_tokens();
    revocation //~ E0382
}

fn main() {}
