//! What all three stacks do.

use std::sync::{Arc, Barrier, Mutex};

use grantflow::{AuthorizeFault, Body, ClientCredentials, EntropyFailed, Error, Misuse, Server, UnixTime};
use grantflow_session::authorize::NotAuthorized;
use grantflow_session::{Key, Later, MemoryStore, Outside, Session, SessionError, State, Unanswered};
use grantflow_testkit as testkit;

use crate::api::{Api, Reply};
use crate::clients::{Client, Failed, Sent};
use crate::world::World;

/// An API that accepts the tokens of a world's server.
fn api(world: &World) -> Api {
    let world = world.clone();
    Api::start(move |seen| if world.knows(&seen.authorization) { Reply::ok() } else { Reply::invalid_token() })
}

fn a_fresh_token_is_used(client: &dyn Client) {
    let world = World::new();
    let api = api(&world);
    let session = world.session(&api.base);
    for _ in 0..2 {
        let (status, body) = client.send(&session, &Sent::get(&api.url("/clubs?x=1"))).unwrap();
        assert_eq!((status, body.as_str()), (200, "welcome"));
    }
    let seen = api.seen();
    assert_eq!((seen.len(), seen[0].method.as_str(), seen[0].path.as_str()), (2, "GET", "/clubs?x=1"));
    assert_eq!(seen[0].authorization.len(), 1);
    assert!(seen[0].authorization[0].starts_with("Bearer "));
    assert_eq!(seen[0].authorization, seen[1].authorization);
    assert_eq!(world.refreshes(), 0);
}

fn an_invalid_token_is_renewed_once_and_the_request_sent_once_more(client: &dyn Client) {
    let world = World::new();
    let api = api(&world);
    let session = world.session(&api.base);
    world.revoke();
    let (status, _) = client.send(&session, &Sent::post(&api.url("/clubs"), "a body")).unwrap();
    assert_eq!(status, 200);
    let seen = api.seen();
    assert_eq!((seen.len(), world.refreshes()), (2, 1));
    assert!(seen.iter().all(|seen| seen.method == "POST" && seen.body == "a body" && seen.path == "/clubs"));
    assert_ne!(seen[0].authorization, seen[1].authorization);
    assert_eq!(seen[1].authorization.len(), 1);
}

fn a_second_refusal_is_the_callers(client: &dyn Client) {
    let world = World::new();
    let api = Api::start(|_| Reply::invalid_token());
    let session = world.session(&api.base);
    let (status, body) = client.send(&session, &Sent::get(&api.url("/"))).unwrap();
    assert_eq!((status, body.as_str()), (401, "no"));
    assert_eq!((api.seen().len(), world.refreshes()), (2, 1));
    // The new token is not renewed because of that: it would not help.
    assert_eq!(session.state(), State::Fresh);
}

fn a_body_that_cannot_be_cloned_is_not_sent_twice(client: &dyn Client) {
    let world = World::new();
    let api = api(&world);
    let session = world.session(&api.base);
    world.revoke();
    let url = api.url("/");
    let once = Sent { once: true, ..Sent::post(&url, "a stream") };
    let (status, body) = client.send(&session, &once).unwrap();
    assert_eq!((status, body.as_str()), (401, "no"));
    assert_eq!((api.seen().len(), world.refreshes()), (1, 0));
    assert_eq!(api.seen()[0].body, "a stream");

    let (status, _) = client.send(&session, &once).unwrap();
    assert_eq!(status, 200);
    assert_eq!((api.seen().len(), world.refreshes()), (2, 1));
}

fn callers_who_are_refused_together_share_one_renewal(client: &dyn Client) {
    const CALLERS: usize = 4;
    let world = World::new();
    let (both, first) = (Arc::new(Barrier::new(CALLERS)), Arc::new(Mutex::new(None)));
    let api = Api::start({
        let world = world.clone();
        move |seen| {
            let old = first.lock().unwrap().get_or_insert_with(|| seen.authorization.clone()) == &seen.authorization;
            if old {
                both.wait();
            }
            if world.knows(&seen.authorization) { Reply::ok() } else { Reply::invalid_token() }
        }
    });
    let session = world.session(&api.base);
    world.revoke();
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let (status, _) = client.send(&session, &Sent::get(&api.url("/"))).unwrap();
                assert_eq!(status, 200);
            });
        }
    });
    assert_eq!((api.seen().len(), world.refreshes()), (2 * CALLERS, 1));
}

fn other_refusals_are_handed_through(client: &dyn Client) {
    for (status, challenges) in [
        (401, &["Basic realm=\"x\""][..]),
        (401, &["Bearer"]),
        (401, &["Bearer realm=\"x\", error=\"invalid_request\""]),
        (401, &["error=\"invalid_token\""]),
        (401, &[]),
        (403, &["Bearer error=\"insufficient_scope\", scope=\"write\""]),
        (403, &["Bearer error=\"invalid_token\""]),
        (500, &["Bearer error=\"invalid_token\""]),
    ] {
        let world = World::new();
        let api = Api::start(move |_| Reply::challenge(status, challenges));
        let session = world.session(&api.base);
        let answer = client.send(&session, &Sent::get(&api.url("/"))).unwrap();
        assert_eq!(answer, (status, "no".to_owned()), "{challenges:?}");
        assert_eq!((api.seen().len(), world.refreshes(), session.state()), (1, 0, State::Fresh), "{challenges:?}");
    }
}

fn a_token_goes_nowhere_else(client: &dyn Client) {
    let world = World::new();
    let (home, abroad) = (api(&world), api(&world));
    let session = world.session(&home.base);
    let refused = |sent: &Sent<'_>, fault| match client.send(&session, sent) {
        Err(Failed::NotAuthorized(NotAuthorized::Request(Error::Misuse(Misuse::Authorize(found))))) => {
            assert_eq!(found, fault);
        }
        other => panic!("{other:?}"),
    };
    refused(&Sent::get(&abroad.url("/")), AuthorizeFault::OtherOrigin);
    refused(&Sent::get("https://api.example/"), AuthorizeFault::OtherOrigin);
    refused(&Sent::get("http://api.example/"), AuthorizeFault::Insecure);
    let url = home.url("/");
    let already = Sent { authorization: Some("Basic eDp5"), ..Sent::get(&url) };
    refused(&already, AuthorizeFault::AlreadyAuthorized);
    refused(&Sent { once: true, ..already.clone() }, AuthorizeFault::AlreadyAuthorized);
    assert_eq!((home.seen().len(), abroad.seen().len()), (0, 0));
}

fn a_redirect_to_another_origin_takes_no_token_along(client: &dyn Client) {
    for status in [302, 307] {
        for once in [false, true] {
            let world = World::new();
            let abroad = Api::start(|_| Reply::invalid_token());
            let target = abroad.url("/there");
            let home = Api::start(move |_| Reply::redirect(status, &target));
            let session = world.session(&home.base);
            let url = home.url("/");
            let (answer, _) = client.send(&session, &Sent { once, ..Sent::get(&url) }).unwrap();
            // The client decides whether it follows the redirect.
            assert_eq!(answer, if abroad.seen().is_empty() { status } else { 401 });
            assert!(abroad.tokens().iter().all(String::is_empty), "{:?}", abroad.tokens());
            assert!(abroad.seen().len() <= 1 && home.seen().len() == 1);
            assert_eq!((world.refreshes(), session.state()), (0, State::Fresh));
        }
    }
}

fn a_session_without_a_token_sends_nothing(client: &dyn Client) {
    let world = World::new();
    let api = api(&world);
    let session = world.session(&api.base);
    world.provider(testkit::Server::revoke_all);
    // The first is refused, and only then is it known that the grant is gone; the next is not sent at all.
    for _ in 0..2 {
        match client.send(&session, &Sent::get(&api.url("/"))) {
            Err(Failed::NotAuthorized(error @ NotAuthorized::Session(SessionError::Lost { .. }))) => {
                assert_eq!(error.to_string(), "the session has no token for this request");
                assert!(std::error::Error::source(&error).is_some());
            }
            other => panic!("{other:?}"),
        }
        assert_eq!((api.seen().len(), world.refreshes()), (1, 1));
    }
}

fn a_token_bound_to_a_key_is_refused(client: &dyn Client) {
    struct Dpop;
    impl Outside for Dpop {
        fn now(&self) -> UnixTime {
            UnixTime::from_secs(1_750_000_000)
        }
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyFailed> {
            Ok(())
        }
        fn wait(&self, _: core::time::Duration) -> Later<'_, ()> {
            Box::pin(async {})
        }
        fn send(&self, _: http::Request<Body>) -> Later<'_, Result<http::Response<Body>, Unanswered>> {
            let answer = br#"{"access_token":"bound","token_type":"DPoP"}"#.to_vec();
            Box::pin(async { Ok(http::Response::new(answer.into())) })
        }
    }
    let api = Api::start(|_| Reply::ok());
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let grant = ClientCredentials::new(&server.client("robot").secret_post("s3cret").unwrap());
    let session = Session::client_credentials(grant, Key::new("robot").unwrap(), MemoryStore::new(), Dpop);
    match client.send(&session, &Sent::get(&api.url("/"))) {
        Err(Failed::NotAuthorized(NotAuthorized::Request(Error::Misuse(Misuse::NotBearer)))) => {}
        other => panic!("{other:?}"),
    }
    assert!(api.seen().is_empty());
}

macro_rules! over {
    ($($(#[$cfg:meta])* $stack:ident: $client:expr;)*) => { $(
        $(#[$cfg])*
        mod $stack {
            over!(@ $client =>
                a_fresh_token_is_used
                an_invalid_token_is_renewed_once_and_the_request_sent_once_more
                a_second_refusal_is_the_callers
                a_body_that_cannot_be_cloned_is_not_sent_twice
                callers_who_are_refused_together_share_one_renewal
                other_refusals_are_handed_through
                a_token_goes_nowhere_else
                a_redirect_to_another_origin_takes_no_token_along
                a_session_without_a_token_sends_nothing
                a_token_bound_to_a_key_is_refused
            );
        }
    )* };
    (@ $client:expr => $($behaviour:ident)*) => { $(
        #[test]
        fn $behaviour() {
            super::$behaviour(&$client);
        }
    )* };
}

over! {
    #[cfg(feature = "ureq")]
    over_ureq: crate::clients::Ureq::new();
    #[cfg(feature = "reqwest")]
    over_reqwest: crate::clients::Reqwest::new();
    #[cfg(feature = "tower")]
    over_tower: crate::clients::Tower::new();
}
