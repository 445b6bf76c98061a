//! Where the registration access token may go: the origin of the issuer, and of the registration endpoint.

use grantflow::{PlainHttp, RegistrationFault};

use super::*;

fn told(server: &Server, uri: &str) -> Registered {
    let answer = json!({ "client_id": "c", "registration_access_token": "t", "registration_client_uri": uri });
    let registration = Registration::new(server, app()).unwrap();
    World::new().answer(registration, json(201, &answer.to_string())).unwrap()
}

fn server(issuer: &str, endpoint: &str) -> Server {
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    server.issuer(issuer).unwrap().registration_endpoint(endpoint).unwrap()
}

#[test]
fn the_access_token_goes_to_the_issuer_or_to_where_the_client_registered() {
    let server = server("https://login.example/tenant", "https://api.example:8443/register");
    for good in [
        "https://login.example/register/c",
        "https://LOGIN.example:443/anything?client_id=c",
        "https://api.example:8443/register/c!$'()*;=",
    ] {
        let registered = told(&server, good);
        assert!(registered.is_manageable() && registered.tolerated().is_empty(), "{good}");
        let request = World::new().request(&registered.read().unwrap());
        assert_eq!(request.uri().to_string().to_lowercase(), good.to_lowercase());
    }
    for bad in [
        "https://as.example/register/c",
        "https://evil.example/register/c",
        "https://login.example.evil.example/c",
        "https://login.example@evil.example/c",
        "https://evil.example/login.example",
        "https://evil@login.example/c",
        "https://login.example:8443/c",
        "https://api.example/register/c",
        "https://x.login.example/c",
        "https://login.example./c",
        "http://login.example/c",
        "http://api.example:8443/register/c",
        "https://login.example/c#fragment",
        "https://login.example/c d",
        "//login.example/c",
        "/register/c",
        "ftp://login.example/c",
        "javascript:alert(1)",
        "https://127.0.0.1/c",
        "http://127.0.0.1/c",
        "http://localhost/c",
    ] {
        let registered = told(&server, bad);
        assert_eq!(registered.tolerated(), ["registration_client_uri"], "{bad}");
        let failure = registered.read().unwrap_err();
        let found = matches!(failure.error, Error::Misuse(Misuse::Registration(RegistrationFault::OtherOrigin)));
        assert!(found, "{bad}: {failure}");
        assert!(!failure.to_string().contains("evil"), "the server wrote it: {failure}");
    }
}

#[test]
fn a_later_answer_moves_the_place_only_within_the_server() {
    let server = server(ISSUER, "https://as.example/register");
    let registered = told(&server, "https://as.example/register/c");
    for (answer, expected) in [
        ("https://as.example/register/other", "https://as.example/register/other"),
        ("https://evil.example/register/c", "https://as.example/register/c"),
        ("http://as.example/register/c", "https://as.example/register/c"),
    ] {
        let copy = told(&server, "https://as.example/register/c");
        let answer = json!({ "client_id": "c", "registration_access_token": "new", "registration_client_uri": answer });
        let read = World::new().answer(copy.read().unwrap(), json(200, &answer.to_string())).unwrap();
        let request = World::new().request(&read.delete().unwrap());
        assert_eq!(request.uri(), expected);
        assert_eq!(request.headers()["authorization"], "Bearer new");
    }
    assert!(registered.is_manageable());
}

#[test]
fn plain_http_is_for_loopback_and_for_hosts_that_are_named() {
    let here = server("http://127.0.0.1:4000", "http://127.0.0.1:4000/register");
    assert!(told(&here, "http://127.0.0.1:4000/register/c").is_manageable());
    assert!(!told(&here, "http://127.0.0.1:4001/register/c").is_manageable());
    let network = PlainHttp::to("http://auth:8080").unwrap();
    let server = network.server_with_token_endpoint("http://auth:8080/token").unwrap();
    let server = server.issuer(ISSUER).unwrap().registration_endpoint("http://auth:8080/register").unwrap();
    assert!(told(&server, "http://auth:8080/register/c").is_manageable());
    assert!(!told(&server, "http://auth/register/c").is_manageable());
}
