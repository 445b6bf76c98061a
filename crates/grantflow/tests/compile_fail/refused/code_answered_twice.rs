//! Refused: answering a code exchange twice.

use grantflow::*;

fn twice(exchange: CodeExchange, env: &mut Env<'_>, a: http::Response<Vec<u8>>, b: http::Response<Vec<u8>>) {
    let _first = exchange.respond(env, a);
    let _second = exchange.respond(env, b); //~ E0382
}

fn answered_and_unanswered(exchange: CodeExchange, env: &mut Env<'_>, answer: http::Response<Vec<u8>>) {
    let _first = exchange.unanswered(env, Sent::MaybeSent);
    let _second = exchange.respond(env, answer); //~ E0382
}

fn main() {}
