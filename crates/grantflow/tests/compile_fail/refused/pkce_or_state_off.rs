//! Refused: turning PKCE or state off, or choosing their values.

use grantflow::*;

fn turn_off(authorization: Authorization) {
    let _ = authorization.clone().without_pkce(); //~ E0599
    let _ = authorization.without_state(); //~ E0599
}

fn choose(authorization: Authorization) {
    let _ = authorization.clone().state("guessable"); //~ E0599
    let _ = authorization.code_verifier("guessable"); //~ E0599
}

fn main() {}
