//! The device grant over every transport: in real time, so with an interval of one second.

use std::time::{Duration, Instant};

use grantflow::{Client, DeviceGrant, DeviceRequest, Error, ErrorCode, Left, Next};
use grantflow_testkit::{Decision, Endpoint, Misbehaviour};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a device polls until its person has agreed", agreed),
    ("a device with a secret polls, and survives storing", stored),
    ("a device polls on after an answer that was lost", lost),
    ("a device polls more slowly when it is told to", slow_down),
    ("a device stops when its person says no", denied),
    ("a device whose last answer is lost says that its time is over", over),
    ("a device request without an answer is intact", no_code),
];

impl World {
    /// A device that waits; the person decides at this poll.
    fn device(&self, client: &Client, at_poll: u64) -> DeviceGrant {
        let mut provider = self.provider();
        let knobs = provider.knobs();
        // The server's clock stands still, so every poll but these would be too early.
        (knobs.device_interval, knobs.enforce_interval) = (Some(1), false);
        knobs.decide_at_poll = Some(at_poll);
        drop(provider);
        let grant = self.run(DeviceRequest::new(client).unwrap().scope(SCOPE).unwrap()).unwrap();
        assert_eq!(grant.interval(), Duration::from_secs(1));
        assert!(grant.verification_uri().ends_with("/device") && !grant.user_code().is_empty());
        grant
    }

    fn device_client(&self) -> Client {
        let url = self.provider().endpoint_url(Endpoint::DeviceAuthorization);
        let server = self.server().device_authorization_endpoint(&url).unwrap();
        Client::from(&server.client(PUBLIC_ID).public().unwrap())
    }

    fn polls(&self) -> usize {
        self.provider().hits_at(Endpoint::Token).count()
    }
}

fn agreed(world: &World) {
    let grant = world.device(&world.device_client(), 2);
    let started = Instant::now();
    let tokens = world.run(grant).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2), "it polls a second apart, the first time too");
    assert_eq!(world.polls(), 2);
    assert_eq!(world.ask_the_api(&tokens).0, 200);
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn stored(world: &World) {
    let url = world.provider().endpoint_url(Endpoint::DeviceAuthorization);
    let server = world.server().device_authorization_endpoint(&url).unwrap();
    let client = Client::from(&server.client(ID).secret_basic(SECRET).unwrap());
    let grant = world.device(&client, 1);
    let text = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = DeviceGrant::from_stored(serde_json::from_str(&text).unwrap(), &client).unwrap();
    assert_eq!(world.ask_the_api(&world.run(grant).unwrap()).0, 200);
}

fn lost(world: &World) {
    let grant = world.device(&world.device_client(), 1);
    world.provider().knobs().misbehave(Misbehaviour::Lost { acts: false });
    let started = Instant::now();
    let tokens = world.run(grant).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(3), "it waits twice as long after it");
    assert_eq!(world.polls(), 2);
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn slow_down(world: &World) {
    let grant = world.device(&world.device_client(), 1);
    world.provider().knobs().misbehave(Misbehaviour::error(429, "slow_down"));
    let started = Instant::now();
    let tokens = world.run(grant);
    assert!(started.elapsed() >= Duration::from_secs(7), "five seconds more between two polls");
    assert_eq!(world.polls(), 2);
    assert_eq!(world.ask_the_api(&tokens.unwrap()).0, 200);
}

fn denied(world: &World) {
    let grant = world.device(&world.device_client(), 1);
    world.provider().knobs().decision = Decision::Deny;
    let failure = world.run(grant).unwrap_err();
    let error = failure.error.oauth().unwrap();
    assert_eq!((error.code(), error.next()), (Some(&ErrorCode::AccessDenied), Next::Reauthorize));
    assert!(matches!(failure.left, Left::Spent));
    assert_eq!(world.polls(), 1);
}

fn over(world: &World) {
    world.provider().knobs().device_expires_in = 1;
    let grant = world.device(&world.device_client(), 1);
    world.provider().knobs().misbehave(Misbehaviour::Lost { acts: false });
    let failure = world.run(grant).unwrap_err();
    assert!(matches!(failure.error.oauth(), Some(Error::Expired)), "{}", failure.error);
    assert!(matches!(failure.left, Left::Spent));
    assert_eq!(world.polls(), 1);
}

fn no_code(world: &World) {
    for how in [Misbehaviour::Lost { acts: true }, Misbehaviour::set("interval", "0"), Misbehaviour::error(503, "x")] {
        let what = format!("{how:?}");
        world.provider().knobs().misbehave_at(Endpoint::DeviceAuthorization, how);
        let before = world.provider().hits_at(Endpoint::DeviceAuthorization).count();
        let failure = world.run(DeviceRequest::new(world.device_client()).unwrap()).unwrap_err();
        let sent = world.provider().hits_at(Endpoint::DeviceAuthorization).count() - before;
        assert_eq!(sent, 1, "{what}: nothing is sent twice");
        let Left::Intact(request) = failure.left else { panic!("{what}: {}", failure.error) };
        assert!(world.run(*request).is_ok(), "{what}");
    }
}
