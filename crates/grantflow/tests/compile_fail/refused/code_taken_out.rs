//! Refused: taking the code or the PKCE verifier out of a code exchange, to use them elsewhere.

use grantflow::*;

fn take(exchange: &CodeExchange, pending: &PendingCallback) {
    let _ = &exchange.code; //~ E0616
    let _ = exchange.code(); //~ E0599
    let _ = pending.verifier(); //~ E0599
}

fn main() {}
