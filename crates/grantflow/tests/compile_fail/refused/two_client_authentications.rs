//! Refused: two client authentication methods at once.

use grantflow::*;

fn both(server: &Server) -> Result<(), Error> {
    let _client = server.client("id").secret_post("a")?.secret_basic("a")?; //~ E0599
    Ok(())
}

fn none_and_one(server: &Server) -> Result<(), Error> {
    let _client = server.client("id").public()?.secret_post("a")?; //~ E0599
    Ok(())
}

fn main() {}
