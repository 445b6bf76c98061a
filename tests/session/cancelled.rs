//! Callers that go away, at any point, cancel nothing.

use std::pin::Pin;
use std::task::Poll;

use grantflow_session::{FreshToken, Session, SessionError};
use grantflow_tests::world::*;

type Caller<'a> = Pin<Box<dyn Future<Output = Result<FreshToken, SessionError>> + 'a>>;

fn over() -> (World, FaultyStore, Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session)
}

fn caller(session: &Session) -> Caller<'_> {
    Box::pin(session.token())
}

/// Polls a caller this many times, or until it is ready. Returns whether it is ready.
fn poll_times(world: &World, caller: &mut Caller<'_>, times: usize) -> bool {
    (0..times).any(|_| {
        world.step();
        poll_once(caller).is_ready()
    })
}

/// How often a lone caller pends.
fn steps() -> usize {
    let (world, _, session) = over();
    world.stutter(Stutter::Step);
    let mut caller = caller(&session);
    (1..).find(|_| poll_times(&world, &mut caller, 1)).unwrap()
}

#[test]
fn a_leader_can_be_dropped_at_any_point() {
    let steps = steps();
    assert!(steps > 7, "{steps}");
    for at in 0..steps {
        let (world, store, session) = over();
        world.stutter(Stutter::Step);
        let mut leader = caller(&session);
        let mut followers: Vec<_> = (0..3).map(|_| caller(&session)).collect();
        assert!(!poll_times(&world, &mut leader, at));
        assert!(followers.iter_mut().all(|follower| poll_once(follower).is_pending()));
        drop(leader);
        world.stutter(Stutter::Off);
        for follower in followers {
            let token = pollster::block_on(follower).unwrap();
            assert_eq!(access(&token), store.kept().unwrap().access, "after {at} steps");
        }
        assert_eq!(world.sent().len(), 1, "after {at} steps");
    }
}

#[test]
fn when_all_callers_have_gone_the_next_continues_the_same_request() {
    for at in 0..steps() {
        let (world, _, session) = over();
        world.stutter(Stutter::Step);
        let mut callers: Vec<_> = (0..3).map(|_| caller(&session)).collect();
        for caller in &mut callers {
            assert!(!poll_times(&world, caller, at / 3));
        }
        drop(callers);
        world.stutter(Stutter::Off);
        assert!(session.token_blocking().is_ok(), "after {at} steps");
        assert_eq!((world.sent().len(), world.refreshes()), (1, 1), "after {at} steps");
    }
}

#[test]
fn a_runtime_continues_work_that_all_callers_have_left() {
    let (world, store, session) = over();
    world.keep_background();
    world.network([Net::HoldAnswer]);
    let mut caller = caller(&session);
    assert!(poll_once(&mut caller).is_pending());
    drop(caller);
    let background = world.background();
    assert_eq!(background.len(), 1);
    world.release();
    background.into_iter().for_each(pollster::block_on);
    assert_eq!(store.kept().unwrap().access, access(&session.peek().unwrap()));
    assert_eq!(world.log().last(), Some(&Did::Unlock));
    // No caller had to ask.
    world.clear();
    assert!(session.token_blocking().is_ok());
    assert_eq!(world.log(), []);
}

#[test]
fn a_follower_that_goes_away_changes_nothing() {
    let (world, _, session) = over();
    world.keep_background();
    world.network([Net::HoldAnswer]);
    let mut leader = caller(&session);
    let mut follower = caller(&session);
    assert!(poll_once(&mut leader).is_pending() && poll_once(&mut follower).is_pending());
    drop(follower);
    assert!(world.background().is_empty(), "the leader is still there");
    world.release();
    assert!(matches!(poll_once(&mut leader), Poll::Ready(Ok(_))));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_caller_that_is_never_polled_again_delays_no_other() {
    let (world, _, session) = over();
    world.network([Net::HoldAnswer]);
    let mut paused = caller(&session);
    let mut other = caller(&session);
    assert!(poll_once(&mut paused).is_pending() && poll_once(&mut other).is_pending());
    world.release();
    assert!(matches!(poll_once(&mut other), Poll::Ready(Ok(_))));
    assert_eq!(world.sent().len(), 1);
    // It gets the same result when it is polled at last.
    assert!(matches!(poll_once(&mut paused), Poll::Ready(Ok(_))));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_session_that_is_dropped_while_all_have_gone_gives_the_lock_back() {
    for at in 1..steps() {
        let (world, store, session) = over();
        world.stutter(Stutter::Step);
        let mut one = caller(&session);
        assert!(!poll_times(&world, &mut one, at));
        drop(one);
        drop(session);
        world.stutter(Stutter::Off);
        assert!(pollster::block_on(store.inner.try_lock(&key())).unwrap().is_some(), "after {at} steps");
        world.server(|server| server.knobs().refresh_grace = 30);
        assert!(world.session(&store).token_blocking().is_ok(), "after {at} steps");
        assert!(world.sent().len() <= 2);
    }
}

#[test]
fn login_and_logout_are_not_delayed_by_work_that_all_callers_have_left() {
    let (world, store, session) = over();
    world.network([Net::HoldAnswer]);
    let mut one = caller(&session);
    assert!(poll_once(&mut one).is_pending());
    drop(one);
    world.release();
    let login = session.prime_blocking(world.login()).unwrap();
    assert_eq!(store.kept().unwrap().access, access(&login));
    assert!(!world.log().contains(&Did::Busy), "{:?}", world.log());

    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut one = caller(&session);
    assert!(poll_once(&mut one).is_pending());
    drop(one);
    world.release();
    world.clear();
    pollster::block_on(session.forget()).unwrap();
    assert!(store.entry().is_none() && session.peek().is_none());
    assert!(!world.log().contains(&Did::Busy), "{:?}", world.log());
}

#[test]
fn a_caller_that_is_never_polled_again_delays_neither_login_nor_logout() {
    let (world, store, session) = over();
    world.network([Net::HoldAnswer]);
    let mut paused = caller(&session);
    assert!(poll_once(&mut paused).is_pending());
    world.release();
    let login = session.prime_blocking(world.login()).unwrap();
    assert_eq!(store.kept().unwrap().access, access(&login));
    assert!(!world.log().iter().any(|did| matches!(did, Did::Wait(_) | Did::Busy)), "{:?}", world.log());

    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut again = caller(&session);
    assert!(poll_once(&mut again).is_pending());
    world.release();
    world.clear();
    pollster::block_on(session.forget()).unwrap();
    assert!(store.entry().is_none() && session.peek().is_none());
    assert!(!world.log().iter().any(|did| matches!(did, Did::Wait(_) | Did::Busy)), "{:?}", world.log());
}

#[test]
fn finish_ends_work_that_all_callers_have_left() {
    let (world, store, session) = over();
    world.network([Net::HoldAnswer]);
    let mut one = caller(&session);
    assert!(poll_once(&mut one).is_pending());
    drop(one);
    world.release();
    session.finish_blocking().unwrap();
    assert_eq!(store.kept().unwrap().access, access(&session.peek().unwrap()));
    world.clear();
    session.finish_blocking().unwrap();
    assert_eq!(world.log(), [], "no work is in progress");
}
