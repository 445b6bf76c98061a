//! Refused: comparing secrets in variable time.

use grantflow::*;

fn same_tokens(a: &BearerToken, b: &BearerToken, c: &DpopToken, d: &DpopToken) {
    let _ = a == b; //~ E0369
    let _ = c == d; //~ E0369
}

fn same_texts(a: &RefreshToken, b: &RefreshToken, c: &ClientSecret, d: &ClientSecret) {
    let _ = a == b; //~ E0369
    let _ = c == d; //~ E0369
}

fn main() {}
