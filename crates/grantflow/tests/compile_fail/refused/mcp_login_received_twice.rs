//! Refused: a login to an MCP server that is received twice, or restored without its clients.

use grantflow_mcp::*;

fn twice(pending: PendingLogin, url: &str) {
    let _first = pending.receive_url(url);
    let _second = pending.receive_url(url); //~ E0382
}

fn after_storing(pending: PendingLogin, uri: &http::Uri) {
    let _stored = pending.into_stored();
    let _returned = pending.receive(uri); //~ E0382
}

fn without_clients(stored: StoredLogin) {
    let _pending = PendingLogin::from_stored(stored); //~ E0061
}

fn main() {}
