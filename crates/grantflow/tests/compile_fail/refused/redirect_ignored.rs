//! Refused: ignoring a redirect. It holds the grant that waits for the person.

#![deny(unused_must_use)]

use grantflow::*;

fn ignore(authorization: &Authorization, env: &mut Env<'_>) -> Result<(), Error> {
    authorization.start(env)?; //~ unused_must_use
    Ok(())
}

fn ignore_whether_it_started(authorization: &Authorization, env: &mut Env<'_>) {
    authorization.start(env); //~ unused_must_use
}

fn main() {}
