//! Clocks that jump, in either direction.

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
fn the_wait_before_a_retry_is_bounded_however_the_clock_jumps() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::LoseRequest]);
    let back = world.clone();
    world.at_wait(move || back.set_now(back.server(|server| server.now()) - 1_000_000));
    world.clear();
    assert!(session.token_blocking().is_ok());
    let waited: u64 = world.log().iter().map(|did| if let Did::Wait(time) = did { time.as_secs() } else { 0 }).sum();
    assert!(waited <= 4, "{waited}");
}

#[test]
fn a_pause_does_not_outlast_itself_when_the_clock_falls_back() {
    let world = World::new();
    let session = world.session(&world.store());
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::Gateway(429, Some(30))]);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    let now = world.server(|server| server.now());
    world.set_now(now - 100_000);
    assert!(session.token_blocking().is_ok(), "the server is left alone for a day because of a pause of 30 s");
}

#[test]
fn a_mark_from_the_future_holds_nobody_up() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    drop(caller);
    drop(session);
    let now = world.server(|server| server.now());
    world.set_now(now - 5000);
    world.server(|server| {
        server.knobs().refresh_grace = 10_000;
        server.knobs().revoke_on_replay = false;
    });
    world.clear();
    // It is not over by this clock, but its end cannot be told: due, and renewed.
    assert!(world.session(&store).token_blocking().is_ok());
    assert!(world.sent().len() <= 1);
}
