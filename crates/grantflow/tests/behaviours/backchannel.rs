//! Backchannel authentication (OpenID CIBA): the request, its answers, polls and pings, and how it ends.

mod announced;
mod answers;
mod conformance;
mod pings;
mod polls;
mod request;
mod stored;

use std::cell::RefCell;
use std::time::Duration;

use grantflow::{
    BackchannelFault, BackchannelGrant, BackchannelRequest, ConfidentialClient, Env, Error, Exchange, Failure, Misuse,
    Notification, NotificationFault, Notified, Sent, Server, Step, Tokens, UnixTime, drive,
};
use grantflow_testkit::{self as testkit, Endpoint};
use http::Response;

use crate::polling::*;
use crate::support::*;

const BANK: &str = "bank";
const PINGS: &str = "https://bank.example/pings";
/// What the testkit's server says, in seconds.
const INTERVAL: u64 = 5;
const LIFETIME: u64 = 1800;

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

fn tokens() -> Answer {
    Some(json(200, r#"{"access_token":"at-1","token_type":"Bearer","expires_in":60,"id_token":"a.b.c"}"#))
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
