//! Refused: two client authentication methods at once.

use grantflow::*;

fn both(server: &Server) -> Result<(), Error> {
    let _client = server.client("id").secret_post("a")?.secret_basic("a")?;
    Ok(())
}

fn main() {}
