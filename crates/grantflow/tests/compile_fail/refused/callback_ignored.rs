//! Refused: ignoring a callback. Each of its verdicts needs another reaction.

#![deny(unused_must_use)]

use grantflow::*;

fn ignore(pending: PendingCallback, uri: &http::Uri) {
    pending.receive(uri); //~ unused_must_use
}

fn ignore_url(pending: PendingCallback, url: &str) {
    pending.receive_url(url); //~ unused_must_use
}

fn ignore_form_post(pending: PendingCallback, post: &http::Request<Vec<u8>>) {
    pending.receive_form_post(post); //~ unused_must_use
}

fn main() {}
