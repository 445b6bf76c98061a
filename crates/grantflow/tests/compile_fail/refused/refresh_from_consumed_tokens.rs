//! Refused: starting a refresh from tokens that are consumed already.

use grantflow::*;

fn twice(tokens: Tokens) {
    let _first = tokens.refresh();
    let _second = tokens.refresh(); //~ E0382
}

fn after_storing(tokens: Tokens) {
    let _stored = tokens.into_stored();
    let _exchange = tokens.refresh(); //~ E0382
}

fn main() {}
