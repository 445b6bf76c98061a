//! What a failed exchange leaves.

use grantflow::{AccessTokenExchange, Env, Error, ErrorCode, Exchange, Left, Next, Sent, TokenExchange};

use super::*;

fn name<X>(left: &Left<X>) -> &'static str {
    match left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}

/// The same rows for both kinds of exchange.
fn left(status: u16, body: &str) -> (&'static str, Error) {
    let mut world = World::new();
    let (any, only) = (exchange(&world), exchange(&world).for_access_token());
    let any = world.answer(any, json(status, body)).unwrap_err();
    let only = world.answer(only, json(status, body)).unwrap_err();
    assert_eq!(name(&any.left), name(&only.left), "{status} {body}");
    (name(&any.left), any.error)
}

#[test]
fn each_answer_leaves_what_it_must() {
    let error = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    for (status, body, what, next) in [
        // RFC 8693 §2.2.2.
        (400, error("invalid_request"), "intact", Next::FixConfiguration),
        (400, error("invalid_target"), "intact", Next::FixConfiguration),
        (400, error("invalid_scope"), "intact", Next::FixConfiguration),
        (401, error("invalid_client"), "intact", Next::FixConfiguration),
        (403, error("unauthorized_client"), "intact", Next::FixConfiguration),
        (400, error("unsupported_grant_type"), "intact", Next::FixConfiguration),
        (403, error("access_denied"), "intact", Next::Reauthorize),
        (400, error("invalid_grant"), "spent", Next::Reauthorize),
        (200, error("invalid_grant"), "spent", Next::Reauthorize),
        (429, error("slow_down"), "intact", Next::RetryLater(None)),
        // No registered code, no verdict.
        (400, error("invalid_token"), "unknown", Next::FixConfiguration),
        (400, error("Bad Request"), "unknown", Next::FixConfiguration),
        (500, error("server_error"), "unknown", Next::RetryLater(None)),
        (404, error("invalid_grant"), "unknown", Next::FixConfiguration),
        (200, "<html>".to_owned(), "unknown", Next::FixConfiguration),
        (200, String::new(), "unknown", Next::RetryLater(None)),
        (502, "<html>".to_owned(), "unknown", Next::RetryLater(None)),
        (503, String::new(), "unknown", Next::RetryLater(None)),
        (302, String::new(), "unknown", Next::FixConfiguration),
        (200, r#"{"access_token":"#.to_owned(), "unknown", Next::RetryLater(None)),
    ] {
        let (got, why) = left(status, &body);
        assert_eq!((got, why.next()), (what, next), "{status} {body}: {why}");
    }
}

#[test]
fn a_lost_answer_leaves_it_unknown() {
    fn lost<X: Exchange>(exchange: X, sent: Sent) -> (&'static str, Error) {
        let Err(failure) = exchange.unanswered(&mut Env::new(NOW, &mut Dice(1)), sent) else { panic!("no failure") };
        (name(&failure.left), failure.error)
    }
    let world = World::new();
    for (sent, what) in [(Sent::NotSent, "intact"), (Sent::MaybeSent, "unknown")] {
        let (any, error) = lost(exchange(&world), sent);
        assert_eq!(any, what);
        assert!(matches!(error, Error::NoAnswer(was) if was == sent));
        assert_eq!(lost(exchange(&world).for_access_token(), sent).0, what);
    }
}

/// What is left is the same exchange, and it may be run again.
#[test]
fn what_is_left_asks_for_the_same_again() {
    let (mut service, subject) = Service::new();
    service.provider.knobs().misbehave(testkit::Misbehaviour::Html { status: 502, acts: false });
    service.provider.knobs().misbehave(testkit::Misbehaviour::error(400, "invalid_target"));
    service.provider.knobs().misbehave(testkit::Misbehaviour::Lost { acts: true });
    let mut exchange: AccessTokenExchange =
        TokenExchange::new(&service.client, subject).audience("stock").unwrap().for_access_token();
    for _ in 0..3 {
        exchange = match service.run(exchange).unwrap_err().left {
            Left::Intact(exchange) | Left::Unknown(exchange) => *exchange,
            Left::Spent => panic!("lost"),
        };
    }
    assert!(service.run(exchange).unwrap().bearer().is_ok());
    let sent: Vec<_> = service.provider.hits("urn:ietf:params:oauth:grant-type:token-exchange").collect();
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|hit| hit.parameters == sent[0].parameters));
}

/// RFC 8693 §2.2.2: a bad subject token is `invalid_request`, and a target that is not known is `invalid_target`.
#[test]
fn a_server_says_why() {
    let (mut service, subject) = Service::new();
    service.provider.knobs().exchange_targets = Some(vec!["stock".to_owned()]);
    let unknown = SecurityToken::access_token("at-unknown").unwrap();
    let exchange = TokenExchange::new(&service.client, unknown);
    let failure = service.run(exchange).unwrap_err();
    assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidRequest));
    let exchange = TokenExchange::new(&service.client, subject.clone()).audience("orders").unwrap();
    let failure = service.run(exchange).unwrap_err();
    assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidTarget));
    let exchange = TokenExchange::new(&service.client, subject).audience("stock").unwrap();
    assert!(service.run(exchange).is_ok());
}

/// Every misbehaviour of the endpoint: no panic, and an access token only where the answer says that it is one.
#[test]
fn every_misbehaviour_is_survived() {
    for how in testkit::Misbehaviour::all_at(testkit::Endpoint::Token) {
        let (mut service, subject) = Service::new();
        service.provider.knobs().misbehave(how.clone());
        let exchange = TokenExchange::new(&service.client, subject);
        match service.run(exchange) {
            Ok(Exchanged::Tokens { tokens, .. }) => {
                assert!(tokens.bearer().is_ok_and(|token| !token.expose_secret().is_empty()), "{how:?}")
            }
            Ok(Exchanged::Issued(token)) => assert!(!token.expose_secret().is_empty(), "{how:?}"),
            Err(failure) => assert!(!failure.error.to_string().contains("at-"), "{how:?}"),
        }
    }
}
