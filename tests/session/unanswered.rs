//! An answer that never came: read again, wait, once more, and then a known Unknown.

use std::time::Duration;

use grantflow::Next;
use grantflow_session::{Loss, SessionError, State};
use grantflow_tests::world::*;

fn over() -> (World, FaultyStore, grantflow_session::Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session)
}

#[test]
fn one_retry_after_a_wait_and_a_look_into_the_store() {
    let (world, _, session) = over();
    world.network([Net::LoseRequest]);
    assert!(session.token_blocking().is_ok());
    let log = world.log();
    let sent = world.sent();
    assert!(sent.len() == 2 && sent[0] == sent[1]);
    let send = Did::Send(sent[0].clone());
    let wait = Did::Wait(Duration::from_secs(2));
    assert_eq!(
        log,
        [
            Did::Lock,
            Did::Load,
            Did::Mark(1),
            send.clone(),
            wait,
            Did::Load,
            Did::Mark(2),
            send,
            Did::Tokens,
            Did::Unlock
        ]
    );
}

#[test]
fn a_gateways_page_after_the_server_has_acted_proves_nothing() {
    let (world, _, session) = over();
    world.server(|server| server.knobs().refresh_grace = 30);
    world.network([Net::GatewayAfter(502)]);
    assert!(session.token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (2, 2));
}

#[test]
fn a_server_that_takes_the_retry_for_theft_makes_it_lost() {
    let (world, store, session) = over();
    world.network([Net::LoseAnswer]);
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { loss: Loss::Refused, .. })));
    assert_eq!(world.sent().len(), 2);
    assert!(store.kept().unwrap().lost);
}

#[test]
fn two_lost_answers_are_unknown_and_stay_so() {
    let (world, store, session) = over();
    world.network([Net::LoseAnswer, Net::LoseAnswer]);
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Unknown { .. }));
    assert_eq!((error.next(), session.state()), (Next::Reauthorize, State::Unknown));
    assert_eq!((world.sent().len(), store.kept().unwrap().sent), (2, 2));
    for session in [session, world.session(&store)] {
        for _ in 0..3 {
            assert!(matches!(session.token_blocking(), Err(SessionError::Unknown { .. })));
        }
    }
    assert_eq!(world.sent().len(), 2, "never again");
}

#[test]
fn no_retries_means_none() {
    let (world, store, _) = over();
    let mut policy = plain_policy();
    policy.in_doubt = grantflow_session::InDoubt::Never;
    let session = world.session_with(&store, policy);
    world.network([Net::LoseRequest]);
    assert!(matches!(session.token_blocking(), Err(SessionError::Unknown { .. })));
    assert!(matches!(session.token_blocking(), Err(SessionError::Unknown { .. })));
    assert_eq!((world.sent().len(), world.refreshes()), (1, 0));
}

#[test]
fn what_a_sibling_writes_meanwhile_is_adopted_instead_of_the_retry() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest]);
    let newer = World::new();
    newer.advance(LIFE + 5);
    newer.server(|server| {
        server.set_seed(99);
    });
    let elsewhere = newer.store();
    let token = newer.session(&elsewhere).prime_blocking(newer.login()).unwrap();
    let (put, value) = (store.clone(), elsewhere.entry().unwrap().value);
    world.at_wait(move || put.put(Some(value)));
    assert_eq!(access(&session.token_blocking().unwrap()), access(&token));
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn logged_out_meanwhile_there_is_no_retry() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest]);
    let put = store.clone();
    world.at_wait(move || put.put(None));
    assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
    assert_eq!((world.sent().len(), store.entry().is_none()), (1, true));
}

#[test]
fn certainly_not_sent_is_as_if_nothing_had_been() {
    let (world, store, session) = over();
    let before = store.kept();
    world.network([Net::NotSent]);
    let error = session.token_blocking().unwrap_err();
    let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
    assert_eq!(store.kept(), before, "the mark is taken back");
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    world.set_now(retry_at.as_secs());
    assert!(session.token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (1, 1));
}

#[test]
fn a_retry_that_was_not_sent_does_not_wipe_out_the_first_mark() {
    let (world, store, session) = over();
    world.network([Net::LoseRequest, Net::NotSent]);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    assert_eq!(store.kept().unwrap().sent, 1);
    world.advance(60);
    assert!(session.token_blocking().is_ok());
    assert_eq!(world.sent().len(), 2);
}

#[test]
fn the_next_process_goes_on_by_the_mark_that_it_finds() {
    // The process died with its request under way.
    let (world, store, session) = over();
    world.network([Net::HoldAnswer]);
    let mut caller = Box::pin(session.token());
    assert!(poll_once(&mut caller).is_pending());
    drop(caller);
    drop(session);
    assert_eq!(store.kept().unwrap().sent, 1);
    assert_eq!(world.log().last(), Some(&Did::Unlock), "a session that is gone holds no lock");
    world.server(|server| server.knobs().refresh_grace = 30);
    world.clear();
    assert!(world.session(&store).token_blocking().is_ok());
    let log = world.log();
    assert_eq!(log[2], Did::Wait(Duration::from_secs(2)), "{log:?}");
    assert_eq!(log[4], Did::Mark(2), "{log:?}");
}

#[test]
fn a_policy_that_allows_more_goes_on_where_another_gave_up() {
    let (world, store, session) = over();
    // A proxy's page, and nothing has reached the server.
    world.network([Net::Gateway(502, None), Net::Gateway(502, None)]);
    assert!(matches!(session.token_blocking(), Err(SessionError::Unknown { .. })));
    assert!(matches!(world.session(&store).token_blocking(), Err(SessionError::Unknown { .. })), "it is written down");
    assert_eq!(world.sent().len(), 2);
    let mut policy = plain_policy();
    policy.in_doubt = grantflow_session::InDoubt::Heal;
    assert!(world.session_with(&store, policy).token_blocking().is_ok());
    assert_eq!((world.sent().len(), world.refreshes()), (3, 1));
    assert!(session.token_blocking().is_ok(), "and the one that had given up adopts it");
}
