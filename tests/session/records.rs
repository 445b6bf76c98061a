//! What is stored is believed only if it is whole, of this version and of this client. A login mends it.

use grantflow_session::{RecordFault, SessionError, Value};
use grantflow_tests::world::*;

fn with(change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> (World, FaultyStore) {
    let world = World::new();
    let store = world.store();
    world.session(&store).prime_blocking(world.login()).unwrap();
    let bytes = store.entry().unwrap().value.expose_secret().to_vec();
    store.put(Some(Value::new(change(bytes))));
    (world, store)
}

fn refused(world: &World, store: &FaultyStore, fault: RecordFault) {
    let before = store.entry().unwrap();
    let session = world.session(store);
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Record(found) if found == fault), "{error:?}");
    assert_eq!(world.sent().len(), 0);
    assert_eq!(store.entry().unwrap().revision, before.revision, "it was left as it is");
    // A login mends it.
    let token = session.prime_blocking(world.login()).unwrap();
    assert_eq!(store.kept().unwrap().access, access(&token));
    assert!(world.session(store).token_blocking().is_ok());
}

#[test]
fn damage_is_found_and_not_overwritten() {
    let (world, store) = with(|mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        bytes
    });
    refused(&world, &store, RecordFault::Damaged);
    let (world, store) = with(|bytes| bytes[..bytes.len() / 2].to_vec());
    refused(&world, &store, RecordFault::Damaged);
    let (world, store) = with(|_| Vec::new());
    refused(&world, &store, RecordFault::Damaged);
}

#[test]
fn a_newer_version_is_left_alone() {
    let (world, store) = with(|bytes| {
        String::from_utf8(bytes).unwrap().replacen("grantflow-session 1 ", "grantflow-session 2 ", 1).into_bytes()
    });
    refused(&world, &store, RecordFault::Version);
}

#[test]
fn another_clients_grant_is_not_used() {
    let world = World::new();
    let store = world.store();
    let other = grantflow_session::Session::new(&world.client_named("other"), key(), store.as_store(), world.clone());
    other.prime_blocking(world.login_as(&world.client_named("other"))).unwrap();
    refused(&world, &store, RecordFault::OtherClient);
}

#[test]
fn another_clients_login_is_refused() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let error = session.prime_blocking(world.login_as(&world.client_named("other"))).unwrap_err();
    assert!(matches!(error, SessionError::Record(RecordFault::OtherClient)));
    assert!(store.entry().is_none());
}

#[test]
fn damage_that_comes_while_a_refresh_is_under_way_does_not_lose_the_new_tokens() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    let good = store.entry().unwrap().value;
    store.put(Some(Value::new(b"nothing of ours".to_vec())));
    world.release();
    assert!(matches!(pollster::block_on(caller), Err(SessionError::NotStored(_))));
    assert!(session.unsaved().is_some());
    // Somebody restores the copy: ours go into it.
    store.put(Some(good));
    let token = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, world.sent().len()), (access(&token), 1));
}
