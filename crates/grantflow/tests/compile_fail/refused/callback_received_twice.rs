//! Refused: receiving a callback twice.

use grantflow::*;

fn twice(pending: PendingCallback, uri: &http::Uri) {
    let _first = pending.receive(uri);
    let _second = pending.receive(uri); //~ E0382
}

fn by_two_doors(pending: PendingCallback, url: &str, post: &http::Request<Vec<u8>>) {
    let _first = pending.receive_url(url);
    let _second = pending.receive_form_post(post); //~ E0382
}

fn after_storing(pending: PendingCallback, uri: &http::Uri) {
    let _stored = pending.into_stored();
    let _callback = pending.receive(uri); //~ E0382
}

fn main() {}
