//! The made-up grant, from end to end: every client authentication, every error, a refresh, and a session.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers."
)]

mod keeps;
mod server;

use std::time::Duration;

use grantflow::{
    Asked, Client, EntropyFailed, Env, Error, Exchange, Failure, Left, Meaning, Misuse, Next, Sent, Step, Tokens,
    UnixTime, UrlRole,
};
use grantflow_own_grant::Voucher;
use http::Response;
use server::Server;

pub const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);

/// A token request draws nothing.
pub struct NoRandom;

impl grantflow::Entropy for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed)
    }
}

/// Every client authentication, and as what the server sees it.
pub fn clients() -> [(&'static str, Client); 3] {
    let server = grantflow::Server::with_token_endpoint("https://as.example/token").unwrap();
    [
        ("public", Client::from(&server.client("app").public().unwrap())),
        ("post", Client::from(&server.client("robot").secret_post("s3cret").unwrap())),
        ("basic", Client::from(&server.client("robot").secret_basic("s3cret").unwrap())),
    ]
}

pub fn run<X: Exchange>(server: &mut Server, exchange: X) -> Result<X::Output, Failure<X>> {
    let mut random = NoRandom;
    let mut env = Env::new(NOW, &mut random);
    let request = exchange.request(&mut env).unwrap();
    match exchange.respond(&mut env, server.handle(&request))? {
        Step::Done(output) => Ok(output),
        Step::Again(_) => panic!("this grant has one step"),
    }
}

fn access(tokens: &Tokens) -> &str {
    tokens.bearer().unwrap().expose_secret()
}

#[test]
fn every_client_gets_tokens_and_refreshes_them() {
    for (auth, client) in clients() {
        let mut server = Server::default();
        let voucher = Voucher::new(client, "V-1&scope=all").scope("clubs rounds").unwrap();
        let voucher = voucher.resource("https://api.example/1").unwrap().resource("https://api.example/2").unwrap();
        let tokens = run(&mut server, voucher).unwrap();
        assert_eq!(access(&tokens), "access-1");
        assert_eq!(tokens.expires_at(), Some(UnixTime::from_secs(1_750_000_600)));
        // The answer names no scope, so it is what was asked for (RFC 6749 §5.1).
        assert_eq!(tokens.scope().effective().unwrap().as_str(), "clubs rounds");
        let refreshed = run(&mut server, tokens.refresh().unwrap()).unwrap();
        assert_eq!(access(&refreshed), "access-2");

        let seen: Vec<&str> = server.seen.iter().map(|(auth, _)| *auth).collect();
        assert_eq!(seen, [auth, auth]);
        let sent = |at: usize, name: &str| {
            let pairs = server.seen[at].1.iter().filter(|(n, _)| n == name);
            pairs.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(sent(0, "grant_type"), ["urn:example:voucher"]);
        assert_eq!(sent(0, "voucher"), ["V-1&scope=all"]);
        assert_eq!(sent(0, "scope"), ["clubs rounds"]);
        assert_eq!(sent(1, "refresh_token"), ["refresh-1"]);
        for request in [0, 1] {
            assert_eq!(sent(request, "resource"), ["https://api.example/1", "https://api.example/2"]);
        }
    }
}

/// What is left of a grant that can be used once.
#[derive(Debug, PartialEq, Clone, Copy)]
enum Rest {
    Spent,
    Intact,
    Unknown,
}

/// The status, a `Retry-After`, the body, and what it leaves.
type Row = (u16, Option<&'static str>, &'static str, Rest);

const ANSWERS: [Row; 26] = [
    (400, None, r#"{"error":"invalid_grant"}"#, Rest::Spent),
    (400, None, r#"{"error":"invalid_request"}"#, Rest::Spent),
    (401, None, r#"{"error":"invalid_client"}"#, Rest::Spent),
    (400, None, r#"{"error":"unauthorized_client"}"#, Rest::Spent),
    (400, None, r#"{"error":"unsupported_grant_type"}"#, Rest::Spent),
    (400, None, r#"{"error":"invalid_scope"}"#, Rest::Spent),
    (400, None, r#"{"error":"invalid_target"}"#, Rest::Spent),
    (400, None, r#"{"error":"invalid_authorization_details"}"#, Rest::Spent),
    (400, None, r#"{"error":"invalid_dpop_proof"}"#, Rest::Spent),
    (403, None, r#"{"error":"access_denied"}"#, Rest::Spent),
    (200, None, r#"{"error":"invalid_grant"}"#, Rest::Spent),
    (400, None, r#"{"error":"use_dpop_nonce"}"#, Rest::Intact),
    (429, None, "", Rest::Intact),
    (429, Some("9"), r#"{"error":"slow_down"}"#, Rest::Intact),
    (503, Some("9"), "<html>", Rest::Intact),
    (503, None, "<html>", Rest::Unknown),
    (500, None, r#"{"error":"server_error"}"#, Rest::Unknown),
    (400, None, r#"{"error":"temporarily_unavailable"}"#, Rest::Unknown),
    (400, None, r#"{"error":"Bad Request"}"#, Rest::Unknown),
    (400, None, r#"{"error":"authorization_pending"}"#, Rest::Unknown),
    (404, None, r#"{"error":"invalid_grant"}"#, Rest::Unknown),
    (400, None, "<html>", Rest::Unknown),
    (302, None, "", Rest::Unknown),
    (200, None, "", Rest::Unknown),
    (200, None, r#"{"access_token":"a","token_type":"mac"}"#, Rest::Unknown),
    (204, None, "", Rest::Unknown),
];

#[test]
fn every_answer_leaves_what_the_table_says_and_what_is_left_still_works() {
    for (_, client) in clients() {
        for (status, retry_after, body, expected) in ANSWERS {
            let what = format!("{status} {body}");
            let mut server = Server { next: Some((status, retry_after, body.to_owned())), ..Server::default() };
            let failure = run(&mut server, Voucher::new(client.clone(), "V-1")).unwrap_err();
            let answer = failure.error.answer().expect("an answer came");
            assert_eq!(
                (answer.endpoint(), failure.error.status().unwrap().as_u16()),
                (UrlRole::Token, status),
                "{what}"
            );
            if retry_after.is_some() {
                assert_eq!(failure.error.next(), Next::RetryLater(Some(Duration::from_secs(9))), "{what}");
            }
            let (rest, left) = match failure.left {
                Left::Spent => (Rest::Spent, None),
                Left::Intact(left) => (Rest::Intact, Some(*left)),
                Left::Unknown(left) => (Rest::Unknown, Some(*left)),
            };
            assert_eq!(rest, expected, "{what}");
            assert_eq!(server.seen.len(), 1, "{what}: nothing is sent twice");
            if let Some(left) = left {
                assert_eq!(access(&run(&mut server, left).unwrap()), "access-1", "{what}");
            }
        }
    }
}

#[test]
fn the_servers_own_verdicts_are_read() {
    let mut server = Server::default();
    let (_, client) = clients()[0].clone();
    run(&mut server, Voucher::new(client.clone(), "V-1")).unwrap();
    // A voucher can be used once.
    let failure = run(&mut server, Voucher::new(client.clone(), "V-1")).unwrap_err();
    assert_eq!((failure.error.code().unwrap().as_str(), failure.error.next()), ("invalid_grant", Next::Reauthorize));
    let Error::Refused(refused) = &failure.error else { panic!("{}", failure.error) };
    assert_eq!(refused.meaning(), Meaning::Over);
    // A client that the server does not know.
    let stranger = grantflow::Server::with_token_endpoint("https://as.example/token").unwrap();
    let stranger = stranger.client("robot").secret_post("wrong").unwrap();
    let failure = run(&mut server, Voucher::new(&stranger, "V-2")).unwrap_err();
    assert_eq!(failure.error.code().unwrap().as_str(), "invalid_client");
}

#[test]
fn a_lost_answer_leaves_it_unknown_and_one_that_was_not_sent_leaves_it_intact() {
    let (_, client) = clients()[1].clone();
    let mut random = NoRandom;
    let mut env = Env::new(NOW, &mut random);
    let failure = Voucher::new(client.clone(), "V-1").unanswered(&mut env, Sent::MaybeSent).unwrap_err();
    assert!(matches!((&failure.error, &failure.left), (Error::NoAnswer(Sent::MaybeSent), Left::Unknown(_))));
    let failure = Voucher::new(client, "V-1").unanswered(&mut env, Sent::NotSent).unwrap_err();
    assert!(matches!((&failure.error, &failure.left), (Error::NoAnswer(Sent::NotSent), Left::Intact(_))));
}

#[test]
fn a_refused_answer_is_judged_before_an_exchange_is_made_of_it() {
    let (_, client) = clients()[0].clone();
    let response = |status: u16, body: &'static str| Response::builder().status(status).body(body).unwrap();
    let answer = |response| client.token_answer(NOW, &response, &Asked::new(&client)).unwrap_err();
    let no = answer(response(400, r#"{"error":"invalid_scope"}"#));
    assert_eq!((no.meaning(), no.error().code().unwrap().as_str()), (Meaning::RequestRefused, "invalid_scope"));
    // A grant that may be sent again is intact after every answer.
    let failure = no.replayable(Voucher::new(client.clone(), "V-1"));
    assert!(matches!(failure.left, Left::Intact(_)));
    assert_eq!(answer(response(502, "")).meaning(), Meaning::Nothing);
    assert!(matches!(answer(response(502, "")).into_error(), Error::Unavailable(_)));
}

#[test]
fn no_grant_takes_the_place_of_what_the_library_does_itself() {
    let (_, client) = clients()[1].clone();
    let mut random = NoRandom;
    let mut env = Env::new(NOW, &mut random);
    let mut asked = Asked::new(&client);
    asked.param("audience", "x").unwrap();
    let grant = ("grant_type", "urn:example:voucher");
    let reserved = [
        ("client_id", "x"),
        ("client_secret", "x"),
        ("client_assertion", "x"),
        ("client_assertion_type", "x"),
        ("scope", "x"),
        ("resource", "x"),
        ("username", "x"),
        ("password", "x"),
        ("", "x"),
    ];
    for field in reserved {
        let refused = client.token_request(&mut env, &[grant, field], &asked).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::ReservedParameter)), "{field:?}: {refused}");
    }
    for fields in [&[][..], &[("voucher", "x")], &[("grant_type", "")], &[("grant_type", "password")]] {
        let refused = client.token_request(&mut env, fields, &asked).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::ReservedParameter)), "{fields:?}: {refused}");
    }
    for fields in [&[grant, ("voucher", "1"), ("voucher", "2")][..], &[grant, grant], &[grant, ("audience", "y")]] {
        let refused = client.token_request(&mut env, fields, &asked).unwrap_err();
        assert!(matches!(refused, Error::Misuse(Misuse::DuplicateParameter)), "{fields:?}: {refused}");
    }
    assert!(client.token_request(&mut env, &[grant, ("voucher", "1")], &asked).is_ok());
}

#[test]
fn a_voucher_is_not_printed() {
    let (_, client) = clients()[1].clone();
    let voucher = Voucher::new(client, "V-9f31c2");
    assert!(format!("{voucher:?}").contains("robot") && !format!("{voucher:#?}").contains("9f31"), "{voucher:?}");
}
