//! Refused: comparing secrets in variable time.

use grantflow::*;

fn same(a: &RefreshToken, b: &RefreshToken, c: &BearerToken, d: &BearerToken) -> bool {
    a == b || c == d
}

fn main() {}
