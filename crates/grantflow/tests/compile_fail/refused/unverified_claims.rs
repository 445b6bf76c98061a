//! Refused: using claims of an ID token that was not verified.

use grantflow::*;

fn who(token: &UnverifiedIdToken) {
    let _ = token.claims(); //~ E0599
    let _ = token.subject(); //~ E0599
}

fn who_is_it(tokens: &Tokens) {
    let _ = tokens.id_token(); //~ E0599
}

fn main() {}
