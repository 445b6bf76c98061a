//! Refused: spelling PKCE plain.

use grantflow::*;

fn spell(authorization: Authorization) {
    let _ = ChallengeMethod::Plain; //~ E0433
    let _ = authorization.clone().pkce_plain(); //~ E0599
    let _ = authorization.code_challenge_method("plain"); //~ E0599
}

fn main() {}
