//! How polling ends: what the error says, what is left, and that there is no poll too many.

use super::*;

use grantflow::{Env, ErrorCode, Left, Message, Next, Quirk, Step};

fn after_answers(answers: &[Answer]) -> (Failure<DeviceGrant>, usize) {
    let (outcome, polls) = times(grant_of(LIFETIME, 5), answers);
    (outcome.unwrap_err(), polls.len())
}

#[test]
fn the_servers_word_ends_it_at_once() {
    for status in [200, 400, 401, 403] {
        for (code, expected, next) in [
            ("access_denied", "spent", Next::Reauthorize),
            ("expired_token", "spent", Next::Reauthorize),
            ("invalid_grant", "spent", Next::Reauthorize),
            ("invalid_client", "intact", Next::FixConfiguration),
            ("unauthorized_client", "intact", Next::FixConfiguration),
            ("unsupported_grant_type", "intact", Next::FixConfiguration),
            ("invalid_request", "intact", Next::FixConfiguration),
            ("invalid_scope", "intact", Next::FixConfiguration),
            ("use_dpop_nonce", "intact", Next::FixConfiguration),
            // RFC 8628 §3.5: any other code ends it, too. What it says about the code is not known.
            ("authorization_declined", "unknown", Next::FixConfiguration),
            ("incorrect_device_code", "unknown", Next::FixConfiguration),
            ("x", "unknown", Next::FixConfiguration),
        ] {
            let (failure, polls) = after_answers(&[pending(), error(status, code), tokens()]);
            assert_eq!((left(&failure), polls), (expected, 2), "{status} {code}: {}", failure.error);
            assert_eq!(failure.error.next(), next, "{status} {code}");
            assert_eq!(failure.error.code().map(ErrorCode::as_str), Some(code));
        }
    }
}

#[test]
fn what_is_refused_for_the_clients_sake_goes_on_after_its_interval() {
    let (outcome, _) = times(grant_of(LIFETIME, 5), &[error(401, "invalid_client")]);
    let Err(Failure { left: Left::Intact(grant), error }) = outcome else { panic!("not intact") };
    assert_eq!(error.code(), Some(&ErrorCode::InvalidClient));
    // A caller that runs it in a loop polls no faster than the server allows.
    assert_eq!(grant.rest(after(5)), Duration::from_secs(5));
    let (outcome, waits) = run(*grant, after(5), right, |_| tokens());
    assert!(outcome.is_ok());
    assert_eq!(waits, [5]);
}

#[test]
fn an_answer_with_tokens_that_cannot_be_used_is_not_asked_for_again() {
    for answer in [
        r#"{"access_token":"at-1","token_type":"N_A"}"#,
        r#"{"access_token":"at-1"}"#,
        r#"{"access_token":"at-1","token_type":"Bearer","error":"authorization_pending"}"#,
        r#"{"access_token":"at-1","token_type":"Bearer","error":"slow_down"}"#,
        r#"{"access_token":"","token_type":"Bearer","refresh_token":"rt"}"#,
        r#"{"access_token":"at-1","access_token":"at-2","token_type":"Bearer"}"#,
    ] {
        let (failure, polls) = after_answers(&[pending(), Some(json(200, answer)), tokens()]);
        assert_eq!((left(&failure), polls), ("unknown", 2), "{answer}");
        assert!(failure.error.answer_refused(), "{answer}: {}", failure.error);
        assert!(!failure.error.to_string().contains("at-1"), "{}", failure.error);
    }
}

#[test]
fn somebody_who_does_not_speak_like_a_token_endpoint_is_asked_four_times() {
    let moved = || Some(Response::builder().status(302).header("location", "https://x.example").body(vec![]).unwrap());
    for odd in [
        page(200),
        page(400),
        page(401),
        page(403),
        page(404),
        moved(),
        error(404, "not_found"),
        error(400, "Bad Request"),
        error(401, "Unauthorized"),
        error(200, "Service Unavailable"),
        Some(json(200, "{}")),
        Some(json(200, "[]")),
        Some(json(400, r#"{"error":42}"#)),
    ] {
        let what = format!("{odd:?}");
        let (failure, polls) = after_answers(&[pending(), odd.clone()]);
        assert_eq!((left(&failure), polls), ("unknown", 5), "{what}: {}", failure.error);
        // It can be run again, with as many tries as at first.
        let Left::Unknown(grant) = failure.left else { panic!("{what}") };
        let (outcome, waits) = run(*grant, after(200), right, |at| if at < 3 { odd.clone() } else { tokens() });
        assert!(outcome.is_ok(), "{what}");
        // The wait before the first of the four was over.
        assert_eq!(waits.len(), 3, "{what}");
        // A valid answer in between restarts the count.
        let (o, p) = (|| odd.clone(), pending);
        let (outcome, polls) = times(grant_of(LIFETIME, 5), &[o(), o(), o(), p(), o(), o(), o(), tokens()]);
        assert!(outcome.is_ok(), "{what}");
        // Waits of 5, then 10, 20, 40, then 5, then 10, 20, 40.
        assert_eq!(polls, [5, 15, 35, 75, 80, 90, 110, 150], "{what}");
    }
}

#[test]
fn a_word_that_a_server_documents_for_no_is_a_no_with_its_quirk() {
    let (provider, _) = world();
    let declined = Quirk::error_code(Message::TokenAnswer, None, "authorization_declined", ErrorCode::AccessDenied);
    let server = Server::with_token_endpoint(&provider.token_url()).unwrap().quirk(declined).unwrap();
    let server = server.device_authorization_endpoint(&provider.endpoint_url(Endpoint::DeviceAuthorization)).unwrap();
    let client = Client::from(&server.client(TV).public().unwrap());
    let mut rng = Dice(1);
    let env = &mut Env::new(NOW, &mut rng);
    let answer = r#"{"device_code":"dc-1","user_code":"B","verification_uri":"https://as.example/d","expires_in":60}"#;
    let Step::Done(grant) = request(&client).respond(env, json(200, answer)).unwrap() else { panic!("one step") };
    let (outcome, polls) = times(grant, &[pending(), error(400, "authorization_declined")]);
    let failure = outcome.unwrap_err();
    assert_eq!((left(&failure), polls.len()), ("spent", 2), "{}", failure.error);
    assert_eq!(failure.error.code(), Some(&ErrorCode::AccessDenied));
}

#[test]
fn who_gives_up_while_a_poll_is_out_keeps_the_code() {
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let step = grant_of(LIFETIME, 5).unanswered(&mut Env::new(after(5), &mut Dice(1)), sent);
        let Ok(Step::Again(grant)) = step else { panic!("a poll that is lost ends nothing") };
        assert_eq!(grant.rest(after(5)), Duration::from_secs(10));
        assert!(matches!(grant.trouble(), Some(Error::NoAnswer(of)) if *of == sent));
    }
}
