//! The client modules of OpenID's conformance suite for FAPI-CIBA, by what they do to the client. A module fails a client that
//! sends anything after the bad message, or that polls too early. The suite's ID token mutations need keys.

use super::*;

use grantflow_testkit::Misbehaviour;

/// The suite's client: it asks, waits as it is told, polls, and calls the API with its token. Gives the times of its polls, in
/// seconds after the request.
fn plays(provider: &mut testkit::Server, client: &ConfidentialClient) -> (Result<Tokens, Error>, Vec<u64>) {
    let start = provider.now();
    let outcome = (|| {
        let (grant, _) = run_to_its_end(provider, request(client));
        let shared = RefCell::new(&mut *provider);
        let tokens = drive(
            grant.map_err(|failure| failure.error)?,
            &mut Dice(1),
            || UnixTime::from_secs(shared.borrow().now()),
            |wait| shared.borrow_mut().advance(wait.as_secs()),
            |request| {
                shared.borrow_mut().try_handle(&request).ok_or((Sent::MaybeSent, Error::NoAnswer(Sent::MaybeSent)))
            },
        );
        let tokens = tokens.map_err(|failure| failure.error)?;
        let mut call = http::Request::get(provider.resource_url()).body(Vec::new()).unwrap();
        tokens.bearer()?.authorize(&mut call)?;
        assert_eq!(provider.handle(&call).status(), 200);
        Ok(tokens)
    })();
    let polls = provider.hits_at(Endpoint::Token).map(|hit| hit.at - start).collect();
    (outcome, polls)
}

/// The client stops after the bad message.
fn stops_after(at: Endpoint, before: usize, how: Misbehaviour) -> Error {
    let what = format!("{how:?}");
    let (mut provider, client) = world();
    for _ in 0..before {
        provider.knobs().misbehave_at(at, Misbehaviour::error(400, "authorization_pending"));
    }
    provider.knobs().misbehave_at(at, how);
    let (outcome, _) = plays(&mut provider, &client);
    assert_eq!(provider.hits_at(at).count(), before + 1, "{what}");
    let last = provider.log().last().unwrap();
    assert!(last.misbehaved && last.endpoint == Some(at), "{what}: something was sent after it");
    outcome.unwrap_err()
}

#[test]
fn the_happy_path() {
    let (mut provider, client) = world();
    provider.knobs().decide_at_poll = Some(3);
    let (outcome, polls) = plays(&mut provider, &client);
    assert!(outcome.is_ok());
    assert_eq!(polls, [5, 10, 15]);
    assert_eq!(provider.hits_at(Endpoint::Resource).count(), 1);
}

#[test]
fn errors_of_the_backchannel_endpoint_end_it() {
    for code in
        ["expired_id_token_hint", "invalid_id_token_hint", "unknown_user_id", "access_denied", "invalid_request"]
    {
        let error = stops_after(Endpoint::BackchannelAuthentication, 0, Misbehaviour::error(400, code));
        assert_eq!(error.code().map(grantflow::ErrorCode::as_str), Some(code));
    }
}

#[test]
fn an_answer_without_auth_req_id_or_expires_in_ends_it() {
    for member in ["auth_req_id", "expires_in"] {
        let error = stops_after(Endpoint::BackchannelAuthentication, 0, Misbehaviour::remove(member));
        assert!(error.to_string().contains(&format!("{member} is missing")), "{error}");
    }
}

#[test]
fn access_denied_and_expired_token_end_it_on_the_third_poll() {
    for code in ["access_denied", "expired_token"] {
        let error = stops_after(Endpoint::Token, 2, Misbehaviour::error(400, code));
        assert_eq!(error.code().map(grantflow::ErrorCode::as_str), Some(code));
    }
}

#[test]
fn it_respects_an_interval_of_31_seconds() {
    let (mut provider, client) = world();
    let knobs = provider.knobs();
    (knobs.device_interval, knobs.decide_at_poll) = (Some(31), Some(3));
    let (outcome, polls) = plays(&mut provider, &client);
    assert!(outcome.is_ok());
    assert!(polls.windows(2).all(|pair| pair[1] - pair[0] >= 31) && polls[0] >= 31, "{polls:?}");
}

#[test]
fn it_waits_ten_seconds_after_slow_down_for_the_rest_of_the_request() {
    let (mut provider, client) = world();
    provider.knobs().decide_at_poll = Some(3);
    provider.knobs().misbehave(Misbehaviour::error(400, "slow_down"));
    let (outcome, polls) = plays(&mut provider, &client);
    assert!(outcome.is_ok());
    assert!(polls.len() == 4 && polls.windows(2).all(|pair| pair[1] - pair[0] >= 10), "{polls:?}");
}

#[test]
fn a_ping_with_a_bad_bearer_token_is_answered_401_and_no_poll_follows() {
    let (mut provider, client) = pinged_world();
    let grant = granted(&mut provider, pinged(&client, 1));
    assert!(provider.approve_request("ada"));
    let mut ping = provider.take_pings().remove(0);
    ping.headers_mut().insert("authorization", "Bearer bad-0123456789abcdef".parse().unwrap());
    let Notified::Unrelated { grant, why } = grant.receive(&Notification::read(&ping).unwrap()) else {
        panic!("the bad token counts")
    };
    assert_eq!(why.response().status(), 401);
    let now = UnixTime::from_secs(provider.now());
    assert!(grant.request(&mut Env::new(now, &mut Dice(1))).is_err(), "a poll is due");
    assert_eq!(provider.hits_at(Endpoint::Token).count(), 0);
}
