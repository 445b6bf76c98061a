//! A stored entry is accepted only if it is complete, of this version and of this client. A login repairs it.

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
    // A login repairs it.
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
fn an_entry_of_a_newer_version_is_not_changed() {
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
    // The copy is restored: ours replace it.
    store.put(Some(good));
    let token = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, world.sent().len()), (access(&token), 1));
}

/// The record without its key, as an older version wrote it.
fn nameless(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8(bytes).unwrap();
    let body = text.split_once('\n').unwrap().1.replacen(r#"{"key":"ada","#, "{", 1);
    assert!(!body.contains(r#""key""#));
    signed(&body)
}

fn signed(body: &str) -> Vec<u8> {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    use sha2::{Digest as _, Sha256};
    let sum = Base64UrlUnpadded::encode_string(&Sha256::digest(body.as_bytes())[..16]);
    format!("grantflow-session 1 {sum}\n{body}").into_bytes()
}

#[test]
fn a_store_that_mixes_rows_gives_no_token_of_another_person() {
    let world = World::new();
    let store = world.store();
    let bob = grantflow_session::Key::new("bob").unwrap();
    let session = grantflow_session::Session::new(&world.client(), bob.clone(), store.as_store(), world.clone())
        .policy(plain_policy());
    session.prime_blocking(world.login()).unwrap();
    let of_bob = pollster::block_on(store.inner.load(&bob)).unwrap().unwrap();
    store.put(Some(of_bob.value));
    world.clear();
    refused(&world, &store, RecordFault::OtherKey);
}

#[test]
fn a_mixed_row_is_not_used_while_a_refresh_is_under_way_either() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    let bob = grantflow_session::Key::new("bob").unwrap();
    let other = grantflow_session::Session::new(&world.client(), bob.clone(), store.as_store(), world.clone())
        .policy(plain_policy());
    other.prime_blocking(world.login()).unwrap();
    let of_bob = pollster::block_on(store.inner.load(&bob)).unwrap().unwrap();
    world.advance(LIFE);
    world.server(|server| server.revoke_all());
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    store.put(Some(of_bob.value));
    world.release();
    // Refused, and the entry there is not another process's newer token.
    let error = pollster::block_on(caller).unwrap_err();
    assert!(matches!(error, SessionError::Record(RecordFault::OtherKey)), "{error:?}");
}

#[test]
fn a_record_without_its_key_is_taken_once_and_written_with_it() {
    let (world, store) = with(nameless);
    assert_eq!(store.kept().unwrap().key, None);
    let session = world.session(&store);
    assert!(session.token_blocking().is_ok());
    assert_eq!((store.kept().unwrap().key.as_deref(), world.sent().len()), (Some("ada"), 0));
    // From now on it belongs to this key only.
    let value = store.entry().unwrap().value;
    let bob = grantflow_session::Key::new("bob").unwrap();
    pollster::block_on(store.inner.compare_and_swap(&bob, None, Some(value))).unwrap();
    let other = grantflow_session::Session::new(&world.client(), bob, store.as_store(), world.clone());
    assert!(matches!(other.token_blocking(), Err(SessionError::Record(RecordFault::OtherKey))));
}

#[test]
fn a_record_without_its_key_is_renewed_like_any_other() {
    let (world, store) = with(nameless);
    world.advance(LIFE);
    assert!(world.session(&store).token_blocking().is_ok());
    assert_eq!((store.kept().unwrap().key.as_deref(), world.sent().len()), (Some("ada"), 1));
}

#[test]
fn a_read_only_store_still_gives_a_record_without_its_key() {
    let (world, store) = with(nameless);
    store.fail_times(100, Op::Unmark, Fault::Before);
    assert!(world.session(&store).token_blocking().is_ok());
    assert_eq!(store.kept().unwrap().key, None);
}

#[test]
fn a_mark_of_an_older_version_heals_too() {
    for sent in [1, 2, 7] {
        let (world, store) = with(|bytes| {
            let text = String::from_utf8(bytes).unwrap();
            let begun = format!(r#""begun":{{"at":1750003600,"sent":{sent}}},"tokens""#);
            signed(&text.split_once('\n').unwrap().1.replacen(r#""tokens""#, &begun, 1).replacen(
                r#""key":"ada","#,
                "",
                1,
            ))
        });
        assert_eq!(store.kept().unwrap().sent, sent);
        world.advance(LIFE + 3600);
        // The older version would have given up at two.
        assert!(world.session(&store).token_blocking().is_ok(), "{sent}");
        assert_eq!((store.kept().unwrap().sent, world.sent().len()), (0, 1));
    }
}
