//! Refused: reading a callback's error text before state and iss have passed.

use grantflow::*;

fn unchecked(pending: PendingCallback) {
    let _ = pending.error(); //~ E0599
    let _ = pending.untrusted_error(); //~ E0599
    let _ = pending.description(); //~ E0599
}

fn without_a_verdict(callback: Callback) {
    let _ = callback.error(); //~ E0599
    let _ = callback.code(); //~ E0599
}

// A rejected callback's error is readable by `untrusted_error` only.
fn rejected(rejection: Rejection) {
    let _ = rejection.error(); //~ E0599
    let _ = rejection.code(); //~ E0599
    let _ = rejection.untrusted_description(); //~ E0599
    let _ = rejection.error; //~ E0616
}

fn main() {}
