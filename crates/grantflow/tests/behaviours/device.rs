//! The device grant (RFC 8628): which answers are accepted, how the grant polls, and how polling ends.

mod answers;
mod endings;
mod schedule;
mod sequences;
mod stored;

use std::cell::RefCell;
use std::time::Duration;

use grantflow::{Client, DeviceGrant, DeviceRequest, Error, Exchange, Failure, Misuse, Sent, Server, UnixTime, drive};
use grantflow_testkit::{self as testkit, Endpoint};
use http::Response;

use crate::polling::*;
use crate::support::*;

const TV: &str = "tv";
/// What the testkit's server says, in seconds.
const INTERVAL: u64 = 5;
const LIFETIME: u64 = 1800;

/// A server with a device endpoint, and a client of it.
fn world() -> (testkit::Server, Client) {
    let mut provider = testkit::Server::new(ISSUER);
    provider.register(testkit::Client::public(TV).scope("read write"));
    let client = client_of(&provider, TV);
    (provider, client)
}

fn client_of(provider: &testkit::Server, id: &str) -> Client {
    let server = Server::with_token_endpoint(&provider.token_url()).unwrap();
    let server = server.device_authorization_endpoint(&provider.endpoint_url(Endpoint::DeviceAuthorization)).unwrap();
    Client::from(&server.client(id).public().unwrap())
}

fn request(client: &Client) -> DeviceRequest {
    DeviceRequest::new(client).unwrap().scope("read").unwrap()
}

/// A grant that was given at [`NOW`], with these numbers of seconds.
fn grant_of(expires_in: u64, interval: u64) -> DeviceGrant {
    let (provider, client) = world();
    let answer = format!(
        r#"{{"device_code":"dc-1","user_code":"BCDF-GHJK","verification_uri":"{}","expires_in":{expires_in},"interval":{interval}}}"#,
        provider.endpoint_url(Endpoint::Verification)
    );
    let outcome = request(&client).respond(&mut grantflow::Env::new(NOW, &mut Dice(1)), json(200, &answer));
    match outcome.unwrap() {
        grantflow::Step::Done(grant) => grant,
        grantflow::Step::Again(_) => panic!("this flow has one step"),
    }
}

fn tokens() -> Answer {
    Some(json(200, r#"{"access_token":"at-1","token_type":"Bearer","expires_in":60,"refresh_token":"rt-1"}"#))
}

#[test]
fn a_person_lets_a_device_in() {
    let (provider, client) = world();
    let provider = RefCell::new(provider);
    let asked =
        provider.borrow_mut().handle(&request(&client).request(&mut grantflow::Env::new(NOW, &mut Dice(1))).unwrap());
    let now = UnixTime::from_secs(provider.borrow().now());
    let step = request(&client).respond(&mut grantflow::Env::new(now, &mut Dice(1)), asked).unwrap();
    let grantflow::Step::Done(grant) = step else { panic!("this flow has one step") };
    let code = grant.user_code().to_owned();
    assert_eq!(grant.verification_uri(), "https://as.example/device");
    assert_eq!(grant.verification_uri_complete(), Some(format!("https://as.example/device?user_code={code}").as_str()));
    assert_eq!(grant.interval(), Duration::from_secs(INTERVAL));
    assert_eq!(grant.expires_at(), now.saturating_add(Duration::from_secs(LIFETIME)));
    assert!(grant.trouble().is_none());

    let tokens = drive(
        grant,
        &mut Dice(1),
        || UnixTime::from_secs(provider.borrow().now()),
        |wait| provider.borrow_mut().advance(wait.as_secs()),
        |request| {
            let response = provider.borrow_mut().handle(&request);
            let _ = provider.borrow_mut().approve(&code);
            Ok::<_, (Sent, Error)>(response)
        },
    )
    .unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read");
    assert!(tokens.refresh_token().is_some());
    let provider = provider.into_inner();
    let polls: Vec<_> = provider.hits_at(Endpoint::Token).collect();
    assert_eq!(polls.len(), 2);
    for poll in polls {
        assert_eq!(poll.parameter("grant_type"), Some("urn:ietf:params:oauth:grant-type:device_code"));
        assert_eq!(poll.parameter("client_id"), Some(TV));
    }
}

#[test]
fn what_the_caller_asks_for_goes_where_it_belongs() {
    let (provider, client) = world();
    let ask = DeviceRequest::new(&client).unwrap().scope("read write").unwrap();
    let ask = ask.resource("https://api.example/v1").unwrap().param("audience", "tv app").unwrap();
    let mut rng = Dice(1);
    let env = &mut grantflow::Env::new(NOW, &mut rng);
    let sent = ask.request(env).unwrap();
    assert_eq!(
        (sent.method().as_str(), sent.uri().to_string()),
        ("POST", provider.endpoint_url(Endpoint::DeviceAuthorization))
    );
    let text = body(&sent);
    for (name, value) in
        [("client_id", TV), ("scope", "read write"), ("resource", "https://api.example/v1"), ("audience", "tv app")]
    {
        assert_eq!(parameter(&text, name), value, "{text}");
    }
    // Reserved, there already, or not a resource.
    for name in ["client_id", "client_secret", "scope", "resource"] {
        let error = DeviceRequest::new(&client).unwrap().param(name, "x").unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::ReservedParameter)), "{name}: {error}");
    }
    let error = request(&client).param("a", "1").unwrap().param("a", "2").unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::DuplicateParameter)), "{error}");
    assert!(request(&client).resource("not a uri").is_err());

    let answer = r#"{"device_code":"dc-1","user_code":"B","verification_uri":"https://as.example/d","expires_in":60}"#;
    let grantflow::Step::Done(grant) = ask.respond(env, json(200, answer)).unwrap() else { panic!("one step") };
    assert_eq!(grant.interval(), Duration::from_secs(5), "RFC 8628 §3.2: five seconds if the server names none");
    let poll = body(&grant.request(&mut grantflow::Env::new(after(5), &mut Dice(1))).unwrap());
    assert_eq!(parameter(&poll, "resource"), "https://api.example/v1", "RFC 8707 §2.2");
    assert_eq!((parameter(&poll, "scope"), parameter(&poll, "audience")), (String::new(), String::new()));
}

#[test]
fn a_server_without_the_endpoint_is_an_error_before_anything_is_sent() {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let error = DeviceRequest::new(&server.client(TV).public().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::NoEndpoint(_))), "{error}");
    assert!(error.to_string().contains("no device authorization endpoint"), "{error}");
}
