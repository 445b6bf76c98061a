//! Refused: a public client that asks what a token is worth.

use grantflow::*;

fn ask(client: &PublicClient) -> Result<Introspection, Error> {
    Introspection::new(client, "token") //~ E0308
}

// Which kind of client this is has been forgotten, and cannot be claimed again.
fn ask_as_any(client: &Client) -> Result<Introspection, Error> {
    Introspection::new(client, "token") //~ E0308
}

fn main() {}
