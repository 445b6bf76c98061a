//! An API refused the token: it is renewed once, and never read from the store again.

use grantflow_session::State;
use grantflow_tests::world::*;

#[test]
fn a_refused_token_is_renewed_and_not_adopted_from_the_store() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    assert!(session.refused(&first));
    assert_eq!((session.state(), session.peek().is_none()), (State::Due, true));
    let second = session.token_blocking().unwrap();
    assert!(!second.is(&first) && access(&second) != access(&first));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_late_report_of_a_refusal_changes_nothing() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    assert!(session.refused(&first));
    let second = session.token_blocking().unwrap();
    for _ in 0..5 {
        assert!(!session.refused(&first), "there is a newer one already");
    }
    assert!(session.token_blocking().unwrap().is(&second));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn another_processs_newer_token_is_used_after_a_refusal() {
    let world = World::new();
    let store = world.store();
    let (one, two) = (world.session(&store), world.session(&store));
    let first = one.prime_blocking(world.login()).unwrap();
    assert!(two.token_blocking().unwrap().is(&first));
    assert!(two.refused(&first));
    let second = two.token_blocking().unwrap();
    assert!(one.refused(&first));
    assert_eq!(access(&one.token_blocking().unwrap()), access(&second));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn it_stays_refused_while_the_server_is_busy() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    assert!(session.refused(&first));
    world.network([Net::Gateway(429, None)]);
    assert!(session.token_blocking().is_err());
    assert!(session.token_blocking().is_err());
    world.advance(1);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn a_flight_that_brings_the_refused_token_does_not_bring_it_back() {
    // Its clock jumps back meanwhile, so the old token looks good to it when it reads the store.
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    let (back, api, token) = (world.clone(), session.clone(), first.clone());
    store.before(Op::Load, move || {
        back.set_now(back.server(|server| server.now()) - 600);
        assert!(api.refused(&token));
    });
    let mut leader = Box::pin(session.token());
    let _ = poll_once(&mut leader);
    let next = session.token_blocking().unwrap();
    assert!(!next.is(&first), "the session gave the refused token");
    assert!(!session.token_blocking().unwrap().is(&first));
    assert!(world.sent().len() <= 1);
}

#[test]
fn a_token_that_is_refused_as_soon_as_it_is_stored_is_not_given_out() {
    // The other end of the flight: it has updated its state, and its callers have not been told.
    for due in [LIFE, LIFE - 30] {
        let world = World::new();
        let store = world.store();
        let session = world.session(&store);
        session.prime_blocking(world.login()).unwrap();
        world.advance(due);
        let api = session.clone();
        let refused = std::sync::Arc::new(std::sync::Mutex::new(None));
        let seen = refused.clone();
        store.at_unlock(move || {
            let new = api.peek().unwrap();
            assert!(api.refused(&new));
            *seen.lock().unwrap() = Some(new);
        });
        let token = session.token_blocking().unwrap();
        let refused = refused.lock().unwrap().take().unwrap();
        assert!(!token.is(&refused), "the refused token, {due}");
        assert!(session.token_blocking().unwrap().is(&token));
    }
}
