//! Dynamic client registration (RFC 7591) and its management (RFC 7592).

mod answers;
mod left;
mod management;
mod methods;
mod places;
mod stored;

use grantflow::{
    ClientMetadata, ClientMetadataFault, Discovery, Error, Exchange, Failure, Misuse, Registered, Registration, Server,
    UrlRole,
};
use grantflow_testkit::{self as testkit, Endpoint};
use http::Method;
use serde_json::{Value, json};

use crate::support::*;

/// A provider, and the server by its metadata.
fn registering() -> (testkit::Server, Server) {
    let mut provider = testkit::Server::new(ISSUER);
    let server = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap()).0.unwrap().server().unwrap();
    (provider, server)
}

fn app() -> ClientMetadata {
    ClientMetadata::new().client_name("Clubs").and_then(|new| new.redirect_uri(REDIRECT_URI)).unwrap()
}

fn registration(server: &Server) -> Registration {
    Registration::new(server, app()).unwrap()
}

fn registered(provider: &mut testkit::Server, server: &Server) -> Registered {
    run_to_its_end(provider, registration(server)).0.unwrap()
}

/// What a made-up answer to a registration gives.
fn answered(status: u16, answer: &str) -> Result<Registered, Failure<Registration>> {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let server = server.issuer(ISSUER).unwrap().registration_endpoint("https://as.example/register").unwrap();
    World::new().answer(registration(&server), json(status, answer))
}

/// The members of a request's JSON body.
fn sent(exchange: &impl Exchange) -> Value {
    serde_json::from_str(&body(&World::new().request(exchange))).unwrap()
}

#[test]
fn the_metadata_goes_to_the_registration_endpoint_as_json() {
    let (provider, server) = registering();
    let metadata = app()
        .client_name_in("ja", "クラブ")
        .and_then(|new| new.grant_types(&["authorization_code", "refresh_token"]))
        .and_then(|new| new.token_endpoint_auth_method("none"))
        .and_then(|new| new.scope("read write"))
        .and_then(|new| new.contacts(&["ops@app.example"]))
        .and_then(|new| new.software_id("4NRB1"))
        .and_then(|new| new.member("default_max_age", &3600))
        .unwrap();
    let exchange = Registration::new(&server, metadata).unwrap();
    let request = World::new().request(&exchange);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(*request.uri(), *provider.endpoint_url(Endpoint::Registration));
    assert_eq!(request.headers()["content-type"], "application/json");
    assert_eq!(request.headers()["accept"], "application/json");
    assert!(request.headers().get("authorization").is_none());
    let expected = json!({
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "application_type": "web",
        "client_name": "Clubs",
        "client_name#ja": "クラブ",
        "scope": "read write",
        "contacts": ["ops@app.example"],
        "software_id": "4NRB1",
        "default_max_age": 3600,
    });
    assert_eq!(sent(&exchange), expected);
}

#[test]
fn an_initial_access_token_is_a_bearer_token_that_no_one_sees() {
    let (mut provider, server) = registering();
    provider.knobs().initial_access_token = Some("initial-token".to_owned());
    let failure = run_to_its_end(&mut provider, registration(&server)).0.unwrap_err();
    assert!(failure.error.to_string().contains("initial access token"), "{failure}");
    let again = intact(failure, "registration endpoint", "without a token");
    let again = again.initial_access_token("initial-token").unwrap();
    let request = World::new().request(&again);
    assert_eq!(request.headers()["authorization"], "Bearer initial-token");
    assert!(request.headers()["authorization"].is_sensitive());
    assert!(run_to_its_end(&mut provider, again).0.is_ok());
    for (bad, misuse) in [
        ("", Misuse::EmptyToken),
        (" ", Misuse::EmptyToken),
        ("a b", Misuse::TokenCharacter),
        ("a\r\nb: c", Misuse::TokenCharacter),
        ("tökén", Misuse::TokenCharacter),
    ] {
        match registration(&server).initial_access_token(bad) {
            Err(Error::Misuse(found)) => assert_eq!(found, misuse, "{bad:?}"),
            other => panic!("{bad:?}: {other:?}"),
        }
    }
}

#[test]
fn a_registration_needs_an_endpoint_an_issuer_and_metadata_without_contradictions() {
    let bare = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let misuse = |server: &Server, metadata: ClientMetadata| match Registration::new(server, metadata) {
        Err(Error::Misuse(misuse)) => misuse,
        other => panic!("{other:?}"),
    };
    assert_eq!(misuse(&bare, app()), Misuse::NoEndpoint(UrlRole::Registration));
    let at = bare.registration_endpoint("https://as.example/register").unwrap();
    assert_eq!(misuse(&at, app()), Misuse::NoIssuer);
    let server = at.issuer(ISSUER).unwrap();
    let none = Misuse::ClientMetadata(ClientMetadataFault::NoRedirectUri);
    assert_eq!(misuse(&server, ClientMetadata::new()), none);
    let robot = ClientMetadata::new().grant_types(&["client_credentials"]).unwrap();
    assert_eq!(sent(&Registration::new(&server, robot.clone()).unwrap())["response_types"], json!([]));
    let both = robot.response_types(&["code"]).unwrap();
    assert_eq!(misuse(&server, both), Misuse::ClientMetadata(ClientMetadataFault::ResponseTypes));
    for bad in ["http://as.example/register", "https://as.example/register#x", "register"] {
        assert!(server.clone().registration_endpoint(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_registered_client_logs_in_with_each_kind_of_authentication() {
    for (method, auth) in [
        ("none", testkit::ClientAuth::Public),
        ("client_secret_basic", testkit::ClientAuth::Basic),
        ("client_secret_post", testkit::ClientAuth::Post),
    ] {
        let (mut provider, server) = registering();
        let metadata = app().token_endpoint_auth_method(method).unwrap();
        let registered = run_to_its_end(&mut provider, Registration::new(&server, metadata).unwrap()).0.unwrap();
        assert_eq!(registered.token_endpoint_auth_method(), Some(method));
        assert_eq!(registered.has_secret(), method != "none");
        let client = registered.client(&server).unwrap();
        assert_eq!(client.id(), registered.client_id());
        let authorization = grantflow::Authorization::new(&client, REDIRECT_URI).unwrap();
        let redirect = authorization.start(&mut grantflow::Env::new(NOW, &mut Dice(3))).unwrap();
        log_in(&mut provider, redirect);
        assert_eq!(provider.hits_at(Endpoint::Token).last().unwrap().auth, auth);
        let confidential = registered.confidential_client(&server);
        assert_eq!(confidential.is_ok(), method != "none", "{confidential:?}");
    }
}
