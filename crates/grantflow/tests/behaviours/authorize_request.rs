//! A Bearer token goes into a header, over TLS or to loopback, only to its origins.

use grantflow::{AuthorizeFault, Error, Misuse};
use http::{Request, header};

use crate::support::*;

fn fault(origins: &[&str], uri: &str) -> Option<AuthorizeFault> {
    let mut world =
        World::with(|server| origins.iter().fold(server, |server, origin| server.token_for(origin).unwrap()));
    let tokens = world.tokens();
    let mut request = Request::get(uri).body(()).unwrap();
    match tokens.bearer().unwrap().authorize(&mut request) {
        Ok(()) => {
            let value = &request.headers()[header::AUTHORIZATION];
            assert!(value.is_sensitive());
            assert_eq!(value.to_str().unwrap(), format!("Bearer {}", tokens.bearer().unwrap().expose_secret()));
            assert_eq!(request.uri(), uri, "the URI is left alone");
            None
        }
        Err(Error::Misuse(Misuse::Authorize(fault))) => {
            assert!(request.headers().is_empty(), "a refused request was changed");
            Some(fault)
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn only_over_tls_or_to_this_machine() {
    for good in ["https://api.example/x?y", "http://127.0.0.1:8080/", "http://[::1]/", "http://localhost:1/"] {
        assert_eq!(fault(&[], good), None, "{good}");
    }
    for bad in [
        "http://api.example/",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://2130706433/",
        "http://169.254.169.254/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
    ] {
        assert_eq!(fault(&[], bad), Some(AuthorizeFault::Insecure), "{bad}");
    }
    for bad in ["/relative", "ftp://api.example/", "*"] {
        assert_eq!(fault(&[], bad), Some(AuthorizeFault::NoOrigin), "{bad}");
    }
}

#[test]
fn only_to_the_origins_that_it_is_for() {
    let origins = ["https://api.example", "https://other.example:8443"];
    for good in ["https://api.example/", "https://API.EXAMPLE:443/x", "https://other.example:8443/"] {
        assert_eq!(fault(&origins, good), None, "{good}");
    }
    for bad in [
        "https://api.example:444/",
        "https://other.example/",
        "https://api.example.evil/",
        "https://evil.example/api.example",
        "https://sub.api.example/",
        "http://127.0.0.1/",
        "https://api.example./",
    ] {
        assert_eq!(fault(&origins, bad), Some(AuthorizeFault::OtherOrigin), "{bad}");
    }
    for bad in ["https://api.example@evil.example/", "https://user:pw@api.example/"] {
        assert_eq!(fault(&origins, bad), Some(AuthorizeFault::NoOrigin), "{bad}");
    }
}

#[test]
fn a_request_that_is_authorized_already_is_left_alone() {
    let mut world = World::new();
    let tokens = world.tokens();
    let mut request = Request::get("https://api.example/").header("authorization", "Basic x").body(()).unwrap();
    let refused = tokens.bearer().unwrap().authorize(&mut request).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::Authorize(AuthorizeFault::AlreadyAuthorized))));
    assert_eq!(request.headers()["authorization"], "Basic x");
}

#[test]
fn a_token_with_a_space_cannot_stand_in_the_header() {
    let mut world = World::new();
    let exchange = world.exchange();
    let tokens = world.answer(exchange, json(200, r#"{"access_token":"a b","token_type":"bearer"}"#)).unwrap();
    let mut request = Request::get("https://api.example/").body(()).unwrap();
    let refused = tokens.bearer().unwrap().authorize(&mut request).unwrap_err();
    assert!(matches!(refused, Error::Misuse(Misuse::Authorize(AuthorizeFault::NotAHeader))));
}

#[test]
fn the_binding_survives_refreshing_and_storing() {
    let mut world = World::with(|server| server.token_for("https://api.example").unwrap());
    let tokens = world.tokens();
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    let tokens = grantflow::Tokens::from_stored(tokens.into_stored(), &world.client).unwrap();
    let token = tokens.bearer().unwrap().clone();
    assert!(token.authorize(&mut Request::get("https://evil.example/").body(()).unwrap()).is_err());
    assert!(token.authorize(&mut Request::get("https://api.example/").body(()).unwrap()).is_ok());
}
