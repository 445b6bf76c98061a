use grantflow_testkit::{Decision, Grant, Misbehaviour as M};
use serde_json::json;

use super::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn ask(server: &mut Server, pairs: &[(&str, &str)]) -> (u16, Value) {
    post_to(server, Endpoint::DeviceAuthorization, pairs)
}

/// The device code and the user code of `app`.
fn begin(server: &mut Server) -> (String, String) {
    let (status, body) = ask(server, &[("client_id", "app")]);
    assert_eq!(status, 200, "{body}");
    (text(&body, "device_code"), text(&body, "user_code"))
}

fn poll(server: &mut Server, device_code: &str) -> (u16, Value) {
    post(server, &[("grant_type", GRANT), ("client_id", "app"), ("device_code", device_code)])
}

/// Polls after so many seconds: the status and the error, if there is one.
fn poll_after(server: &mut Server, seconds: u64, device_code: &str) -> (u16, String) {
    server.advance(seconds);
    let (status, body) = poll(server, device_code);
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_device_gets_tokens_once_the_person_agrees() {
    let mut server = server();
    let (status, body) = ask(&mut server, &[("client_id", "app"), ("scope", "read")]);
    assert_eq!(status, 200);
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(1800), &json!(5)));
    let user_code = text(&body, "user_code");
    assert!(user_code.len() == 9 && user_code.as_bytes()[4] == b'-', "{user_code}");
    assert!(user_code.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ-".contains(c)), "{user_code}");
    assert_eq!(body["verification_uri"], "https://as.example/device");
    assert_eq!(body["verification_uri_complete"], format!("https://as.example/device?user_code={user_code}"));
    assert!(server.log()[0].acted && !server.log()[0].issued);

    let device_code = text(&body, "device_code");
    assert_eq!(poll_after(&mut server, 5, &device_code), (400, "authorization_pending".to_owned()));
    assert_eq!(server.log()[1].refused.as_deref(), Some("authorization_pending"));
    assert!(!server.log()[1].issued);
    assert!(server.approve(&user_code));
    server.advance(5);
    let (status, tokens) = poll(&mut server, &device_code);
    assert_eq!((status, &tokens["scope"], &tokens["token_type"]), (200, &json!("read"), &json!("Bearer")));
    assert!(server.log()[2].issued);
    assert_eq!(get_user(&mut server, &text(&tokens, "access_token")), 200);
    assert_eq!(refresh(&mut server, &text(&tokens, "refresh_token")).0, 200);
    // The code is used up.
    assert_eq!(poll_after(&mut server, 5, &device_code), (400, "invalid_grant".to_owned()));
    assert_eq!(server.hits(GRANT).count(), 3);
}

#[test]
fn the_person_can_say_no() {
    let mut server = server();
    let (device_code, user_code) = begin(&mut server);
    assert!(server.deny(&user_code));
    for _ in 0..2 {
        assert_eq!(poll_after(&mut server, 5, &device_code), (400, "access_denied".to_owned()));
    }
    assert!(!server.approve(&user_code));
}

#[test]
fn polls_too_soon_lengthen_the_interval_for_good() {
    let mut server = server();
    let (device_code, _) = begin(&mut server);
    let slow_down = (400, "slow_down".to_owned());
    let pending = (400, "authorization_pending".to_owned());
    // The device answer counts as the poll before the first.
    assert_eq!(poll_after(&mut server, 4, &device_code), slow_down);
    assert_eq!(poll_after(&mut server, 9, &device_code), slow_down);
    assert_eq!(poll_after(&mut server, 15, &device_code), pending);
    assert_eq!(poll_after(&mut server, 14, &device_code), slow_down);
    assert_eq!(poll_after(&mut server, 20, &device_code), pending);
    assert_eq!(server.log().last().unwrap().refused.as_deref(), Some("authorization_pending"));

    server.knobs().enforce_interval = false;
    assert_eq!(poll_after(&mut server, 0, &device_code), pending);
}

#[test]
fn a_decision_comes_before_the_interval() {
    let mut server = server();
    let (device_code, user_code) = begin(&mut server);
    assert!(server.approve(&user_code));
    assert_eq!(poll(&mut server, &device_code).0, 200);
}

#[test]
fn codes_expire() {
    let mut server = server();
    server.knobs().device_expires_in = 60;
    let (device_code, user_code) = begin(&mut server);
    assert_eq!(server.pending_user_codes(), std::slice::from_ref(&user_code));
    assert_eq!(poll_after(&mut server, 59, &device_code).1, "authorization_pending");
    assert_eq!(poll_after(&mut server, 1, &device_code), (400, "expired_token".to_owned()));
    assert!(!server.approve(&user_code) && !server.deny(&user_code));
    assert!(server.pending_user_codes().is_empty());
    // Agreed, but fetched too late.
    let (device_code, user_code) = begin(&mut server);
    assert!(server.approve(&user_code));
    assert_eq!(poll_after(&mut server, 60, &device_code).1, "expired_token");
}

#[test]
fn user_codes_are_compared_without_case_and_dashes() {
    let mut server = server();
    let (_, first) = begin(&mut server);
    let (device_code, second) = begin(&mut server);
    assert_ne!(first, second);
    assert_eq!(server.pending_user_codes().len(), 2);
    assert!(!server.approve("") && !server.approve("BCDF-BCDF"));
    assert!(server.approve(&format!(" {} ", second.to_lowercase().replace('-', ""))));
    assert!(!server.approve(&second));
    assert_eq!(server.pending_user_codes(), [first]);
    assert_eq!(poll_after(&mut server, 5, &device_code).0, 200);
}

#[test]
fn the_person_can_decide_at_a_poll() {
    let mut server = server();
    server.knobs().decide_at_poll = Some(3);
    for (decision, error) in [
        (Decision::Approve, ""),
        (Decision::Deny, "access_denied"),
        (Decision::Fail("server_error".to_owned()), "server_error"),
    ] {
        server.knobs().decision = decision;
        let (device_code, _) = begin(&mut server);
        for _ in 0..2 {
            assert_eq!(poll_after(&mut server, 5, &device_code).1, "authorization_pending");
        }
        assert_eq!(poll_after(&mut server, 5, &device_code).1, error);
    }
}

#[test]
fn the_login_is_the_decision() {
    let mut server = server();
    server.knobs().required_max_age = Some(60);
    let (device_code, user_code) = begin(&mut server);
    server.advance(100);
    assert!(server.approve(&user_code));
    server.advance(60);
    let (_, tokens) = poll(&mut server, &device_code);
    assert_eq!(get_user(&mut server, &text(&tokens, "access_token")), 200);
    server.advance(1);
    assert_eq!(get_user(&mut server, &text(&tokens, "access_token")), 401);
}

#[test]
fn unusual_servers() {
    let mut server = server();
    server.knobs().device_interval = None;
    server.knobs().verification_uri_complete = false;
    let (_, body) = ask(&mut server, &[("client_id", "app")]);
    assert_eq!((body.get("interval"), body.get("verification_uri_complete")), (None, None));
    let device_code = text(&body, "device_code");
    server.knobs().pending_status = 200;
    server.knobs().slow_down_status = 429;
    // Five seconds are meant where none are named.
    assert_eq!(poll_after(&mut server, 4, &device_code), (429, "slow_down".to_owned()));
    assert_eq!(poll_after(&mut server, 10, &device_code), (200, "authorization_pending".to_owned()));
    assert!(!server.log().last().unwrap().issued);
    server.knobs().device_interval = Some(0);
    let (device_code, _) = begin(&mut server);
    assert_eq!(poll_after(&mut server, 0, &device_code).1, "authorization_pending");
}

#[test]
fn refuses_what_it_must() {
    let mut server = server();
    let (device_code, user_code) = begin(&mut server);
    assert!(server.approve(&user_code));
    for (pairs, status, error) in [
        (vec![], 401, "invalid_client"),
        (vec![("client_id", "stranger")], 401, "invalid_client"),
        (vec![("client_id", "service")], 401, "invalid_client"),
        (vec![("client_id", "service"), ("client_secret", "x")], 401, "invalid_client"),
        (vec![("client_id", "app"), ("scope", "admin")], 400, "invalid_scope"),
        (vec![("client_id", "app"), ("scope", "read"), ("scope", "read")], 400, "invalid_request"),
    ] {
        let (answered, body) = ask(&mut server, &pairs);
        assert_eq!((answered, text(&body, "error").as_str()), (status, error), "{pairs:?}");
    }
    for (pairs, error) in [
        (vec![("client_id", "app")], "invalid_request"),
        (vec![("client_id", "app"), ("device_code", "made-up")], "invalid_grant"),
        (vec![("client_id", "service"), ("client_secret", "s3cret"), ("device_code", &device_code)], "invalid_grant"),
    ] {
        let pairs = [&[("grant_type", GRANT)], pairs.as_slice()].concat();
        assert_eq!(post(&mut server, &pairs).1["error"], error, "{pairs:?}");
    }
    assert_eq!(poll(&mut server, &device_code).0, 200);
    server.register(Client::public("app").grants(&[Grant::AuthorizationCode]));
    assert_eq!(ask(&mut server, &[("client_id", "app")]).1["error"], "unauthorized_client");
    server.knobs().omit(Endpoint::DeviceAuthorization);
    assert_eq!(poll(&mut server, &device_code).1["error"], "unsupported_grant_type");
}

#[test]
fn announced_where_it_is_there() {
    let mut server = server();
    let document = read(&get(&mut server, Endpoint::ServerMetadata)).1;
    let url = server.endpoint_url(Endpoint::DeviceAuthorization);
    assert_eq!(document["device_authorization_endpoint"], url);
    assert!(document["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
    server.knobs().omit(Endpoint::DeviceAuthorization);
    let document = read(&get(&mut server, Endpoint::ServerMetadata)).1;
    assert_eq!(document.get("device_authorization_endpoint"), None);
    assert!(!document["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
}

#[test]
fn a_browser_can_decide() {
    let mut server = server();
    let url = server.endpoint_url(Endpoint::Verification);
    for decision in ["approve", "deny"] {
        let (device_code, user_code) = begin(&mut server);
        let opened = Request::get(format!("{url}?user_code={user_code}")).body("").unwrap();
        let page = server.handle(&opened);
        assert!(String::from_utf8_lossy(page.body()).contains(&format!("value=\"{user_code}\"")));
        // To open the page decides nothing.
        assert_eq!(server.pending_user_codes(), std::slice::from_ref(&user_code));
        let pairs = [("user_code", user_code.as_str()), ("decision", decision)];
        assert_eq!(post_to(&mut server, Endpoint::Verification, &pairs).0, 200);
        assert_eq!(post_to(&mut server, Endpoint::Verification, &pairs).0, 400);
        let acted: Vec<_> = server.hits_at(Endpoint::Verification).map(|hit| hit.acted).collect();
        assert_eq!(acted, [true, true, false]);
        server.clear_log();
        let expected = if decision == "approve" { 200 } else { 400 };
        assert_eq!(poll_after(&mut server, 5, &device_code).0, expected);
    }
    let odd = Request::get(format!("{url}?user_code=%22%3E%3Cscript%3E")).body("").unwrap();
    assert!(!String::from_utf8_lossy(server.handle(&odd).body()).contains("<script>"));
    let (_, user_code) = begin(&mut server);
    assert_eq!(post_to(&mut server, Endpoint::Verification, &[("user_code", &user_code)]).0, 400);
    assert_eq!(server.pending_user_codes(), [user_code]);
}

#[test]
fn answers_go_wrong_as_told() {
    let mut server = server();
    for how in [
        M::set("interval", "0"),
        M::set("interval", "-1"),
        M::set("interval", "\"5\""),
        M::set("interval", "1000000000"),
        M::set("expires_in", "0"),
        M::remove("expires_in"),
        M::text("verification_uri", "javascript:alert(1)"),
        M::rename("verification_uri", "verification_url"),
        M::text("user_code", ""),
        M::set("device_code", "null"),
        M::error(400, "unauthorized_client"),
        M::error(429, "slow_down"),
    ] {
        assert!(M::all_at(Endpoint::DeviceAuthorization).contains(&how), "{how:?}");
    }
    server.knobs().misbehave_at(Endpoint::DeviceAuthorization, M::set("interval", "\"5\""));
    server.knobs().misbehave_at(Endpoint::DeviceAuthorization, M::rename("verification_uri", "verification_url"));
    assert_eq!(ask(&mut server, &[("client_id", "app")]).1["interval"], "5");
    let (_, body) = ask(&mut server, &[("client_id", "app")]);
    assert_eq!((body.get("verification_uri"), &body["verification_url"]), (None, &json!("https://as.example/device")));
    let refused = M::error(400, "invalid_client");
    server.knobs().misbehave_at(Endpoint::DeviceAuthorization, refused);
    assert_eq!(ask(&mut server, &[("client_id", "app")]), (400, json!({"error": "invalid_client"})));
    assert_eq!(server.pending_user_codes().len(), 2);
}

#[test]
fn polls_go_wrong_as_told() {
    let mut server = server();
    let (device_code, user_code) = begin(&mut server);
    assert!(server.approve(&user_code));
    for how in [
        M::error(200, "authorization_pending"),
        M::error(429, "slow_down"),
        M::error_with_retry_after(429, "slow_down", "5"),
        M::RetryAfter { status: 503, value: "5".to_owned(), acts: false },
    ] {
        assert!(M::polls().contains(&how), "{how:?}");
    }
    server.knobs().misbehave(M::error(200, "authorization_pending"));
    server.knobs().misbehave(M::error_with_retry_after(429, "slow_down", "7"));
    assert_eq!(poll_after(&mut server, 5, &device_code), (200, "authorization_pending".to_owned()));
    let request = token_request(&server, &[("grant_type", GRANT), ("client_id", "app"), ("device_code", &device_code)]);
    let response = server.handle(&request);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(read(&response), (429, json!({"error": "slow_down"})));
    // Pending for ever, even after the person has agreed and the code has expired.
    server.knobs().always_at(Endpoint::Token, M::error(400, "authorization_pending"));
    for _ in 0..3 {
        assert_eq!(poll_after(&mut server, 3600, &device_code).1, "authorization_pending");
    }
    // An answer that is lost after the tokens were issued: the code is spent.
    server.knobs().behave_at(Endpoint::Token);
    let (device_code, user_code) = begin(&mut server);
    assert!(server.approve(&user_code));
    server.knobs().misbehave(M::Lost { acts: true });
    let request = token_request(&server, &[("grant_type", GRANT), ("client_id", "app"), ("device_code", &device_code)]);
    assert!(server.try_handle(&request).is_none());
    assert_eq!(poll_after(&mut server, 5, &device_code).1, "invalid_grant");
}
