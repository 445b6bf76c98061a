//! Refused: storing a grant nowhere. The state is consumed, and only its stored form is left.

#![deny(unused_must_use)]

use grantflow::*;

fn ignore_pending(pending: PendingCallback) {
    pending.into_stored(); //~ unused_must_use
}

fn ignore_tokens(tokens: Tokens) {
    tokens.into_stored(); //~ unused_must_use
}

fn main() {}
