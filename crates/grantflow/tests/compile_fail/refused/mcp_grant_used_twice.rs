//! Refused: a grant for an MCP server that has two owners, or that is refreshed twice.

use grantflow_mcp::*;

fn cloned(grant: Grant) {
    let _copy = grant.clone(); //~ E0599
}

fn refreshed_twice(grant: Grant) {
    let _first = grant.refresh();
    let _second = grant.refresh(); //~ E0382
}

fn used_after_a_refresh(grant: Grant, request: &mut http::Request<()>) {
    let _exchange = grant.refresh();
    let _used = grant.authorize(request); //~ E0382
}

fn main() {}
