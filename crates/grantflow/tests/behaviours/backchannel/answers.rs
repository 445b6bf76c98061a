//! Which answers to the request are accepted, and what the others leave: a phone must not ring twice.

use super::*;

use grantflow::{ErrorCode, Left, Message, Next, Quirk, Violation};
use grantflow_testkit::Misbehaviour;

fn asked(how: Misbehaviour) -> (testkit::Server, Result<BackchannelGrant, Failure<BackchannelRequest>>) {
    let (mut provider, client) = world();
    provider.knobs().misbehave_at(Endpoint::BackchannelAuthentication, how);
    let (outcome, sent) = run_to_its_end(&mut provider, request(&client));
    assert_eq!(sent, ["https://as.example/oauth/backchannel"], "it was sent more than once");
    (provider, outcome)
}

fn refused(answer: Response<Vec<u8>>) -> Failure<BackchannelRequest> {
    let what = format!("{answer:?}");
    match answered(request(&world().1), answer) {
        Ok(_) => panic!("{what} was taken"),
        Err(failure) => failure,
    }
}

#[test]
fn the_standards_own_answer_is_read() {
    // OpenID CIBA §7.3.
    let answer = r#"{"auth_req_id": "1c266114-a1be-4252-8ad1-04986c5b9ac1", "expires_in": 120, "interval": 2}"#;
    let grant = answered(request(&world().1), json(200, answer)).unwrap();
    assert_eq!((grant.expires_at(), grant.interval()), (after(120), Duration::from_secs(2)));
    let poll = body(&grant.request(&mut Env::new(after(2), &mut Dice(1))).unwrap());
    assert_eq!(parameter(&poll, "auth_req_id"), "1c266114-a1be-4252-8ad1-04986c5b9ac1");
}

#[test]
fn an_interval_that_is_not_said_is_five_seconds() {
    for client in [request(&world().1), pinged(&world().1, 1)] {
        let grant = answered(client, json(200, r#"{"auth_req_id":"ar-1","expires_in":60}"#)).unwrap();
        assert_eq!((grant.interval(), grant.rest(NOW)), (Duration::from_secs(5), Duration::from_secs(5)));
    }
    for (json_text, seconds) in [("1", 1), ("1.5", 2), ("0.2", 1), ("60", 60)] {
        let answer = format!(r#"{{"auth_req_id":"ar-1","expires_in":60,"interval":{json_text}}}"#);
        let grant = answered(request(&world().1), json(200, &answer)).unwrap();
        assert_eq!(grant.interval(), Duration::from_secs(seconds), "{json_text}");
    }
    let answer = json(200, r#"{"auth_req_id":"ar-1","expires_in":"60.9","scope":"x","odd":[{}]}"#);
    assert_eq!(answered(request(&world().1), answer).unwrap().expires_at(), after(60));
}

#[test]
fn a_bad_value_is_refused_by_name_and_the_phone_may_have_rung() {
    for (member, values) in [
        (
            "auth_req_id",
            &["\"\"", "\" \"", "null", "42", "\"a\\r\\nb: c\"", "\"a\\u0000\"", "\"\\u00e9\"", "[]", "{}"][..],
        ),
        ("expires_in", &["0", "-1", "\"soon\"", "\"\"", "null", "[]", "true", "1e400", "{}"]),
        (
            "interval",
            &["0", "-1", "-0", "\"5\"", "1000000000", "3601", "null", "true", "[5]", "{}", "\"\"", "1e400", "0.0"],
        ),
    ] {
        for value in values {
            let (_, outcome) = asked(Misbehaviour::set(member, value));
            let failure = outcome.unwrap_err();
            let text = failure.error.to_string();
            assert!(text.contains(member) && text.contains("backchannel authentication endpoint"), "{value}: {text}");
            assert_eq!(left(&failure), "unknown", "{member}: {value}");
        }
        let failure = asked(Misbehaviour::duplicate(member, "5")).1.unwrap_err();
        assert!(failure.error.to_string().contains(&format!("{member} occurs twice")), "{}", failure.error);
    }
    for member in ["auth_req_id", "expires_in"] {
        let failure = asked(Misbehaviour::remove(member)).1.unwrap_err();
        assert_eq!(violation(&failure), Violation::Missing(member));
        assert_eq!(left(&failure), "unknown");
    }
}

/// OpenID CIBA §13. The server asks nobody before it refuses.
#[test]
fn a_refusal_leaves_the_request_intact_and_says_who_can_correct_it() {
    for (status, code, next) in [
        (400, "expired_login_hint_token", Next::FixCaller),
        (400, "unknown_user_id", Next::FixCaller),
        (400, "missing_user_code", Next::FixCaller),
        (400, "invalid_user_code", Next::FixCaller),
        (400, "invalid_binding_message", Next::FixCaller),
        (200, "unknown_user_id", Next::FixCaller),
        (401, "unknown_user_id", Next::FixCaller),
        (403, "access_denied", Next::Reauthorize),
        (400, "unauthorized_client", Next::FixConfiguration),
        (401, "invalid_client", Next::FixConfiguration),
        (400, "invalid_request", Next::FixConfiguration),
        (400, "invalid_scope", Next::FixConfiguration),
        (400, "invalid_target", Next::FixConfiguration),
        (400, "invalid_authorization_details", Next::FixConfiguration),
        (400, "unsupported_grant_type", Next::FixConfiguration),
    ] {
        let failure = refused(error(status, code).unwrap());
        assert_eq!(left(&failure), "intact", "{status} {code}");
        assert_eq!(failure.error.next(), next, "{status} {code}");
        assert_eq!(failure.error.code().map(ErrorCode::as_str), Some(code));
        assert!(failure.to_string().contains(code), "{failure}");
        let Error::Refused(refused) = &failure.error else { panic!("{}", failure.error) };
        assert!(refused.is_verdict(), "{status} {code}");
    }
}

#[test]
fn a_code_that_is_missing_can_be_given_to_the_same_request() {
    let (mut provider, client) = world();
    provider.knobs().person_code = Some("4711".to_owned());
    let mut request = request(&client);
    for (code, given) in [(ErrorCode::MissingUserCode, "1"), (ErrorCode::InvalidUserCode, "4711")] {
        let (outcome, _) = run_to_its_end(&mut provider, request);
        let failure = outcome.unwrap_err();
        assert_eq!(failure.error.code(), Some(&code));
        let Left::Intact(left) = failure.left else { panic!("{code}: the request is lost") };
        request = left.user_code(given).unwrap();
    }
    assert!(run_to_its_end(&mut provider, request).0.is_ok());
    let hits: Vec<_> = provider.hits_at(Endpoint::BackchannelAuthentication).collect();
    assert_eq!(hits.iter().map(|hit| hit.parameter("user_code")).collect::<Vec<_>>(), [None, Some("1"), Some("4711")]);
}

#[test]
fn what_proves_nothing_is_unknown_and_what_says_later_is_intact() {
    let moved = Response::builder().status(302).header("location", "https://x.example").body(vec![]).unwrap();
    for answer in [
        page(200).unwrap(),
        page(201).unwrap(),
        page(400).unwrap(),
        page(404).unwrap(),
        page(500).unwrap(),
        page(502).unwrap(),
        page(503).unwrap(),
        page(504).unwrap(),
        page(408).unwrap(),
        moved,
        json(200, "{}"),
        json(200, "[]"),
        json(200, ""),
        json(201, r#"{"auth_req_id":"ar-1","expires_in":60}"#),
        json(400, r#"{"auth_req_id":"ar-1","expires_in":60}"#),
        json(400, r#"{"error":42}"#),
        error(400, "Bad Request").unwrap(),
        error(400, "a_word_that_nobody_registered").unwrap(),
        error(400, "expired_id_token_hint").unwrap(),
        error(404, "unknown_user_id").unwrap(),
        error(500, "unknown_user_id").unwrap(),
        error(500, "server_error").unwrap(),
        error(400, "temporarily_unavailable").unwrap(),
        error(400, "authorization_pending").unwrap(),
        error(400, "transaction_failed").unwrap(),
        json(200, r#"{"auth_req_id":"ar-1","expires_in":60,"error":"server_error"}"#),
    ] {
        let what = format!("{answer:?}");
        let failure = refused(answer);
        assert_eq!(left(&failure), "unknown", "{what}: {}", failure.error);
    }
    for answer in [
        page(429),
        error(429, "slow_down"),
        with_retry_after(page(429), "7"),
        with_retry_after(page(503), "7"),
        with_retry_after(error(503, "temporarily_unavailable"), "7"),
        error(400, "use_dpop_nonce"),
    ] {
        let what = format!("{answer:?}");
        assert_eq!(left(&refused(answer.unwrap())), "intact", "{what}");
    }
    let failure = refused(with_retry_after(page(503), "7").unwrap());
    assert_eq!(failure.error.next(), Next::RetryLater(Some(Duration::from_secs(7))));
}

#[test]
fn a_lost_answer_is_unknown_unless_nothing_was_sent() {
    for (sent, expected) in [(Sent::NotSent, "intact"), (Sent::MaybeSent, "unknown")] {
        let outcome = request(&world().1).unanswered(&mut Env::new(NOW, &mut Dice(1)), sent);
        let Err(failure) = outcome else { panic!("a missing answer is no answer") };
        assert_eq!(left(&failure), expected);
        // The program can decide to ask again.
        let (Left::Intact(again) | Left::Unknown(again)) = failure.left else { panic!("nothing is left") };
        let (mut provider, _) = world();
        assert!(run_to_its_end(&mut provider, *again).0.is_ok());
    }
}

#[test]
fn every_misbehaviour_ends_in_a_sound_grant_or_an_error_that_tells_the_harm() {
    let (mut taken, mut kept) = (0, 0);
    for how in Misbehaviour::all_at(Endpoint::BackchannelAuthentication) {
        let what = format!("{how:?}");
        let (mut provider, outcome) = asked(how);
        match outcome {
            Ok(grant) => {
                taken += 1;
                let now = UnixTime::from_secs(provider.now());
                assert!((1..=3600).contains(&grant.interval().as_secs()), "{what}");
                assert!(grant.expires_at() > now, "{what}");
                assert_eq!(grant.rest(now), grant.interval(), "{what}");
            }
            Err(failure) => {
                kept += 1;
                assert!(!failure.to_string().contains('\u{1b}'), "{what}");
                // What the server did must not count as undone.
                let hit = provider.hits_at(Endpoint::BackchannelAuthentication).last().unwrap();
                let says_later = matches!(failure.error.status().map(|status| status.as_u16()), Some(429 | 503));
                let refused = failure.error.code().is_some();
                assert!(!hit.acted || says_later || refused || left(&failure) == "unknown", "{what}: {failure}");
                let (Left::Intact(request) | Left::Unknown(request)) = failure.left else {
                    panic!("{what}: the request is lost")
                };
                assert!(run_to_its_end(&mut provider, *request).0.is_ok(), "{what}");
            }
        }
        assert_eq!(provider.hits_at(Endpoint::Token).count(), 0, "{what}: it polled");
    }
    assert!(taken > 10 && kept > 100, "{taken} were taken, {kept} refused");
}

#[test]
fn another_name_is_read_by_its_quirk_alone() {
    let answer = r#"{"authReqId":"ar-1","expires_in":60}"#;
    let failure = refused(json(200, answer));
    assert!(failure.error.to_string().contains("Quirk::RenamedParameter"), "{}", failure.error);
    let quirk = Quirk::renamed(Message::BackchannelAuthenticationAnswer, "auth_req_id", "authReqId");
    let server = server_of(&world().0).quirk(quirk).unwrap();
    let renamed = Quirk::renamed(Message::BackchannelAuthenticationRequest, "login_hint", "who");
    let client = server.quirk(renamed).unwrap().client(BANK).secret_basic(SECRET).unwrap();
    let request = request(&client);
    let text = body(&request.request(&mut Env::new(NOW, &mut Dice(1))).unwrap());
    assert_eq!((parameter(&text, "who"), parameter(&text, "login_hint")), ("ada".to_owned(), String::new()));
    let grant = answered(request, json(200, answer)).unwrap();
    assert_eq!(grant.expires_at(), after(60));
}
