//! A login and a logout while a renewal is under way: the later word counts, and nothing comes back.

use grantflow_session::{SessionError, State};
use grantflow_tests::world::*;

#[test]
fn forgotten_is_gone_from_the_store_and_from_memory() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    pollster::block_on(session.forget()).unwrap();
    assert!(store.entry().is_none() && session.peek().is_none());
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert_eq!((session.state(), world.sent().len()), (State::Unread, 0));
    pollster::block_on(session.forget()).unwrap();
    assert!(session.prime_blocking(world.login()).is_ok());
}

#[test]
fn a_logout_waits_for_the_renewal_and_then_removes_its_tokens() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    world.waits(Waits::Park);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let mut logout = Box::pin(session.forget());
    assert!(poll_once(&mut logout).is_pending());
    world.waits(Waits::Jump);
    world.release();
    let token = pollster::block_on(caller).unwrap();
    pollster::block_on(logout).unwrap();
    assert!(store.entry().is_none() && session.peek().is_none());
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    drop(token);
}

#[test]
fn a_logout_at_the_very_end_of_a_renewal_is_not_undone() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    // The moment that the lock is free, somebody logs out.
    let out = session.clone();
    store.at_unlock(move || pollster::block_on(out.forget()).unwrap());
    let _ = session.token_blocking();
    assert!(store.entry().is_none());
    assert!(session.peek().is_none(), "the renewal brought back in memory what was logged out");
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
}

#[test]
fn a_login_at_the_very_end_of_a_renewal_is_what_counts() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    let (again, login) = (session.clone(), world.login());
    let text = login.bearer().unwrap().expose_secret().to_owned();
    store.at_unlock(move || drop(again.prime_blocking(login).unwrap()));
    let _ = session.token_blocking();
    assert_eq!(store.kept().unwrap().access, text);
    assert_eq!(access(&session.token_blocking().unwrap()), text, "the session goes on with the old grant");
}

#[test]
fn a_logout_at_the_very_end_of_a_login_is_not_undone() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let out = session.clone();
    store.at_unlock(move || pollster::block_on(out.forget()).unwrap());
    let _ = session.prime_blocking(world.login());
    assert!(store.entry().is_none() && session.peek().is_none());
}

#[test]
fn a_login_at_the_very_end_of_a_logout_is_what_counts() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    let (again, login) = (session.clone(), world.login());
    store.at_unlock(move || drop(again.prime_blocking(login).unwrap()));
    pollster::block_on(session.forget()).unwrap();
    assert!(store.entry().is_some());
    assert!(session.peek().is_some(), "the logout took the login that came after it out of memory");
}

#[test]
fn a_login_past_the_lock_during_a_renewal_is_the_truth() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    // Another machine, which our lock says nothing to.
    world.advance(1);
    let elsewhere = world.store();
    let login = world.session(&elsewhere).prime_blocking(world.login()).unwrap();
    store.put(elsewhere.entry().map(|entry| entry.value));
    world.release();
    let token = pollster::block_on(caller).unwrap();
    assert_eq!(access(&token), access(&login));
    assert_eq!(store.kept().unwrap().access, access(&login));
}

#[test]
fn a_logout_past_the_lock_during_a_renewal_is_not_undone() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    store.put(None);
    world.release();
    assert!(matches!(pollster::block_on(caller), Err(SessionError::Empty)));
    assert!(store.entry().is_none() && session.peek().is_none());
}

#[test]
fn marks_past_the_lock_do_not_lose_our_tokens() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    // The same tokens and mark, written again by somebody.
    store.put(store.entry().map(|entry| entry.value));
    world.release();
    let token = pollster::block_on(caller).unwrap();
    assert_eq!((store.kept().unwrap().access, store.kept().unwrap().sent), (access(&token), 0));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_lock_that_nobody_gives_back_is_an_error_and_not_for_ever() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    world.clear();
    assert!(matches!(session.token_blocking(), Err(SessionError::Busy)));
    assert!(matches!(pollster::block_on(session.forget()), Err(SessionError::Busy)));
    assert!(matches!(session.prime_blocking(world.login()), Err(SessionError::Busy)));
    assert_eq!((world.sent().len(), store.entry().is_some()), (0, true));
    drop(lock);
    assert!(session.token_blocking().is_ok());
}
