//! `invalid_grant` counts only after the store was read again, for another process's newer token. Lost is durable.

use grantflow::Next;
use grantflow_session::{Loss, SessionError, State};
use grantflow_tests::world::*;

#[test]
fn a_refusal_is_the_end_and_the_next_process_knows_without_asking() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    world.clear();
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Lost { loss: Loss::Refused, .. }), "{error:?}");
    assert_eq!((error.next(), session.state()), (Next::Reauthorize, State::Lost));
    // The mark before the request, and a read of the store before the grant is lost.
    let order = world.log();
    assert!(
        matches!(
            order.as_slice(),
            [Did::Load, Did::Lock, Did::Load, Did::Mark(1), Did::Send(_), Did::Load, Did::Loss, Did::Unlock]
        ),
        "{order:?}"
    );
    assert!(store.kept().unwrap().lost);
    world.clear();
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    assert!(matches!(world.session(&store).token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    assert_eq!(world.sent().len(), 0, "lost is reported again without a request");
    // A login repairs it.
    session.prime_blocking(world.login()).unwrap();
    assert!(world.session(&store).token_blocking().is_ok());
}

#[test]
fn another_processs_newer_token_is_used_instead() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.server(|server| server.revoke_all());
    // Another process, which does not use our lock, has put newer tokens there during our request.
    let elsewhere = World::new();
    elsewhere.advance(LIFE + 5);
    elsewhere.server(|server| {
        server.set_seed(99);
    });
    let newer = elsewhere.store();
    let login = elsewhere.session(&newer).prime_blocking(elsewhere.login()).unwrap();
    let (put, value) = (store.clone(), newer.entry().unwrap().value);
    let hold = world.clone();
    store.before(Op::Mark, move || hold.network([Net::HoldAnswer]));
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    put.put(Some(value));
    world.release();
    let token = pollster::block_on(caller).unwrap();
    assert_eq!(access(&token), access(&login));
    assert!(!store.kept().unwrap().lost);
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn logged_out_elsewhere_while_we_were_refused_is_empty() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.server(|server| server.revoke_all());
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    store.put(None);
    world.release();
    assert!(matches!(pollster::block_on(caller), Err(SessionError::Empty)));
    assert!(store.entry().is_none());
}

#[test]
fn a_loss_whose_entry_has_changed_is_not_asked_for_again() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.server(|server| server.revoke_all());
    // Another process writes the entry, with the same tokens, between the second read and the write.
    let touched = store.clone();
    store.before(Op::Loss, move || touched.put(touched.entry().map(|entry| entry.value)));
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    assert_eq!(world.sent().len(), 1, "a refused token was sent again");
    assert!(store.kept().unwrap().lost);
}

#[test]
fn ahead_of_its_end_the_access_token_outlives_the_grant() {
    let world = World::new();
    let session = world.session(&world.store());
    let first = session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE - 30);
    assert!(session.token_blocking().unwrap().is(&first));
    assert!(session.token_blocking().unwrap().is(&first));
    assert_eq!(world.sent().len(), 1);
    world.advance(30);
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_refusal_while_the_store_cannot_be_read_gives_nothing_up() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.server(|server| server.revoke_all());
    world.advance(LIFE);
    // The look, the read under the lock, and then the one after the refusal.
    let unreadable = store.clone();
    store.before(Op::Mark, move || unreadable.fail(Op::Load, Fault::Before));
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Store(_)), "{error:?}");
    let kept = store.kept().unwrap();
    assert_eq!((kept.lost, kept.sent), (false, 1), "another process may have a newer token");
    assert_ne!(session.state(), State::Lost);
    // Another process has one, and it is used.
    let elsewhere = World::new();
    elsewhere.advance(LIFE + 5);
    elsewhere.server(|server| {
        server.set_seed(99);
    });
    let newer = elsewhere.store();
    let login = elsewhere.session(&newer).prime_blocking(elsewhere.login()).unwrap();
    let lost = store.entry().unwrap().value;
    store.put(Some(newer.entry().unwrap().value));
    assert_eq!(access(&world.session(&store).token_blocking().unwrap()), access(&login));
    // No process has one: asked again, refused again, and then it is lost.
    store.put(Some(lost));
    let error = world.session(&store).token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Lost { loss: Loss::Refused, .. }), "{error:?}");
}
