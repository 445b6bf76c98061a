//! Refused: reading a callback's error text before state and iss have passed.

use grantflow::*;

fn peek(callback: Callback) {
    if let Callback::Unrelated { pending, .. } = callback {
        let _ = pending.error();
    }
}

fn peek_rejected(rejection: Rejection) {
    let _ = rejection.error();
    let _ = rejection.code();
}

fn main() {}
