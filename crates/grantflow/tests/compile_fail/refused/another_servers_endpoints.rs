//! Refused: one server's client with another server's endpoints.

use grantflow::*;

fn start(client: &ConfidentialClient, other: &Server) {
    let _ = Authorization::new(client, other, "https://app.example/cb"); //~ E0061
    let _ = ClientCredentials::new(client, other); //~ E0061
}

fn exchange(exchange: CodeExchange, tokens: Tokens, other: &Server) {
    let _ = exchange.token_endpoint("https://other.example/token"); //~ E0599
    let _ = tokens.refresh(other); //~ E0061
}

fn move_client(client: ConfidentialClient, other: &Server) {
    let _ = client.server(other); //~ E0599
}

fn main() {}
