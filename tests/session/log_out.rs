//! A login and a logout during a renewal: the later call counts, and nothing comes back.

use grantflow_session::{SessionError, State};
use grantflow_tests::world::*;

#[test]
fn forgotten_is_gone_from_the_store_and_from_memory() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    pollster::block_on(session.forget()).unwrap();
    assert!(store.entry().is_none() && session.peek().is_none() && session.unsaved().is_none());
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
    // At the moment when the lock is free, the person logs out.
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
    assert_eq!(access(&session.token_blocking().unwrap()), text, "the session continues with the old grant");
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
    // Another machine, which our lock does not stop.
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
    // The same tokens and mark, written again by another process.
    store.put(store.entry().map(|entry| entry.value));
    world.release();
    let token = pollster::block_on(caller).unwrap();
    assert_eq!((store.kept().unwrap().access, store.kept().unwrap().sent), (access(&token), 0));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_lock_that_is_never_released_is_an_error_after_a_time() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    world.clear();
    assert!(matches!(session.token_blocking(), Err(SessionError::Busy)));
    assert!(matches!(pollster::block_on(session.forget()), Err(SessionError::Busy)));
    let login = world.login();
    let text = login.bearer().unwrap().expose_secret().to_owned();
    assert!(matches!(session.prime_blocking(login), Err(SessionError::Busy)));
    assert_eq!((world.sent().len(), store.entry().is_some()), (0, true));
    let unsaved = serde_json::to_string(&session.unsaved().unwrap().expose_tokens().unwrap()).unwrap();
    assert!(unsaved.contains(&text), "the login is lost");
    drop(lock);
    assert_eq!(access(&session.token_blocking().unwrap()), text);
    assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (text, true));
}

#[test]
fn a_caller_who_waited_for_the_last_renewal_gets_nothing_of_it_after_a_logout() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut paused = Box::pin(session.token());
    let mut other = Box::pin(session.token());
    assert!(poll_once(&mut paused).is_pending() && poll_once(&mut other).is_pending());
    world.release();
    let token = pollster::block_on(other).unwrap();
    pollster::block_on(session.forget()).unwrap();
    assert!(store.entry().is_none());
    assert!(matches!(pollster::block_on(paused), Err(SessionError::Empty)), "the token of the removed grant");
    assert!(!format!("{session:?}").contains(&access(&token)));
}

#[test]
fn a_logout_takes_an_unsaved_login_along_and_one_that_fails_does_not() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    store.fail(Op::Lock, Fault::Before);
    assert!(session.prime_blocking(world.login()).is_err());
    store.fail(Op::Lock, Fault::Before);
    assert!(pollster::block_on(session.forget()).is_err());
    assert!(session.unsaved().is_some(), "it is still there, says the error");
    pollster::block_on(session.forget()).unwrap();
    assert!(session.unsaved().is_none());
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert!(store.entry().is_none());
}

#[test]
fn a_logout_that_is_dropped_goes_on_and_one_that_was_not_polled_has_not_begun() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    drop(session.forget());
    assert!(session.token_blocking().is_ok());
    world.stutter(Stutter::Step);
    let mut logout = Box::pin(session.forget());
    assert!(poll_once(&mut logout).is_pending());
    drop(logout);
    world.stutter(Stutter::Off);
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert!(store.entry().is_none());
}

#[test]
fn errors_of_a_login_and_a_logout_do_not_speak_of_renewing() {
    for (op, fault) in
        [(Op::Lock, Fault::Before), (Op::Load, Fault::Before), (Op::Tokens, Fault::Before), (Op::Remove, Fault::Before)]
    {
        let world = World::new();
        let store = world.store();
        let session = world.session(&store);
        session.prime_blocking(world.login()).unwrap();
        let said = |error: SessionError| assert!(!error.to_string().contains("renew"), "{op:?}: {error}");
        store.fail_times(3, op, fault);
        if op != Op::Remove {
            said(session.prime_blocking(world.login()).unwrap_err());
        }
        store.mend();
        store.fail_times(3, op, fault);
        if op != Op::Tokens {
            said(pollster::block_on(session.forget()).unwrap_err());
        }
    }
}
