//! Refused: reading one verdict of a callback, as if there were no others.

use grantflow::*;

fn denied(callback: Callback) -> ErrorResponse {
    let Callback::Denied(refusal) = callback; //~ E0005
    refusal
}

fn granted_or_denied(callback: Callback) {
    match callback {
        //~^ E0004
        Callback::Granted(_) | Callback::Denied(_) => {}
    }
}

fn main() {}
