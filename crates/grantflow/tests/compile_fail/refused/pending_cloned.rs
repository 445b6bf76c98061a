//! Refused: keeping a second pending grant.

use grantflow::*;

fn keep(pending: PendingCallback) -> [PendingCallback; 2] {
    [pending.clone(), pending] //~ E0599
}

fn keep_stored(stored: StoredCallback) -> [StoredCallback; 2] {
    [stored.clone(), stored] //~ E0599
}

fn main() {}
