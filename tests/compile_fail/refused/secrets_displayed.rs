//! Refused: printing a secret by accident.

use grantflow::*;

fn print(
    refresh: &RefreshToken,
    bearer: &BearerToken,
    secret: &ClientSecret,
    url: &AuthorizationUrl,
    id_token: &UnverifiedIdToken,
    body: &Body,
) {
    println!("{refresh}");
    println!("{bearer}");
    println!("{secret}");
    println!("{url}");
    println!("{id_token}");
    println!("{body}");
}

fn main() {}
