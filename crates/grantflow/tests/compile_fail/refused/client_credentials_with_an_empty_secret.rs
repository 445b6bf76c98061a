//! Refused: client credentials of a client with an empty secret, which proves nothing.

use grantflow::*;

fn ask(server: &Server) -> Result<ClientCredentials, Error> {
    let client = server.client("app").empty_secret_basic()?;
    Ok(ClientCredentials::new(&client)) //~ E0308
}

fn main() {}
