//! Refused: making two grants of one pushed request.

use grantflow::*;

fn twice(exchange: PushedAuthorization, env: &mut Env<'_>, answers: [http::Response<Vec<u8>>; 2]) {
    let [first, second] = answers;
    let _redirect = exchange.respond(env, first);
    let _other = exchange.respond(env, second); //~ E0382
}

fn copied(exchange: &PushedAuthorization) -> PushedAuthorization {
    exchange.clone() //~ E0308
}

fn main() {}
