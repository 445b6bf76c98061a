use grantflow_testkit::{Client, Decision, Grant, VisitError};
use http::Request;

use super::*;

/// The callback's parameters for an authorization request with these changes.
fn callback(server: &mut Server, changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let url = authorize_url(server, changes);
    server.visit(&url).unwrap().parameters()
}

fn error(server: &mut Server, changes: &[(&str, &str)]) -> String {
    let pairs = callback(server, changes);
    assert!(!pairs.iter().any(|(name, _)| name == "code"));
    let state = ("state".to_owned(), "the state".to_owned());
    let iss = ("iss".to_owned(), "https://as.example".to_owned());
    assert!(pairs.contains(&state) && pairs.contains(&iss), "{pairs:?}");
    let hit = server.log().last().unwrap();
    assert_eq!((hit.refused.as_ref(), hit.acted), (Some(&pairs[0].1), false));
    pairs[0].1.clone()
}

#[test]
fn success_carries_code_state_and_issuer() {
    let mut server = server();
    let pairs = callback(&mut server, &[("scope", "read")]);
    let names: Vec<_> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["code", "state", "iss"]);
    assert!(pairs[0].1.starts_with("code-"));
    assert_eq!(pairs[1].1, "the state");
    assert_eq!(pairs[2].1, "https://as.example");
    assert_eq!((&server.log()[0].refused, server.log()[0].acted), (&None, true));
}

#[test]
fn errors_go_to_the_callback_with_state_and_issuer() {
    let long = "a".repeat(44);
    let tilde = "~".repeat(43);
    for (changes, expected) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("response_mode", "fragment"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", &long), "invalid_request"),
        (("code_challenge", &tilde), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("scope", "read admin"), "invalid_scope"),
        (("scope", "read  write"), "invalid_scope"),
    ] {
        assert_eq!(error(&mut server(), &[changes]), expected, "{changes:?}");
    }
    let mut server = server();
    server.register(Client::public("app").redirect_uri(CALLBACK).grants(&[Grant::RefreshToken]));
    assert_eq!(error(&mut server, &[]), "unauthorized_client");
}

#[test]
fn the_person_decides() {
    let mut server = server();
    server.knobs().decision = Decision::Deny;
    assert_eq!(error(&mut server, &[]), "access_denied");
    server.knobs().decision = Decision::Fail("temporarily_unavailable".to_owned());
    assert_eq!(error(&mut server, &[]), "temporarily_unavailable");
}

#[test]
fn unknown_clients_and_redirects_see_a_page() {
    for changes in [
        ("client_id", "stranger"),
        ("client_id", ""),
        ("redirect_uri", "https://app.example/cb/"),
        ("redirect_uri", "https://attacker.example/cb"),
    ] {
        let mut server = server();
        let url = authorize_url(&server, &[changes]);
        assert!(matches!(server.visit(&url), Err(VisitError::Page { status: 400, .. })), "{changes:?}");
        let response = server.handle(&Request::get(&url).body("").unwrap());
        assert!(!response.headers().contains_key("location"));
        assert!(server.log().iter().all(|hit| hit.refused.as_deref() == Some("")));
    }
    let mut server = server();
    for twice in ["client_id=app", "redirect_uri=https://app.example/cb"] {
        let url = format!("{}&{twice}", authorize_url(&server, &[]));
        assert!(matches!(server.visit(&url), Err(VisitError::Page { status: 400, .. })));
    }
}

#[test]
fn duplicates_are_refused_but_resource_may_repeat() {
    let mut server = server();
    let url = format!("{}&scope=read&scope=read", authorize_url(&server, &[]));
    let callback = server.visit(&url).unwrap();
    assert_eq!(callback.parameter("error").as_deref(), Some("invalid_request"));
    let url = format!("{}&state=again", authorize_url(&server, &[]));
    let callback = server.visit(&url).unwrap();
    assert_eq!(callback.parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(callback.parameter("state"), None);
    let url = format!("{}&resource=x&resource=y", authorize_url(&server, &[]));
    assert!(server.visit(&url).unwrap().parameter("code").is_some());
    assert_eq!(server.log()[2].resources, ["x", "y"]);
    assert_eq!(server.log()[2].client_id.as_deref(), Some("app"));
}

#[test]
fn redirect_uri_may_be_left_out_where_there_is_one_only() {
    let mut server = server();
    let url = authorize_url(&server, &[("redirect_uri", "")]);
    let callback = server.visit(&url).unwrap();
    assert!(callback.url.starts_with("https://app.example/cb?code="));
    let code = callback.parameter("code").unwrap();
    let pairs = [
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("code", code.as_str()),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(post(&mut server, &pairs).0, 200);

    server.register(Client::public("app").redirect_uri(CALLBACK).redirect_uri("https://two.example/"));
    let url = authorize_url(&server, &[("redirect_uri", "")]);
    assert!(server.visit(&url).is_err());
}

#[test]
fn a_redirect_uri_keeps_its_query() {
    let mut server = server();
    let uri = "http://127.0.0.1/cb?tenant=1";
    server.register(Client::public("app").redirect_uri(uri));
    let url = authorize_url(&server, &[("redirect_uri", "http://127.0.0.1:4711/cb?tenant=1")]);
    let callback = server.visit(&url).unwrap();
    assert!(callback.url.starts_with("http://127.0.0.1:4711/cb?tenant=1&code=code-"));
    let request = callback.request().unwrap();
    assert_eq!((request.method().as_str(), request.uri().port_u16()), ("GET", Some(4711)));
}

#[test]
fn the_redirect_over_http() {
    let mut server = server();
    let url = authorize_url(&server, &[]);
    let response = server.handle(&Request::get(&url).body("").unwrap());
    assert_eq!(response.status(), 303);
    let location = response.headers()["location"].to_str().unwrap();
    assert!(location.starts_with("https://app.example/cb?code=code-"));
    assert!(location.ends_with("&state=the+state&iss=https%3A%2F%2Fas.example"));
}

#[test]
fn form_post_gives_a_page_that_posts() {
    let mut server = server();
    let state = "<\"&'>";
    let url = authorize_url(&server, &[("response_mode", "form_post"), ("state", state)]);
    let callback = server.visit(&url).unwrap();
    assert_eq!(callback.url, CALLBACK);
    assert_eq!(callback.parameter("state").as_deref(), Some(state));
    let request = callback.request().unwrap();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.body(), callback.body.as_ref().unwrap().as_bytes());

    let response = server.handle(&Request::get(&url).body("").unwrap());
    assert_eq!(response.status(), 200);
    let page = std::str::from_utf8(response.body()).unwrap();
    assert!(page.contains("action=\"https://app.example/cb\""));
    assert!(page.contains("name=\"state\" value=\"&lt;&quot;&amp;'&gt;\""));
    assert!(page.contains("name=\"code\" value=\"code-"));
}

#[test]
fn visits_go_to_this_server_only() {
    let mut server = server();
    let url = authorize_url(&server, &[]);
    for other in ["http://as.example", "https://as.example:444", "https://other.example"] {
        let url = url.replace("https://as.example/", &format!("{other}/"));
        assert_eq!(server.visit(&url), Err(VisitError::Elsewhere));
    }
    assert_eq!(server.visit("no url"), Err(VisitError::NotAUrl));
    assert!(server.log().is_empty());
    let missing = server.visit("https://as.example/nowhere");
    assert!(matches!(missing, Err(VisitError::Page { status: 404, .. })));
}

#[test]
fn wrong_methods_and_paths() {
    let mut server = server();
    for (method, url, status, allow) in [
        ("POST", server.authorize_url(), 405, "GET"),
        ("GET", server.token_url(), 405, "POST"),
        ("POST", server.resource_url(), 405, "GET"),
        ("GET", "https://as.example/api".to_owned(), 404, ""),
        ("GET", "https://as.example/api/user/".to_owned(), 404, ""),
    ] {
        let request = Request::builder().method(method).uri(&url).body("").unwrap();
        let response = server.handle(&request);
        assert_eq!(response.status(), status, "{method} {url}");
        let header = response.headers().get("allow").map_or("", |v| v.to_str().unwrap());
        assert_eq!(header, allow);
        assert_eq!(server.log().last().unwrap().status, Some(status));
    }
}

#[test]
fn the_base_url_may_have_a_path() {
    let mut server = Server::new("https://as.example/tenant");
    server.register(Client::public("app").redirect_uri(CALLBACK));
    assert_eq!(server.token_url(), "https://as.example/tenant/api/access_token");
    login(&mut server);
    assert_eq!(server.issuer(), "https://as.example/tenant");
    let mut slash = Server::new("https://as.example/");
    slash.register(Client::public("app").redirect_uri(CALLBACK));
    login(&mut slash);
    assert_eq!(slash.issuer(), "https://as.example/");
}
