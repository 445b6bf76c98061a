//! Refused: a public client asking for client credentials.

use grantflow::*;

fn ask(client: &PublicClient) -> ClientCredentials {
    ClientCredentials::new(client) //~ E0308
}

// The kind of this client was forgotten, and cannot be claimed again.
fn ask_as_any(client: &Client) -> ClientCredentials {
    ClientCredentials::new(client) //~ E0308
}

fn main() {}
