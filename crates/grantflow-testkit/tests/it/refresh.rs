use grantflow_testkit::{Client, Grant};

use super::*;

#[test]
fn rotation_spends_and_replay_revokes_the_family() {
    let mut server = server();
    let first = text(&login(&mut server), "refresh_token");
    let (status, second) = refresh(&mut server, &first);
    assert_eq!(status, 200);
    assert_ne!(text(&second, "refresh_token"), first);
    assert_eq!(get_user(&mut server, &text(&second, "access_token")), 200);

    let (status, body) = refresh(&mut server, &first);
    assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_grant"));
    assert_eq!(refresh(&mut server, &text(&second, "refresh_token")).0, 400);
    assert_eq!(get_user(&mut server, &text(&second, "access_token")), 401);
    assert_eq!(server.hits("refresh_token").count(), 3);
    assert_eq!(server.hits("refresh_token").filter(|hit| hit.issued).count(), 1);
}

#[test]
fn replay_may_be_forgiven() {
    let mut server = server();
    server.knobs().revoke_on_replay = false;
    let first = text(&login(&mut server), "refresh_token");
    let (_, second) = refresh(&mut server, &first);
    assert_eq!(refresh(&mut server, &first).0, 400);
    assert_eq!(refresh(&mut server, &text(&second, "refresh_token")).0, 200);

    server.knobs().refresh_grace = 30;
    let first = text(&login(&mut server), "refresh_token");
    assert_eq!(refresh(&mut server, &first).0, 200);
    server.advance(29);
    assert_eq!(refresh(&mut server, &first).0, 200);
    server.advance(1);
    assert_eq!(refresh(&mut server, &first).0, 400);
}

#[test]
fn without_rotation_the_token_stays() {
    let mut server = server();
    server.knobs().rotate = false;
    let token = text(&login(&mut server), "refresh_token");
    for _ in 0..2 {
        let (status, body) = refresh(&mut server, &token);
        assert_eq!((status, body.get("refresh_token")), (200, None));
    }
    server.knobs().repeat_refresh_token = true;
    assert_eq!(text(&refresh(&mut server, &token).1, "refresh_token"), token);
}

#[test]
fn scope_may_shrink_but_not_grow() {
    let mut server = server();
    let url = authorize_url(&server, &[("scope", "read write")]);
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    let token = text(&redeem(&mut server, &code).1, "refresh_token");
    let with = |server: &mut Server, token: &str, scope: &str| {
        let pairs = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", token), ("scope", scope)];
        post(server, &pairs)
    };
    assert_eq!(with(&mut server, &token, "read admin").1["error"], "invalid_scope");
    let (status, body) = with(&mut server, &token, "read");
    assert_eq!((status, text(&body, "scope").as_str()), (200, "read"));
    // The refresh token keeps its scope (RFC 6749 section 6).
    let token = text(&body, "refresh_token");
    assert_eq!(text(&refresh(&mut server, &token).1, "scope"), "read write");
}

#[test]
fn tokens_are_their_clients_and_expire() {
    let mut server = server();
    server.knobs().refresh_lifetime = Some(100);
    let token = text(&login(&mut server), "refresh_token");
    let pairs = [
        ("grant_type", "refresh_token"),
        ("client_id", "service"),
        ("client_secret", "s3cret"),
        ("refresh_token", token.as_str()),
    ];
    assert_eq!(post(&mut server, &pairs).1["error"], "invalid_grant");
    assert_eq!(refresh(&mut server, "").1["error"], "invalid_request");
    server.advance(99);
    let next = text(&refresh(&mut server, &token).1, "refresh_token");
    server.advance(100);
    assert_eq!(refresh(&mut server, &next).1["error"], "invalid_grant");
}

#[test]
fn refresh_tokens_can_be_withheld() {
    let mut server = server();
    server.knobs().issue_refresh_token = false;
    assert!(login(&mut server).get("refresh_token").is_none());
    server.knobs().issue_refresh_token = true;
    server.register(Client::public("app").redirect_uri(CALLBACK).grants(&[Grant::AuthorizationCode]));
    assert!(login(&mut server).get("refresh_token").is_none());
}

#[test]
fn all_can_be_revoked() {
    let mut server = server();
    let body = login(&mut server);
    server.revoke_access_tokens();
    assert_eq!(get_user(&mut server, &text(&body, "access_token")), 401);
    let (status, body) = refresh(&mut server, &text(&body, "refresh_token"));
    assert_eq!(status, 200);
    server.revoke_all();
    assert_eq!(refresh(&mut server, &text(&body, "refresh_token")).0, 400);
}
