//! Refused: a public client asking for client credentials.

use grantflow::*;

fn ask(client: &PublicClient) -> ClientCredentials {
    ClientCredentials::new(client)
}

fn main() {}
