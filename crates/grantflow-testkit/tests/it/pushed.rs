use grantflow_testkit::{ClientAuth, Decision, Misbehaviour as M, VisitError};
use serde_json::json;

use super::*;

/// The authorization request of `app` as pairs, with these changed (empty: left out) or added.
fn pairs(server: &Server, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let url = authorize_url(server, changes);
    let (_, query) = url.split_once('?').unwrap();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn push(server: &mut Server, changes: &[(&str, &str)]) -> (u16, Value) {
    let pairs = pairs(server, changes);
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    post_to(server, Endpoint::PushedAuthorization, &pairs)
}

fn request_uri(server: &mut Server) -> String {
    let (status, body) = push(server, &[]);
    assert_eq!(status, 201, "{body}");
    text(&body, "request_uri")
}

fn url(server: &Server, pairs: &[(&str, &str)]) -> String {
    format!("{}?{}", server.authorize_url(), form(pairs))
}

fn is_page(server: &mut Server, url: &str) -> bool {
    matches!(server.visit(url), Err(VisitError::Page { status: 400, .. }))
}

#[test]
fn a_pushed_request_leads_to_a_code() {
    let mut server = server();
    let (status, body) = push(&mut server, &[("scope", "read")]);
    assert_eq!((status, &body["expires_in"]), (201, &json!(60)));
    let request_uri = text(&body, "request_uri");
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:par-"), "{request_uri}");
    assert_eq!(body.as_object().unwrap().len(), 2);
    let hit = server.log().last().unwrap();
    assert_eq!((hit.endpoint, hit.auth, hit.acted), (Some(Endpoint::PushedAuthorization), ClientAuth::Public, true));
    assert_eq!(hit.parameter("redirect_uri"), Some(CALLBACK));

    let url = url(&server, &[("client_id", "app"), ("request_uri", &request_uri)]);
    let callback = server.visit(&url).unwrap();
    assert!(callback.url.starts_with(CALLBACK));
    assert_eq!(callback.parameter("state").as_deref(), Some("the state"));
    assert_eq!(callback.parameter("iss").as_deref(), Some("https://as.example"));
    let (status, tokens) = redeem(&mut server, &callback.parameter("code").unwrap());
    assert_eq!((status, &tokens["scope"]), (200, &json!("read")));
    // It is good once.
    assert!(is_page(&mut server, &url));
}

#[test]
fn a_request_uri_is_for_its_client_and_for_a_while() {
    let mut server = server();
    let uri = request_uri(&mut server);
    for bad in [
        vec![("request_uri", uri.as_str())],
        vec![("client_id", "service"), ("request_uri", &uri)],
        vec![("client_id", "app"), ("request_uri", "urn:ietf:params:oauth:request_uri:made-up")],
        vec![("client_id", "app"), ("request_uri", &uri), ("state", "another")],
        vec![("client_id", "app"), ("request_uri", &uri), ("scope", "read")],
        vec![("client_id", "app"), ("request_uri", &uri), ("request_uri", &uri)],
        vec![("client_id", "app"), ("client_id", "app"), ("request_uri", &uri)],
    ] {
        let url = url(&server, &bad);
        assert!(is_page(&mut server, &url), "{bad:?}");
    }
    let good = url(&server, &[("client_id", "app"), ("request_uri", &uri)]);
    server.advance(59);
    assert!(server.visit(&good).is_ok());

    server.knobs().request_uri_lifetime = 5;
    let (_, body) = push(&mut server, &[]);
    assert_eq!(body["expires_in"], 5);
    let url = url(&server, &[("client_id", "app"), ("request_uri", &text(&body, "request_uri"))]);
    server.advance(5);
    assert!(is_page(&mut server, &url));
}

#[test]
fn the_person_decides_and_the_response_mode_holds() {
    let mut server = server();
    server.knobs().decision = Decision::Deny;
    let uri = request_uri(&mut server);
    let denied = url(&server, &[("client_id", "app"), ("request_uri", &uri)]);
    assert_eq!(server.visit(&denied).unwrap().parameter("error").as_deref(), Some("access_denied"));
    let (_, body) = push(&mut server, &[("response_mode", "form_post")]);
    let posted = url(&server, &[("client_id", "app"), ("request_uri", &text(&body, "request_uri"))]);
    assert!(server.visit(&posted).unwrap().body.is_some());
}

#[test]
fn pushed_requests_are_read_as_strictly_as_others() {
    let mut server = server();
    for (change, error) in [
        (("redirect_uri", "https://attacker.example/cb"), "invalid_request"),
        (("request_uri", "urn:x:y"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "admin"), "invalid_scope"),
    ] {
        let (status, body) = push(&mut server, &[change]);
        assert_eq!((status, text(&body, "error").as_str()), (400, error), "{change:?}");
        assert!(!server.log().last().unwrap().acted);
    }
}

#[test]
fn clients_authenticate_as_at_the_token_endpoint() {
    let mut server = server();
    let service = ("client_id", "service");
    for (changes, status) in [
        (vec![("client_id", "")], 401),
        (vec![("client_id", "stranger")], 401),
        (vec![service], 401),
        (vec![service, ("client_secret", "wrong")], 401),
        (vec![service, ("client_secret", "s3cret")], 201),
    ] {
        assert_eq!(push(&mut server, &changes).0, status, "{changes:?}");
    }
    // Basic names the client too, but the authorization request needs its own `client_id`.
    for (client_id, status) in [("", 400), ("service", 201), ("app", 401)] {
        let pairs = pairs(&server, &[("client_id", client_id)]);
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut request = form_request(&server, Endpoint::PushedAuthorization, &pairs);
        request.headers_mut().insert("authorization", "Basic c2VydmljZTpzM2NyZXQ=".parse().unwrap());
        assert_eq!(server.handle(&request).status(), status, "{client_id}");
    }
}

#[test]
fn a_server_can_demand_it() {
    let mut server = server();
    let document = |server: &mut Server| read(&get(server, Endpoint::ServerMetadata)).1;
    let announced = document(&mut server);
    assert_eq!(announced["pushed_authorization_request_endpoint"], server.endpoint_url(Endpoint::PushedAuthorization));
    assert_eq!(announced["require_pushed_authorization_requests"], false);
    server.knobs().require_pushed_authorization_requests = true;
    assert_eq!(document(&mut server)["require_pushed_authorization_requests"], true);

    let plain = authorize_url(&server, &[]);
    let callback = server.visit(&plain).unwrap();
    assert_eq!(callback.parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(callback.parameter("state").as_deref(), Some("the state"));
    let uri = request_uri(&mut server);
    let pushed = url(&server, &[("client_id", "app"), ("request_uri", &uri)]);
    assert!(server.visit(&pushed).unwrap().parameter("code").is_some());

    server.knobs().omit(Endpoint::PushedAuthorization);
    let announced = document(&mut server);
    assert_eq!(announced.get("pushed_authorization_request_endpoint"), None);
    assert_eq!(announced.get("require_pushed_authorization_requests"), None);
}

#[test]
fn request_uris_can_look_otherwise() {
    let mut server = server();
    server.knobs().request_uri_prefix = "https://as.example/requests/".to_owned();
    server.knobs().odd_characters = true;
    let uri = request_uri(&mut server);
    assert!(uri.starts_with("https://as.example/requests/par-") && uri.ends_with("+/~=="), "{uri}");
    let url = url(&server, &[("client_id", "app"), ("request_uri", &uri)]);
    assert!(server.visit(&url).is_ok());
}

#[test]
fn answers_go_wrong_as_told() {
    let mut server = server();
    let at = Endpoint::PushedAuthorization;
    let all = M::all_at(at);
    for how in [
        M::Status(200),
        M::remove("request_uri"),
        M::text("request_uri", ""),
        M::remove("expires_in"),
        M::text("request_uri", "http://as.example/requests/1"),
        M::error(400, "invalid_request"),
        M::Html { status: 503, acts: false },
    ] {
        assert!(all.contains(&how), "{how:?}");
    }
    server.knobs().misbehave_at(at, M::Status(200)).misbehave_at(at, M::remove("request_uri"));
    server.knobs().misbehave_at(at, M::error(503, "temporarily_unavailable"));
    assert_eq!(push(&mut server, &[]).0, 200);
    assert_eq!(push(&mut server, &[]).1, json!({"expires_in": 60}));
    assert_eq!(push(&mut server, &[]).0, 503);
    let acted: Vec<_> = server.hits_at(at).map(|hit| hit.acted).collect();
    assert_eq!(acted, [true, true, false]);
}
