//! A login is unsaved from the call until it is stored.

use grantflow::Tokens;
use grantflow_session::{Session, SessionError};
use grantflow_tests::world::*;

fn login(world: &World) -> (Tokens, String) {
    let tokens = world.login();
    let text = tokens.bearer().unwrap().expose_secret().to_owned();
    (tokens, text)
}

fn unsaved(session: &Session) -> String {
    session.unsaved().map_or(String::new(), |it| serde_json::to_string(&it.expose_tokens().unwrap()).unwrap())
}

#[test]
fn it_is_unsaved_from_the_call_on_even_if_the_future_is_never_polled() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let (tokens, text) = login(&world);
    let prime = session.prime(tokens);
    assert!(unsaved(&session).contains(&text));
    drop(prime);
    assert!(unsaved(&session).contains(&text) && store.entry().is_none());
    assert_eq!(access(&session.token_blocking().unwrap()), text);
    assert_eq!((store.kept().unwrap().access, unsaved(&session)), (text, String::new()));
}

#[test]
fn a_later_login_takes_its_place_and_both_callers_have_a_token_of_it() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let ((one, _), (two, text)) = (login(&world), login(&world));
    let (first, second) = (session.prime(one), session.prime(two));
    assert_eq!(access(&pollster::block_on(first).unwrap()), text);
    assert_eq!(access(&pollster::block_on(second).unwrap()), text);
    assert_eq!((store.kept().unwrap().access, unsaved(&session)), (text, String::new()));
}

#[test]
fn a_login_during_a_renewal_is_unsaved_until_its_turn_and_counts() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let (tokens, text) = login(&world);
    let mut prime = Box::pin(session.prime(tokens));
    assert!(poll_once(&mut prime).is_pending());
    assert!(unsaved(&session).contains(&text));
    world.release();
    assert_eq!(access(&pollster::block_on(prime).unwrap()), text);
    assert!(pollster::block_on(caller).is_ok());
    assert_eq!(access(&session.token_blocking().unwrap()), text);
    assert_eq!(store.kept().unwrap().access, text);
}

#[test]
fn until_it_is_stored_no_token_of_the_grant_before_is_given_out() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let old = session.prime_blocking(world.login()).unwrap();
    store.fail_times(2, Op::Lock, Fault::Before);
    let (tokens, text) = login(&world);
    assert!(matches!(session.prime_blocking(tokens), Err(SessionError::Store(_))));
    assert!(session.peek().is_none());
    assert!(session.token_blocking().is_err(), "perhaps another person's");
    let new = session.token_blocking().unwrap();
    assert!(!new.is(&old) && access(&new) == text);
}

#[test]
fn other_settings_do_not_drop_it() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let (tokens, text) = login(&world);
    drop(session.prime(tokens));
    let session = session.policy(plain_policy()).observer(|_: &grantflow_session::Event<'_>| {});
    assert_eq!(access(&session.token_blocking().unwrap()), text);
}

#[test]
fn a_runtime_stores_what_its_caller_has_left() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    world.keep_background();
    world.stutter(Stutter::Step);
    let (tokens, text) = login(&world);
    let mut prime = Box::pin(session.prime(tokens));
    assert!(poll_once(&mut prime).is_pending());
    drop(prime);
    world.stutter(Stutter::Off);
    world.background().into_iter().for_each(pollster::block_on);
    assert_eq!((store.kept().unwrap().access, unsaved(&session)), (text, String::new()));
}

#[test]
fn a_login_whose_write_was_reported_failed_and_conflicts_with_itself_does_not_undo_a_renewal() {
    // The first write is done and reported as failed. Before the second one, another process renews what is there.
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    store.fail(Op::Tokens, Fault::After);
    let (sibling, now) = (world.session(&store), world.clone());
    let renewed = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let seen = renewed.clone();
    let open = store.clone();
    world.at_wait(move || {
        now.advance(LIFE);
        // On another machine, which our lock does not stop.
        let elsewhere = now.store();
        elsewhere.put(open.entry().map(|entry| entry.value));
        let token = now.session(&elsewhere).token_blocking().unwrap();
        open.put(elsewhere.entry().map(|entry| entry.value));
        *seen.lock().unwrap() = access(&token);
    });
    let _ = session.prime_blocking(world.login());
    let renewed = renewed.lock().unwrap().clone();
    assert_eq!(store.kept().unwrap().access, renewed, "the spent login was put back");
    assert_eq!(access(&session.token_blocking().unwrap()), renewed);
    drop(sibling);
}

#[test]
fn a_login_that_was_left_in_the_middle_of_its_write_does_not_undo_a_renewal() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    world.stutter(Stutter::Step);
    let mut prime = Box::pin(session.prime(world.login()));
    while store.entry().is_none() {
        world.step();
        assert!(poll_once(&mut prime).is_pending());
    }
    drop(prime);
    world.stutter(Stutter::Off);
    // Another machine, which our lock does not stop, renews what is there.
    world.advance(LIFE);
    let elsewhere = world.store();
    elsewhere.put(store.entry().map(|entry| entry.value));
    let renewed = access(&world.session(&elsewhere).token_blocking().unwrap());
    store.put(elsewhere.entry().map(|entry| entry.value));
    // The flight ends with the session, and the login moves to the session with other settings.
    let session = session.policy(plain_policy());
    assert!(session.unsaved().is_some(), "it may be stored or not");
    assert_eq!(access(&session.token_blocking().unwrap()), renewed, "the spent login was put back");
    assert_eq!((store.kept().unwrap().access, session.unsaved().is_none()), (renewed, true));
}
