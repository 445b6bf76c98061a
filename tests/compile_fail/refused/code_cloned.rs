//! Refused: keeping a second code exchange.

use grantflow::*;

fn keep(exchange: &CodeExchange) -> CodeExchange {
    exchange.clone()
}

fn main() {}
