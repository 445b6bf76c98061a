//! Refused: reading the secret of a registered client, and a document with one.

use grantflow::*;

fn secret(registered: &Registered) {
    let _ = registered.client_secret(); //~ E0599
    let _ = registered.registration_access_token(); //~ E0599
    let _ = registered.secret; //~ E0616
}

fn itself(document: &ClientIdDocument, server: &Server) -> Result<ClientCredentials, Error> {
    let client = document.client(server)?;
    Ok(ClientCredentials::new(&client)) //~ E0308
}

fn main() {}
