use grantflow_testkit::Misbehaviour as M;

use super::*;

fn revoke(server: &mut Server, token: &str) -> u16 {
    let request = form_request(server, Endpoint::Revocation, &[("client_id", "app"), ("token", token)]);
    server.handle(&request).status().as_u16()
}

/// Access token and refresh token of a login.
fn tokens(server: &mut Server) -> (String, String) {
    let tokens = login(server);
    (text(&tokens, "access_token"), text(&tokens, "refresh_token"))
}

#[test]
fn a_refresh_token_takes_its_grant_with_it() {
    let mut server = server();
    let (access, first) = tokens(&mut server);
    let (other_access, other) = tokens(&mut server);
    let second = text(&refresh(&mut server, &first).1, "refresh_token");
    let request = form_request(&server, Endpoint::Revocation, &[("client_id", "app"), ("token", &second)]);
    let response = server.handle(&request);
    assert_eq!(response.status(), 200);
    assert!(response.body().is_empty() && !response.headers().contains_key("content-type"));
    assert!(server.log().last().unwrap().acted);
    assert_eq!(get_user(&mut server, &access), 401);
    assert_eq!(refresh(&mut server, &second).1["error"], "invalid_grant");
    assert_eq!(get_user(&mut server, &other_access), 200);
    assert_eq!(refresh(&mut server, &other).0, 200);
    // Again: it is no error to revoke what is revoked, or what was never there.
    assert_eq!(revoke(&mut server, &second), 200);
    assert_eq!(revoke(&mut server, "made-up"), 200);
}

#[test]
fn an_access_token_goes_alone_unless_told_otherwise() {
    let mut server = server();
    let (access, token) = tokens(&mut server);
    assert_eq!(revoke(&mut server, &access), 200);
    assert_eq!(get_user(&mut server, &access), 401);
    assert_eq!(refresh(&mut server, &token).0, 200);

    server.knobs().access_token_revokes_grant = true;
    let (access, token) = tokens(&mut server);
    assert_eq!(revoke(&mut server, &access), 200);
    assert_eq!(refresh(&mut server, &token).0, 400);

    server.knobs().revocable_access_tokens = false;
    let (access, token) = tokens(&mut server);
    let (status, body) = post_to(&mut server, Endpoint::Revocation, &[("client_id", "app"), ("token", &access)]);
    assert_eq!((status, text(&body, "error").as_str()), (400, "unsupported_token_type"));
    assert_eq!(get_user(&mut server, &access), 200);
    assert_eq!(revoke(&mut server, &token), 200);
    assert_eq!(get_user(&mut server, &access), 401);
}

#[test]
fn refuses_what_it_must() {
    let mut server = server();
    let (_, token) = tokens(&mut server);
    for (pairs, status, error) in [
        (vec![("token", token.as_str())], 401, "invalid_client"),
        (vec![("client_id", "stranger"), ("token", &token)], 401, "invalid_client"),
        (vec![("client_id", "service"), ("client_secret", "s3cret"), ("token", &token)], 400, "invalid_grant"),
        (vec![("client_id", "app")], 400, "invalid_request"),
        (vec![("client_id", "app"), ("token", &token), ("token", &token)], 400, "invalid_request"),
    ] {
        let (answered, body) = post_to(&mut server, Endpoint::Revocation, &pairs);
        assert_eq!((answered, text(&body, "error").as_str()), (status, error), "{pairs:?}");
    }
    assert_eq!(refresh(&mut server, &token).0, 200);
    // A hint that is wrong or unknown changes nothing.
    for hint in ["access_token", "made_up"] {
        let (_, token) = tokens(&mut server);
        let pairs = [("client_id", "app"), ("token", token.as_str()), ("token_type_hint", hint)];
        assert_eq!(post_to(&mut server, Endpoint::Revocation, &pairs).0, 200);
        assert_eq!(refresh(&mut server, &token).0, 400);
    }
}

#[test]
fn answers_go_wrong_as_told() {
    let mut server = server();
    let (_, token) = tokens(&mut server);
    let all = M::all_at(Endpoint::Revocation);
    let busy = |acts| M::RetryAfter { status: 503, value: "5".to_owned(), acts };
    for how in [
        busy(false),
        M::Html { status: 503, acts: false },
        M::Empty { status: 204, acts: true },
        M::error(400, "unsupported_token_type"),
        M::json(200, "{}"),
    ] {
        assert!(all.contains(&how), "{how:?}");
    }
    let at = Endpoint::Revocation;
    server.knobs().misbehave_at(at, busy(false)).misbehave_at(at, M::Html { status: 503, acts: false });
    assert_eq!([revoke(&mut server, &token), revoke(&mut server, &token)], [503, 503]);
    let token = text(&refresh(&mut server, &token).1, "refresh_token");
    // It answers 503, and yet has revoked.
    server.knobs().misbehave_at(at, busy(true)).misbehave_at(at, M::Empty { status: 204, acts: true });
    assert_eq!([revoke(&mut server, &token), revoke(&mut server, &token)], [503, 204]);
    assert_eq!(refresh(&mut server, &token).0, 400);
    server.knobs().misbehave_at(at, M::json(200, "{\"revoked\":true}"));
    let (_, body) = post_to(&mut server, at, &[("client_id", "app"), ("token", &token)]);
    assert_eq!(body["revoked"], true);
    assert!(server.sent_twice(at).is_some());
}
