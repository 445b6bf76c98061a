//! Refused: keeping a second pending grant.

use grantflow::*;

fn keep(pending: &PendingCallback) -> PendingCallback {
    pending.clone()
}

fn main() {}
