//! Backchannel authentication (OpenID CIBA): the request, its answers, polls and pings, and how it ends.

mod announced;
mod answers;
mod pings;
mod polls;
mod request;
mod stored;

use std::cell::{Cell, RefCell};
use std::time::Duration;

use grantflow::{
    BackchannelFault, BackchannelGrant, BackchannelRequest, ConfidentialClient, Env, Error, Exchange, Failure, Misuse,
    Notification, NotificationFault, Notified, Sent, Server, Step, Tokens, UnixTime, drive,
};
use grantflow_testkit::{self as testkit, Endpoint};
use http::Response;

use crate::support::*;

const BANK: &str = "bank";
const PINGS: &str = "https://bank.example/pings";
/// What the testkit's server says, in seconds.
const INTERVAL: u64 = 5;
const LIFETIME: u64 = 1800;

/// An answer to a poll; `None` if it is lost.
type Answer = Option<Response<Vec<u8>>>;

/// A server with a backchannel endpoint, and a client that polls.
fn world() -> (testkit::Server, ConfidentialClient) {
    let mut provider = testkit::Server::new(ISSUER);
    provider.register(testkit::Client::confidential(BANK, SECRET).scope("openid payments"));
    let client = client_of(&provider, BANK);
    (provider, client)
}

/// The same for a client that gets pings.
fn pinged_world() -> (testkit::Server, ConfidentialClient) {
    let (mut provider, client) = world();
    provider.register(testkit::Client::confidential(BANK, SECRET).scope("openid payments").ping_at(PINGS));
    (provider, client)
}

fn server_of(provider: &testkit::Server) -> Server {
    let at = provider.endpoint_url(Endpoint::BackchannelAuthentication);
    Server::with_token_endpoint(&provider.token_url()).unwrap().backchannel_authentication_endpoint(&at).unwrap()
}

fn client_of(provider: &testkit::Server, id: &str) -> ConfidentialClient {
    server_of(provider).client(id).secret_basic(SECRET).unwrap()
}

fn request(client: &ConfidentialClient) -> BackchannelRequest {
    BackchannelRequest::with_login_hint(client, "ada").unwrap().scope("openid payments").unwrap()
}

/// The same with a ping. Each number has other secrets.
fn pinged(client: &ConfidentialClient, seed: u64) -> BackchannelRequest {
    request(client).ping(&mut Env::new(NOW, &mut Dice(seed))).unwrap()
}

fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> BackchannelFault {
    match result.unwrap_err() {
        Error::Misuse(Misuse::Backchannel(fault)) => fault,
        other => panic!("{other}"),
    }
}

/// One round trip at the provider's time.
fn runs<X: Exchange + std::fmt::Debug>(provider: &mut testkit::Server, exchange: X) -> X::Output {
    let mut rng = Dice(3);
    let now = UnixTime::from_secs(provider.now());
    let sent = exchange.request(&mut Env::new(now, &mut rng)).unwrap();
    let response = provider.handle(&sent);
    match exchange.respond(&mut Env::new(now, &mut rng), response) {
        Ok(Step::Done(output)) => output,
        Ok(Step::Again(_)) => panic!("it goes on"),
        Err(failure) => panic!("{failure:?}"),
    }
}

fn granted(provider: &mut testkit::Server, request: BackchannelRequest) -> BackchannelGrant {
    runs(provider, request)
}

fn answered(
    request: BackchannelRequest,
    answer: Response<Vec<u8>>,
) -> Result<BackchannelGrant, Failure<BackchannelRequest>> {
    match request.respond(&mut Env::new(NOW, &mut Dice(1)), answer)? {
        Step::Done(grant) => Ok(grant),
        Step::Again(_) => panic!("this flow has one step"),
    }
}

/// A grant that was given at [`NOW`], with these numbers of seconds.
fn grant_of(expires_in: u64, interval: u64) -> BackchannelGrant {
    grant_by(request(&world().1), expires_in, interval)
}

fn grant_by(request: BackchannelRequest, expires_in: u64, interval: u64) -> BackchannelGrant {
    let answer = format!(r#"{{"auth_req_id":"ar-1","expires_in":{expires_in},"interval":{interval}}}"#);
    answered(request, json(200, &answer)).unwrap()
}

/// Seconds after [`NOW`].
fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

/// A clock that advances by each wait.
fn right(clock: UnixTime, wait: Duration) -> UnixTime {
    clock.saturating_add(wait)
}

/// A clock that stands still.
fn standing(clock: UnixTime, _wait: Duration) -> UnixTime {
    clock
}

/// Runs a grant in virtual time. `pass` says where the clock is after a wait. Gives the waits in seconds.
fn run(
    grant: BackchannelGrant,
    start: UnixTime,
    pass: impl Fn(UnixTime, Duration) -> UnixTime,
    mut answer: impl FnMut(usize) -> Answer,
) -> (Result<Tokens, Failure<BackchannelGrant>>, Vec<u64>) {
    let (clock, waits) = (Cell::new(start), RefCell::new(Vec::new()));
    let mut polls = 0;
    let outcome = drive(
        grant,
        &mut Dice(1),
        || clock.get(),
        |wait| {
            waits.borrow_mut().push(wait.as_secs());
            clock.set(pass(clock.get(), wait));
        },
        |request| {
            assert_eq!(parameter(&body(&request), "auth_req_id"), "ar-1");
            polls += 1;
            assert!(polls < 10_000, "it does not end");
            answer(polls - 1).ok_or((Sent::MaybeSent, Error::NoAnswer(Sent::MaybeSent)))
        },
    );
    (outcome, waits.into_inner())
}

/// Runs over a list of answers; the last one is repeated. Gives the time of each poll in seconds after [`NOW`].
fn times(grant: BackchannelGrant, answers: &[Answer]) -> (Result<Tokens, Failure<BackchannelGrant>>, Vec<u64>) {
    let (outcome, waits) = run(grant, NOW, right, |at| answers[at.min(answers.len() - 1)].clone());
    let mut now = 0;
    let times = waits.iter().map(|wait| {
        now += wait;
        now
    });
    (outcome, times.collect())
}

fn error(status: u16, code: &str) -> Answer {
    Some(json(status, &format!(r#"{{"error":"{code}"}}"#)))
}

fn pending() -> Answer {
    error(400, "authorization_pending")
}

fn tokens() -> Answer {
    Some(json(200, r#"{"access_token":"at-1","token_type":"Bearer","expires_in":60,"id_token":"a.b.c"}"#))
}

/// A page of a server that is not an OAuth server.
fn page(status: u16) -> Answer {
    let response = Response::builder().status(status).header("content-type", "text/html");
    Some(response.body(b"<h1>Sorry</h1>".to_vec()).unwrap())
}

fn with_retry_after(answer: Answer, value: &str) -> Answer {
    let mut response = answer.unwrap();
    response.headers_mut().insert("retry-after", value.parse().unwrap());
    Some(response)
}

/// What a failure leaves.
fn left<X: Exchange>(failure: &Failure<X>) -> &'static str {
    match failure.left {
        grantflow::Left::Spent => "spent",
        grantflow::Left::Intact(_) => "intact",
        grantflow::Left::Unknown(_) => "unknown",
    }
}

#[test]
fn a_person_agrees_while_the_client_polls() {
    let (provider, client) = world();
    let provider = RefCell::new(provider);
    let grant = granted(&mut provider.borrow_mut(), request(&client));
    let now = UnixTime::from_secs(provider.borrow().now());
    assert_eq!(grant.interval(), Duration::from_secs(INTERVAL));
    assert_eq!(grant.expires_at(), now.saturating_add(Duration::from_secs(LIFETIME)));
    assert!(grant.trouble().is_none() && !grant.is_pinged());
    let tokens = drive(
        grant,
        &mut Dice(1),
        || UnixTime::from_secs(provider.borrow().now()),
        |wait| provider.borrow_mut().advance(wait.as_secs()),
        |request| {
            let response = provider.borrow_mut().handle(&request);
            let _ = provider.borrow_mut().approve_request("ada");
            Ok::<_, (Sent, Error)>(response)
        },
    )
    .unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "openid payments");
    assert!(tokens.refresh_token().is_some());
    let provider = provider.into_inner();
    let polls: Vec<_> = provider.hits_at(Endpoint::Token).collect();
    assert_eq!(polls.len(), 2);
    for poll in polls {
        assert_eq!(poll.parameter("grant_type"), Some("urn:openid:params:grant-type:ciba"));
        assert_eq!(poll.auth, testkit::ClientAuth::Basic);
    }
    assert!(provider.sent_twice(Endpoint::BackchannelAuthentication).is_none());
}

#[test]
fn a_person_says_no() {
    let (mut provider, client) = world();
    let grant = granted(&mut provider, request(&client));
    assert!(provider.deny_request("ada"));
    provider.advance(INTERVAL);
    let (outcome, _) = run_to_its_end(&mut provider, grant);
    let failure = outcome.unwrap_err();
    assert_eq!(failure.error.code(), Some(&grantflow::ErrorCode::AccessDenied));
    assert_eq!(left(&failure), "spent");
}

#[test]
fn any_exchange_can_hold_it() {
    let (mut provider, client) = world();
    let grant = granted(&mut provider, request(&client));
    let boxed = grantflow::AnyExchange::new(grant);
    assert_eq!(boxed.rest(UnixTime::from_secs(provider.now())), Duration::from_secs(INTERVAL));
}
