//! Logins and logouts whose callers have gone, after other work in progress.

use grantflow::Tokens;
use grantflow_session::{Session, SessionError, Value};
use grantflow_tests::world::*;

fn login(world: &World) -> (Tokens, String) {
    let tokens = world.login();
    let text = tokens.bearer().unwrap().expose_secret().to_owned();
    (tokens, text)
}

fn logged_in() -> (World, FaultyStore, Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.clear();
    (world, store, session)
}

/// Runs the work that was given to the background, and the work that follows it.
fn run_background(world: &World) {
    for _ in 0..10 {
        world.background().into_iter().for_each(pollster::block_on);
    }
}

#[test]
fn a_login_that_is_dropped_before_it_is_polled_is_stored_in_the_background() {
    let (world, store, session) = logged_in();
    world.keep_background();
    let (tokens, text) = login(&world);
    drop(session.prime(tokens));
    run_background(&world);
    assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (text, true));
}

#[test]
fn a_login_that_is_dropped_behind_a_renewal_is_stored_in_the_background() {
    let (world, store, session) = logged_in();
    world.advance(LIFE);
    world.keep_background();
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let (tokens, text) = login(&world);
    let mut prime = Box::pin(session.prime(tokens));
    assert!(poll_once(&mut prime).is_pending());
    drop((caller, prime));
    world.release();
    run_background(&world);
    assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (text, true));
}

#[test]
fn a_login_that_is_dropped_while_a_caller_waits_is_stored_in_the_background() {
    let (world, store, session) = logged_in();
    world.advance(LIFE);
    world.keep_background();
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let (tokens, text) = login(&world);
    let mut prime = Box::pin(session.prime(tokens));
    assert!(poll_once(&mut prime).is_pending());
    drop(prime);
    world.release();
    assert!(pollster::block_on(caller).is_ok());
    run_background(&world);
    assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (text, true));
}

#[test]
fn a_logout_that_is_dropped_behind_a_renewal_goes_on_in_the_background() {
    let (world, store, session) = logged_in();
    world.advance(LIFE);
    world.keep_background();
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let mut logout = Box::pin(session.forget());
    assert!(poll_once(&mut logout).is_pending());
    drop((caller, logout));
    world.release();
    run_background(&world);
    assert!(store.entry().is_none() && session.peek().is_none());
}

#[test]
fn finish_stores_a_login_and_removes_what_was_logged_out() {
    let (world, store, session) = logged_in();
    let (tokens, text) = login(&world);
    drop(session.prime(tokens));
    session.finish_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (text, true));
    // After a renewal that all callers have left.
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let mut logout = Box::pin(session.forget());
    assert!(poll_once(&mut logout).is_pending());
    drop((caller, logout));
    world.release();
    session.finish_blocking().unwrap();
    assert!(store.entry().is_none());
    // A store that stays broken causes no endless tries.
    store.fail_times(1000, Op::Lock, Fault::Before);
    drop(session.prime(login(&world).0));
    session.finish_blocking().unwrap();
    assert!(session.unsaved().is_some());
    // Tokens of a renewal are stored too.
    let (world, store, session) = logged_in();
    world.advance(LIFE);
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    session.finish_blocking().unwrap();
    assert!(session.unsaved().is_none());
}

#[test]
fn a_grant_that_is_being_given_up_is_not_peeked_at() {
    let (world, _, session) = logged_in();
    world.stutter(Stutter::Step);
    let mut logout = Box::pin(session.forget());
    assert!(poll_once(&mut logout).is_pending());
    assert!(session.peek().is_none());
    world.stutter(Stutter::Off);
    pollster::block_on(logout).unwrap();
    assert!(session.peek().is_none());
    // A logout that fails leaves the grant.
    let (_, store, session) = logged_in();
    store.fail(Op::Remove, Fault::Before);
    assert!(pollster::block_on(session.forget()).is_err());
    assert!(session.peek().is_some() && session.token_blocking().is_ok());
}

#[test]
fn a_login_whose_write_failed_mends_what_was_damaged_meanwhile() {
    let foreign = |world: &World| {
        let elsewhere = world.store();
        let other = Session::new(&world.client_named("other"), key(), elsewhere.as_store(), world.clone());
        other.prime_blocking(world.login_as(&world.client_named("other"))).unwrap();
        elsewhere.entry().unwrap().value
    };
    for kind in 0..3 {
        for fault in [Fault::Before, Fault::After] {
            let (world, store, session) = logged_in();
            store.fail_times(3, Op::Tokens, fault);
            let (tokens, text) = login(&world);
            let stored = session.prime_blocking(tokens);
            if fault == Fault::Before {
                assert!(matches!(stored, Err(SessionError::NotStored(_))), "{stored:?}");
            } else if stored.is_ok() {
                continue;
            }
            store.put(Some(match kind {
                0 => Value::new(Vec::new()),
                1 => Value::new(b"nothing of ours".to_vec()),
                _ => foreign(&world),
            }));
            store.heal();
            let token = session.token_blocking();
            assert!(token.is_ok(), "{kind} {fault:?}: {token:?}");
            assert_eq!((access(&token.unwrap()), store.kept().unwrap().access), (text.clone(), text));
            assert!(session.unsaved().is_none());
        }
    }
}

#[test]
fn the_last_login_counts_after_any_failures() {
    for (op, times) in [(Op::Lock, 1), (Op::Load, 1), (Op::Tokens, 3)] {
        for fault in [Fault::Before, Fault::After, Fault::Panic] {
            let (world, store, session) = logged_in();
            let ask =
                |work: &dyn Fn() -> bool| std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).unwrap_or(false);
            store.fail_times(times, op, fault);
            let one = std::sync::Mutex::new(Some(world.login()));
            ask(&|| session.prime_blocking(one.lock().unwrap().take().unwrap()).is_ok());
            store.mend();
            store.fail_times(times, op, fault);
            ask(&|| session.token_blocking().is_ok());
            store.mend();
            store.fail_times(times, op, fault);
            let (tokens, text) = login(&world);
            let two = std::sync::Mutex::new(Some(tokens));
            ask(&|| session.prime_blocking(two.lock().unwrap().take().unwrap()).is_ok());
            store.heal();
            assert_eq!(access(&session.token_blocking().unwrap()), text, "{op:?} {fault:?}");
            assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (text, true), "{op:?} {fault:?}");
        }
    }
}
