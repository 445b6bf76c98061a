//! Renewals without a usable token, and refusals that do not change, are failures with pauses.

use std::time::Duration;

use grantflow::{Next, UnixTime};
use grantflow_session::{Cause, Session, SessionError};
use grantflow_testkit::Misbehaviour;
use grantflow_tests::world::*;

fn now(world: &World) -> u64 {
    world.server(|server| server.now())
}

fn over() -> (World, FaultyStore, Session) {
    let world = World::new();
    let store = world.store();
    let session = world.session(&store);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.clear();
    (world, store, session)
}

#[test]
fn a_lifetime_of_zero_is_a_failure_and_the_rotated_token_is_kept() {
    let (world, store, session) = over();
    world.server(|server| server.knobs().expires_in = 0);
    for _ in 0..600 {
        let error = session.token_blocking().unwrap_err();
        assert!(matches!(error, SessionError::NotRenewed { cause: Cause::OfNoUse, .. }), "{error:?}");
        assert!(session.peek().is_none());
        world.advance(1);
    }
    assert!((8..=20).contains(&world.refreshes()), "{}", world.refreshes());
    let sent: std::collections::BTreeSet<_> = world.sent().into_iter().collect();
    assert_eq!(sent.len(), world.refreshes(), "each with the token that the one before brought");
    world.server(|server| server.knobs().expires_in = LIFE);
    world.advance(100);
    assert!(session.token_blocking().is_ok());
    assert_eq!(store.kept().unwrap().sent, 0);
}

#[test]
fn a_lifetime_that_is_shorter_than_the_round_trip_is_of_no_use() {
    for (life, round_trip, useful) in [(5, 4, true), (5, 5, false), (5, 29, false), (3600, 29, true)] {
        let (world, _, session) = over();
        world.server(|server| server.knobs().expires_in = life);
        world.network([Net::HoldAnswer]);
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        world.advance(round_trip);
        world.release();
        let result = pollster::block_on(caller);
        assert_eq!(result.is_ok(), useful, "{life} s of life, {round_trip} s on the way: {result:?}");
        assert_eq!(session.token_blocking().is_ok(), useful, "and it is not read from the store");
        assert_eq!(world.refreshes(), 1);
    }
}

#[test]
fn an_api_that_refuses_every_token_does_not_make_each_request_a_rotation() {
    let (world, _, session) = over();
    let mut refusals = 0;
    for _ in 0..600 {
        for _ in 0..3 {
            match session.token_blocking() {
                Ok(token) => {
                    refusals += 1;
                    assert!(session.refused(&token));
                }
                Err(SessionError::NotRenewed { cause, retry_at }) => {
                    assert!(matches!(cause, Cause::OfNoUse));
                    assert!(retry_at > UnixTime::from_secs(now(&world)));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        world.advance(1);
    }
    assert!((5..=20).contains(&refusals), "{refusals} rotations in ten minutes");
}

#[test]
fn a_token_that_is_refused_now_and_then_is_replaced_at_once() {
    let (world, _, session) = over();
    for _ in 0..10 {
        let token = session.token_blocking().unwrap();
        // Revoked, some minutes later.
        world.advance(300);
        assert!(session.refused(&token));
        assert!(!session.token_blocking().expect("at once").is(&token));
        world.advance(LIFE);
    }
}

#[test]
fn what_is_refused_in_the_same_words_for_an_hour_is_not_sent_each_minute() {
    for (status, code) in [(401, "invalid_client"), (400, "invalid_request"), (403, "unauthorized_client")] {
        let (world, store, session) = over();
        world.server(|server| server.knobs().always.push(Misbehaviour::error(status, code)));
        let start = now(&world);
        let mut last = 0;
        while now(&world) < start + 3600 {
            let error = session.token_blocking().unwrap_err();
            assert!(matches!(error, SessionError::NotRenewed { .. }), "{code}: {error:?}");
            assert_eq!(error.next(), Next::FixConfiguration, "{code}");
            last = world.sent().len();
            world.advance(10);
        }
        assert!((40..=100).contains(&last), "{code}: {last} in the first hour");
        while now(&world) < start + 24 * 3600 {
            assert!(session.token_blocking().is_err());
            world.advance(60);
        }
        let rest = world.sent().len() - last;
        assert!((60..=190).contains(&rest), "{code}: {rest} in 23 hours");
        assert_eq!((store.kept().unwrap().sent, store.kept().unwrap().lost), (0, false), "{code}");
        // Other words begin a new count.
        world.server(|server| {
            server.knobs().always.clear();
            server.knobs().always.push(Misbehaviour::error(400, "invalid_scope"));
        });
        world.advance(1350);
        let error = session.token_blocking().unwrap_err();
        let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
        assert!(retry_at.as_secs() - now(&world) <= 90, "{code}");
    }
}

#[test]
fn a_server_that_is_away_for_hours_is_asked_each_minute_where_nothing_is_in_doubt() {
    let world = World::new();
    let robot = world.robot(&world.store());
    world.network_always(Net::Gateway(503, None));
    let mut pause = Duration::ZERO;
    for _ in 0..200 {
        let Err(SessionError::NotRenewed { retry_at, .. }) = robot.token_blocking() else { panic!("503") };
        pause = retry_at.saturating_since(UnixTime::from_secs(now(&world)));
        world.set_now(retry_at.as_secs());
    }
    assert!((30..=90).contains(&pause.as_secs()));
}
