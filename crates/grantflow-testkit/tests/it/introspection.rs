use grantflow_testkit::{ClientAuth, Misbehaviour as M};
use serde_json::json;

use super::*;

const SERVICE: [(&str, &str); 2] = [("client_id", "service"), ("client_secret", "s3cret")];

fn ask(server: &mut Server, token: &str) -> (u16, Value) {
    post_to(server, Endpoint::Introspection, &[SERVICE.as_slice(), &[("token", token)]].concat())
}

fn is_active(server: &mut Server, token: &str) -> bool {
    let (status, body) = ask(server, token);
    assert_eq!(status, 200, "{body}");
    let active = body["active"].as_bool().unwrap();
    // Nothing more is said of a token that is not active.
    assert!(active || body == json!({"active": false}), "{body}");
    active
}

#[test]
fn tells_all_of_an_access_token() {
    let mut server = server();
    let tokens = login(&mut server);
    server.advance(7);
    let token = text(&tokens, "access_token");
    let (status, body) = ask(&mut server, &token);
    assert_eq!(status, 200);
    assert_eq!(
        body,
        json!({
            "active": true, "scope": "read write", "client_id": "app", "username": "ada", "token_type": "Bearer",
            "exp": Server::START + 3600, "iat": Server::START, "nbf": Server::START, "sub": "ada",
            "aud": "https://as.example/api/user", "iss": "https://as.example", "jti": s256(&token),
            "auth_time": Server::START,
        })
    );
    let hit = server.log().last().unwrap();
    assert_eq!((hit.endpoint, hit.auth, hit.acted), (Some(Endpoint::Introspection), ClientAuth::Post, true));
    assert_eq!((hit.grant_type.as_deref(), hit.parameter("token")), (None, Some(token.as_str())));
}

#[test]
fn tells_of_other_tokens() {
    let mut server = server();
    let tokens = login(&mut server);
    let (_, body) = ask(&mut server, &text(&tokens, "refresh_token"));
    assert_eq!((&body["active"], &body["username"]), (&json!(true), &json!("ada")));
    assert_eq!((body.get("token_type"), body.get("exp")), (None, None));
    let own = text(&post(&mut server, &service_pairs()).1, "access_token");
    let (_, body) = ask(&mut server, &own);
    assert_eq!((&body["sub"], body.get("username"), body.get("auth_time")), (&json!("service"), None, None));
    let url = authorize_url(&server, &[("acr_values", "gold")]);
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    let token = text(&redeem(&mut server, &code).1, "access_token");
    assert_eq!(ask(&mut server, &token).1["acr"], "gold");
    server.knobs().refresh_lifetime = Some(60);
    let token = text(&login(&mut server), "refresh_token");
    assert_eq!(ask(&mut server, &token).1["exp"], Server::START + 60);
    // Without a scope there is none to tell of.
    server.register(Client::confidential("service", "s3cret"));
    let own = text(&post(&mut server, &service_pairs()).1, "access_token");
    assert_eq!(ask(&mut server, &own).1.get("scope"), None);
}

#[test]
fn tokens_become_inactive() {
    let mut server = server();
    assert!(!is_active(&mut server, "made-up"));
    let tokens = login(&mut server);
    let (access, first) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let second = text(&refresh(&mut server, &first).1, "refresh_token");
    assert!(is_active(&mut server, &access) && is_active(&mut server, &second));
    // Spent by rotation, but for a grace.
    assert!(!is_active(&mut server, &first));
    server.knobs().refresh_grace = 10;
    assert!(is_active(&mut server, &first));
    server.knobs().refresh_grace = 0;
    server.advance(3600);
    assert!(!is_active(&mut server, &access) && is_active(&mut server, &second));
    // Revoked with its family.
    refresh(&mut server, &first);
    assert!(!is_active(&mut server, &second));
    server.knobs().refresh_lifetime = Some(60);
    let token = text(&login(&mut server), "refresh_token");
    server.advance(59);
    assert!(is_active(&mut server, &token));
    server.advance(1);
    assert!(!is_active(&mut server, &token));
}

#[test]
fn the_audience_is_one_or_several_or_none() {
    let mut server = server();
    let resources = [("resource", "https://one.example/"), ("resource", "https://two.example/")];
    for (count, aud) in [
        (0, json!("https://as.example/api/user")),
        (1, json!("https://one.example/")),
        (2, json!(["https://one.example/", "https://two.example/"])),
    ] {
        let pairs = [service_pairs().as_slice(), &resources[..count]].concat();
        let token = text(&post(&mut server, &pairs).1, "access_token");
        assert_eq!(ask(&mut server, &token).1["aud"], aud);
    }
    // That of the login holds for what comes from it.
    let url = format!("{}&resource=https://one.example/", authorize_url(&server, &[]));
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    let token = text(&redeem(&mut server, &code).1, "refresh_token");
    assert_eq!(ask(&mut server, &token).1["aud"], "https://one.example/");
    for (audience, aud) in [(vec!["a"], json!("a")), (vec!["a", "b"], json!(["a", "b"])), (vec![], Value::Null)] {
        server.knobs().audience = Some(audience.into_iter().map(str::to_owned).collect());
        assert_eq!(ask(&mut server, &token).1["aud"], aud);
    }
}

#[test]
fn only_for_clients_that_authenticate() {
    let mut server = server();
    let token = text(&login(&mut server), "access_token");
    let token = ("token", token.as_str());
    for (pairs, status, error) in [
        (vec![token], 401, "invalid_client"),
        (vec![token, ("client_id", "app")], 401, "invalid_client"),
        (vec![token, ("client_id", "service"), ("client_secret", "x")], 401, "invalid_client"),
        (SERVICE.to_vec(), 400, "invalid_request"),
        ([SERVICE.as_slice(), &[token, token]].concat(), 400, "invalid_request"),
    ] {
        let (answered, body) = post_to(&mut server, Endpoint::Introspection, &pairs);
        assert_eq!((answered, text(&body, "error").as_str()), (status, error), "{pairs:?}");
    }
    let hinted = [SERVICE.as_slice(), &[token, ("token_type_hint", "refresh_token")]].concat();
    assert_eq!(post_to(&mut server, Endpoint::Introspection, &hinted).1["active"], true);
    let mut basic = form_request(&server, Endpoint::Introspection, &[token]);
    basic.headers_mut().insert("authorization", "Basic c2VydmljZTpzM2NyZXQ=".parse().unwrap());
    assert_eq!(read(&server.handle(&basic)).1["active"], true);
}

#[test]
fn answers_go_wrong_as_told() {
    let mut server = server();
    let token = text(&login(&mut server), "access_token");
    let all = M::all_at(Endpoint::Introspection);
    for how in [
        M::text("active", "true"),
        M::set("active", "1"),
        M::set("active", "null"),
        M::remove("active"),
        M::duplicate("active", "\"again\""),
        M::Array,
        M::error(200, "invalid_token"),
    ] {
        assert!(all.contains(&how), "{how:?}");
    }
    let at = Endpoint::Introspection;
    server.knobs().misbehave_at(at, M::text("active", "true")).misbehave_at(at, M::set("active", "false"));
    server.knobs().misbehave_at(at, M::error(200, "invalid_token")).misbehave_at(at, M::set("active", "true"));
    assert_eq!(ask(&mut server, &token).1["active"], "true");
    let (_, body) = ask(&mut server, &token);
    assert_eq!((&body["active"], &body["username"]), (&json!(false), &json!("ada")));
    assert_eq!(ask(&mut server, &token), (200, json!({"error": "invalid_token"})));
    // It is an answer and no refusal, so it can be edited.
    assert_eq!(ask(&mut server, "made-up").1, json!({"active": true}));
}
