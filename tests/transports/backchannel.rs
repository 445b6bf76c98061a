//! Backchannel authentication over every transport: in real time, so with an interval of one second.

use std::time::{Duration, Instant};

use grantflow::{
    BackchannelGrant, BackchannelRequest, ConfidentialClient, Env, Error, ErrorCode, Left, Next, Notification, Notified,
};
use grantflow_testkit::{Client, Endpoint, Misbehaviour};
use grantflow_tests::support::transport::SysRng;

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a client polls until its person has agreed on the phone", agreed),
    ("a client that was pinged polls at once", pinged),
    ("a person says no on the phone", denied),
    ("a phone that rang in vain is said to have", failed),
    ("a request whose answer is lost may have let the phone ring", lost_request),
    ("a request that was refused has let no phone ring", refused),
    ("a client polls on after an answer that was lost", lost_poll),
];

const PERSON: &str = "ada";

impl World {
    fn bank(&self) -> ConfidentialClient {
        let mut provider = self.provider();
        let scope = format!("{SCOPE} openid");
        provider.register(Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope(&scope));
        let url = provider.endpoint_url(Endpoint::BackchannelAuthentication);
        // The server's clock stands still, so every poll would be too early.
        let knobs = provider.knobs();
        (knobs.device_interval, knobs.enforce_interval) = (Some(1), false);
        drop(provider);
        let server = self.server().backchannel_authentication_endpoint(&url).unwrap();
        server.client(ID).secret_basic(SECRET).unwrap()
    }

    /// The phone rings.
    fn rings(&self) -> BackchannelGrant {
        let grant = self.run(request(&self.bank())).unwrap();
        assert_eq!(grant.interval(), Duration::from_secs(1));
        grant
    }
}

fn request(client: &ConfidentialClient) -> BackchannelRequest {
    BackchannelRequest::with_login_hint(client, PERSON).unwrap().scope(SCOPE).unwrap()
}

fn agreed(world: &World) {
    let grant = world.rings();
    world.provider().knobs().decide_at_poll = Some(2);
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = BackchannelGrant::from_stored(serde_json::from_str(&stored).unwrap(), &world.bank()).unwrap();
    let started = Instant::now();
    let tokens = world.run(grant).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(2), "it polls a second apart, the first time too");
    assert_eq!(world.ask_the_api(&tokens).0, 200);
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn pinged(world: &World) {
    let client = world.bank();
    let scope = format!("{SCOPE} openid");
    world.provider().register(Client::confidential(ID, SECRET).scope(&scope).ping_at("https://app.example/pings"));
    // Without a ping, this wait would be the end of the test's patience.
    world.provider().knobs().device_interval = Some(1800);
    let request = request(&client).ping(&mut Env::new(world.now(), &mut SysRng)).unwrap();
    let grant = world.run(request).unwrap();
    assert!(world.provider().approve_request(PERSON));
    let ping = world.provider().take_pings().remove(0);
    let Notified::Ready(grant) = grant.receive(&Notification::read(&ping).unwrap()) else {
        panic!("the server's own ping does not count")
    };
    assert_eq!(world.ask_the_api(&world.run(grant).unwrap()).0, 200);
}

fn denied(world: &World) {
    let grant = world.rings();
    assert!(world.provider().deny_request(PERSON));
    ends(world, grant, &ErrorCode::AccessDenied);
}

fn failed(world: &World) {
    let grant = world.rings();
    assert!(world.provider().fail_request(PERSON, "transaction_failed"));
    ends(world, grant, &ErrorCode::TransactionFailed);
}

fn ends(world: &World, grant: BackchannelGrant, code: &ErrorCode) {
    let failure = world.run(grant).unwrap_err();
    let error = failure.error.oauth().unwrap();
    assert_eq!((error.code(), error.next()), (Some(code), Next::Reauthorize));
    assert!(matches!(failure.left, Left::Spent));
    assert_eq!(world.provider().hits_at(Endpoint::Token).count(), 1);
}

fn lost_request(world: &World) {
    let client = world.bank();
    for how in [Misbehaviour::Lost { acts: true }, Misbehaviour::Html { status: 502, acts: true }] {
        let what = format!("{how:?}");
        world.provider().knobs().misbehave_at(Endpoint::BackchannelAuthentication, how);
        let before = world.provider().hits_at(Endpoint::BackchannelAuthentication).count();
        let failure = world.run(request(&client)).unwrap_err();
        let sent = world.provider().hits_at(Endpoint::BackchannelAuthentication).count() - before;
        assert_eq!(sent, 1, "{what}: the phone rings twice");
        let Left::Unknown(request) = failure.left else { panic!("{what}: {}", failure.error) };
        assert!(world.run(*request).is_ok(), "{what}");
    }
}

fn refused(world: &World) {
    let client = world.bank();
    world.provider().knobs().person_code = Some("4711".to_owned());
    let failure = world.run(request(&client)).unwrap_err();
    let Some(Error::Refused(refused)) = failure.error.oauth() else { panic!("{}", failure.error) };
    assert_eq!(refused.response().code(), &ErrorCode::MissingUserCode);
    let Left::Intact(request) = failure.left else { panic!("{}", failure.error) };
    assert!(world.run(request.user_code("4711").unwrap()).is_ok());
}

fn lost_poll(world: &World) {
    let grant = world.rings();
    assert!(world.provider().approve_request(PERSON));
    world.provider().knobs().misbehave(Misbehaviour::Lost { acts: false });
    let started = Instant::now();
    let tokens = world.run(grant).unwrap();
    assert!(started.elapsed() >= Duration::from_secs(3), "it waits twice as long after it");
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}
