//! Refused: a registered client that is neither used nor stored.

#![deny(unused_must_use)]

use grantflow::*;

fn registered(exchange: Registration, env: &mut Env<'_>, answer: http::Response<Vec<u8>>) -> Result<(), Error> {
    if let Step::Done(registered) = exchange.respond(env, answer)? {
        kept(registered); //~ unused_must_use
    }
    Ok(())
}

fn kept(registered: Registered) -> Registered {
    registered
}

fn stored(registered: Registered) {
    registered.into_stored(); //~ unused_must_use
}

fn main() {}
