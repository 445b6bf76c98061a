//! Plugs that misbehave: the session neither hangs nor gives up a grant because of them.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use grantflow::{Body, EntropyFailed, UnixTime};
use grantflow_session::{Event, Later, Outside, Session, Unanswered};
use grantflow_tests::world::*;
use http::{Request, Response};

/// A world with a clock that asks its session, and a spawner that panics.
#[derive(Clone)]
struct Odd {
    world: World,
    session: Arc<OnceLock<Session>>,
    spawner_panics: bool,
}

thread_local! {
    static ASKING: Cell<bool> = const { Cell::new(false) };
}

impl Outside for Odd {
    fn now(&self) -> UnixTime {
        if let Some(session) = self.session.get()
            && !ASKING.replace(true)
        {
            let _ = (session.peek(), session.state(), session.unsaved().is_some(), format!("{session:?}"));
            ASKING.set(false);
        }
        self.world.now()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        Outside::fill(&self.world, bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        self.world.wait(duration)
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        self.world.send(request)
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        assert!(!self.spawner_panics, "there is no runtime here");
        drop(renewal);
    }
}

/// Fails instead of hanging.
pub(crate) fn within_a_minute(work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    match is_done.recv_timeout(Duration::from_secs(60)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        _ => thread.join().unwrap(),
    }
}

#[test]
fn a_clock_that_asks_its_session_does_not_deadlock() {
    within_a_minute(|| {
        let world = World::new();
        let odd = Odd { world: world.clone(), session: Arc::default(), spawner_panics: false };
        let store = world.store();
        let session = Session::new(&world.client(), key(), store.as_store(), odd.clone()).policy(plain_policy());
        let _ = odd.session.set(session.clone());
        let token = session.prime_blocking(world.login()).unwrap();
        assert!(session.refused(&token));
        assert!(session.token_blocking().is_ok());
        world.advance(LIFE - 30);
        world.network([Net::Gateway(429, None)]);
        assert!(session.token_blocking().is_ok());
        let another = Session::new(&world.client(), key(), store.as_store(), odd).policy(plain_policy());
        world.network([Net::Gateway(429, None)]);
        assert!(another.token_blocking().is_ok(), "a due token is remembered");
        pollster::block_on(session.forget()).unwrap();
    });
}

#[test]
fn an_observer_that_panics_does_not_turn_nothing_sent_into_a_doubt() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store).observer(|event: &Event<'_>| {
        if let Event::Sending { .. } | Event::Renewed { .. } = event {
            panic!("an observer panicked, as it was told to");
        }
    });
    session.prime_blocking(world.login()).unwrap();
    for round in 1..4 {
        world.advance(LIFE);
        let token = session.token_blocking().unwrap();
        assert_eq!((store.kept().unwrap().access, store.kept().unwrap().sent), (access(&token), 0));
        assert_eq!(world.sent().len(), round);
    }
}

#[test]
fn a_spawner_that_panics_without_a_runtime_does_no_harm() {
    let world = World::new();
    let odd = Odd { world: world.clone(), session: Arc::default(), spawner_panics: true };
    let store = world.store();
    let session = Session::new(&world.client(), key(), store.as_store(), odd).policy(plain_policy());
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    let new = session.token_blocking().unwrap();
    assert_eq!(store.kept().unwrap().access, access(&new), "the caller carried it on");
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    drop(caller);
    world.release();
    assert!(session.token_blocking().is_ok());
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn a_plug_that_asks_from_inside_of_the_flight_does_not_wait_for_itself() {
    within_a_minute(|| {
        let world = World::new();
        let store = world.store();
        let session = world.session(&store);
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        // The early retry waits without the lock, and the outside logs in meanwhile.
        world.network([Net::Gateway(502, None)]);
        let (inside, login) = (session.clone(), world.login());
        let text = login.bearer().unwrap().expose_secret().to_owned();
        world.at_wait(move || drop(inside.prime_blocking(login).unwrap()));
        assert_eq!(access(&session.token_blocking().unwrap()), text);
        assert_eq!((store.kept().unwrap().access, world.sent().len()), (text, 1));
    });
}
