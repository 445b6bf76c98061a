//! Clocks that jump, in either direction.

use std::time::Duration;

use grantflow_session::SessionError;
use grantflow_tests::world::*;

#[test]
fn a_clock_that_leaps_ahead_makes_the_token_over() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(1000 * LIFE);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_clock_that_falls_back_a_little_changes_nothing() {
    let world = World::new();
    let session = world.session(&world.store());
    let start = world.server(|server| server.now());
    let first = session.prime_blocking(world.login()).unwrap();
    world.set_now(start - 300);
    assert!(session.token_blocking().unwrap().is(&first));
    assert_eq!(world.refreshes(), 0);
}

#[test]
fn a_clock_that_falls_back_far_makes_the_token_due_once() {
    let world = World::new();
    let session = world.session(&world.store());
    let start = world.server(|server| server.now());
    let first = session.prime_blocking(world.login()).unwrap();
    world.set_now(start - 10_000_000);
    let second = session.token_blocking().unwrap();
    assert!(!second.is(&first));
    assert!(session.token_blocking().unwrap().is(&second));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn the_early_retry_is_waited_for_once_under_a_jumping_clock() {
    for jump in [-1_000_000i64, -3, 1_000_000] {
        let world = World::new();
        let store = world.store();
        let session = world.session(&store);
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        world.network([Net::LoseRequest]);
        let jumps = world.clone();
        world.at_wait(move || {
            let now = jumps.server(|server| server.now());
            jumps.set_now(now.saturating_add_signed(jump));
        });
        world.clear();
        assert!(session.token_blocking().is_ok(), "{jump}");
        let waits: Vec<_> = world
            .log()
            .into_iter()
            .filter_map(|did| if let Did::Wait(time) = did { Some(time) } else { None })
            .collect();
        // A wait that was waited has passed, even if the clock says otherwise.
        assert!(waits.len() == 1 && waits[0] <= Duration::from_secs(2), "{jump}: {waits:?}");
        assert_eq!(world.sent().len(), 2, "{jump}");
    }
}

#[test]
fn a_pause_in_doubt_does_not_outlast_itself_when_the_clock_falls_back() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network_always(Net::Gateway(502, None));
    for _ in 0..8 {
        assert!(session.token_blocking().is_err());
        world.advance(90);
    }
    assert!(session.token_blocking().is_err());
    let sent = world.sent().len();
    let before = store.kept().unwrap();
    world.set_now(world.server(|server| server.now()) - 100_000);
    let now = world.server(|server| server.now());
    // Another process reads the mark by its own clock, and writes that down: a time in the future counts as now.
    let sibling = world.session(&store);
    let token = sibling.token_blocking().expect("by this clock, it is not over");
    sibling.refused(&token);
    let Err(SessionError::InDoubt { since, retry_at, .. }) = sibling.token_blocking() else { panic!("a pause") };
    assert!(retry_at.as_secs() <= now + 90 && retry_at.as_secs() > now, "{}", retry_at.as_secs() as i64 - now as i64);
    assert_eq!(since.as_secs(), now);
    let after = store.kept().unwrap();
    assert_eq!((after.next, after.sent, after.since), (Some(retry_at.as_secs()), before.sent, Some(now)));
    assert_eq!(world.sent().len(), sent);
    world.network_always(Net::Fine);
    world.set_now(retry_at.as_secs());
    assert!(sibling.token_blocking().is_ok());
}

#[test]
fn a_pause_does_not_outlast_itself_when_the_clock_falls_back() {
    let world = World::new();
    let session = world.robot(&world.store());
    world.network([Net::Gateway(429, Some(30))]);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    assert!(session.token_blocking().is_err());
    assert_eq!(world.sent().len(), 1, "there is a pause, and no token that would do");
    let now = world.server(|server| server.now());
    world.set_now(now - 100_000);
    assert!(session.token_blocking().is_ok(), "the server is left alone for a day because of a pause of 30 s");
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn a_mark_from_the_future_delays_no_request() {
    for back in [5000, 60, 1] {
        let world = World::new();
        let store = world.store();
        let session = world.session(&store);
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        world.network([Net::HoldRequest]);
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        drop(caller);
        drop(session);
        let kept = store.kept().unwrap();
        assert_eq!((kept.sent, kept.next), (1, None));
        // The access token is over by any clock: the API has refused it.
        let sibling = world.session(&store);
        world.set_now(world.server(|server| server.now()) - back);
        if let Some(token) = sibling.peek().or_else(|| sibling.token_blocking().ok()) {
            sibling.refused(&token);
        }
        world.clear();
        let _ = sibling.token_blocking();
        let waits: Duration =
            world.log().iter().map(|did| if let Did::Wait(time) = did { *time } else { Duration::ZERO }).sum();
        assert!(waits <= Duration::from_secs(2), "{back}: {waits:?}");
        assert!(sibling.token_blocking().is_ok(), "{back}");
        assert_eq!(store.kept().unwrap().sent, 0, "{back}");
    }
}
