//! Token exchange (RFC 8693): the request byte for byte, what is issued, and what a failure leaves.

use grantflow::{
    Client, Exchange, Exchanged, IssuedToken, Left, SecurityToken, Server, TokenExchange, TokenTypeIdentifier, Tokens,
};
use grantflow_testkit as testkit;

use crate::support::*;

mod failures;
mod issued;
mod requests;

const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// A subject token that some server issued.
fn subject() -> SecurityToken {
    SecurityToken::access_token("accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC").unwrap()
}

fn exchange(world: &World) -> TokenExchange {
    TokenExchange::new(&world.client, subject())
}

/// An answer with this `token_type` and this `issued_token_type`, as raw JSON, and more members.
fn answer(token_type: &str, issued: &str, more: &str) -> String {
    format!(r#"{{"access_token":"i-1","token_type":{token_type},"issued_token_type":{issued}{more}}}"#)
}

/// The result of an exchange that gets this answer.
fn exchanged(text: &str) -> Exchanged {
    let mut world = World::new();
    let exchange = exchange(&world);
    world.answer(exchange, json(200, text)).unwrap()
}

fn tokens(exchanged: Exchanged) -> Tokens {
    match exchanged {
        Exchanged::Tokens { tokens, .. } => *tokens,
        Exchanged::Issued(token) => panic!("no access token: {token:?}"),
    }
}

fn issued(exchanged: Exchanged) -> IssuedToken {
    match exchanged {
        Exchanged::Issued(token) => *token,
        Exchanged::Tokens { tokens, .. } => panic!("an access token: {tokens:?}"),
    }
}

fn uri(word: &str) -> String {
    format!("urn:ietf:params:oauth:token-type:{word}")
}

/// Against the testkit's server, with a subject token that it issued.
struct Service {
    provider: testkit::Server,
    client: Client,
}

impl Service {
    fn new() -> (Self, SecurityToken) {
        let mut provider = testkit::Server::new(ISSUER);
        provider.register(testkit::Client::confidential(ID, SECRET).scope("read write"));
        let server = Server::with_token_endpoint(&provider.token_url()).unwrap();
        let client = server.client(ID).secret_basic(SECRET).unwrap();
        let own = grantflow::ClientCredentials::new(&client).scope("read write").unwrap();
        let tokens = run_to_its_end(&mut provider, own).0.unwrap();
        let subject = SecurityToken::access_token(tokens.bearer().unwrap().expose_secret()).unwrap();
        (Self { provider, client: Client::from(&client) }, subject)
    }

    fn run<X: Exchange>(&mut self, exchange: X) -> Result<X::Output, grantflow::Failure<X>> {
        run_to_its_end(&mut self.provider, exchange).0
    }
}

#[test]
fn a_token_becomes_another_one_at_a_server() {
    let (mut service, subject) = Service::new();
    let exchange = TokenExchange::new(&service.client, subject.clone())
        .audience("stock")
        .and_then(|exchange| exchange.audience("orders"))
        .and_then(|exchange| exchange.resource("https://stock.example/api"))
        .and_then(|exchange| exchange.scope("read"))
        .unwrap();
    let exchanged = service.run(exchange).unwrap();
    assert_eq!(*exchanged.issued_token_type(), TokenTypeIdentifier::ACCESS_TOKEN);
    let tokens = tokens(exchanged);
    assert_ne!(tokens.bearer().unwrap().expose_secret(), subject.expose_secret());
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read");
    assert_eq!(tokens.resources(), ["https://stock.example/api"]);
    assert!(tokens.refresh_token().is_none());
    let hit = service.provider.log().last().unwrap();
    let audiences: Vec<_> =
        hit.parameters.iter().filter(|(name, _)| name == "audience").map(|(_, value)| value.as_str()).collect();
    assert_eq!(audiences, ["stock", "orders"]);
}

/// Each type that a server issues, and what it can be used for.
#[test]
fn what_a_server_issues_by_type() {
    for (wanted, usable, assertion) in [
        (TokenTypeIdentifier::ACCESS_TOKEN, true, false),
        (TokenTypeIdentifier::REFRESH_TOKEN, true, false),
        (TokenTypeIdentifier::ID_TOKEN, false, false),
        (TokenTypeIdentifier::JWT, false, true),
        (TokenTypeIdentifier::SAML1, false, false),
        (TokenTypeIdentifier::SAML2, false, true),
    ] {
        let (mut service, subject) = Service::new();
        let exchange = TokenExchange::new(&service.client, subject).requested_token_type(wanted.clone());
        let exchanged = service.run(exchange).unwrap();
        assert_eq!(*exchanged.issued_token_type(), wanted);
        assert_eq!(matches!(exchanged, Exchanged::Tokens { .. }), usable, "{wanted:?}");
        assert_eq!(exchanged.to_assertion().is_ok(), assertion, "{wanted:?}");
        // Each of them can be the subject of the next exchange. With a refresh token beside it, it is an access token.
        let next = exchanged.to_security_token();
        let is_beside = wanted == TokenTypeIdentifier::REFRESH_TOKEN;
        assert_eq!(*next.token_type(), if is_beside { TokenTypeIdentifier::ACCESS_TOKEN } else { wanted.clone() });
        let again = TokenExchange::new(&service.client, next).for_access_token();
        assert!(!service.run(again).unwrap().bearer().unwrap().expose_secret().is_empty(), "{wanted:?}");
    }
}

/// A service acts for a person, and the issued token says so (RFC 8693 §1.1).
#[test]
fn an_actor_takes_part_with_its_type() {
    let (mut service, subject) = Service::new();
    let actor = SecurityToken::jwt(service.provider.sign_jwt(ID, "stock")).unwrap();
    let exchange = TokenExchange::new(&service.client, subject.clone()).actor(actor).for_access_token();
    service.run(exchange).unwrap();
    let sent = service.provider.log().last().unwrap().parameters.clone();
    let types: Vec<_> = sent.iter().filter(|(name, _)| name == "actor_token_type").collect();
    assert_eq!(types, [&("actor_token_type".to_owned(), JWT.to_owned())]);
    // An actor that the server does not know is refused, and the exchange is still there.
    let stranger = SecurityToken::jwt(testkit::Server::new("https://b.example").sign_jwt(ID, "x")).unwrap();
    let failure = service.run(TokenExchange::new(&service.client, subject).actor(stranger)).unwrap_err();
    assert!(matches!(failure.left, Left::Intact(_)), "{failure:?}");
}

#[test]
fn tokens_of_an_exchange_are_stored_and_refreshed_like_all_others() {
    let (mut service, subject) = Service::new();
    service.provider.knobs().refresh_token_without_person = true;
    let exchange = TokenExchange::new(&service.client, subject)
        .resource("https://stock.example/api")
        .unwrap()
        .scope("read")
        .unwrap();
    let first = tokens(service.run(exchange).unwrap());
    let stored = serde_json::to_string(&first.into_stored()).unwrap();
    let restored = Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &service.client).unwrap();
    let second = service.run(restored.refresh().unwrap()).unwrap();
    assert_eq!(second.resources(), ["https://stock.example/api"]);
    let refresh = service.provider.log().last().unwrap();
    assert_eq!(refresh.grant_type.as_deref(), Some("refresh_token"));
    assert_eq!(refresh.resources, ["https://stock.example/api"]);
}
