use base64ct::{Base64, Encoding};
use grantflow_testkit::{Client, ClientAuth, Grant};

use super::*;

/// A client-credentials request with this `Authorization` and these more pairs.
fn send(server: &mut Server, authorization: &str, more: &[(&str, &str)]) -> Response<Vec<u8>> {
    let mut pairs = vec![("grant_type", "client_credentials")];
    pairs.extend(more);
    let mut request = token_request(server, &pairs);
    if !authorization.is_empty() {
        request.headers_mut().insert("authorization", authorization.parse().unwrap());
    }
    server.handle(&request)
}

fn basic(text: &str) -> String {
    format!("Basic {}", Base64::encode_string(text.as_bytes()))
}

#[test]
fn each_method_works_and_is_logged() {
    let mut server = server();
    let body = [("client_id", "service"), ("client_secret", "s3cret")];
    for (header, more, auth) in [
        (basic("service:s3cret"), &body[..0], ClientAuth::Basic),
        (basic("service:s3cret"), &body[..1], ClientAuth::Basic),
        (String::new(), &body[..], ClientAuth::Post),
    ] {
        let response = send(&mut server, &header, more);
        assert_eq!(response.status(), 200);
        let hit = server.log().last().unwrap();
        assert_eq!(hit.auth, auth);
        assert_eq!(hit.client_id.as_deref(), Some("service"));
        assert!(hit.issued);
        let (_, body) = read(&response);
        assert!(body.get("refresh_token").is_none());
        assert_eq!(body["scope"], "read write");
    }
}

#[test]
fn wrong_credentials_are_401() {
    let mut server = server();
    for (header, more) in [
        (basic("service:wrong"), vec![]),
        (basic("stranger:s3cret"), vec![]),
        (basic("service"), vec![]),
        (basic("service:s3cret"), vec![("client_id", "app")]),
        (basic("app:"), vec![]),
        ("Bearer x".to_owned(), vec![("client_id", "service")]),
        (String::new(), vec![]),
        (String::new(), vec![("client_id", "service")]),
        (String::new(), vec![("client_id", "service"), ("client_secret", "x")]),
        (String::new(), vec![("client_id", "app"), ("client_secret", "x")]),
    ] {
        let response = send(&mut server, &header, &more);
        let (status, body) = read(&response);
        assert_eq!((status, text(&body, "error").as_str()), (401, "invalid_client"), "{header}");
        let challenge = response.headers().get("www-authenticate");
        assert_eq!(challenge.is_some(), !header.is_empty());
        assert!(challenge.is_none_or(|value| value.to_str().unwrap().starts_with("Basic ")));
    }
}

#[test]
fn two_methods_are_refused() {
    let mut server = server();
    let more = [("client_id", "service"), ("client_secret", "s3cret")];
    let (status, body) = read(&send(&mut server, &basic("service:s3cret"), &more));
    assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_request"));
    assert_eq!(server.log()[0].auth, ClientAuth::Several);
    assert!(!server.log()[0].issued);
}

#[test]
fn basic_is_form_decoded_unless_raw() {
    let mut server = server();
    let secret = " %&+\u{a3}\u{20ac}:";
    server.register(Client::confidential("a b", secret));
    let right = basic("a+b:+%25%26%2B%C2%A3%E2%82%AC%3A");
    let naive = basic(&format!("a b:{secret}"));
    assert_eq!(send(&mut server, &right, &[]).status(), 200);
    assert_eq!(send(&mut server, &naive, &[]).status(), 401);
    server.knobs().raw_basic = true;
    assert_eq!(send(&mut server, &right, &[]).status(), 401);
    assert_eq!(send(&mut server, &naive, &[]).status(), 200);
}

#[test]
fn methods_can_be_switched_off() {
    let mut server = server();
    server.knobs().accept_basic = false;
    assert_eq!(send(&mut server, &basic("service:s3cret"), &[]).status(), 401);
    server.knobs().accept_post = false;
    assert_eq!(post(&mut server, &service_pairs()).0, 401);
}

#[test]
fn public_clients_get_no_client_credentials() {
    let mut server = server();
    let pairs = [("grant_type", "client_credentials"), ("client_id", "app")];
    let (status, body) = post(&mut server, &pairs);
    assert_eq!((status, text(&body, "error").as_str()), (400, "unauthorized_client"));
    assert_eq!(server.log()[0].auth, ClientAuth::Public);
    // Not even one that is registered for it.
    server.register(Client::public("app").grants(&[Grant::ClientCredentials]));
    assert_eq!(post(&mut server, &pairs).1["error"], "unauthorized_client");
    server.register(Client::confidential("service", "s3cret").grants(&[Grant::RefreshToken]));
    assert_eq!(post(&mut server, &service_pairs()).1["error"], "unauthorized_client");
}

#[test]
fn requests_are_read_strictly() {
    let mut server = server();
    let twice = [service_pairs().as_slice(), &[("scope", "read"), ("scope", "read")]].concat();
    assert_eq!(post(&mut server, &twice).1["error"], "invalid_request");
    let more = [service_pairs().as_slice(), &[("scope", "admin")]].concat();
    assert_eq!(post(&mut server, &more).1["error"], "invalid_scope");
    let no_grant = [("client_id", "service"), ("client_secret", "s3cret")];
    assert_eq!(post(&mut server, &no_grant).1["error"], "invalid_request");
    let odd_grant = [no_grant.as_slice(), &[("grant_type", "password")]].concat();
    assert_eq!(post(&mut server, &odd_grant).1["error"], "unsupported_grant_type");
    let resources = [service_pairs().as_slice(), &[("resource", "x"), ("resource", "y")]].concat();
    assert_eq!(post(&mut server, &resources).0, 200);
    assert_eq!(server.log().last().unwrap().resources, ["x", "y"]);
    // In the URL, a secret is as good as none (RFC 6749 section 2.3.1).
    let mut request = token_request(&server, &[]);
    *request.uri_mut() = format!("{}?{}", server.token_url(), form(&service_pairs())).parse().unwrap();
    assert_eq!(server.handle(&request).status(), 401);
}

#[test]
fn body_formats() {
    let mut server = server();
    let json = r#"{"grant_type":"client_credentials","client_id":"service","client_secret":"s3cret"}"#;
    let request =
        Request::post(server.token_url()).header("content-type", "application/json; charset=utf-8").body(json).unwrap();
    assert_eq!(server.handle(&request).status(), 400);
    server.knobs().accept_json = true;
    assert_eq!(server.handle(&request).status(), 200);
    assert_eq!(server.hits("client_credentials").count(), 1);
    server.knobs().accept_form = false;
    assert_eq!(post(&mut server, &service_pairs()).0, 400);
    let mut untyped = token_request(&server, &service_pairs());
    untyped.headers_mut().remove("content-type");
    assert_eq!(server.handle(&untyped).status(), 400);
}
