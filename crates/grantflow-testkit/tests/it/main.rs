//! The server's state machine and every knob, through the public API.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers."
)]

mod authorize;
mod backchannel;
mod callback;
mod client_auth;
mod code;
mod device;
mod endpoints;
mod exchange;
mod introspection;
mod knobs;
#[cfg(feature = "loopback")]
mod loopback;
mod metadata;
mod misbehaviour;
mod pushed;
mod refresh;
mod registration;
mod resource;
mod resource_metadata;
mod revocation;
mod targets;

use grantflow_testkit::{Client, Endpoint, Server, s256};
use http::{Request, Response};
use serde_json::Value;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CALLBACK: &str = "https://app.example/cb";

/// A server with the public client `app` and the confidential client `service`.
fn server() -> Server {
    let mut server = Server::new("https://as.example");
    server
        .register(Client::public("app").redirect_uri(CALLBACK).scope("read write"))
        .register(Client::confidential("service", "s3cret").redirect_uri(CALLBACK).scope("read write"));
    server
}

/// An authorization URL of the client `app` with these parameters changed (empty: left out) or added.
fn authorize_url(server: &Server, changes: &[(&str, &str)]) -> String {
    let challenge = s256(VERIFIER);
    let mut pairs = vec![
        ("response_type", "code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("state", "the state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        pairs.retain(|(key, _)| key != name);
        if !value.is_empty() {
            pairs.push((name, value));
        }
    }
    format!("{}?{}", server.authorize_url(), form(&pairs))
}

fn form(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn code(server: &mut Server) -> String {
    let url = authorize_url(server, &[]);
    server.visit(&url).unwrap().parameter("code").unwrap()
}

fn token_request(server: &Server, pairs: &[(&str, &str)]) -> Request<String> {
    form_request(server, Endpoint::Token, pairs)
}

fn form_request(server: &Server, endpoint: Endpoint, pairs: &[(&str, &str)]) -> Request<String> {
    Request::post(server.endpoint_url(endpoint))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form(pairs))
        .unwrap()
}

/// The status and, where it is JSON, the body.
fn post(server: &mut Server, pairs: &[(&str, &str)]) -> (u16, Value) {
    post_to(server, Endpoint::Token, pairs)
}

fn post_to(server: &mut Server, endpoint: Endpoint, pairs: &[(&str, &str)]) -> (u16, Value) {
    let request = form_request(server, endpoint, pairs);
    read(&server.handle(&request))
}

fn read(response: &Response<Vec<u8>>) -> (u16, Value) {
    let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    (response.status().as_u16(), body)
}

fn redeem(server: &mut Server, code: &str) -> (u16, Value) {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    post(server, &pairs)
}

fn refresh(server: &mut Server, token: &str) -> (u16, Value) {
    let pairs = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token)];
    post(server, &pairs)
}

/// A whole login of `app`: the token answer.
fn login(server: &mut Server) -> Value {
    let code = code(server);
    let (status, body) = redeem(server, &code);
    assert_eq!(status, 200, "{body}");
    body
}

fn service_pairs() -> [(&'static str, &'static str); 3] {
    [("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", "s3cret")]
}

fn text(body: &Value, member: &str) -> String {
    body[member].as_str().unwrap().to_owned()
}

fn get(server: &mut Server, endpoint: Endpoint) -> Response<Vec<u8>> {
    let request = Request::get(server.endpoint_url(endpoint)).body("").unwrap();
    server.handle(&request)
}

/// The status of the resource for this access token.
fn get_user(server: &mut Server, token: &str) -> u16 {
    let request =
        Request::get(server.resource_url()).header("authorization", format!("Bearer {token}")).body("").unwrap();
    server.handle(&request).status().as_u16()
}
