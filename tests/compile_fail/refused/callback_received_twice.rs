//! Refused: receiving a callback twice.

use grantflow::*;

fn twice(pending: PendingCallback, uri: &http::Uri) {
    let _first = pending.receive(uri);
    let _second = pending.receive(uri);
}

fn main() {}
