//! A backchannel grant outlives its process.

use super::*;

use grantflow::{Left, StoredBackchannel, StoredFault};

fn text_of(grant: BackchannelGrant) -> String {
    serde_json::to_string(&grant.into_stored()).unwrap()
}

fn restored(text: &str) -> BackchannelGrant {
    BackchannelGrant::from_stored(serde_json::from_str(text).unwrap(), &world().1).unwrap()
}

fn again(grant: BackchannelGrant, at: UnixTime, answer: Answer) -> BackchannelGrant {
    let mut rng = Dice(1);
    let mut env = Env::new(at, &mut rng);
    let step = match answer {
        Some(response) => grant.respond(&mut env, response),
        None => grant.unanswered(&mut env, Sent::MaybeSent),
    };
    match step {
        Ok(Step::Again(grant)) => grant,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_it_holds_comes_back() {
    let ask = pinged(&world().1, 1).resource("https://api.example/v1").unwrap();
    let grant = again(grant_by(ask, LIFETIME, 5), after(5), error(400, "slow_down"));
    let shown = |grant: &BackchannelGrant| {
        let poll = body(&grant.request(&mut Env::new(after(15), &mut Dice(1))).unwrap());
        (grant.key(), grant.is_pinged(), grant.expires_at(), grant.interval(), poll)
    };
    let before = shown(&grant);
    assert_eq!(before.3, Duration::from_secs(10), "slow_down is for good");
    assert!(before.4.contains("resource="), "{}", before.4);
    let grant = restored(&text_of(grant));
    assert_eq!(shown(&grant), before);
    let Ok(Step::Done(tokens)) = grant.respond(&mut Env::new(after(15), &mut Dice(1)), tokens().unwrap()) else {
        panic!("these are tokens")
    };
    assert_eq!(tokens.scope().requested().unwrap().as_str(), "openid payments");
    assert!(!restored(&text_of(grant_of(60, 5))).is_pinged());
}

#[test]
fn what_is_left_of_its_wait_still_counts() {
    let text = text_of(again(grant_of(LIFETIME, 5), after(5), None));
    // The wait of ten seconds began at 5. Seconds are truncated, so a restored wait counts one more.
    for (at, left) in [(5, 10), (6, 10), (10, 6), (14, 2), (15, 1), (16, 0), (100, 0)] {
        assert_eq!(restored(&text).rest(after(at)), Duration::from_secs(left), "at {at}");
    }
    assert_eq!(again(restored(&text), after(16), None).rest(after(16)), Duration::from_secs(20));
}

#[test]
fn a_request_that_has_expired_meanwhile_is_asked_about_once() {
    for (over, most) in [(0, 2), (59, 2), (60, 1), (86_400, 1)] {
        let text = text_of(again(grant_of(LIFETIME, 5), after(5), pending()));
        let (outcome, waits) = run(restored(&text), after(LIFETIME + over), right, |_| pending());
        assert!(matches!(outcome, Err(Failure { error: Error::Expired, left: Left::Spent })), "{outcome:?}");
        assert_eq!(waits.len() + 1, most, "{over} s over");
        let (outcome, _) = run(restored(&text), after(LIFETIME + over), right, |_| tokens());
        assert!(outcome.is_ok(), "the person had agreed before");
    }
}

#[test]
fn it_is_stored_after_every_answer_and_the_schedule_is_the_same() {
    let answers = [pending(), error(429, "slow_down"), None, page(502), pending(), page(404), tokens()];
    let (outcome, straight) = times(grant_of(LIFETIME, 5), &answers);
    assert!(outcome.is_ok());
    let (mut grant, mut at, mut polls) = (grant_of(LIFETIME, 5), 0, Vec::new());
    for answer in answers {
        grant = restored(&text_of(grant));
        at += grant.rest(after(at)).as_secs();
        polls.push(at);
        if polls.len() == straight.len() {
            break;
        }
        grant = again(grant, after(at), answer);
    }
    assert_eq!(polls, straight);
}

#[test]
fn another_client_does_not_get_it() {
    let text = text_of(grant_of(LIFETIME, 5));
    let (provider, _) = world();
    let elsewhere = Server::with_token_endpoint("https://other.example/token").unwrap();
    let named = server_of(&provider).issuer("https://evil.example").unwrap().client(BANK).secret_basic(SECRET).unwrap();
    // An issuer that was not known then contradicts nothing.
    assert!(BackchannelGrant::from_stored(serde_json::from_str(&text).unwrap(), &named).is_ok());
    for other in [client_of(&provider, "other"), elsewhere.client(BANK).secret_basic(SECRET).unwrap()] {
        let error = BackchannelGrant::from_stored(serde_json::from_str(&text).unwrap(), &other).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Stored(StoredFault::OtherClient))), "{error}");
        assert!(!error.to_string().contains("ar-1"), "{error}");
    }
}

#[test]
fn no_byte_of_it_changes_unseen() {
    let text = text_of(again(grant_by(pinged(&world().1, 1), LIFETIME, 5), after(5), error(400, "slow_down")));
    let shown = |grant: &BackchannelGrant| format!("{grant:?} {} {:?}", grant.key(), grant.rest(after(6)));
    let original = shown(&restored(&text));
    let client = world().1;
    let mut refused = 0;
    for at in 0..text.len() {
        for flip in [1, 2, 32] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(stored) = serde_json::from_slice::<StoredBackchannel>(&bytes) else { continue };
            match BackchannelGrant::from_stored(stored, &client) {
                Ok(grant) => assert_eq!(shown(&grant), original, "byte {at} ^ {flip}"),
                Err(error) => {
                    assert!(matches!(error, Error::Misuse(Misuse::Stored(_))), "{error}");
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > text.len(), "{refused} of {} changes were refused", text.len() * 3);
}

#[test]
fn another_kind_of_state_or_none_is_refused() {
    let device = {
        let (provider, _) = world();
        let at = provider.endpoint_url(Endpoint::DeviceAuthorization);
        let client = server_of(&provider).device_authorization_endpoint(&at).unwrap().client(BANK).secret_basic(SECRET);
        let answer =
            r#"{"device_code":"ar-1","user_code":"B","verification_uri":"https://as.example/d","expires_in":60}"#;
        let request = grantflow::DeviceRequest::new(&client.unwrap()).unwrap();
        match request.respond(&mut Env::new(NOW, &mut Dice(1)), json(200, answer)) {
            Ok(Step::Done(grant)) => serde_json::to_string(&grant.into_stored()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    for text in ["{}", r#"{"v":1,"kind":"backchannel"}"#, r#"{"v":2,"kind":"backchannel","state":"{}"}"#, &device] {
        let stored: StoredBackchannel = serde_json::from_str(text).unwrap();
        let error = BackchannelGrant::from_stored(stored, &world().1).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Stored(_))), "{text}: {error}");
    }
}

#[test]
fn its_debug_shows_no_secret() {
    let request = pinged(&world().1, 1);
    let token =
        parameter(&body(&request.request(&mut Env::new(NOW, &mut Dice(1))).unwrap()), "client_notification_token");
    let grant = grant_by(request, LIFETIME, 5);
    let shown = format!("{grant:?}");
    assert!(!shown.contains("ar-1") && !shown.contains(&token), "{shown}");
    let stored = grant.into_stored();
    let shown = format!("{stored:?}");
    assert!(!shown.contains("ar-1") && !shown.contains(&token), "{shown}");
    assert!(serde_json::to_string(&stored).unwrap().len() < 1024, "a pending state has 1 KiB at most");
}
