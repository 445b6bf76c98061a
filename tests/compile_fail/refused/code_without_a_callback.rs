//! Refused: exchanging a code that did not come out of a checked callback.

use grantflow::*;

fn make() -> CodeExchange {
    CodeExchange::new("code from somewhere")
}

fn main() {}
