//! Refused: printing a secret by accident.

use grantflow::*;

fn print_tokens(tokens: &Tokens, access: &AccessToken, bearer: &BearerToken, dpop: &DpopToken) {
    println!("{tokens}"); //~ E0277
    println!("{access}"); //~ E0277
    println!("{bearer}"); //~ E0277
    println!("{dpop}"); //~ E0277
}

fn print_texts(refresh: &RefreshToken, id_token: &UnverifiedIdToken, secret: &ClientSecret, url: &AuthorizationUrl) {
    println!("{refresh}"); //~ E0277
    println!("{id_token}"); //~ E0277
    println!("{secret}"); //~ E0277
    println!("{url}"); //~ E0277
}

fn print_states(pending: &PendingCallback, stored: &StoredCallback, stored_tokens: &StoredTokens, body: &Body) {
    println!("{pending}"); //~ E0277
    println!("{stored}"); //~ E0277
    println!("{stored_tokens}"); //~ E0277
    println!("{body}"); //~ E0277
}

fn main() {}
