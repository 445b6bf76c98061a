//! Refused: dropping a grant from elsewhere before it is built.
#![deny(unused_must_use)]

use grantflow::{Client, Error, Tokens};

fn migrate(client: &Client) -> Result<(), Error> {
    Tokens::of_refresh_token(client, "r")?; //~ unused_must_use
    Ok(())
}

fn main() {}
