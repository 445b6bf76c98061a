//! Refused: exchanging a code that does not come from a checked callback.

use grantflow::*;

fn make() -> CodeExchange {
    CodeExchange::new("code from somewhere") //~ E0624
}

fn convert(code: &str) -> CodeExchange {
    code.into() //~ E0277
}

fn main() {}
