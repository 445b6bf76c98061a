//! Refused: restoring a stored grant, or stored tokens, without the client that they must belong to.

use grantflow::*;

fn pending(stored: StoredCallback) {
    let _ = PendingCallback::from_stored(stored); //~ E0061
}

fn tokens(stored: StoredTokens) {
    let _ = Tokens::from_stored(stored); //~ E0061
}

fn main() {}
