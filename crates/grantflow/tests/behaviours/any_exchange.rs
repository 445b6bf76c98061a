//! An exchange of unknown make does all that the exchange in it does.

use std::time::Duration;

use grantflow::{
    AnyExchange, ClientCredentials, CodeExchange, Env, Error, Exchange, Failure, Left, RefreshExchange, Sent, Step,
    Tokens,
};
use http::Response;

use crate::support::*;
use crate::waits::Poll;

fn left<X>(failure: &Failure<X>) -> &'static str {
    match failure.left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}

#[test]
fn its_request_is_the_exchanges_own() {
    let mut world = World::new();
    let exchange = ClientCredentials::new(&world.client).scope("read").unwrap();
    let plain = world.request(&exchange);
    let boxed = world.request(&AnyExchange::new(exchange));
    assert_eq!((plain.method(), plain.uri(), plain.headers()), (boxed.method(), boxed.uri(), boxed.headers()));
    assert_eq!(plain.body().as_ref(), boxed.body().as_ref());
}

#[test]
fn plans_of_different_make_lie_in_one_list_and_each_gives_tokens() {
    let mut world = World::new();
    let refresh = world.tokens().refresh().unwrap();
    let plans: Vec<AnyExchange<Tokens>> = vec![
        AnyExchange::new(world.exchange()),
        AnyExchange::new(refresh),
        AnyExchange::new(ClientCredentials::new(&world.client).scope("read").unwrap()),
    ];
    for plan in plans {
        let shown = format!("{plan:?}");
        let tokens = world.run(plan).unwrap_or_else(|failure| panic!("{shown}: {failure}"));
        assert!(tokens.bearer().is_ok(), "{shown}");
    }
}

#[test]
fn what_an_answer_leaves_is_what_it_leaves_of_the_exchange_in_it() {
    let answers: [(u16, &str); 6] = [
        (400, r#"{"error":"invalid_grant"}"#),
        (401, r#"{"error":"invalid_client"}"#),
        (429, ""),
        (502, "<html>"),
        (200, "{"),
        (200, r#"{"access_token":"a"}"#),
    ];
    for (status, text) in answers {
        let mut world = World::new();
        let (code, boxed) = (world.exchange(), AnyExchange::new(world.exchange()));
        let plain = world.answer(code, json(status, text)).unwrap_err();
        let boxed = world.answer(boxed, json(status, text)).unwrap_err();
        assert_eq!((left(&plain), plain.to_string()), (left(&boxed), boxed.to_string()), "{status} {text}");

        let (plain, boxed) = (world.tokens().refresh().unwrap(), AnyExchange::new(world.tokens().refresh().unwrap()));
        let plain = world.answer(plain, json(status, text)).unwrap_err();
        let boxed = world.answer(boxed, json(status, text)).unwrap_err();
        assert_eq!((left(&plain), plain.to_string()), (left(&boxed), boxed.to_string()), "{status} {text}");
    }
}

#[test]
fn no_answer_leaves_what_it_leaves_of_the_exchange_in_it() {
    let mut world = World::new();
    for (sent, code, robot) in [(Sent::NotSent, "intact", "intact"), (Sent::MaybeSent, "unknown", "intact")] {
        let plan = AnyExchange::new(world.exchange());
        assert_eq!(left(&plan.unanswered(&mut Env::new(NOW, &mut Dice(1)), sent).unwrap_err()), code);
        let plan = AnyExchange::new(ClientCredentials::new(&world.client));
        assert_eq!(left(&plan.unanswered(&mut Env::new(NOW, &mut Dice(1)), sent).unwrap_err()), robot);
    }
    let plan = AnyExchange::new(Poll::new(NOW));
    let Ok(Step::Again(plan)) = plan.unanswered(&mut Env::new(NOW, &mut Dice(1)), Sent::MaybeSent) else { panic!() };
    assert!(plan.downcast::<Poll>().is_ok(), "a poll goes on");
}

#[test]
fn the_exchange_in_it_comes_back_and_is_still_good() {
    let mut world = World::new();
    let plan = AnyExchange::new(world.exchange());
    // Not that one: it is unchanged.
    let plan = plan.downcast::<RefreshExchange>().unwrap_err();
    let plan = plan.downcast::<AnyExchange<Tokens>>().unwrap_err();
    // Nor after a failure that left it.
    let Left::Intact(plan) = world.answer(plan, json(429, "")).unwrap_err().left else { panic!() };
    let code: CodeExchange = plan.downcast().unwrap();
    assert!(world.run(code).is_ok());
}

#[test]
fn what_a_failure_leaves_in_it_is_the_exchange_with_all_that_it_learnt() {
    let mut world = World::new();
    let plan = AnyExchange::new(world.tokens().refresh().unwrap());
    let rotated = r#"{"access_token":"new","refresh_token":"rotated"}"#;
    let Left::Intact(plan) = world.answer(plan, json(200, rotated)).unwrap_err().left else { panic!() };
    let refresh: RefreshExchange = plan.downcast().unwrap();
    assert!(refresh.is_rescued());
    assert_eq!(refresh.into_tokens().refresh_token().unwrap().expose_secret(), "rotated");
}

#[test]
fn it_shows_its_make_and_no_secret() {
    let mut world = World::new();
    let tokens = world.tokens();
    let secret = tokens.refresh_token().unwrap().expose_secret().to_owned();
    let shown = format!("{:?}", AnyExchange::new(tokens.refresh().unwrap()));
    assert!(shown.contains("RefreshExchange") && !shown.contains(&secret), "{shown}");
}

#[test]
fn it_never_waits_for_a_flow_that_does_not_poll_and_may_be_sent_to_a_thread() {
    fn check<T: Send + 'static>(value: T) -> T {
        value
    }
    let mut world = World::new();
    let plan = check(AnyExchange::new(world.exchange()));
    assert_eq!(plan.rest(NOW), Duration::ZERO);
}

#[test]
fn a_body_of_any_kind_is_an_answer_to_it() {
    let answer = r#"{"access_token":"t","token_type":"Bearer"}"#;
    let mut world = World::new();
    let plan = || AnyExchange::new(ClientCredentials::new(&World::new().client));
    assert!(world.answer(plan(), Response::new(answer)).is_ok());
    assert!(world.answer(plan(), Response::new(answer.as_bytes().to_vec())).is_ok());
    assert!(world.answer(plan(), Response::new(grantflow::Body::from(answer.as_bytes().to_vec()))).is_ok());
}

/// For flows and adapters of one's own: what is left can be made, and carried over to what it is left of.
#[test]
fn a_failure_can_be_made_and_carried_over() {
    let spent: Failure<u8> = Failure::spent(Error::Expired);
    assert_eq!(left(&spent), "spent");
    let intact = Failure::intact(Error::Entropy, 1_u8).map_left(|left| u32::from(left) + 1);
    assert!(matches!(intact.left, Left::Intact(two) if *two == 2));
    let unknown: Failure<u8, &str> = Failure::unknown("cable", 1);
    let Failure { error, left } = unknown.map_left(|left| format!("{left}!"));
    assert!(matches!(left.map(|text| text.len()), Left::Unknown(length) if *length == 2));
    assert_eq!(error, "cable");
    assert!(Failure::intact("a", 1).to_string().contains("may be sent again without harm"));
}
