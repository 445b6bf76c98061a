//! Refused: answering a refresh twice, or giving it up after it was answered.

use grantflow::*;

fn twice(exchange: RefreshExchange, env: &mut Env<'_>, a: http::Response<Vec<u8>>, b: http::Response<Vec<u8>>) {
    let _first = exchange.respond(env, a);
    let _second = exchange.respond(env, b); //~ E0382
}

fn taken_back(exchange: RefreshExchange, env: &mut Env<'_>, answer: http::Response<Vec<u8>>) {
    let _new = exchange.respond(env, answer);
    let _old = exchange.into_tokens(); //~ E0382
}

fn main() {}
