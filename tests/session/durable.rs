//! Written before the request is sent, and written before any caller sees it, for every observer.

use std::sync::{Arc, Mutex};

use grantflow_session::{Event, MemoryStore, Session};
use grantflow_tests::world::*;

#[test]
fn the_mark_then_the_request_then_the_tokens_then_the_caller() {
    let world = World::new();
    let store = world.store();
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = {
        let (told, world, store) = (Arc::clone(&told), world.clone(), store.clone());
        move |event: &Event<'_>| {
            let kept = store.kept().unwrap();
            match event {
                Event::Sending { attempt, .. } => {
                    assert_eq!(kept.sent, *attempt, "the mark is durable before the request leaves");
                    assert!(!world.log().iter().any(|did| matches!(did, Did::Send(_))));
                    told.lock().unwrap().push("sending");
                }
                Event::Renewed { token, .. } => {
                    assert_eq!((kept.access, kept.sent), (access(token), 0), "durable before anyone is told");
                    told.lock().unwrap().push("renewed");
                }
                other => panic!("{other:?}"),
            }
        }
    };
    let session = world.session(&store).observer(seen);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    let token = session.token_blocking().unwrap();
    assert_eq!(store.kept().unwrap().access, access(&token));
    let log = world.log();
    assert!(
        matches!(
            log.as_slice(),
            [Did::Load, Did::Lock, Did::Load, Did::Mark(1), Did::Send(_), Did::Tokens, Did::Unlock]
        ),
        "{log:?}"
    );
    assert_eq!(*told.lock().unwrap(), ["renewed", "sending", "renewed"]);
}

#[test]
fn no_caller_sees_a_token_before_it_is_written_at_whatever_step() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    let first = store.kept().unwrap();
    world.advance(LIFE);
    world.stutter(Stutter::Step);
    let mut caller = Box::pin(session.token());
    let mut steps = 0;
    let token = loop {
        world.step();
        match poll_once(&mut caller) {
            std::task::Poll::Ready(token) => break token.unwrap(),
            std::task::Poll::Pending => {
                assert!(session.peek().is_none());
                let (kept, sent) = (store.kept().unwrap(), !world.sent().is_empty());
                assert!(!sent || kept.sent == 1 || kept.generation > first.generation, "sent without a mark");
                steps += 1;
            }
        }
        assert!(steps < 100);
    };
    assert!(steps > 7, "{steps}");
    assert_eq!(store.kept().unwrap().access, access(&token));
}

#[test]
fn a_thousand_rotations_lose_nothing() {
    let world = World::new();
    let store = MemoryStore::new();
    let sessions: Vec<Session> = (0..3).map(|_| world.session(&store)).collect();
    sessions[0].prime_blocking(world.login()).unwrap();
    for round in 0..1000 {
        world.advance(LIFE);
        sessions[round % 3].token_blocking().unwrap();
    }
    let sent = world.sent();
    let distinct: std::collections::BTreeSet<_> = sent.iter().collect();
    assert_eq!((sent.len(), distinct.len(), world.refreshes()), (1000, 1000, 1000));
}
