//! Refused: ignoring a step. It holds the tokens, or the next state.

#![deny(unused_must_use)]

use grantflow::*;

fn ignore(exchange: CodeExchange, env: &mut Env<'_>, answer: http::Response<Vec<u8>>) -> Result<(), Error> {
    exchange.respond(env, answer)?; //~ unused_must_use
    Ok(())
}

fn main() {}
