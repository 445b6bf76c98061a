//! Refused: using claims of an ID token that was not verified.

use grantflow::*;

fn who(token: &UnverifiedIdToken) {
    let _ = token.claims();
    let _ = token.subject();
}

fn main() {}
