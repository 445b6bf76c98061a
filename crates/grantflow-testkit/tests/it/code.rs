use super::*;

fn redeem_with(server: &mut Server, code: &str, changes: &[(&str, &str)]) -> (u16, Value) {
    let mut pairs = vec![
        ("grant_type", "authorization_code"),
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("code", code),
        ("code_verifier", VERIFIER),
    ];
    for (name, value) in changes {
        pairs.retain(|(key, _)| key != name);
        pairs.push((name, value));
    }
    post(server, &pairs)
}

#[test]
fn a_code_gives_tokens() {
    let mut server = server();
    let code = code(&mut server);
    let request = token_request(
        &server,
        &[
            ("grant_type", "authorization_code"),
            ("client_id", "app"),
            ("redirect_uri", CALLBACK),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ],
    );
    let response = server.handle(&request);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let (status, body) = read(&response);
    assert_eq!(status, 200);
    assert!(text(&body, "access_token").starts_with("at-"));
    assert!(text(&body, "refresh_token").starts_with("rt-"));
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert_eq!(body["scope"], "read write");
    assert_eq!(get_user(&mut server, &text(&body, "access_token")), 200);
    let hit = server.hits("authorization_code").next().unwrap();
    assert_eq!(hit.parameter("code"), Some(code.as_str()));
    assert_eq!((hit.status, hit.issued, hit.at), (Some(200), true, Server::START));
}

#[test]
fn a_code_is_good_once_and_its_replay_revokes() {
    let mut server = server();
    let code = code(&mut server);
    let (_, first) = redeem(&mut server, &code);
    let (status, body) = redeem(&mut server, &code);
    assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_grant"));
    assert_eq!(get_user(&mut server, &text(&first, "access_token")), 401);
    assert_eq!(refresh(&mut server, &text(&first, "refresh_token")).0, 400);
    // Another login is another matter.
    let other = login(&mut server);
    assert_eq!(get_user(&mut server, &text(&other, "access_token")), 200);
}

#[test]
fn what_does_not_match_is_refused_and_spends_the_code() {
    let wrong = "a".repeat(43);
    for changes in [
        ("code_verifier", wrong.as_str()),
        ("code_verifier", "short"),
        ("code_verifier", ""),
        ("redirect_uri", "https://app.example/other"),
        ("redirect_uri", ""),
    ] {
        let mut server = server();
        let code = code(&mut server);
        let (status, body) = redeem_with(&mut server, &code, &[changes]);
        assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_grant"), "{changes:?}");
        assert_eq!(redeem(&mut server, &code).0, 400);
    }
    let mut server = server();
    assert_eq!(redeem(&mut server, "code-made-up").1["error"], "invalid_grant");
    assert_eq!(redeem(&mut server, "").1["error"], "invalid_request");
}

#[test]
fn a_code_is_its_clients() {
    let mut server = server();
    let code = code(&mut server);
    let changes = [("client_id", "service"), ("client_secret", "s3cret")];
    let (status, body) = redeem_with(&mut server, &code, &changes);
    assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_grant"));
    assert_eq!(redeem(&mut server, &code).0, 200, "the thief's attempt must not spend it");
}

#[test]
fn a_code_expires() {
    let mut server = server();
    let late = code(&mut server);
    server.advance(60);
    assert_eq!(redeem(&mut server, &late).1["error"], "invalid_grant");
    let just = code(&mut server);
    server.advance(59);
    assert_eq!(redeem(&mut server, &just).0, 200);
}

#[test]
fn a_malformed_verifier_is_refused_even_if_it_matches() {
    let mut server = server();
    let url = authorize_url(&server, &[("code_challenge", &s256("short"))]);
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    assert_eq!(redeem_with(&mut server, &code, &[("code_verifier", "short")]).1["error"], "invalid_grant");
}

#[test]
fn pkce_can_be_relaxed() {
    let mut server = server();
    server.knobs().require_pkce = false;
    let none = [("code_challenge", ""), ("code_challenge_method", "")];
    let url = authorize_url(&server, &none);
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    // A verifier that no challenge asked for means that someone removed the challenge.
    assert_eq!(redeem(&mut server, &code).1["error"], "invalid_grant");
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    assert_eq!(redeem_with(&mut server, &code, &[("code_verifier", "")]).0, 200);

    server.knobs().allow_plain_pkce = true;
    for method in ["", "plain"] {
        let plain = [("code_challenge", VERIFIER), ("code_challenge_method", method)];
        let url = authorize_url(&server, &plain);
        let code = server.visit(&url).unwrap().parameter("code").unwrap();
        assert_eq!(redeem(&mut server, &code).0, 200, "{method}");
    }
}
