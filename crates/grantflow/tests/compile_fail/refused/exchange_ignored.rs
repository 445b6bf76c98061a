//! Refused: ignoring an exchange. Nothing is sent until it is run, and a code or a refresh token is in it.

#![deny(unused_must_use)]
#![allow(path_statements)] // Warns of `code;`, too, and would only blur what this is about.

use grantflow::*;

fn ignore_code(code: CodeExchange) {
    code; //~ unused_must_use
}

fn ignore_code_with_a_parameter(code: CodeExchange) -> Result<(), Error> {
    code.param("audience", "api")?; //~ unused_must_use
    Ok(())
}

fn ignore_refresh(tokens: Tokens) -> Result<(), Error> {
    tokens.refresh()?; //~ unused_must_use
    Ok(())
}

fn ignore_credentials(client: &ConfidentialClient) {
    ClientCredentials::new(client); //~ unused_must_use
}

fn main() {}
