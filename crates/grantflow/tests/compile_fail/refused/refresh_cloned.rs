//! Refused: keeping a second refresh exchange.

use grantflow::*;

fn keep(exchange: RefreshExchange) -> [RefreshExchange; 2] {
    [exchange.clone(), exchange] //~ E0599
}

fn main() {}
