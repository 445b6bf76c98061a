//! No caller with a good token waits: not for the server, not for another process, not for the store's lock.

use std::time::Duration;

use grantflow_session::{FreshToken, Session, State};
use grantflow_tests::world::*;

/// A session whose token is due, and good for half a minute.
fn due() -> (World, FaultyStore, Session, FreshToken) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let token = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    world.clear();
    (world, store, session, token)
}

fn waited(world: &World) -> Duration {
    world.log().iter().filter_map(|did| if let Did::Wait(time) = did { Some(*time) } else { None }).sum()
}

#[test]
fn with_a_background_no_caller_waits_at_all() {
    for blocking in [false, true] {
        let (world, store, session, token) = due();
        world.keep_background();
        world.network([Net::HoldAnswer]);
        for _ in 0..3 {
            let ask = || if blocking { session.token_blocking() } else { pollster::block_on(session.token()) };
            assert!(ask().unwrap().is(&token));
        }
        let mut background = world.background();
        assert_eq!(background.len(), 1, "one renewal");
        assert!(poll_once(&mut background[0]).is_pending());
        assert!(session.token_blocking().unwrap().is(&token), "while it is under way");
        world.release();
        background.into_iter().for_each(pollster::block_on);
        let new = session.token_blocking().unwrap();
        assert_eq!((store.kept().unwrap().access, world.refreshes()), (access(&new), 1));
        assert!(!new.is(&token) && session.state() == State::Fresh);
    }
}

#[test]
fn without_a_background_one_caller_waits_for_two_seconds_at_most() {
    let (world, _, session, token) = due();
    world.network([Net::HoldAnswer]);
    assert!(session.token_blocking().unwrap().is(&token), "the answer is still on its way");
    assert_eq!(waited(&world), Duration::from_secs(2));
    world.release();
    assert!(!session.token_blocking().unwrap().is(&token), "the next caller carries it on");
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn the_wait_is_no_longer_than_what_is_left_of_the_token() {
    let (world, _, session, _) = due();
    world.advance(29);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    let _ = poll_once(&mut caller);
    assert!(waited(&world) <= Duration::from_secs(1), "{:?}", world.log());
}

#[test]
fn a_lock_of_another_process_does_not_delay_a_caller_with_a_good_token() {
    let (world, store, session, token) = due();
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    for _ in 0..3 {
        assert!(session.token_blocking().unwrap().is(&token));
    }
    assert!(waited(&world) < Duration::from_secs(1), "{:?}", world.log());
    drop(lock);
    assert!(!session.token_blocking().unwrap().is(&token));
}

#[test]
fn a_new_process_uses_a_due_token_while_another_one_holds_the_lock_and_renews_it_later() {
    let (world, store, _, token) = due();
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    let another = world.session(&store);
    assert_eq!(access(&another.token_blocking().unwrap()), access(&token));
    assert!(waited(&world) < Duration::from_secs(1), "{:?}", world.log());
    drop(lock);
    assert_ne!(access(&another.token_blocking().unwrap()), access(&token), "it is due, and renewed");
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_new_process_renews_a_due_token_at_once_if_the_lock_is_free() {
    let (world, store, _, token) = due();
    let another = world.session(&store);
    assert_ne!(access(&another.token_blocking().unwrap()), access(&token));
    assert_eq!(world.refreshes(), 1);
}

#[test]
fn a_caller_who_needs_a_token_waits_although_the_one_before_did_not() {
    let (world, store, session, token) = due();
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    assert!(session.token_blocking().unwrap().is(&token));
    world.advance(30);
    world.waits(Waits::Park);
    let mut needs = Box::pin(session.token());
    assert!(poll_once(&mut needs).is_pending(), "for the lock");
    drop(lock);
    world.waits(Waits::Jump);
    world.release();
    assert!(!pollster::block_on(needs).unwrap().is(&token));
}
