//! The examples of the RFCs, from a data file.

use std::collections::VecDeque;

use grantflow::{Authorization, Callback, ClientCredentials, Env, Server};
use serde_json::Value;

use crate::support::*;

fn vectors(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../vectors/rfc.json")).unwrap();
    let found = all[kind].as_array().unwrap().clone();
    assert!(!found.is_empty());
    found
}

fn text<'v>(vector: &'v Value, name: &str) -> &'v str {
    vector[name].as_str().unwrap_or_else(|| panic!("{name} is missing in {vector}"))
}

fn server() -> Server {
    Server::new("https://server.example.com/authorize", "https://server.example.com/token").unwrap()
}

#[test]
fn basic_credentials() {
    for vector in vectors("basic") {
        let client = server().client(text(&vector, "id")).secret_basic(text(&vector, "secret")).unwrap();
        let request = World::new().request(&ClientCredentials::new(&client));
        assert_eq!(request.headers()["authorization"], text(&vector, "header"), "{}", vector["source"]);
    }
}

#[test]
fn authorization_and_code_requests() {
    for vector in vectors("authorization") {
        let client = server().client(text(&vector, "client_id")).public().unwrap();
        let authorization = Authorization::new(&client, text(&vector, "redirect_uri")).unwrap();
        let url = World::new().start(&authorization).url;
        assert!(url.as_str().starts_with(text(&vector, "start")), "{}: {}", vector["source"], url.as_str());
    }
    for vector in vectors("code_request") {
        let client = server().client(text(&vector, "client_id")).secret_basic("x").unwrap();
        let redirect_uri = text(&vector, "redirect_uri");
        let mut world = World::new();
        let start = world.start(&Authorization::new(&client, redirect_uri).unwrap());
        let state = parameter(start.url.as_str(), "state");
        let exchange =
            granted(start.pending.receive_url(&format!("{redirect_uri}?code={}&state={state}", text(&vector, "code"))));
        let request = world.request(&exchange);
        assert!(body(&request).starts_with(text(&vector, "body")), "{}: {}", vector["source"], body(&request));
    }
}

#[test]
fn callbacks() {
    for vector in vectors("callback") {
        let mut world = World::new();
        let (pending, state) = world.waiting();
        let callback = pending.receive_url(&format!("{REDIRECT_URI}?{}&state={state}", text(&vector, "query")));
        assert_eq!(verdict(&callback), text(&vector, "verdict"), "{}", vector["source"]);
        match callback {
            Callback::Granted(exchange) => {
                assert_eq!(parameter(&body(&world.request(&exchange)), "code"), text(&vector, "value"))
            }
            Callback::Denied(error) => assert_eq!(error.code().as_str(), text(&vector, "value")),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn token_answers_and_refreshes() {
    for vector in vectors("token_answer") {
        let mut world = World::new();
        let exchange = world.exchange();
        let outcome = world.answer(exchange, json(200, text(&vector, "body")));
        assert_eq!(outcome.is_err(), vector["refused"].as_bool().unwrap(), "{}", vector["source"]);
        let Ok(tokens) = outcome else { continue };
        assert_eq!(tokens.bearer().unwrap().expose_secret(), "2YotnFZFEjr1zCsicMWpAA");
        assert_eq!(tokens.expires_at().unwrap().saturating_since(NOW).as_secs(), 3600);
        #[derive(serde::Deserialize)]
        struct Example {
            example_parameter: String,
        }
        assert_eq!(tokens.extra::<Example>().unwrap().example_parameter, "example_value");
        let refresh = vectors("refresh_request").remove(0);
        assert_eq!(tokens.refresh_token().unwrap().expose_secret(), text(&refresh, "refresh_token"));
        let request = world.request(&tokens.refresh().unwrap());
        assert!(body(&request).starts_with(text(&refresh, "body")));
    }
}

#[test]
fn forms() {
    for vector in vectors("form") {
        let mut world = World::new();
        let url = world.start(&world.authorization().param("x", text(&vector, "text")).unwrap()).url;
        assert!(url.as_str().ends_with(&format!("&x={}", text(&vector, "encoded"))), "{}", url.as_str());
    }
}

/// Returns these octets in this order, in any portions, and then none.
struct Recorded(VecDeque<u8>);

impl grantflow::Entropy for Recorded {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
        for b in bytes {
            *b = self.0.pop_front().ok_or(grantflow::EntropyFailed)?;
        }
        Ok(())
    }
}

#[test]
fn pkce() {
    for vector in vectors("pkce") {
        let octets: Vec<u8> = serde_json::from_value(vector["octets"].clone()).unwrap();
        // The state is drawn first.
        let mut rng = Recorded([9; 32].into_iter().chain(octets).collect());
        let mut world = World::new();
        let start = world.authorization().start(&mut Env::new(NOW, &mut rng)).unwrap();
        assert!(rng.0.is_empty(), "not all that was drawn was used");
        let url = start.url.as_str();
        assert_eq!(parameter(url, "state"), "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk");
        assert_eq!(parameter(url, "code_challenge"), text(&vector, "challenge"), "{}", vector["source"]);
        assert_eq!(parameter(url, "code_challenge_method"), "S256");
        let callback = world.provider.visit(url).unwrap();
        let exchange = granted(start.pending.receive_url(&callback.url));
        let request = world.request(&exchange);
        assert_eq!(parameter(&body(&request), "code_verifier"), text(&vector, "verifier"), "{}", vector["source"]);
        assert!(world.run(exchange).is_ok());
        // The testkit's server is checked with the same vector, not with the core.
        assert_eq!(grantflow_testkit::s256(text(&vector, "verifier")), text(&vector, "challenge"));
    }
}
