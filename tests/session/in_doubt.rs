//! In doubt is a state that heals: counted, durable, shared, and ended only by the server's verdict.

use grantflow::Next;
use grantflow_session::{Cause, InDoubt, Loss, Session, SessionError, State};
use grantflow_testkit::Misbehaviour;
use grantflow_tests::world::*;

fn in_doubt(net: Net) -> (World, FaultyStore, Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network_always(net);
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::InDoubt { sent: 2, .. }), "{error:?}");
    world.clear();
    (world, store, session)
}

fn now(world: &World) -> u64 {
    world.server(|server| server.now())
}

#[test]
fn callers_are_told_at_once_why_and_when_it_is_tried_again() {
    let (world, store, session) = in_doubt(Net::Gateway(502, None));
    world.clear();
    for session in [&session, &world.session(&store)] {
        for _ in 0..20 {
            let error = session.token_blocking().unwrap_err();
            let SessionError::InDoubt { cause, since, sent, retry_at } = &error else { panic!("{error:?}") };
            assert_eq!((cause.status(), since.as_secs() + 2 >= now(&world), *sent), (Some(502), true, 2));
            assert!(retry_at.as_secs() > now(&world) && retry_at.as_secs() <= now(&world) + 2);
            assert_eq!((error.next(), session.state()), (Next::RetryLater(None), State::InDoubt));
            let text = error.to_string();
            assert!(text.contains("2 requests") && text.contains("login"), "{text}");
            let source = std::error::Error::source(&error).unwrap().to_string();
            assert!(source.contains("502"), "{source}");
        }
    }
    assert!(!world.log().iter().any(|did| matches!(did, Did::Wait(_) | Did::Send(_))), "{:?}", world.log());
}

#[test]
fn an_outage_of_any_length_ends_with_a_token() {
    for (outage, most) in [(3, 4), (10, 6), (600, 18), (4 * 3600, 100), (30 * 3600, 200), (7 * 24 * 3600, 400)] {
        let (world, store, session) = in_doubt(Net::Gateway(502, None));
        let start = now(&world);
        let sibling = world.session(&store);
        while now(&world) < start + outage {
            for session in [&session, &sibling] {
                assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { .. })));
            }
            world.advance(if outage > 3600 { 10 } else { 1 });
        }
        assert!(world.sent().len() + 2 <= most, "{outage} s: {} requests", world.sent().len());
        world.network_always(Net::Fine);
        session.retry_now();
        let token = session.token_blocking().expect("the server is well again");
        // The other process reads the store, although its pause is not over.
        world.advance(5);
        assert_eq!(access(&sibling.token_blocking().unwrap()), access(&token));
        assert_eq!(world.refreshes(), 1);
        assert_eq!((store.kept().unwrap().sent, session.state()), (0, State::Fresh));
    }
}

#[test]
fn pauses_double_and_are_the_same_for_all_processes() {
    let (world, store, first) = in_doubt(Net::LoseRequest);
    let sessions: Vec<Session> = (0..5).map(|_| world.session(&store)).chain([first]).collect();
    let start = now(&world);
    let mut sends = Vec::new();
    while now(&world) < start + 1200 {
        for session in &sessions {
            let before = world.sent().len();
            assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { .. })));
            if world.sent().len() > before {
                sends.push(now(&world) - start);
            }
        }
        world.advance(1);
    }
    let pauses: Vec<u64> = sends.windows(2).map(|pair| pair[1] - pair[0]).collect();
    for (pause, doubled) in pauses.iter().zip([2, 4, 8, 16, 32, 60, 60, 60, 60]) {
        assert!((doubled / 2..=doubled * 3 / 2 + 1).contains(pause), "{pauses:?}");
    }
    assert!(sends.len() <= 30, "{sends:?}");
    assert_eq!(store.kept().unwrap().sent as usize, sends.len() + 2, "each of them is in the mark");
}

#[test]
fn after_an_hour_pauses_are_longer_and_after_a_day_they_are_hours() {
    let (world, store, session) = in_doubt(Net::Gateway(500, None));
    let since = store.kept().unwrap().since.unwrap();
    for _ in 0..20 {
        world.advance(90);
        assert!(session.token_blocking().is_err());
    }
    for (age, least, most) in [(3000, 30, 90), (3700, 450, 1350), (80_000, 450, 1350), (90_000, 3600, 5400)] {
        world.set_now(since + age);
        let Err(SessionError::InDoubt { since: told, retry_at, .. }) = session.token_blocking() else {
            panic!("{age}")
        };
        let pause = retry_at.as_secs() - now(&world);
        assert!((least..=most).contains(&pause), "{age}: {pause}");
        assert_eq!(told.as_secs(), since, "the error says since when");
    }
    // Nothing is sent unless a caller asks.
    let sent = world.sent().len();
    world.advance(10 * 24 * 3600);
    assert_eq!(world.sent().len(), sent);
}

#[test]
fn the_verdict_ends_it_after_the_store_was_read_once_more() {
    let (world, store, session) = in_doubt(Net::GatewayAfter(502));
    world.network_always(Net::Fine);
    world.server(|server| server.revoke_all());
    world.advance(10);
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::Lost { loss: Loss::Refused, .. }), "{error:?}");
    let log = world.log();
    let end = &log[log.len() - 4..];
    assert!(matches!(end, [Did::Send(_), Did::Load, Did::Loss, Did::Unlock]), "{log:?}");
    assert!(error.cause().unwrap().to_string().contains("invalid_grant"));
    // The next process knows it from the store, with its cause.
    let error = world.session(&store).token_blocking().unwrap_err();
    let Some(Cause::Earlier(earlier)) = error.cause() else { panic!("{error:?}") };
    assert_eq!((earlier.is_verdict(), earlier.status(), earlier.at().as_secs()), (true, Some(400), now(&world)));
}

#[test]
fn a_login_ends_it() {
    let (world, store, session) = in_doubt(Net::LoseAnswer);
    let sibling = world.session(&store);
    assert!(sibling.token_blocking().is_err());
    let token = session.prime_blocking(world.login()).unwrap();
    assert_eq!((store.kept().unwrap().sent, session.state()), (0, State::Fresh));
    world.advance(5);
    assert_eq!(access(&sibling.token_blocking().unwrap()), access(&token));
}

#[test]
fn once_gives_up_after_the_early_retry_and_heal_goes_on_there() {
    let world = World::new();
    let store = world.store();
    let strict = world.session_with(&store, plain_policy().in_doubt(InDoubt::Once));
    strict.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network_always(Net::Gateway(404, None));
    for session in [&strict, &world.session_with(&store, plain_policy().in_doubt(InDoubt::Once))] {
        for _ in 0..3 {
            let error = session.token_blocking().unwrap_err();
            assert!(matches!(error, SessionError::Unknown { sent: 2, .. }), "{error:?}");
            assert_eq!((error.next(), session.state()), (Next::Reauthorize, State::Unknown));
            assert_eq!(error.cause().and_then(Cause::status), Some(404), "its cause is known to all");
            world.advance(100);
        }
    }
    assert_eq!(world.sent().len(), 2, "never again");
    world.network_always(Net::Fine);
    assert!(world.session(&store).token_blocking().is_ok(), "a session that heals continues");
    assert_eq!((world.sent().len(), world.refreshes()), (3, 1));
    assert!(strict.token_blocking().is_ok(), "and the one that had given up adopts it");
}

#[test]
fn retry_after_is_kept_to_by_all_and_nothing_ends_it_early() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::Gateway(500, Some(90))]);
    let start = now(&world);
    // Longer than the early retry's wait: no caller waits for it in a flight.
    let error = session.token_blocking().unwrap_err();
    let SessionError::InDoubt { retry_at, sent: 1, .. } = error else { panic!("{error:?}") };
    assert_eq!(retry_at.as_secs(), start + 90);
    for session in [&session, &world.session(&store)] {
        session.retry_now();
        assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { .. })));
        world.advance(44);
        assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { .. })));
    }
    assert_eq!(world.sent().len(), 1);
    world.advance(2);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn retry_now_ends_the_pauses_that_are_ours() {
    let (world, store, session) = in_doubt(Net::LoseRequest);
    for _ in 0..8 {
        world.advance(100);
        assert!(session.token_blocking().is_err());
    }
    world.network_always(Net::Fine);
    let sibling = world.session(&store);
    assert!(sibling.token_blocking().is_err(), "it keeps to the pause");
    sibling.retry_now();
    assert!(sibling.token_blocking().is_ok());
}

#[test]
fn a_lost_grant_can_be_asked_for_once_more() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.server(|server| server.knobs().always.push(Misbehaviour::error(400, "invalid_grant")));
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
    assert!(store.kept().unwrap().refresh.is_some(), "the refresh token is kept");
    // Still wrong: lost again, and no mark stays.
    session.retry_lost();
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
    assert_eq!((world.sent().len(), store.kept().unwrap().lost), (2, true));
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
    assert_eq!(world.sent().len(), 2, "once");
    // Not sent: it is still lost, by the same verdict.
    session.retry_lost();
    world.network([Net::NotSent]);
    assert!(session.token_blocking().is_err());
    assert!(store.kept().unwrap().lost);
    world.server(|server| server.knobs().always.clear());
    world.advance(100);
    let other = world.session(&store);
    other.retry_lost();
    assert!(other.token_blocking().is_ok(), "the verdict was wrong");
    assert!(!store.kept().unwrap().lost);
}

#[test]
fn an_api_that_refuses_the_access_token_does_not_wait_for_its_end() {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    let first = session.prime_blocking(world.login()).unwrap();
    world.network([Net::Gateway(502, None), Net::Gateway(502, None)]);
    world.keep_background();
    world.advance(LIFE - 30);
    assert!(session.token_blocking().unwrap().is(&first));
    world.background().into_iter().for_each(pollster::block_on);
    assert_eq!(world.sent().len(), 2);
    assert!(session.refused(&first));
    world.advance(2);
    assert!(!session.token_blocking().unwrap().is(&first));
    assert_eq!(world.sent().len(), 3);
}

#[test]
fn while_another_process_asks_a_silent_server_no_caller_waits() {
    let (world, store, session) = in_doubt(Net::LoseRequest);
    world.network_always(Net::HoldAnswer);
    world.advance(10);
    let mut asks = Box::pin(session.token());
    assert!(poll_once(&mut asks).is_pending());
    world.clear();
    assert!(matches!(world.session(&store).token_blocking(), Err(SessionError::InDoubt { sent: 3, .. })));
    assert!(!world.log().iter().any(|did| matches!(did, Did::Wait(_))), "{:?}", world.log());
    world.release();
    assert!(pollster::block_on(asks).is_ok());
}

#[test]
fn under_a_lease_a_request_counts_as_lost_only_after_its_deadline() {
    let world = World::new();
    let store = world.store();
    let session = |world: &World| {
        Session::new(&world.client(), key(), Leased::over(&store), world.clone()).policy(plain_policy())
    };
    let dead = session(&world);
    dead.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldRequest]);
    let mut caller = Box::pin(dead.token());
    assert!(poll_once(&mut caller).is_pending());
    // Its lease has ended, and it is unknown whether it is alive.
    let start = now(&world);
    drop(caller);
    drop(dead);
    world.clear();
    let next = session(&world);
    for _ in 0..7 {
        let error = next.token_blocking().unwrap_err();
        let SessionError::InDoubt { retry_at, sent: 1, .. } = error else { panic!("{error:?}") };
        assert_eq!(retry_at.as_secs(), start + 70);
        world.advance(10);
    }
    assert!(world.sent().is_empty());
    assert!(next.token_blocking().is_ok());
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn a_token_without_an_end_is_used_through_a_doubt_until_an_api_refuses_it() {
    let world = World::new();
    world.server(|server| server.knobs().always.push(Misbehaviour::RemoveMember("expires_in".to_owned())));
    let store = world.store();
    let (one, two) = (world.session(&store), world.session(&store));
    let first = one.prime_blocking(world.login()).unwrap();
    two.token_blocking().unwrap();
    world.network_always(Net::Gateway(502, None));
    assert!(one.refused(&first));
    let error = one.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::InDoubt { sent: 2, .. }), "{error:?}");
    // The API of the other session accepts the token.
    world.advance(1000);
    assert!(two.token_blocking().unwrap().expires_at().is_none());
    world.network_always(Net::Fine);
    assert!(!one.token_blocking().unwrap().is(&first));
}

#[test]
fn a_login_replaces_a_loss_that_another_process_found_during_a_pause() {
    let (world, store, session) = in_doubt(Net::Gateway(502, None));
    for _ in 0..8 {
        world.advance(90);
        assert!(session.token_blocking().is_err());
    }
    world.network_always(Net::Fine);
    world.server(|server| server.revoke_all());
    let sibling = world.session(&store);
    sibling.retry_now();
    assert!(matches!(sibling.token_blocking(), Err(SessionError::Lost { .. })));
    world.advance(5);
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })), "the store says so");
    let token = sibling.prime_blocking(world.login()).unwrap();
    assert_eq!(access(&session.token_blocking().unwrap()), access(&token));
}
