//! When a client polls, and what ends it, in virtual time. The schedule is the device grant's, whose tests are in `device/`.

use super::*;

use grantflow::{ErrorCode, Left, Next};

#[test]
fn it_waits_the_interval_before_every_poll_and_the_first_one_too() {
    let (outcome, polls) = times(grant_of(LIFETIME, 5), &[pending(), pending(), tokens()]);
    assert!(outcome.is_ok());
    assert_eq!(polls, [5, 10, 15]);
    // OpenID's conformance suite: an interval of 31 seconds is kept.
    let (outcome, polls) = times(grant_of(LIFETIME, 31), &[pending(), tokens()]);
    assert!(outcome.is_ok());
    assert_eq!(polls, [31, 62]);
}

#[test]
fn slow_down_adds_five_seconds_for_good_with_every_status() {
    for status in [200, 400, 401, 403, 428, 429, 500, 503] {
        let answers =
            [pending(), error(status, "slow_down"), pending(), error(status, "slow_down"), pending(), tokens()];
        let (outcome, polls) = times(grant_of(LIFETIME, 5), &answers);
        assert!(outcome.is_ok(), "{status}");
        assert_eq!(polls, [5, 10, 20, 30, 45, 60], "{status}");
    }
}

/// OpenID CIBA §10.1: a server may hold a poll until the person has decided. A transport that gives up meanwhile costs
/// waiting time, and never the grant.
#[test]
fn a_poll_that_the_server_holds_is_answered_late_or_lost() {
    // Each answer comes 30 s after its poll. The next poll follows after the interval.
    let mut grant = grant_of(120, 5);
    let mut at = 0;
    for _ in 0..3 {
        at += grant.rest(after(at)).as_secs();
        assert!(grant.request(&mut Env::new(after(at), &mut Dice(1))).is_ok());
        at += 30;
        match grant.respond(&mut Env::new(after(at), &mut Dice(1)), pending().unwrap()) {
            Ok(Step::Again(next)) => grant = next,
            other => panic!("{other:?}"),
        }
        assert_eq!(grant.rest(after(at)), Duration::from_secs(5));
    }
    assert_eq!(at, 105);
    // Timeouts only: every one is a lost answer.
    let (outcome, polls) = times(grant_of(LIFETIME, 5), &[None, None, None, None, None, None, tokens()]);
    assert!(outcome.is_ok());
    assert_eq!(polls, [5, 15, 35, 75, 135, 195, 255]);
    // The answer to a poll that was sent before the end counts after it.
    let grant = grant_of(60, 5);
    let step = grant.respond(&mut Env::new(after(85), &mut Dice(1)), tokens().unwrap());
    assert!(matches!(step, Ok(Step::Done(_))), "{step:?}");
}

#[test]
fn the_servers_word_ends_it_at_once() {
    for status in [200, 400, 401, 403] {
        for (code, expected, next) in [
            ("access_denied", "spent", Next::Reauthorize),
            ("expired_token", "spent", Next::Reauthorize),
            ("transaction_failed", "spent", Next::Reauthorize),
            ("invalid_grant", "spent", Next::Reauthorize),
            ("invalid_client", "intact", Next::FixConfiguration),
            // OpenID CIBA §11: what a client that is registered for push gets.
            ("unauthorized_client", "intact", Next::FixConfiguration),
            ("invalid_request", "intact", Next::FixConfiguration),
            ("use_dpop_nonce", "intact", Next::FixConfiguration),
            // Codes of the request have no meaning for a poll.
            ("unknown_user_id", "unknown", Next::FixConfiguration),
            ("expired_login_hint_token", "unknown", Next::FixConfiguration),
            ("x", "unknown", Next::FixConfiguration),
        ] {
            let (outcome, polls) = times(grant_of(LIFETIME, 5), &[pending(), pending(), error(status, code), tokens()]);
            let failure = outcome.unwrap_err();
            assert_eq!((left(&failure), polls.len()), (expected, 3), "{status} {code}: {}", failure.error);
            assert_eq!(failure.error.next(), next, "{status} {code}");
            assert_eq!(failure.error.code().map(ErrorCode::as_str), Some(code));
        }
    }
    // With other statuses it may be a proxy's.
    for status in [404, 500, 502] {
        let (outcome, _) = times(grant_of(LIFETIME, 5), &[error(status, "transaction_failed"), tokens()]);
        assert!(outcome.is_ok(), "{status}");
    }
}

#[test]
fn transaction_failed_ends_no_device_grant() {
    use grantflow::{DeviceRequest, ErrorCode};
    let (provider, _) = world();
    let server = server_of(&provider);
    let at = provider.endpoint_url(Endpoint::DeviceAuthorization);
    let client = server.device_authorization_endpoint(&at).unwrap().client("tv").public().unwrap();
    let answer = r#"{"device_code":"dc-1","user_code":"B","verification_uri":"https://as.example/d","expires_in":60}"#;
    let request = DeviceRequest::new(&client).unwrap();
    let Ok(Step::Done(grant)) = request.respond(&mut Env::new(NOW, &mut Dice(1)), json(200, answer)) else {
        panic!("this flow has one step")
    };
    let step = grant.respond(&mut Env::new(after(5), &mut Dice(1)), error(400, "transaction_failed").unwrap());
    let failure = step.unwrap_err();
    assert_eq!((failure.error.code(), left(&failure)), (Some(&ErrorCode::TransactionFailed), "unknown"));
}

#[test]
fn a_refused_client_goes_on_after_its_interval() {
    let (outcome, _) = times(grant_of(LIFETIME, 5), &[error(401, "invalid_client")]);
    let Err(Failure { left: Left::Intact(grant), .. }) = outcome else { panic!("not intact") };
    let (outcome, waits) = run(*grant, after(5), right, |_| tokens());
    assert!(outcome.is_ok());
    assert_eq!(waits, [5]);
}

#[test]
fn retry_after_and_lost_answers_are_as_for_a_device() {
    let answers = [with_retry_after(page(503), "25"), page(502), None, page(429), pending(), tokens()];
    let (outcome, polls) = times(grant_of(LIFETIME, 5), &answers);
    assert!(outcome.is_ok());
    // 5; Retry-After 25; doubled: 10, 20, 40; 5.
    assert_eq!(polls, [5, 30, 40, 60, 100, 105]);
    for odd in [page(200), page(404), error(400, "Bad Request"), Some(json(200, "{}"))] {
        let (outcome, polls) = times(grant_of(LIFETIME, 5), &[pending(), odd.clone()]);
        assert_eq!((left(&outcome.unwrap_err()), polls.len()), ("unknown", 5), "{odd:?}");
    }
    let (outcome, polls) = times(grant_of(LIFETIME, 5), &[Some(json(200, r#"{"access_token":"at-1"}"#)), tokens()]);
    let failure = outcome.unwrap_err();
    assert!(failure.error.answer_refused(), "{}", failure.error);
    assert_eq!((left(&failure), polls.len()), ("unknown", 1));
}

#[test]
fn it_ends_once_the_request_has_expired_and_was_polled_with_after_that() {
    for (expires_in, interval, expected) in
        [(15, 5, &[5, 10, 15][..]), (16, 5, &[5, 10, 15, 20]), (1, 1, &[1]), (5, 5, &[5]), (9, 5, &[5, 10])]
    {
        let (outcome, polls) = times(grant_of(expires_in, interval), &[pending()]);
        assert!(matches!(outcome, Err(Failure { error: Error::Expired, left: Left::Spent })), "{outcome:?}");
        assert_eq!(polls, expected, "{expires_in} s, every {interval} s");
    }
    for answer in [pending(), error(400, "slow_down"), None] {
        let (outcome, waits) = run(grant_of(60, 5), NOW, standing, |_| answer.clone());
        assert!(matches!(outcome, Err(Failure { error: Error::Expired, .. })), "{outcome:?}");
        assert!(waits.len() <= 60 / 5 + 2, "{waits:?}");
    }
}

#[test]
fn a_poll_before_its_time_is_refused_and_costs_nothing() {
    let grant = grant_of(LIFETIME, 5);
    for (at, left) in [(0, 5), (1, 5), (3, 3), (4, 2)] {
        assert_eq!(grant.rest(after(at)), Duration::from_secs(left));
        match grant.request(&mut Env::new(after(at), &mut Dice(1))).unwrap_err() {
            Error::Misuse(Misuse::TooEarly { rest }) => assert_eq!(rest, Duration::from_secs(left)),
            other => panic!("{other}"),
        }
    }
    assert!(grant.request(&mut Env::new(after(5), &mut Dice(1))).is_ok());
}

#[test]
fn trouble_says_why_there_was_no_answer() {
    let grant = grant_of(LIFETIME, 5);
    let Ok(Step::Again(grant)) = grant.unanswered(&mut Env::new(after(5), &mut Dice(1)), Sent::NotSent) else {
        panic!("a poll that is lost ends nothing")
    };
    assert!(matches!(grant.trouble(), Some(Error::NoAnswer(Sent::NotSent))));
    let Ok(Step::Again(grant)) = grant.respond(&mut Env::new(after(15), &mut Dice(1)), pending().unwrap()) else {
        panic!("it is pending")
    };
    assert!(grant.trouble().is_none());
}

#[test]
fn an_id_token_that_cannot_be_read_refuses_the_answer() {
    for bad in ["42", "\"\"", "null", "\"a\\nb\""] {
        let answer = format!(r#"{{"access_token":"at-1","token_type":"Bearer","id_token":{bad}}}"#);
        let (outcome, _) = times(grant_of(LIFETIME, 5), &[Some(json(200, &answer))]);
        let failure = outcome.unwrap_err();
        assert!(failure.error.to_string().contains("id_token"), "{bad}: {}", failure.error);
        assert_eq!(left(&failure), "unknown", "{bad}");
    }
}
