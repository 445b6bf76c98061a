//! A device grant outlives its process.

use super::*;

use grantflow::{Env, Left, Step, StoredDevice, StoredFault};

fn text_of(grant: DeviceGrant) -> String {
    serde_json::to_string(&grant.into_stored()).unwrap()
}

fn restored(text: &str) -> DeviceGrant {
    let (_, client) = world();
    DeviceGrant::from_stored(serde_json::from_str(text).unwrap(), &client).unwrap()
}

fn again(grant: DeviceGrant, at: UnixTime, answer: Answer) -> DeviceGrant {
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
    let (mut provider, client) = world();
    let ask = request(&client).resource("https://api.example/v1").unwrap();
    let response = provider.handle(&ask.request(&mut Env::new(NOW, &mut Dice(1))).unwrap());
    let Step::Done(grant) = ask.respond(&mut Env::new(NOW, &mut Dice(1)), response).unwrap() else {
        panic!("one step")
    };
    let grant = again(grant, after(5), error(400, "slow_down"));
    let shown = |grant: &DeviceGrant| {
        (
            grant.user_code().to_owned(),
            grant.verification_uri().to_owned(),
            grant.verification_uri_complete().map(str::to_owned),
            grant.expires_at(),
            grant.interval(),
            body(&grant.request(&mut Env::new(after(15), &mut Dice(1))).unwrap()),
        )
    };
    let before = shown(&grant);
    assert_eq!(before.4, Duration::from_secs(10), "slow_down is for good");
    let text = text_of(grant);
    let grant = restored(&text);
    assert_eq!(shown(&grant), before);
    let Step::Done(tokens) = grant.respond(&mut Env::new(after(15), &mut Dice(1)), tokens().unwrap()).unwrap() else {
        panic!("these are tokens")
    };
    assert_eq!(tokens.scope().requested().unwrap().as_str(), "read");
}

#[test]
fn what_is_left_of_its_wait_still_counts() {
    let text = text_of(again(grant_of(LIFETIME, 5), after(5), None));
    // The wait of ten seconds began at 5. Seconds are truncated, so a restored wait counts one more.
    for (at, left) in [(5, 10), (6, 10), (10, 6), (14, 2), (15, 1), (16, 0), (100, 0)] {
        assert_eq!(restored(&text).rest(after(at)), Duration::from_secs(left), "at {at}");
    }
    // The back-off continues where it was, and a clock that was set back meanwhile delays no poll.
    assert_eq!(again(restored(&text), after(16), None).rest(after(16)), Duration::from_secs(20));
    assert_eq!(restored(&text).rest(UnixTime::from_secs(0)), Duration::from_secs(10));
}

#[test]
fn a_code_that_has_expired_meanwhile_is_asked_about_once() {
    for (over, most) in [(0, 2), (30, 2), (59, 2), (60, 1), (61, 1), (86_400, 1)] {
        let text = text_of(again(grant_of(LIFETIME, 5), after(5), pending()));
        let (outcome, waits) = run(restored(&text), after(LIFETIME + over), right, |_| pending());
        assert!(matches!(outcome, Err(Failure { error: Error::Expired, left: Left::Spent })), "{outcome:?}");
        // No wait before the first poll: it passed long ago.
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
        let text = text_of(grant);
        grant = restored(&text);
        at += grant.rest(after(at)).as_secs();
        polls.push(at);
        if answer.as_ref().is_some_and(|response| response.body().starts_with(b"{\"access")) {
            break;
        }
        grant = again(grant, after(at), answer);
    }
    assert_eq!(polls, straight);
}

#[test]
fn it_ends_under_a_clock_that_stands_still_even_if_it_is_restored_for_every_poll() {
    let mut grant = grant_of(60, 5);
    for polls in 1.. {
        assert!(polls <= 60 / 5 + 2, "it does not end");
        grant = restored(&text_of(grant));
        match grant.respond(&mut Env::new(NOW, &mut Dice(1)), pending().unwrap()) {
            Ok(Step::Again(next)) => grant = next,
            Ok(Step::Done(_)) => panic!("nobody gave tokens"),
            Err(failure) => {
                assert!(matches!(failure.error, Error::Expired), "{}", failure.error);
                break;
            }
        }
    }
}

#[test]
fn another_client_does_not_get_it() {
    let text = text_of(grant_of(LIFETIME, 5));
    let (provider, _) = world();
    let elsewhere = Server::with_token_endpoint("https://other.example/token").unwrap();
    for other in [client_of(&provider, "radio"), Client::from(&elsewhere.client(TV).public().unwrap())] {
        let error = DeviceGrant::from_stored(serde_json::from_str(&text).unwrap(), &other).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Stored(StoredFault::OtherClient))), "{error}");
        assert!(!error.to_string().contains("dc-1"), "{error}");
    }
}

#[test]
fn no_byte_of_it_changes_unseen() {
    let (_, client) = world();
    let text = text_of(again(grant_of(LIFETIME, 5), after(5), error(400, "slow_down")));
    let shown = |grant: &DeviceGrant| format!("{grant:?} {} {:?}", grant.user_code(), grant.rest(after(6)));
    let original = shown(&restored(&text));
    let mut refused = 0;
    for at in 0..text.len() {
        for flip in [1, 2, 32] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= flip;
            let Ok(stored) = serde_json::from_slice::<StoredDevice>(&bytes) else { continue };
            match DeviceGrant::from_stored(stored, &client) {
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
    let (_, client) = world();
    for text in ["{}", r#"{"v":1,"kind":"device"}"#, r#"{"v":2,"kind":"device","state":"{}"}"#] {
        let stored: StoredDevice = serde_json::from_str(text).unwrap();
        let error = DeviceGrant::from_stored(stored, &client).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::Stored(_))), "{text}: {error}");
    }
}

#[test]
fn its_debug_shows_no_code() {
    let grant = grant_of(LIFETIME, 5);
    let shown = format!("{grant:?}");
    assert!(!shown.contains("dc-1") && !shown.contains("BCDF"), "{shown}");
    let shown = format!("{:?}", grant.into_stored());
    assert!(!shown.contains("dc-1") && !shown.contains("BCDF"), "{shown}");
}

#[test]
fn a_clock_that_is_a_little_behind_ends_no_restored_poll() {
    let (_, client) = world();
    for behind in 0..=20 {
        let start = UnixTime::from_secs(NOW.as_secs() - behind);
        for pass in [right, standing] {
            let stored = grant_of(LIFETIME, 10).into_stored();
            let grant = DeviceGrant::from_stored(stored, &client).unwrap();
            let (outcome, waits) = run(grant, start, pass, |_| tokens());
            assert!(outcome.is_ok(), "{behind} s: {}", outcome.unwrap_err().error);
            assert_eq!(waits, [10], "{behind} s");
        }
    }
}
