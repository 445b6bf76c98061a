//! The provider for which this library began: its documentation, request by request.

use std::time::Duration;

use grantflow::{Authorization, ClientCredentials, ConfidentialClient, Env, Exchange, Redirect, Server};

use crate::support::*;

const ANSWER: &str = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"at-1","refresh_token":"rt-1"}"#;

fn client() -> ConfidentialClient {
    let server =
        Server::new("https://api.trackmania.com/oauth/authorize", "https://api.trackmania.com/api/access_token")
            .unwrap();
    server.token_for("https://api.trackmania.com").unwrap().client("my-id").secret_post("my secret").unwrap()
}

#[test]
fn authorization_code_refresh_and_use() {
    let mut world = World::new();
    let client = client();
    let authorization = Authorization::new(&client, "https://app.example/cb").unwrap();
    let Redirect { url, pending } = world.start(&authorization.scope("read_favorite write_favorite").unwrap());
    let state = parameter(url.as_str(), "state");
    let challenge = parameter(url.as_str(), "code_challenge");
    assert_eq!(
        url.as_str(),
        format!(
            "https://api.trackmania.com/oauth/authorize?response_type=code&client_id=my-id\
             &redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=read_favorite+write_favorite\
             &state={state}&code_challenge={challenge}&code_challenge_method=S256"
        )
    );

    let exchange = granted(pending.receive(&format!("/cb?code=c0de&state={state}").parse().unwrap()));
    let request = world.request(&exchange);
    assert_eq!(
        (request.method().as_str(), request.uri().to_string().as_str()),
        ("POST", "https://api.trackmania.com/api/access_token")
    );
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()["accept"], "application/json");
    assert!(!request.headers().contains_key("authorization"), "the secret goes into the body");
    let verifier = parameter(&body(&request), "code_verifier");
    assert_eq!(grantflow_testkit::s256(&verifier), challenge);
    assert_eq!(
        body(&request),
        format!(
            "grant_type=authorization_code&code=c0de&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&code_verifier={verifier}\
             &client_id=my-id&client_secret=my+secret"
        )
    );

    let tokens = world.answer(exchange, json(200, ANSWER)).unwrap();
    assert_eq!(tokens.expires_at(), Some(world.now().saturating_add(Duration::from_secs(3600))));
    let mut call = http::Request::get("https://api.trackmania.com/api/user").body(()).unwrap();
    tokens.bearer().unwrap().authorize(&mut call).unwrap();
    assert_eq!(call.headers()["authorization"], "Bearer at-1");

    let exchange = tokens.refresh().unwrap();
    let request = world.request(&exchange);
    assert_eq!(body(&request), "grant_type=refresh_token&refresh_token=rt-1&client_id=my-id&client_secret=my+secret");
    let tokens = world.answer(exchange, json(200, &ANSWER.replace("-1", "-2"))).unwrap();
    assert_eq!(tokens.refresh_token().unwrap().expose_secret(), "rt-2");
    assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-2");
}

#[test]
fn client_credentials() {
    let mut world = World::new();
    let exchange = ClientCredentials::new(&client()).scope("clubs").unwrap();
    let mut rng = Dice(1);
    let request = exchange.request(&mut Env::new(NOW, &mut rng)).unwrap();
    assert_eq!(body(&request), "grant_type=client_credentials&scope=clubs&client_id=my-id&client_secret=my+secret");
    let answer = r#"{"token_type":"Bearer","expires_in":3600,"access_token":"at-1"}"#;
    let tokens = world.answer(exchange, json(200, answer)).unwrap();
    assert!(tokens.refresh_token().is_none());
}
