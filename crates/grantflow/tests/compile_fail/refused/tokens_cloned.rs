//! Refused: keeping a second refresh token, alone or with its tokens.

use grantflow::*;

fn keep(tokens: Tokens) -> [Tokens; 2] {
    [tokens.clone(), tokens] //~ E0599
}

fn keep_stored(stored: StoredTokens) -> [StoredTokens; 2] {
    [stored.clone(), stored] //~ E0599
}

fn keep_refresh_token(token: RefreshToken) -> [RefreshToken; 2] {
    [token.clone(), token] //~ E0599
}

fn main() {}
