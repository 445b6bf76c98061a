//! Plugs that ask their own session during its work.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use grantflow::{Body, EntropyFailed, UnixTime};
use grantflow_session::{Event, Later, Outside, Session, Unanswered};
use grantflow_tests::world::*;
use http::{Request, Response};

fn waited(world: &World) -> Duration {
    world.log().iter().filter_map(|did| if let Did::Wait(time) = did { Some(*time) } else { None }).sum()
}

type Ask = fn(&World, &Session);

const ASKS: [(&str, Ask); 5] = [
    ("token", |_, session| drop(session.token_blocking())),
    ("prime", |world, session| drop(session.prime_blocking(world.login()))),
    ("forget", |_, session| drop(session.forget_blocking())),
    ("finish", |_, session| drop(session.finish_blocking())),
    ("retry_now", |_, session| session.retry_now()),
];

#[test]
fn an_observer_that_asks_its_session_neither_hangs_nor_delays_the_work() {
    for (what, ask) in ASKS {
        for net in [Net::Fine, Net::Gateway(502, None), Net::LoseAnswer, Net::NotSent] {
            crate::plugs::within_a_minute(move || {
                let world = World::new();
                let store = world.store();
                let (known, asking) = (Arc::new(OnceLock::<Session>::new()), Arc::new(Mutex::new(())));
                let (inner, inner_world) = (Arc::clone(&known), world.clone());
                let session = world.session(&store).observer(move |_: &Event<'_>| {
                    // Not for what it causes itself.
                    if let (Some(session), Ok(_once)) = (inner.get(), asking.try_lock()) {
                        ask(&inner_world, session);
                    }
                });
                let _ = known.set(session.clone());
                session.prime_blocking(world.login()).unwrap();
                if what == "forget" {
                    world.session(&store).prime_blocking(world.login()).unwrap();
                }
                world.advance(LIFE);
                world.network([net.clone()]);
                world.clear();
                let _ = session.token_blocking();
                assert!(waited(&world) <= Duration::from_secs(6), "{what} {net:?}: {:?}", waited(&world));
                let _ = session.token_blocking();
                let sent: Vec<_> = world.sent();
                assert!(sent.len() <= 4, "{what} {net:?}: {sent:?}");
                if what == "forget" {
                    assert!(session.token_blocking().is_err());
                } else {
                    world.advance(100);
                    // After a lost answer, a strict server may have ended the grant.
                    assert!(session.token_blocking().is_ok() || matches!(net, Net::LoseAnswer), "{what} {net:?}");
                }
            });
        }
    }
}

#[test]
fn an_observer_that_blocks_for_longer_than_a_request_may_be_late_does_not_stop_the_renewal() {
    crate::plugs::within_a_minute(|| {
        let world = World::new();
        let store = world.store();
        let slow = world.clone();
        let session = world.session(&store).observer(move |event: &Event<'_>| {
            if let Event::Sending { .. } = event {
                slow.advance(45);
            }
        });
        session.prime_blocking(world.login()).unwrap();
        for round in 1..4 {
            world.advance(LIFE);
            assert!(session.token_blocking().is_ok());
            assert_eq!((world.sent().len(), store.kept().unwrap().sent), (round, 0));
        }
    });
}

#[test]
fn a_clock_that_jumps_at_every_reading_is_an_error_and_not_a_loop() {
    crate::plugs::within_a_minute(|| {
        for jump in [-100, 100] {
            let world = World::new();
            let store = world.store();
            world.session(&store).prime_blocking(world.login()).unwrap();
            world.advance(LIFE);
            let outside = Jumpy { world: world.clone(), jump };
            let session = Session::new(&world.client(), key(), store.as_store(), outside).policy(plain_policy());
            let mut over = session.token_blocking();
            if let Ok(token) = over {
                session.refused(&token);
                over = session.token_blocking();
            }
            let error = over.unwrap_err();
            assert!(std::error::Error::source(&error).unwrap().to_string().contains("clock"), "{error:?}");
            assert_eq!((world.sent().len(), store.kept().unwrap().sent), (0, 0), "nothing was sent");
            world.set_now(world.server(|server| server.now()) + LIFE + 100_000);
            assert!(world.session(&store).token_blocking().is_ok());
        }
    });
}

/// The world, with a clock that jumps at every reading.
struct Jumpy {
    world: World,
    jump: i64,
}

impl Outside for Jumpy {
    fn now(&self) -> UnixTime {
        let now = self.world.server(|server| server.now()).saturating_add_signed(self.jump);
        self.world.set_now(now);
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
}
