//! What only the inside shows: a token is gone, and not only hidden.
#![allow(clippy::unwrap_used, reason = "clippy spares test functions, not what they share")]

use core::time::Duration;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use grantflow::{Body, EntropyFailed, Server, UnixTime};
use http::{Request, Response};

use super::*;
use crate::error::Unanswered;
use crate::store::{Later, MemoryStore};

/// A server that answers when it is told to.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Inside>>);

#[derive(Default)]
struct Inside {
    holds: bool,
    now: u64,
}

impl Outside for World {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(1_750_000_000 + self.0.lock().unwrap().now)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        bytes.fill(7);
        Ok(())
    }

    fn wait(&self, _: Duration) -> Later<'_, ()> {
        Box::pin(core::future::pending())
    }

    fn send(&self, _: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        let held = Arc::clone(&self.0);
        Box::pin(core::future::poll_fn(move |_| {
            if held.lock().unwrap().holds {
                return Poll::Pending;
            }
            let answer = br#"{"access_token":"at","token_type":"Bearer","expires_in":3600,"site":"one"}"#.to_vec();
            Poll::Ready(Ok(Response::new(answer.into())))
        }))
    }
}

fn session(world: &World) -> Session {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let grant = ClientCredentials::new(&server.client("robot").secret_basic("s3cret").unwrap());
    Session::client_credentials(grant, Key::new("robot").unwrap(), MemoryStore::new(), world.clone())
}

fn poll<F: Future>(future: &mut core::pin::Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn after_a_logout_no_token_is_anywhere_in_memory() {
    let world = World::default();
    let session = session(&world);
    world.0.lock().unwrap().holds = true;
    // A caller that waits and is never polled again has not had the result.
    let (mut paused, mut other) = (Box::pin(session.token()), Box::pin(session.token()));
    assert!(poll(&mut paused).is_pending() && poll(&mut other).is_pending());
    world.0.lock().unwrap().holds = false;
    let token = session.token_blocking().unwrap();
    let watch = token.watch();
    drop((token, other));
    assert!(watch.upgrade().is_some(), "the session has it");
    session.forget_blocking().unwrap();
    assert!(watch.upgrade().is_none(), "it is still in memory");
    assert!(session.extra::<serde_json::Value>().unwrap().is_none());
    drop(paused);
}

#[test]
fn the_members_of_an_answer_are_kept_until_the_next_answer() {
    #[derive(serde::Deserialize)]
    struct Site {
        site: String,
    }
    let world = World::default();
    let session = session(&world);
    assert!(session.extra::<Site>().unwrap().is_none(), "nothing is known yet");
    session.token_blocking().unwrap();
    world.0.lock().unwrap().now = 7200;
    assert!(session.peek().is_none());
    assert_eq!(session.extra::<Site>().unwrap().unwrap().site, "one");
    assert!(session.extra::<Vec<u8>>().is_err());
    assert!(session.unverified_id_token().is_none());
}

#[test]
fn a_round_whose_callers_all_have_the_result_keeps_no_token() {
    let world = World::default();
    let session = session(&world);
    let watch = session.token_blocking().unwrap().watch();
    session.refused(&session.peek().unwrap());
    world.0.lock().unwrap().now = 61;
    session.token_blocking().unwrap();
    assert!(watch.upgrade().is_none(), "the refused token is still in memory");
}
