//! When a device polls, and when it stops: exact times, on clocks of every kind.

use super::*;

use grantflow::{Env, Left, Step};

fn is_expired<T>(outcome: &Result<T, Failure<DeviceGrant>>) -> bool {
    matches!(outcome, Err(Failure { error: Error::Expired, left: Left::Spent }))
}

#[test]
fn it_waits_the_interval_before_every_poll_and_the_first_one_too() {
    let (outcome, polls) = times(grant_of(LIFETIME, 5), &[pending(), pending(), pending(), tokens()]);
    assert!(outcome.is_ok());
    assert_eq!(polls, [5, 10, 15, 20]);
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

#[test]
fn pending_is_pending_with_every_status() {
    // Google answers 428, dex has answered 401, GitHub 200.
    for status in [200, 400, 401, 403, 404, 428, 429, 500, 503] {
        let answers: [Answer; 7] = std::array::from_fn(|_| error(status, "authorization_pending"));
        let (outcome, polls) = times(grant_of(LIFETIME, 5), &[&answers[..], &[tokens()]].concat());
        assert!(outcome.is_ok(), "{status}");
        assert_eq!(polls, [5, 10, 15, 20, 25, 30, 35, 40], "{status}");
    }
}

#[test]
fn each_answer_that_is_lost_doubles_the_wait_up_to_a_minute() {
    let no_answers: [Answer; 10] = [
        None,
        page(500),
        page(502),
        page(503),
        page(504),
        error(500, "server_error"),
        error(400, "temporarily_unavailable"),
        page(408),
        page(429),
        error(500, "invalid_grant"),
    ];
    for lost in no_answers {
        let what = format!("{lost:?}");
        let lost = || lost.clone();
        let answers = [pending(), lost(), lost(), lost(), lost(), lost(), pending(), pending(), lost(), tokens()];
        let (outcome, polls) = times(grant_of(LIFETIME, 5), &answers);
        assert!(outcome.is_ok(), "{what}");
        // Waits of 5, 5, then 10, 20, 40, 60, 60, and back to 5, 5, then 10.
        assert_eq!(polls, [5, 10, 20, 40, 80, 140, 200, 205, 210, 220], "{what}");
    }
    // An interval of more than a minute doubles as well: RFC 8628 §3.5 says that a client must poll less often.
    let (_, polls) = times(grant_of(LIFETIME, 100), &[None, None, None, tokens()]);
    assert_eq!(polls, [100, 300, 500, 700]);
}

#[test]
fn retry_after_counts_if_it_is_longer_and_for_one_wait_only() {
    for (answer, retry_after, wait, next) in [
        (pending(), "30", 30, 5),
        (pending(), "3", 5, 5),
        (pending(), "0", 5, 5),
        (pending(), "soon", 5, 5),
        (pending(), "Fri, 31 Dec 1999 23:59:59 GMT", 5, 5),
        // Forty seconds after the poll.
        (pending(), "Sun, 15 Jun 2025 15:07:25 GMT", 40, 5),
        (error(429, "slow_down"), "3", 10, 10),
        (error(429, "slow_down"), "60", 60, 10),
        (page(429), "7", 7, 5),
        (page(429), "3", 5, 5),
        (page(429), "soon", 10, 5),
        (page(503), "25", 25, 5),
        (page(503), "3", 5, 5),
        (page(503), "soon", 10, 5),
        (page(502), "25", 25, 5),
        (page(502), "3", 10, 5),
    ] {
        let what = format!("{answer:?}");
        let answers = [with_retry_after(answer, retry_after), pending(), tokens()];
        let (outcome, polls) = times(grant_of(LIFETIME, 5), &answers);
        assert!(outcome.is_ok(), "{what}");
        assert_eq!(polls, [5, 5 + wait, 5 + wait + next], "{what}");
    }
}

#[test]
fn no_wait_is_longer_than_the_code_lives() {
    for answer in [
        with_retry_after(pending(), "100000000000000000000"),
        with_retry_after(page(503), "1000"),
        with_retry_after(page(429), "Fri, 31 Dec 9999 23:59:59 GMT"),
    ] {
        let (outcome, polls) = times(grant_of(60, 5), &[pending(), answer, pending()]);
        assert!(is_expired(&outcome), "{outcome:?}");
        assert_eq!(polls, [5, 10, 60], "it is asked once at the end");
    }
    let (outcome, polls) = times(grant_of(100, 5), &[None]);
    assert!(is_expired(&outcome), "{outcome:?}");
    assert_eq!(polls, [5, 15, 35, 75, 100]);
}

#[test]
fn it_ends_once_the_code_has_expired_and_was_polled_with_after_that() {
    for (expires_in, interval, expected) in [
        (15, 5, &[5, 10, 15][..]),
        (16, 5, &[5, 10, 15, 20]),
        (12, 5, &[5, 10, 15]),
        (1, 1, &[1]),
        (5, 5, &[5]),
        (9, 5, &[5, 10]),
    ] {
        let (outcome, polls) = times(grant_of(expires_in, interval), &[pending()]);
        assert!(is_expired(&outcome), "{outcome:?}");
        assert_eq!(polls, expected, "{expires_in} s, every {interval} s");
    }
    // The person agreed in the last second: the last poll gets the tokens.
    let (outcome, polls) = times(grant_of(12, 5), &[pending(), pending(), tokens()]);
    assert!(outcome.is_ok());
    assert_eq!(polls, [5, 10, 15]);
}

#[test]
fn it_ends_under_a_clock_that_stands_still() {
    let slow = || error(400, "slow_down");
    for (answer, most) in [(pending(), 360), (slow(), 30), (None, 40), (page(429), 40)] {
        let (outcome, waits) = run(grant_of(LIFETIME, 5), NOW, standing, |_| answer.clone());
        assert!(is_expired(&outcome), "{outcome:?}");
        assert!(waits.len() <= most, "{} answers", waits.len());
        let waited: u64 = waits.iter().sum();
        assert!((LIFETIME..LIFETIME + 200).contains(&waited), "it waited {waited} s for a code of {LIFETIME} s");
    }
    let (outcome, waits) = run(grant_of(12, 5), NOW, standing, |_| pending());
    assert!(is_expired(&outcome), "{outcome:?}");
    assert_eq!(waits, [5, 5, 5]);
}

#[test]
fn it_ends_under_a_clock_that_falls_back() {
    let back = |clock: UnixTime, _| UnixTime::from_secs(clock.as_secs().saturating_sub(1000));
    let (outcome, waits) = run(grant_of(60, 5), NOW, back, |_| pending());
    assert!(is_expired(&outcome), "{outcome:?}");
    assert_eq!(waits, [5; 12]);
    // To the start of time, as on a device whose battery is flat.
    let (outcome, waits) = run(grant_of(60, 5), NOW, |_, _| UnixTime::from_secs(0), |_| pending());
    assert!(is_expired(&outcome), "{outcome:?}");
    assert_eq!(waits, [5; 12]);
}

#[test]
fn a_leap_of_the_clock_ends_nothing_that_was_not_asked_after_it() {
    // The device gets the right time while it polls: the code is over by the new clock, but was not when the poll was sent.
    let mut grant = grant_of(LIFETIME, 5);
    let poll = |grant: DeviceGrant, at: UnixTime, answer: Response<Vec<u8>>| {
        assert!(grant.request(&mut Env::new(at, &mut Dice(1))).is_ok());
        let later = at.saturating_add(Duration::from_secs(50 * 365 * 86400));
        grant.respond(&mut Env::new(later, &mut Dice(1)), answer)
    };
    match poll(grant, after(5), pending().unwrap()) {
        Ok(Step::Again(again)) => grant = again,
        other => panic!("{other:?}"),
    }
    let later = after(5 + 50 * 365 * 86400);
    assert_eq!(grant.rest(later), Duration::from_secs(5));
    let (outcome, waits) = run(grant, later, right, |_| tokens());
    assert!(outcome.is_ok());
    assert_eq!(waits, [5]);

    // If the leap comes during the wait, there is one poll and no more.
    let leap = |clock: UnixTime, _| clock.saturating_add(Duration::from_secs(86400));
    let (outcome, waits) = run(grant_of(LIFETIME, 5), NOW, leap, |_| pending());
    assert!(is_expired(&outcome), "{outcome:?}");
    assert!(waits.len() <= 2, "{waits:?}");
    // No overflow at the end of time.
    let (outcome, _) = run(grant_of(LIFETIME, 5), NOW, |_, _| UnixTime::from_secs(u64::MAX), |_| pending());
    assert!(outcome.is_err(), "{outcome:?}");
}

#[test]
fn a_poll_before_its_time_is_refused_and_costs_nothing() {
    let grant = grant_of(LIFETIME, 5);
    for (at, left) in [(0, 5), (1, 5), (3, 3), (4, 2)] {
        assert_eq!(grant.rest(after(at)), Duration::from_secs(left));
        let error = grant.request(&mut Env::new(after(at), &mut Dice(1))).unwrap_err();
        match error {
            Error::Misuse(Misuse::TooEarly { rest }) => assert_eq!(rest, Duration::from_secs(left)),
            other => panic!("{other}"),
        }
    }
    for at in [5, 6, 5000] {
        assert!(grant.request(&mut Env::new(after(at), &mut Dice(1))).is_ok(), "{at}");
    }
}

#[test]
fn trouble_says_why_nobody_answered_until_somebody_does() {
    let mut grant = grant_of(LIFETIME, 5);
    let mut at = 5;
    for (answer, expected) in [
        (pending(), None),
        (None, Some("no answer")),
        (page(502), Some("502")),
        (error(429, "slow_down"), None),
        (page(429), Some("429")),
        (error(400, "Bad Request"), Some("unregistered")),
        (pending(), None),
    ] {
        at += grant.rest(after(at)).as_secs();
        let mut rng = Dice(1);
        let mut env = Env::new(after(at), &mut rng);
        let step = match answer {
            Some(response) => grant.respond(&mut env, response),
            None => grant.unanswered(&mut env, Sent::MaybeSent),
        };
        let Ok(Step::Again(again)) = step else { panic!("it ended") };
        let trouble = again.trouble().map(ToString::to_string);
        assert_eq!(trouble.is_some(), expected.is_some(), "{trouble:?}");
        if let (Some(trouble), Some(expected)) = (trouble, expected) {
            assert!(trouble.contains(expected), "{trouble}");
        }
        grant = again;
    }
}
