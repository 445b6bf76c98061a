//! Refused: answering a code exchange twice.

use grantflow::*;

fn twice(exchange: CodeExchange, env: &mut Env<'_>, a: http::Response<Vec<u8>>, b: http::Response<Vec<u8>>) {
    let _first = exchange.respond(env, a);
    let _second = exchange.respond(env, b);
}

fn main() {}
