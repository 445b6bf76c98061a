//! Refused: one server's client with another server's endpoints.

use grantflow::*;

fn mix(client: &ConfidentialClient, other: &Server, exchange: CodeExchange) {
    let _ = Authorization::new(client, other, "https://app.example/cb");
    let _ = exchange.token_endpoint("https://other.example/token");
}

fn main() {}
