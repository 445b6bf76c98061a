//! Refused: starting a refresh from tokens that are consumed already.

use grantflow::*;

fn twice(tokens: Tokens) {
    let _first = tokens.refresh();
    let _second = tokens.refresh();
}

fn main() {}
