//! Refused: a subject or an actor token without its type, and a type without its token (RFC 8693 §2.1).

use grantflow::*;

fn subject(client: &Client) -> TokenExchange {
    TokenExchange::new(client, "token") //~ E0308
}

fn actor(exchange: TokenExchange) -> TokenExchange {
    exchange.actor("token") //~ E0308
}

fn actor_type(exchange: TokenExchange) -> TokenExchange {
    exchange.actor(TokenTypeIdentifier::JWT) //~ E0308
}

fn type_of_no_kind() -> TokenTypeIdentifier {
    TokenTypeIdentifier("access_token".into()) //~ E0423
}

fn main() {}
