//! The result of a refresh is kept as far as it can be read: a rotated refresh token outlives a refused answer.

use grantflow::{Next, Quirk};
use grantflow_session::{Cause, FreshToken, Loss, Session, SessionError};
use grantflow_tests::world::*;
use serde_json::{Value, json};

fn over() -> (World, FaultyStore, Session, FreshToken) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session, first)
}

type Edit = fn(&mut Value);

/// Answers that are refused, and hold a refresh token.
const REFUSED: [(&str, Edit); 5] = [
    ("no token_type", |answer| drop(answer.as_object_mut().unwrap().remove("token_type"))),
    ("token_type null", |answer| answer["token_type"] = Value::Null),
    ("another token_type", |answer| answer["token_type"] = json!("mac")),
    ("no access token", |answer| drop(answer.as_object_mut().unwrap().remove("access_token"))),
    ("an access token that is a number", |answer| answer["access_token"] = json!(7)),
];

#[test]
fn a_rotated_refresh_token_is_stored_and_used_though_the_answer_is_refused() {
    for (what, edit) in REFUSED {
        let (world, store, session, _) = over();
        let old = store.kept().unwrap();
        world.network([Net::Edited(edit), Net::Edited(edit)]);
        for round in 1..3 {
            let error = session.token_blocking().unwrap_err();
            let SessionError::NotRenewed { retry_at, cause: Cause::OAuth(cause) } = &error else {
                panic!("{what}: {error:?}")
            };
            assert!(cause.answer_refused() && error.next() == Next::FixConfiguration, "{what}: {error:?}");
            let kept = store.kept().unwrap();
            assert_ne!(kept.refresh, old.refresh, "{what}");
            assert_eq!((kept.sent, kept.lost, world.sent().len()), (0, false, round), "{what}");
            // It is a failure like any other: a pause without requests follows.
            assert!(session.token_blocking().is_err());
            assert_eq!(world.sent().len(), round, "{what}");
            world.set_now(retry_at.as_secs());
        }
        // A strict server would have ended the grant if the used token had been sent again.
        assert!(session.token_blocking().is_ok(), "{what}");
        let sent = world.sent();
        assert!(sent.len() == 3 && sent[0] != sent[1] && sent[1] != sent[2] && sent[0] != sent[2], "{what}: {sent:?}");
    }
}

#[test]
fn ahead_of_expiry_the_access_token_is_used_and_the_new_refresh_token_kept() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    let old = store.kept().unwrap();
    world.advance(LIFE - 30);
    world.network([Net::Edited(REFUSED[0].1)]);
    assert_eq!(access(&session.token_blocking().unwrap()), access(&first));
    let kept = store.kept().unwrap();
    assert!(kept.access == old.access && kept.refresh != old.refresh && kept.generation > old.generation);
    assert_eq!(world.sent().len(), 1);
    world.advance(30);
    assert!(session.token_blocking().is_ok());
    let sent = world.sent();
    assert!(sent.len() == 2 && sent[0] != sent[1], "{sent:?}");
}

#[test]
fn a_rescued_refresh_token_that_cannot_be_stored_is_kept() {
    let (world, store, session, _) = over();
    world.network([Net::Edited(REFUSED[0].1)]);
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    assert!(session.unsaved().is_some());
    world.advance(5);
    assert!(session.token_blocking().is_ok(), "stored, and renewed with");
    let sent = world.sent();
    assert!(sent.len() == 2 && sent[0] != sent[1]);
}

#[test]
fn the_quirk_that_reads_the_answer_brings_everything_back() {
    let (world, store, session, _) = over();
    world.network([Net::Edited(REFUSED[0].1), Net::Edited(REFUSED[0].1)]);
    let error = session.token_blocking().unwrap_err();
    // It says what is wrong, and what would read it.
    let cause = error.cause().unwrap().to_string();
    assert!(cause.contains("token_type") && cause.contains("MissingTokenType"), "{cause}");
    assert!(with_quirk(&world, &store).token_blocking().is_ok());
}

fn with_quirk(world: &World, store: &FaultyStore) -> Session {
    let (authorize, token) = world.server(|server| (server.authorize_url(), server.token_url()));
    let server = grantflow::Server::new(&authorize, &token).unwrap().quirk(Quirk::MissingTokenType).unwrap();
    let client = server.client(ID).secret_post(SECRET).unwrap();
    Session::new(&client, key(), store.as_store(), world.clone()).policy(plain_policy())
}

/// A token answer that is refused, without a refresh token: the old one may be used up.
const NOTHING_LEFT: fn(&mut Value) = |answer| {
    let answer = answer.as_object_mut().unwrap();
    answer.remove("token_type");
    answer.remove("refresh_token");
};

#[test]
fn an_answer_that_was_read_and_refused_is_not_followed_by_the_same_request() {
    let (world, store, session, _) = over();
    world.server(|server| server.knobs().refresh_grace = 1_000_000);
    world.network_always(Net::Edited(NOTHING_LEFT));
    let start = world.server(|server| server.now());
    for minute in 0..59 {
        let error = session.token_blocking().unwrap_err();
        let SessionError::InDoubt { retry_at, sent: 1, .. } = &error else { panic!("{error:?}") };
        assert_eq!((retry_at.as_secs(), error.next()), (start + 3600, Next::FixConfiguration));
        assert_eq!(world.sent().len(), 1, "after {minute} minutes");
        world.advance(60);
    }
    assert_eq!(store.kept().unwrap().sent, 1);
    // Another configuration may ask at once, and so may this one when it is told to.
    session.retry_now();
    assert!(session.token_blocking().is_err());
    assert_eq!(world.sent().len(), 2);
    world.advance(120);
    assert!(with_quirk(&world, &store).token_blocking().is_ok());
}

#[test]
fn an_unreadable_refresh_token_beside_good_tokens_leaves_the_old_one_in_doubt() {
    for grace in [0, 1_000_000] {
        let (world, store, session, first) = over();
        world.server(|server| server.knobs().refresh_grace = grace);
        let old = store.kept().unwrap();
        world.network([Net::Edited(|answer| answer["refresh_token"] = json!({"token": "of another shape"}))]);
        let token = session.token_blocking().expect("the access token can be read");
        assert!(!token.is(&first));
        let kept = store.kept().unwrap();
        assert_eq!((kept.access, kept.refresh, kept.sent), (access(&token), old.refresh, 1));
        // It is used to its end: sending the old refresh token again could end it.
        world.advance(LIFE - 1);
        for session in [&session, &world.session(&store)] {
            assert_eq!(access(&session.token_blocking().unwrap()), access(&token));
        }
        assert_eq!(world.sent().len(), 1);
        world.advance(1);
        match session.token_blocking() {
            Ok(newer) => assert!(grace > 0 && !newer.is(&token)),
            Err(error) => assert!(grace == 0 && matches!(error, SessionError::Lost { loss: Loss::Refused, .. })),
        }
        assert_eq!(world.sent().len(), 2);
    }
}

#[test]
fn null_and_nothing_for_a_refresh_token_keep_the_old_one_without_doubt() {
    for edit in [
        (|answer| answer["refresh_token"] = Value::Null) as fn(&mut Value),
        |answer| answer["refresh_token"] = json!(""),
        |answer| drop(answer.as_object_mut().unwrap().remove("refresh_token")),
    ] {
        let (world, store, session, _) = over();
        let old = store.kept().unwrap();
        world.network([Net::Edited(edit)]);
        assert!(session.token_blocking().is_ok());
        let kept = store.kept().unwrap();
        assert_eq!((kept.refresh, kept.sent), (old.refresh, 0));
    }
}

#[test]
fn a_refused_access_token_is_not_taken_back_with_the_refresh_token_that_was_rescued() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    let sibling = world.session(&store);
    sibling.token_blocking().unwrap();
    world.network([Net::Edited(REFUSED[0].1)]);
    session.refused(&first);
    assert!(session.token_blocking().is_err());
    // The record is another one now, and its access token is the one that both APIs refuse.
    assert!(sibling.refused(&sibling.peek().unwrap()));
    assert_ne!(access(&sibling.token_blocking().unwrap()), access(&first));
}
