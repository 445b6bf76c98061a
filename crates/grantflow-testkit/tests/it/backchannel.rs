use grantflow_testkit::{Decision, Grant, Misbehaviour as M};
use serde_json::json;

use super::*;

const GRANT: &str = "urn:openid:params:grant-type:ciba";
const TOKEN: &str = "8d67dc78-7faa-4d41-aabd-67707b374255";

/// The client `bank`, which polls.
fn bank() -> Server {
    let mut server = server();
    server.register(Client::confidential("bank", "s3cret").scope("openid payments"));
    server
}

/// The same, with pings.
fn pinged_bank() -> Server {
    let mut server = server();
    let bank = Client::confidential("bank", "s3cret").scope("openid payments");
    server.register(bank.ping_at("https://bank.example/pings"));
    server
}

fn ask(server: &mut Server, pairs: &[(&str, &str)]) -> (u16, Value) {
    let own = [("client_id", "bank"), ("client_secret", "s3cret"), ("scope", "openid")];
    let own = own.into_iter().filter(|(name, _)| pairs.iter().all(|(other, _)| other != name));
    let pairs: Vec<_> = own.chain(pairs.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
    post_to(server, Endpoint::BackchannelAuthentication, &pairs)
}

/// The id of a request for this person.
fn begin(server: &mut Server, person: &str) -> String {
    let (status, body) = ask(server, &[("login_hint", person), ("client_notification_token", TOKEN)]);
    assert_eq!(status, 200, "{body}");
    text(&body, "auth_req_id")
}

fn poll(server: &mut Server, id: &str) -> (u16, Value) {
    let client = [("client_id", "bank"), ("client_secret", "s3cret")];
    post(server, &[&[("grant_type", GRANT), ("auth_req_id", id)], client.as_slice()].concat())
}

/// Polls after so many seconds: the status and the error, if there is one.
fn poll_after(server: &mut Server, seconds: u64, id: &str) -> (u16, String) {
    server.advance(seconds);
    let (status, body) = poll(server, id);
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn the_client_gets_tokens_once_the_person_agrees() {
    let mut server = bank();
    let (status, body) = ask(&mut server, &[("login_hint", "ada"), ("scope", "openid payments")]);
    assert_eq!((status, &body["expires_in"], &body["interval"]), (200, &json!(1800), &json!(5)));
    assert!(server.log()[0].acted && !server.log()[0].issued);
    let id = text(&body, "auth_req_id");
    assert_eq!(poll_after(&mut server, 5, &id), (400, "authorization_pending".to_owned()));
    assert_eq!(server.pending_requests(), ["ada"]);
    assert!(!server.approve_request("grace") && server.approve_request("ada") && !server.approve_request("ada"));
    assert!(server.take_pings().is_empty(), "this client polls");
    server.advance(5);
    let (status, tokens) = poll(&mut server, &id);
    assert_eq!((status, &tokens["scope"]), (200, &json!("openid payments")));
    assert_eq!(get_user(&mut server, &text(&tokens, "access_token")), 200);
    assert_eq!(poll_after(&mut server, 5, &id), (400, "invalid_grant".to_owned()));
}

#[test]
fn a_request_ends_in_other_ways() {
    let mut server = bank();
    let id = begin(&mut server, "ada");
    assert!(server.deny_request("ada"));
    assert_eq!(poll_after(&mut server, 0, &id), (400, "access_denied".to_owned()));
    let id = begin(&mut server, "ada");
    assert!(server.fail_request("ada", "transaction_failed"));
    assert_eq!(poll_after(&mut server, 0, &id), (400, "transaction_failed".to_owned()));
    server.knobs().device_expires_in = 60;
    let id = begin(&mut server, "ada");
    assert_eq!(poll_after(&mut server, 59, &id).1, "authorization_pending");
    assert_eq!(poll_after(&mut server, 1, &id), (400, "expired_token".to_owned()));
    assert!(!server.approve_request("ada") && server.pending_requests().is_empty());
    server.revoke_all();
    assert_eq!(poll_after(&mut server, 0, &id), (400, "invalid_grant".to_owned()));
}

#[test]
fn polls_too_soon_lengthen_the_interval_for_good() {
    let mut server = bank();
    let id = begin(&mut server, "ada");
    assert_eq!(poll_after(&mut server, 4, &id).1, "slow_down");
    assert_eq!(poll_after(&mut server, 9, &id).1, "slow_down");
    assert_eq!(poll_after(&mut server, 15, &id).1, "authorization_pending");
}

#[test]
fn the_person_can_decide_at_a_poll_and_a_ping_follows() {
    for decision in [Decision::Approve, Decision::Deny, Decision::Fail("transaction_failed".to_owned())] {
        let mut server = pinged_bank();
        server.knobs().decide_at_poll = Some(2);
        server.knobs().decision = decision;
        let id = begin(&mut server, "ada");
        assert_eq!(poll_after(&mut server, 5, &id).1, "authorization_pending");
        assert!(server.take_pings().is_empty());
        poll_after(&mut server, 5, &id);
        poll_after(&mut server, 5, &id);
        assert_eq!(server.take_pings().len(), 1, "one decision, one ping");
    }
}

#[test]
fn a_ping_goes_to_the_client_with_its_token_and_the_id() {
    let mut server = pinged_bank();
    let (first, second) = (begin(&mut server, "ada"), begin(&mut server, "ada"));
    assert!(server.approve_request("ada") && server.deny_request("ada"));
    let pings = server.take_pings();
    assert!(server.take_pings().is_empty());
    for (ping, id) in pings.iter().zip([&first, &second]) {
        assert_eq!((ping.method().as_str(), ping.uri().to_string().as_str()), ("POST", "https://bank.example/pings"));
        assert_eq!(ping.headers()["authorization"], format!("Bearer {TOKEN}"));
        assert_eq!(ping.headers()["content-type"], "application/json");
        assert_eq!(serde_json::from_slice::<Value>(ping.body()).unwrap(), json!({ "auth_req_id": id }));
    }
    // The older request was decided first.
    assert_eq!(poll(&mut server, &first).0, 200);
    assert_eq!(poll(&mut server, &second).1["error"], "access_denied");
}

#[test]
fn refuses_what_it_must() {
    let mut server = bank();
    server.knobs().unknown_people.insert("eve".to_owned());
    let long = "a".repeat(65);
    for (pairs, status, error) in [
        (vec![], 400, "invalid_request"),
        (vec![("login_hint", "ada"), ("id_token_hint", "a.b.c")], 400, "invalid_request"),
        (vec![("login_hint", "ada"), ("scope", "payments")], 400, "invalid_scope"),
        (vec![("login_hint", "ada"), ("scope", "")], 400, "invalid_scope"),
        (vec![("login_hint", "ada"), ("scope", "openid admin")], 400, "invalid_scope"),
        (vec![("login_hint", "eve")], 400, "unknown_user_id"),
        (vec![("login_hint", "ada"), ("binding_message", "a\nb")], 400, "invalid_binding_message"),
        (vec![("login_hint", "ada"), ("binding_message", &long)], 400, "invalid_binding_message"),
        (vec![("login_hint", "ada"), ("requested_expiry", "0")], 400, "invalid_request"),
        (vec![("login_hint", "ada"), ("requested_expiry", "soon")], 400, "invalid_request"),
        (vec![("login_hint", "ada"), ("client_secret", "wrong")], 401, "invalid_client"),
        (vec![("login_hint", "ada"), ("client_id", "app"), ("client_secret", "")], 400, "unauthorized_client"),
    ] {
        let (answered, body) = ask(&mut server, &pairs);
        assert_eq!((answered, text(&body, "error").as_str()), (status, error), "{pairs:?}");
    }
    server.knobs().person_code = Some("4711".to_owned());
    for (code, error) in [("", "missing_user_code"), ("1234", "invalid_user_code")] {
        assert_eq!(ask(&mut server, &[("login_hint", "ada"), ("user_code", code)]).1["error"], error);
    }
    assert_eq!(ask(&mut server, &[("login_hint", "ada"), ("user_code", "4711")]).0, 200);
    for (pairs, error) in [(vec![], "invalid_request"), (vec![("auth_req_id", "made-up")], "invalid_grant")] {
        let own = [("grant_type", GRANT), ("client_id", "bank"), ("client_secret", "s3cret")];
        assert_eq!(post(&mut server, &[own.as_slice(), &pairs].concat()).1["error"], error, "{pairs:?}");
    }
    server.register(Client::confidential("bank", "s3cret").grants(&[Grant::RefreshToken]));
    assert_eq!(ask(&mut server, &[("login_hint", "ada")]).1["error"], "unauthorized_client");
}

#[test]
fn a_client_with_pings_must_give_a_bearer_token() {
    let mut server = pinged_bank();
    let long = "a".repeat(1025);
    for token in ["", "a b", "=", "é", &long] {
        let (status, body) = ask(&mut server, &[("login_hint", "ada"), ("client_notification_token", token)]);
        assert_eq!((status, text(&body, "error").as_str()), (400, "invalid_request"), "{token}");
    }
    assert_eq!(ask(&mut server, &[("login_hint", "ada"), ("client_notification_token", "a=")]).0, 200);
}

#[test]
fn a_shorter_time_can_be_asked_for() {
    let mut server = bank();
    server.knobs().device_interval = None;
    for (asked, given) in [("60", 60), ("1800", 1800), ("100000", 1800)] {
        let (_, body) = ask(&mut server, &[("login_hint", "ada"), ("requested_expiry", asked)]);
        assert_eq!((&body["expires_in"], body.get("interval")), (&json!(given), None));
    }
}

#[test]
fn it_is_in_the_metadata_and_can_be_taken_away() {
    let mut server = bank();
    let document = |server: &mut Server| {
        let request = Request::get(server.endpoint_url(Endpoint::ServerMetadata)).body("").unwrap();
        read(&server.handle(&request)).1
    };
    let said = document(&mut server);
    assert_eq!(said["backchannel_authentication_endpoint"], "https://as.example/oauth/backchannel");
    assert_eq!(said["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
    assert_eq!(said["backchannel_user_code_parameter_supported"], json!(false));
    assert!(said["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT)));
    server.knobs().omit(Endpoint::BackchannelAuthentication);
    let said = document(&mut server);
    assert!(said.as_object().unwrap().keys().all(|name| !name.starts_with("backchannel")), "{said}");
    assert_eq!(poll(&mut server, "x").1["error"], "unsupported_grant_type");
}

#[test]
fn its_answers_can_go_wrong() {
    let all = M::all_at(Endpoint::BackchannelAuthentication);
    for how in [
        M::remove("auth_req_id"),
        M::remove("expires_in"),
        M::duplicate("auth_req_id", "\"again\""),
        M::set("interval", "0"),
        M::set("expires_in", "-1"),
        M::error(400, "unknown_user_id"),
        M::error(403, "access_denied"),
        M::Lost { acts: true },
    ] {
        assert!(all.contains(&how), "{how:?}");
        let mut server = bank();
        server.knobs().misbehave_at(Endpoint::BackchannelAuthentication, how.clone());
        let request = form_request(
            &server,
            Endpoint::BackchannelAuthentication,
            &[("client_id", "bank"), ("client_secret", "s3cret"), ("scope", "openid"), ("login_hint", "ada")],
        );
        let good = bank().handle(&request);
        let answer = server.try_handle(&request);
        assert!(answer.is_none_or(|answer| answer.body() != good.body()), "{how:?}");
    }
}
