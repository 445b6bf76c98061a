//! Refused: ignoring a failure. It may hold the grant.

#![deny(unused_must_use)]

use grantflow::*;

fn ignore(exchange: CodeExchange, env: &mut Env<'_>) {
    exchange.unanswered(env, Sent::NotSent).unwrap_err(); //~ unused_must_use
}

fn ignore_whether_it_failed(exchange: CodeExchange, env: &mut Env<'_>) {
    exchange.unanswered(env, Sent::NotSent); //~ unused_must_use
}

fn main() {}
