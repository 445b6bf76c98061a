//! Refused: spelling PKCE plain, or turning PKCE or state off.

use grantflow::*;

fn spell(authorization: Authorization) {
    let _ = ChallengeMethod::Plain;
    let _ = authorization.clone().pkce_plain();
    let _ = authorization.clone().without_pkce();
    let _ = authorization.without_state();
}

fn main() {}
