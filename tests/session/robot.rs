//! A client's own grant: no login, a new token when it is over, and pauses while a server is down.

use grantflow_session::{Cause, Session, SessionError};
use grantflow_testkit::Misbehaviour;
use grantflow_tests::world::*;

#[test]
fn it_needs_no_login_and_asks_again_when_it_is_over() {
    let world = World::new();
    let store = world.store();
    let session = world.robot(&store);
    let first = session.token_blocking().unwrap();
    assert_eq!(store.kept().unwrap().access, access(&first));
    assert!(session.token_blocking().unwrap().is(&first));
    assert_eq!(access(&world.robot(&store).token_blocking().unwrap()), access(&first), "another process uses it");
    world.advance(LIFE);
    let second = session.token_blocking().unwrap();
    assert!(!second.is(&first));
    assert_eq!((world.grants(), world.refreshes()), (2, 0));
    assert!(session.refused(&second));
    assert!(!session.token_blocking().unwrap().is(&second));
    assert_eq!(world.grants(), 3);
}

#[test]
fn a_lost_answer_costs_nothing_but_a_pause() {
    let world = World::new();
    let store = world.store();
    let session = world.robot(&store);
    world.network([Net::LoseAnswer]);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotRenewed { .. })));
    assert!(store.entry().is_none());
    world.advance(1);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn when_the_server_is_down_pauses_double_and_callers_are_told_at_once() {
    let world = World::new();
    let session = world.robot(&world.store());
    world.network_always(Net::Gateway(502, None));
    let start = world.server(|server| server.now());
    let mut tries = Vec::new();
    // A thousand callers a second, for ten minutes.
    for second in 0..600 {
        for _ in 0..10 {
            let before = world.sent().len();
            let error = session.token_blocking().unwrap_err();
            assert!(matches!(error, SessionError::NotRenewed { .. }), "{error:?}");
            if world.sent().len() > before {
                tries.push(second);
            }
        }
        world.set_now(start + second + 1);
    }
    let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // A draw makes each between half as long and half as long again.
    for (pause, doubled) in pauses.iter().zip([1, 2, 4, 8, 16, 32, 60, 60, 60]) {
        assert!((doubled / 2..=doubled * 3 / 2 + 1).contains(pause) && *pause > 0, "{pauses:?}");
    }
    assert!(pauses.len() < 18, "{pauses:?}");
    // The server is back, so is the session, and the next failure begins at one second again.
    world.network_always(Net::Fine);
    world.advance(90);
    assert!(session.token_blocking().is_ok());
    world.advance(LIFE);
    world.network_always(Net::Gateway(500, None));
    let error = session.token_blocking().unwrap_err();
    let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
    assert!(retry_at.as_secs() <= world.server(|server| server.now()) + 2);
}

#[test]
fn what_the_server_says_counts_where_it_is_longer() {
    for (status, seconds, pause) in [(503, 120, 120), (429, 3, 3), (503, 0, 1)] {
        let world = World::new();
        let session = world.robot(&world.store());
        world.network([Net::Gateway(status, Some(seconds))]);
        let now = world.server(|server| server.now());
        let error = session.token_blocking().unwrap_err();
        let SessionError::NotRenewed { retry_at, .. } = error else { panic!("{error:?}") };
        assert_eq!(retry_at.as_secs(), now + pause);
        world.set_now(now + pause - 1);
        assert!(session.token_blocking().is_err());
        assert_eq!(world.sent().len(), 1);
        world.set_now(now + pause);
        assert!(session.token_blocking().is_ok());
    }
}

#[test]
fn a_wrong_secret_is_reported_and_not_retried_at_once() {
    let world = World::new();
    let session = world.robot(&world.store());
    world.server(|server| server.knobs().always.push(Misbehaviour::error(401, "invalid_client")));
    let error = session.token_blocking().unwrap_err();
    assert_eq!(error.next(), grantflow::Next::FixConfiguration);
    for _ in 0..100 {
        assert!(session.token_blocking().is_err());
    }
    assert_eq!(world.sent().len(), 1);
}

#[test]
fn two_processes_without_anything_stored_make_one_grant() {
    let world = World::new();
    let store = world.store();
    let (one, two) = (world.robot(&store), world.robot(&store));
    world.network([Net::HoldAnswer]);
    world.waits(Waits::Park);
    let mut first = Box::pin(one.token());
    let mut second = Box::pin(two.token());
    assert!(poll_once(&mut first).is_pending() && poll_once(&mut second).is_pending());
    world.waits(Waits::Jump);
    world.release();
    assert_eq!(access(&pollster::block_on(first).unwrap()), access(&pollster::block_on(second).unwrap()));
    assert_eq!(world.grants(), 1);
}

#[test]
fn when_the_store_fails_the_session_keeps_the_grant() {
    let world = World::new();
    let store = world.store();
    let session: Session = world.robot(&store);
    store.fail_times(3, Op::Tokens, Fault::Before);
    assert!(matches!(session.token_blocking(), Err(SessionError::NotStored(_))));
    let token = session.token_blocking().unwrap();
    assert_eq!((store.kept().unwrap().access, world.grants()), (access(&token), 1));
}

#[test]
fn a_lifetime_of_zero_does_not_cause_a_loop() {
    let world = World::new();
    world.server(|server| server.knobs().expires_in = 0);
    let session = world.robot(&world.store());
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::NotRenewed { cause: Cause::OfNoUse, .. }), "{error:?}");
    assert!(error.cause().unwrap().to_string().contains("expires_in"));
    for _ in 0..600 {
        for _ in 0..3 {
            assert!(session.token_blocking().is_err());
        }
        world.advance(1);
    }
    // A pause that doubles, as after any failure.
    assert!((8..=20).contains(&world.grants()), "{}", world.grants());
    world.server(|server| server.knobs().expires_in = LIFE);
    world.advance(100);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn a_caller_that_comes_just_after_a_failed_renewal_does_not_begin_another() {
    // The race is between a caller's question and its joining: threads hit it in one round of a few.
    const CALLERS: usize = 16;
    let world = World::new();
    let session = world.robot(&world.store());
    world.network_always(Net::Gateway(502, None));
    for round in 0..150 {
        let before = world.sent().len();
        let ready = std::sync::Barrier::new(CALLERS);
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    ready.wait();
                    assert!(session.token_blocking().is_err());
                });
            }
        });
        assert_eq!(world.sent().len() - before, 1, "round {round}");
        // Past every pause.
        world.advance(100);
    }
}
