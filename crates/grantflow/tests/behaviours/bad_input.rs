//! Bad input gets a clear error, and nothing is lost.

use std::time::{Duration, Instant};

use grantflow::{
    Authorization, Callback, EntropyFailed, Env, Error, Left, Misuse, NotOurs, PendingCallback, ResponseMode, Scope,
    Violation, callback_key, callback_key_in_form,
};

use crate::support::*;

struct Broken;

impl grantflow::Entropy for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed)
    }
}

/// A source that returns the same bytes again and again.
struct Stuck;

impl grantflow::Entropy for Stuck {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        bytes.fill(0);
        Ok(())
    }
}

#[test]
fn without_entropy_nothing_starts() {
    let world = World::new();
    let authorization = world.authorization();
    for rng in [&mut Broken as &mut dyn grantflow::Entropy, &mut Stuck] {
        assert!(matches!(authorization.start(&mut Env::new(NOW, rng)), Err(Error::Entropy)));
    }
    // The recipe is unchanged.
    assert!(authorization.start(&mut Env::new(NOW, &mut Dice(1))).is_ok());
}

fn violation(body: &[u8]) -> Violation {
    let mut world = World::new();
    let exchange = world.exchange();
    let failure = world.answer(exchange, http::Response::new(body)).unwrap_err();
    assert!(matches!(failure.left, Left::Unknown(_)), "a grant was lost");
    match failure.error {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_million_levels_of_nesting_are_no_trouble() {
    let (open, close) = ("[".repeat(1_000_000 / 2), "]".repeat(1_000_000 / 2));
    let mut world = World::new();
    let exchange = world.exchange();
    let deep = format!(r#"{{"access_token":"t","x":{open}{close},"token_type":"bearer"}}"#);
    assert!(world.answer(exchange, json(200, &deep)).is_ok());
    // Opened without an end: over the limit, or not JSON.
    assert_eq!(violation("[".repeat(2_000_000).as_bytes()), Violation::TooLarge);
    assert!(matches!(violation(format!("{{\"a\":{open}").as_bytes()), Violation::NotJson { .. }));
    let exchange = world.exchange();
    let scope = format!(r#"{{"access_token":"t","token_type":"bearer","scope":{open}{close}}}"#);
    assert_eq!(world.answer(exchange, json(200, &scope)).unwrap().tolerated(), ["scope"]);
    let kind = format!(r#"{{"access_token":"t","token_type":{open}{close}}}"#);
    assert_eq!(violation(kind.as_bytes()), Violation::WrongType("token_type"));
    let error = format!(r#"{{"error":{}{}}}"#, r#"{"a":"#.repeat(100_000), "1".to_owned() + &"}".repeat(100_000));
    let mut world = World::with(|server| server.quirk(grantflow::Quirk::error_path("error.a.a", None)).unwrap());
    let exchange = world.exchange();
    assert!(matches!(world.answer(exchange, json(400, &error)).unwrap_err().error, Error::Protocol(_)));
}

#[test]
fn a_hundred_megabytes_are_refused_by_their_length() {
    let huge = vec![b'{'; 100_000_000];
    let started = Instant::now();
    assert_eq!(violation(&huge), Violation::TooLarge);
    // Not a benchmark: reading every byte would take far longer, even on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(20));
}

/// The result for a form POST with this body.
fn posted(pending: PendingCallback, body: &[u8]) -> Callback {
    let request = http::Request::post("/cb").header("content-type", "application/x-www-form-urlencoded");
    pending.receive_form_post(&request.body(body).unwrap())
}

fn form_pending() -> (PendingCallback, String) {
    let mut world = World::new();
    let authorization = world.authorization().response_mode(ResponseMode::FormPost);
    let start = world.start(&authorization);
    (start.pending, parameter(start.url.as_str(), "state"))
}

#[test]
fn a_callback_over_64_kib_is_unrelated_and_costs_nothing() {
    const LIMIT: usize = 64 * 1024;
    let padded = |query: &str, length: usize| format!("{query}&x={}", "x".repeat(length - query.len() - 3));

    let (pending, state) = World::new().waiting();
    let good = format!("{REDIRECT_URI}?code=a&state={state}");
    let Callback::Unrelated { pending, why } = pending.receive_url(&padded(&good, LIMIT + 1)) else { panic!() };
    assert_eq!(why, NotOurs::TooLong);
    let _ = granted(pending.receive_url(&padded(&good, LIMIT)));

    let (pending, state) = form_pending();
    let good = format!("code=a&state={state}");
    let key = pending.key();
    let Callback::Unrelated { pending, why } = posted(pending, padded(&good, LIMIT + 1).as_bytes()) else { panic!() };
    assert_eq!(why, NotOurs::TooLong);
    assert_eq!(callback_key_in_form(padded(&good, LIMIT + 1).as_bytes()), None);
    assert_eq!(callback_key_in_form(padded(&good, LIMIT).as_bytes()), Some(key));
    let _ = granted(posted(pending, padded(&good, LIMIT).as_bytes()));

    // A `Uri` holds a little less than that, with any content.
    assert!(padded("/cb?code=a", LIMIT).parse::<http::Uri>().is_err());
    let (pending, state) = World::new().waiting();
    let longest: http::Uri = padded(&format!("/cb?code=a&state={state}"), LIMIT - 2).parse().unwrap();
    assert_eq!(callback_key(&longest), Some(pending.key()));
    let _ = granted(pending.receive(&longest));
}

#[test]
fn a_huge_callback_is_refused_by_its_length() {
    let huge = vec![b'a'; 100_000_000];
    let (pending, _) = form_pending();
    let started = Instant::now();
    for _ in 0..3_000 {
        assert_eq!(callback_key_in_form(&huge), None);
    }
    assert!(matches!(posted(pending, &huge), Callback::Unrelated { why: NotOurs::TooLong, .. }));
    // Reading 300 GB takes longer on any machine, even for a check of UTF-8.
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_form_that_is_no_utf_8_is_not_ours_and_says_so() {
    let (pending, state) = form_pending();
    let body = [b"code=\xff&state=", state.as_bytes()].concat();
    let Callback::Unrelated { pending, why } = posted(pending, &body) else { panic!() };
    assert_eq!(why, NotOurs::Unreadable);
    assert_eq!(why.to_string(), "it is not UTF-8");
    let _ = granted(posted(pending, format!("code=a&state={state}").as_bytes()));
}

#[test]
fn scopes_and_resources_are_checked_when_they_are_given() {
    let world = World::new();
    let fresh = || Authorization::new(&world.client, REDIRECT_URI).unwrap();
    for bad in ["", " ", "a\"b", "a\\b", "a\nb", "é"] {
        assert!(matches!(fresh().scope(bad), Err(Error::Misuse(Misuse::Scope))), "{bad:?}");
    }
    assert!(fresh().scope(Scope::new("a b").unwrap()).is_ok());
    for bad in ["", "relative", "https://api.example/#f", "a b:c", ":x", "1:x"] {
        assert!(fresh().resource(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_interim_response_is_the_callers_mistake() {
    let mut world = World::new();
    let exchange = world.exchange();
    let failure = world.answer(exchange, json(100, "")).unwrap_err();
    assert!(matches!(failure.error, Error::Misuse(Misuse::InterimResponse)));
    let Left::Unknown(exchange) = failure.left else { panic!("the final answer may still come") };
    assert!(world.run(*exchange).is_ok());
}
