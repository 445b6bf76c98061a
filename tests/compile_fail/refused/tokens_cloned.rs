//! Refused: keeping a second refresh token.

use grantflow::*;

fn keep(tokens: &Tokens) -> Tokens {
    tokens.clone()
}

fn main() {}
