//! Refused: two clients, with two ways to authenticate, from one registration.

use grantflow::*;

fn both(server: &Server) -> Result<(), Error> {
    let builder = server.client("id");
    let _post = builder.secret_post("a")?;
    let _basic = builder.secret_basic("a")?; //~ E0382
    Ok(())
}

fn main() {}
