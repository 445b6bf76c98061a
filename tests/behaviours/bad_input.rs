//! Bad input gets a clear error, and nothing is lost.

use std::time::{Duration, Instant};

use grantflow::{Authorization, Callback, EntropyFailed, Env, Error, Left, Misuse, NotOurs, Scope, Violation};

use crate::support::*;

struct Broken;

impl grantflow::Entropy for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed)
    }
}

/// A source that gives the same bytes over and over.
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
        assert!(matches!(authorization.start(&mut Env { now: NOW, rng }), Err(Error::Entropy)));
    }
    // The recipe is as good as before.
    assert!(authorization.start(&mut Env { now: NOW, rng: &mut Dice(1) }).is_ok());
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
    // Open without end: over the limit, or no JSON.
    assert_eq!(violation("[".repeat(2_000_000).as_bytes()), Violation::TooLarge);
    assert!(matches!(violation(format!("{{\"a\":{open}").as_bytes()), Violation::NotJson { .. }));
    let scope = format!(r#"{{"access_token":"t","token_type":"bearer","scope":{open}{close}}}"#);
    assert_eq!(violation(scope.as_bytes()), Violation::WrongType(grantflow::Member::Scope));
}

#[test]
fn a_hundred_megabytes_are_refused_by_their_length() {
    let huge = vec![b'{'; 100_000_000];
    let started = Instant::now();
    assert_eq!(violation(&huge), Violation::TooLarge);
    // Not a benchmark: looking at every byte by hand would take far longer, even on a busy machine.
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_callback_of_a_megabyte_is_read_in_linear_time() {
    for filler in ["a=b&", "&&&&", "%41=", "state=", "code=x&"] {
        let (pending, state) = World::new().waiting();
        let url = format!("{REDIRECT_URI}?{}state={state}", filler.repeat(1_000_000 / filler.len()));
        let verdict = verdict(&pending.receive_url(&url));
        assert!(["granted", "unrelated", "rejected"].contains(&verdict));
    }
    let (pending, _) = World::new().waiting();
    assert!(matches!(
        pending.receive_url(&"\0".repeat(1_000_000)),
        Callback::Unrelated { why: NotOurs::OtherOrigin, .. }
    ));
}

#[test]
fn a_form_that_is_no_utf_8_is_not_ours() {
    let mut world = World::new();
    let authorization = world.authorization().response_mode(grantflow::ResponseMode::FormPost);
    let pending = world.start(&authorization).pending;
    let request = http::Request::post("/cb").header("content-type", "application/x-www-form-urlencoded");
    let request = request.body(b"code=\xff&state=x".to_vec()).unwrap();
    assert!(matches!(pending.receive_form_post(&request), Callback::Unrelated { .. }));
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
