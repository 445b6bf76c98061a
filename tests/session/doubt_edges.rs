//! Stores, processes and policies that change during a doubt, and callers that insist.

use std::time::Duration;

use grantflow::UnixTime;
use grantflow_session::{Breaker, InDoubt, Session, SessionError};
use grantflow_testkit::Misbehaviour;
use grantflow_tests::world::*;

use crate::outages::{OUTAGES, heals, over};
use crate::plugs::within_a_minute;

fn now(world: &World) -> u64 {
    world.server(|server| server.now())
}

#[test]
fn a_grant_heals_although_the_store_fails_while_the_doubt_is_written() {
    for op in [Op::Doubt, Op::Unmark, Op::Mark, Op::Load, Op::Lock] {
        for fault in [Fault::Before, Fault::After] {
            for times in 1..6 {
                for net in [Net::Gateway(502, None), Net::Gateway(429, Some(3)), Net::NotSent, Net::LoseRequest] {
                    let what = format!("{op:?} {fault:?} {times} {net:?}");
                    let (world, store, session) = over();
                    let sibling = world.session(&store);
                    world.network_always(net);
                    store.fail_times(times, op, fault);
                    for _ in 0..6 {
                        assert!(session.token_blocking().is_err(), "{what}");
                        assert!(sibling.token_blocking().is_err(), "{what}");
                        world.advance(1);
                    }
                    assert!(world.sent().len() <= 12, "{what}: {}", world.sent().len());
                    store.heal();
                    heals(&world, &[&session, &sibling], &what);
                    assert_eq!(world.refreshes(), 1, "{what}");
                }
            }
        }
    }
}

#[test]
fn two_processes_of_different_policies_share_a_doubt() {
    for other in [
        plain_policy().in_doubt(InDoubt::Never),
        plain_policy().in_doubt(InDoubt::Once),
        plain_policy().early_retry(Duration::from_secs(30)),
        plain_policy().early_retry(Duration::ZERO).first_pause(Duration::from_millis(1)),
        plain_policy().first_pause(Duration::from_secs(3600)).longest_pause(Duration::from_secs(7200)),
        plain_policy().send_deadline(Duration::MAX),
        plain_policy().margin(Duration::from_secs(3600)),
    ] {
        for other_first in [false, true] {
            let what = format!("{other:?}, first: {other_first}");
            let (world, store, healing) = over();
            let other = world.session_with(&store, other.clone());
            world.network_always(Net::Gateway(502, None));
            for _ in 0..10 {
                let both = if other_first { [&other, &healing] } else { [&healing, &other] };
                for session in both {
                    assert!(session.token_blocking().is_err(), "{what}");
                }
                world.advance(1);
            }
            assert!(!store.kept().unwrap().lost, "{what}");
            world.network_always(Net::Fine);
            world.advance(4 * 3600);
            assert!(healing.token_blocking().is_ok(), "{what}");
            world.advance(5);
            assert!(other.token_blocking().is_ok(), "{what}: it adopts what the other has");
        }
    }
}

#[test]
fn a_process_that_is_killed_at_any_point_leaves_a_grant_that_heals() {
    for at in 1..40 {
        for (grace, net) in [(30, Net::Fine), (30, Net::LoseAnswer), (0, Net::LoseRequest)] {
            let what = format!("after {at} steps, {net:?}");
            let (world, store, session) = over();
            world.server(|server| server.knobs().refresh_grace = grace);
            world.network([net]);
            world.stutter(Stutter::Step);
            let mut caller = Box::pin(session.token());
            let through = (0..at).any(|_| {
                world.step();
                poll_once(&mut caller).is_ready()
            });
            // Its memory is gone with it; its lock is free.
            drop(caller);
            drop(session);
            world.stutter(Stutter::Off);
            world.forget_network();
            let next = world.session(&store);
            assert!(next.token_blocking().is_ok(), "{what}");
            assert!(world.sent().len() <= 3, "{what}");
            if through {
                break;
            }
        }
    }
}

#[test]
fn a_logout_in_a_doubt_ends_it_and_a_late_answer_brings_nothing_back() {
    for late in [Net::HoldAnswer, Net::HoldRequest] {
        let (world, store, session) = over();
        world.network([Net::Gateway(502, None), Net::Gateway(502, None), late]);
        assert!(session.token_blocking().is_err());
        pollster::block_on(world.session(&store).forget()).unwrap();
        world.advance(10);
        assert!(matches!(session.token_blocking(), Err(SessionError::Empty)));
        assert_eq!(world.sent().len(), 2);
        // A login in its place, without the lock, while the late request is in progress.
        session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE);
        let mut asks = Box::pin(session.token());
        assert!(poll_once(&mut asks).is_pending());
        let elsewhere = world.store();
        let login = world.session(&elsewhere).prime_blocking(world.login()).unwrap();
        store.put(elsewhere.entry().map(|entry| entry.value));
        world.release();
        assert_eq!(access(&pollster::block_on(asks).unwrap()), access(&login));
        assert_eq!(store.kept().unwrap().access, access(&login));
        // And a logout without the lock.
        world.advance(LIFE);
        world.network([Net::HoldAnswer]);
        let mut asks = Box::pin(session.token());
        assert!(poll_once(&mut asks).is_pending());
        store.put(None);
        world.release();
        assert!(matches!(pollster::block_on(asks), Err(SessionError::Empty)));
        assert!(store.entry().is_none() && session.unsaved().is_none());
    }
}

#[test]
fn what_a_caller_insists_on_holds_until_a_request_leaves() {
    for op in [Op::Lock, Op::Load, Op::Mark] {
        let (world, store, session) = over();
        world.server(|server| server.knobs().always.push(Misbehaviour::error(400, "invalid_grant")));
        assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
        world.server(|server| server.knobs().always.clear());
        session.retry_lost();
        store.fail(op, Fault::Before);
        assert!(matches!(session.token_blocking(), Err(SessionError::Store(_))), "{op:?}");
        assert!(session.token_blocking().is_ok(), "{op:?}: it was forgotten that a caller insists");
    }
    // A lock that another process holds.
    let (world, store, session) = over();
    world.server(|server| server.knobs().always.push(Misbehaviour::error(400, "invalid_grant")));
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
    world.server(|server| server.knobs().always.clear());
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    session.retry_lost();
    assert!(matches!(session.token_blocking(), Err(SessionError::Busy)));
    drop(lock);
    assert!(session.token_blocking().is_ok());
    // The network is back, and the store does not work yet.
    let (world, store, session) = over();
    world.network_always(Net::Gateway(502, None));
    for _ in 0..8 {
        assert!(session.token_blocking().is_err());
        world.advance(90);
    }
    assert!(session.token_blocking().is_err());
    world.network_always(Net::Fine);
    session.retry_now();
    store.fail(Op::Lock, Fault::Before);
    assert!(session.token_blocking().is_err());
    assert!(session.token_blocking().is_ok());
}

#[test]
fn an_open_breaker_does_not_lose_what_a_caller_insists_on() {
    let world = World::new();
    let breaker = Breaker::new();
    let store = world.store();
    let session = world.session(&store).breaker(&breaker);
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.server(|server| server.knobs().always.push(Misbehaviour::error(400, "invalid_grant")));
    assert!(matches!(session.token_blocking(), Err(SessionError::Lost { .. })));
    world.server(|server| server.knobs().always.clear());
    let robot = world.robot(&world.store()).breaker(&breaker);
    world.network_always(Net::LoseRequest);
    for _ in 0..40 {
        let _ = robot.token_blocking();
        world.advance(10);
    }
    let _ = robot.token_blocking();
    world.network_always(Net::Fine);
    session.retry_lost();
    let held = session.token_blocking();
    assert!(held.is_err(), "the breaker is open");
    world.advance(120);
    assert!(session.token_blocking().is_ok());
}

#[test]
fn after_retry_now_a_new_process_with_a_good_token_in_the_store_does_not_wait() {
    let world = World::new();
    let store = world.store();
    let first = world.session(&store).prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 30);
    let lock = pollster::block_on(store.inner.try_lock(&key())).unwrap().unwrap();
    let another = world.session(&store);
    another.retry_now();
    world.clear();
    assert_eq!(access(&another.token_blocking().unwrap()), access(&first));
    let waited: Duration =
        world.log().iter().filter_map(|did| if let Did::Wait(time) = did { Some(*time) } else { None }).sum();
    assert!(waited <= Duration::from_secs(2), "{waited:?}");
    drop(lock);
}

#[test]
fn a_lease_whose_holder_allowed_its_request_for_ever_does_not_hold_the_grant_for_ever() {
    let world = World::new();
    let store = world.store();
    let leased = |policy| Session::new(&world.client(), key(), Leased::over(&store), world.clone()).policy(policy);
    let dead = leased(plain_policy().send_deadline(Duration::MAX));
    dead.prime_blocking(world.login()).unwrap();
    world.advance(LIFE);
    world.network([Net::HoldRequest]);
    let mut caller = Box::pin(dead.token());
    assert!(poll_once(&mut caller).is_pending());
    drop(caller);
    drop(dead);
    let next = leased(plain_policy());
    assert!(matches!(next.token_blocking(), Err(SessionError::InDoubt { .. })));
    world.advance(2 * 86_400);
    assert!(next.token_blocking().is_ok());
}

#[test]
fn short_lifetimes_are_used_for_as_long_as_they_last_and_no_longer() {
    for life in [1, 2, 3, 10, 59, 60, 61] {
        let (world, _, session) = over();
        world.server(|server| server.knobs().expires_in = life);
        let start = now(&world);
        while now(&world) < start + 240 {
            for _ in 0..20 {
                let token = session.token_blocking().unwrap_or_else(|error| panic!("{life}: {error:?}"));
                assert!(token.expires_at().unwrap() > UnixTime::from_secs(now(&world)), "{life}: it is over");
            }
            world.advance(1);
        }
        let most = 240 / (life.div_ceil(2)) + 2;
        assert!(world.sent().len() as u64 <= most, "{life}: {} requests", world.sent().len());
    }
}

#[test]
fn a_store_that_is_slower_than_a_pause_does_not_make_one_call_many_requests() {
    let (world, store, session) = over();
    world.network_always(Net::Gateway(502, None));
    for _ in 0..20 {
        let slow = world.clone();
        store.before(Op::Doubt, move || slow.advance(10));
    }
    for calls in 1..4 {
        assert!(matches!(session.token_blocking(), Err(SessionError::InDoubt { .. })));
        assert_eq!(world.sent().len(), 1 + calls, "the first call makes the early retry, each other one request");
    }
}

#[test]
fn no_policy_makes_a_session_panic_or_spin() {
    within_a_minute(|| {
        for length in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            for net in OUTAGES {
                let (world, store, _) = over();
                let policy = plain_policy()
                    .margin(length)
                    .jitter(length)
                    .assumed_lifetime(length)
                    .first_pause(length)
                    .longest_pause(length)
                    .longest_late_pause(length)
                    .longest_not_sent_pause(length)
                    .send_deadline(length)
                    .lock_patience(length.min(Duration::from_secs(90)));
                let session = world.session_with(&store, policy);
                world.network_always(net);
                for _ in 0..5 {
                    let _ = (session.token_blocking().map(|_| ()).map_err(|error| error.to_string()), session.state());
                    world.advance(1);
                }
                assert!(world.sent().len() <= 7);
            }
        }
    });
}
