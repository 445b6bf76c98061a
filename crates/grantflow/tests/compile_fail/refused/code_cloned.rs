//! Refused: keeping a second code exchange.

use grantflow::*;

fn keep(exchange: CodeExchange) -> [CodeExchange; 2] {
    [exchange.clone(), exchange] //~ E0599
}

fn main() {}
