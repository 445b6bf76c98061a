//! A source whose exchange polls: a login on a device. It waits inside the exchange, under the store's lock.

use std::time::Duration;

use grantflow_session::{Breaker, Cause, Event, SessionError, Store as _};
use grantflow_testkit::{Decision, Misbehaviour};
use grantflow_tests::world::*;

fn waits(world: &World) -> Vec<u64> {
    let log = world.log();
    log.into_iter().filter_map(|did| if let Did::Wait(time) = did { Some(time.as_secs()) } else { None }).collect()
}

#[test]
fn it_waits_before_each_poll_as_the_server_says() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| {
        server.knobs().decide_at_poll = Some(4);
        server.knobs().misbehave(Misbehaviour::error(400, "slow_down"));
    });
    let store = world.store();
    let session = world.fed(&store, world.devices(&asked));
    let token = session.token_blocking().unwrap();
    assert_eq!((asked.times(), world.polls()), (1, 5));
    let polls: Vec<u64> = waits(&world).into_iter().filter(|wait| *wait >= 5).collect();
    assert_eq!(polls, [5, 10, 10, 10, 10], "the interval, and five seconds more after `slow_down`");
    assert_eq!(store.kept().unwrap().access, access(&token));
    // It goes on with the refresh token.
    world.advance(LIFE);
    session.token_blocking().unwrap();
    assert_eq!((asked.times(), world.refreshes()), (1, 1));
}

#[test]
fn a_token_that_comes_after_a_long_wait_is_of_use() {
    let (world, asked) = (World::new(), Asked::default());
    // The person takes ten minutes; the token lives five.
    world.server(|server| {
        server.knobs().expires_in = 300;
        server.knobs().issue_refresh_token = false;
        server.knobs().decide_at_poll = Some(120);
    });
    let session = world.fed(&world.store(), world.devices(&asked));
    let start = world.seconds();
    let token = session.token_blocking().unwrap();
    assert!(world.seconds() - start >= 600 && token.received_at().as_secs() >= start + 600);
    assert_eq!(asked.times(), 1);
}

#[test]
fn lost_polls_and_failing_gateways_do_not_end_it() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().decide_at_poll = Some(2));
    let session = world.fed(&world.store(), world.devices(&asked));
    world.network([
        Net::Fine,
        Net::NotSent,
        Net::LoseRequest,
        Net::LoseAnswer,
        Net::Gateway(502, None),
        Net::Gateway(429, Some(30)),
    ]);
    assert!(session.token_blocking().is_ok());
    assert_eq!(asked.times(), 1);
    assert!(waits(&world).contains(&30), "`Retry-After` is honoured inside of the exchange");
}

#[test]
fn a_denial_and_an_expired_code_are_failures_and_the_source_begins_again() {
    for (what, status) in [("access_denied", Some(400)), ("expired_token", Some(400))] {
        let (world, asked) = (World::new(), Asked::default());
        let session = world.fed(&world.store(), world.devices(&asked));
        world.server(|server| {
            server.knobs().decide_at_poll = Some(2);
            server.knobs().misbehave(Misbehaviour::error(400, what));
        });
        let error = session.token_blocking().unwrap_err();
        assert_eq!(error.cause().and_then(Cause::status), status);
        assert!(matches!(error, SessionError::NotRenewed { .. }), "{error:?}");
        assert_eq!(error.next(), grantflow::Next::Reauthorize);
        world.advance(3);
        world.server(|server| server.knobs().decision = Decision::Approve);
        assert!(session.token_blocking().is_ok());
        assert_eq!(asked.times(), 2, "{what}");
    }
    // Nobody decides: it ends when the code has expired, in bounded time.
    let (world, asked) = (World::new(), Asked::default());
    let session = world.fed(&world.store(), world.devices(&asked));
    let start = world.seconds();
    let error = session.token_blocking().unwrap_err();
    assert!(matches!(error, SessionError::NotRenewed { .. }), "{error:?}");
    assert!((1800..1900).contains(&(world.seconds() - start)), "{}", world.seconds() - start);
    assert!(world.polls() <= 1800 / 5 + 2);
    assert_eq!(asked.times(), 1);
}

#[test]
fn callers_with_a_good_token_do_not_wait_for_the_polls() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    let session = world.fed(&world.store(), world.devices(&asked));
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 50);
    world.clear();
    // Without a background, each caller does what can be done at once; the polls wait in memory between the calls.
    for _ in 0..50 {
        assert!(session.token_blocking().unwrap().is(&first));
        let waited: u64 = waits(&world).iter().sum();
        assert_eq!(waited, 0, "a caller with a good token waited");
        world.advance(1);
    }
    assert_eq!(asked.times(), 1, "it is one login");
    assert!((8..=11).contains(&world.polls()), "{} polls in 50 s", world.polls());
    // Now it is over. The next caller waits, and the same login goes on.
    assert_eq!(world.approve_devices(), 1);
    let second = session.token_blocking().unwrap();
    assert!(!second.is(&first));
    assert_eq!(asked.times(), 1);
}

#[test]
fn the_lock_is_free_while_no_caller_waits_for_the_polls() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    let store = world.store();
    let session = world.fed(&store, world.devices(&asked));
    session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 50);
    session.token_blocking().unwrap();
    assert_eq!(asked.times(), 1);
    assert!(pollster::block_on(store.try_lock(&key())).unwrap().is_some(), "the lock is free");
}

#[test]
fn in_the_background_the_polls_go_on_without_callers() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    world.keep_background();
    let store = world.store();
    let session = world.fed(&store, world.devices(&asked));
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 50);
    assert!(session.token_blocking().unwrap().is(&first));
    let mut background = world.background();
    assert_eq!(background.len(), 1);
    world.waits(Waits::Park);
    assert!(poll_once(&mut background[0]).is_pending());
    assert!(session.token_blocking().unwrap().is(&first), "this token is enough meanwhile");
    assert_eq!(world.approve_devices(), 1);
    world.waits(Waits::Jump);
    world.release();
    assert!(poll_once(&mut background[0]).is_ready());
    assert_ne!(store.kept().unwrap().access, access(&first));
    assert_eq!((asked.times(), world.polls()), (1, 1));
}

/// A session that waits for the person, with the future of its caller.
fn at_a_poll<R>(run: impl FnOnce(&World, &FaultyStore, &grantflow_session::Session, &Asked) -> R) -> R {
    let (world, asked) = (World::new(), Asked::default());
    let store = world.store();
    let session = world.fed(&store, world.devices(&asked));
    world.waits(Waits::Park);
    run(&world, &store, &session, &asked)
}

#[test]
fn a_logout_ends_the_polling_at_once() {
    at_a_poll(|world, store, session, asked| {
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        assert_eq!((asked.times(), world.held()), (1, 1));
        let mut logout = Box::pin(session.forget());
        assert!(poll_once(&mut logout).is_ready(), "it waits for no poll");
        assert!(store.entry().is_none());
        assert_eq!(world.polls(), 0);
        let std::task::Poll::Ready(Err(SessionError::Empty)) = poll_once(&mut caller) else { panic!("it still waits") };
        // The next caller begins again.
        assert!(poll_once(&mut Box::pin(session.token())).is_pending());
        assert_eq!(asked.times(), 2);
    });
}

#[test]
fn a_login_ends_the_polling_at_once_and_serves_the_callers() {
    at_a_poll(|world, store, session, asked| {
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        let tokens = world.login();
        let mut login = Box::pin(session.prime(tokens));
        let std::task::Poll::Ready(Ok(token)) = poll_once(&mut login) else { panic!("it waits for the polls") };
        assert_eq!(store.kept().unwrap().access, access(&token));
        let std::task::Poll::Ready(Ok(served)) = poll_once(&mut caller) else { panic!("it still waits") };
        assert!(served.is(&token));
        assert_eq!((asked.times(), world.polls()), (1, 0));
    });
}

#[test]
fn the_end_of_a_program_does_not_wait_for_a_person() {
    at_a_poll(|world, _, session, asked| {
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        let mut end = Box::pin(session.finish());
        assert!(poll_once(&mut end).is_ready());
        drop(end);
        // The caller that still waits is served later.
        assert_eq!(world.approve_devices(), 1);
        world.waits(Waits::Jump);
        world.release();
        assert!(matches!(poll_once(&mut caller), std::task::Poll::Ready(Ok(_))));
        assert_eq!((asked.times(), world.polls()), (1, 1));
    });
}

#[test]
fn a_caller_that_goes_away_between_two_polls_loses_nothing() {
    at_a_poll(|world, _, session, asked| {
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        drop(caller);
        assert_eq!(world.approve_devices(), 1);
        world.waits(Waits::Jump);
        world.release();
        assert!(session.token_blocking().is_ok());
        assert_eq!((asked.times(), world.polls()), (1, 1), "the next caller goes on with the same login");
    });
}

#[test]
fn another_process_is_told_that_the_lock_is_held() {
    at_a_poll(|world, store, session, asked| {
        let mut caller = Box::pin(session.token());
        assert!(poll_once(&mut caller).is_pending());
        world.waits(Waits::Jump);
        let other = world.fed(store, world.devices(asked));
        let start = world.seconds();
        assert!(matches!(other.token_blocking(), Err(SessionError::Busy)));
        assert!((85..=95).contains(&(world.seconds() - start)), "as long as the policy is patient");
        assert_eq!(asked.times(), 1);
    });
}

#[test]
fn observers_are_told_of_each_request() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().decide_at_poll = Some(3));
    let attempts = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let told = std::sync::Arc::clone(&attempts);
    let session = world.fed(&world.store(), world.devices(&asked)).observer(move |event: &Event<'_>| {
        if let Event::Sending { attempt, .. } = event {
            told.lock().unwrap().push(*attempt);
        }
        assert!(!matches!(event, Event::NotGranted { .. }), "`authorization_pending` is no failure");
    });
    session.token_blocking().unwrap();
    assert_eq!(*attempts.lock().unwrap(), [1, 2, 3, 4], "the device request and three polls");
}

#[test]
fn polls_without_an_answer_open_the_breaker_and_pending_ones_do_not() {
    for (net, is_open) in [(Net::Gateway(502, None), true), (Net::LoseAnswer, true), (Net::Fine, false)] {
        let (world, asked) = (World::new(), Asked::default());
        world.server(|server| server.knobs().device_expires_in = 300);
        let breaker = Breaker::new();
        let session = world.fed(&world.store(), world.devices(&asked)).breaker(&breaker);
        world.network([Net::Fine]);
        world.network_always(net.clone());
        let _ = session.token_blocking();
        assert_eq!(format!("{breaker:?}") == "Breaker(open)", is_open, "{net:?}");
    }
}

#[test]
fn a_clock_that_stands_still_or_goes_back_does_not_hold_the_polls_up() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().decide_at_poll = Some(3));
    let session = world.fed(&world.store(), world.devices(&asked));
    world.waits(Waits::Nap);
    world.server(|server| server.knobs().enforce_interval = false);
    assert!(session.token_blocking().is_ok());
    let session = world.fed(&world.store(), world.devices(&asked));
    world.waits(Waits::Jump);
    world.server(|server| server.knobs().decide_at_poll = Some(3));
    let back = world.clone();
    world.at_wait(move || back.set_now(1_000));
    assert!(session.token_blocking().is_ok());
    assert!(waits(&world).iter().all(|wait| Duration::from_secs(*wait) <= Duration::from_secs(60)));
}

#[test]
fn an_exchange_that_was_left_goes_on_although_the_clock_went_back() {
    for back in [1, 2, 3, 4, 5, 6, 100_000] {
        let (world, asked) = (World::new(), Asked::default());
        world.server(|server| server.knobs().issue_refresh_token = false);
        let session = world.fed(&world.store(), world.devices(&asked));
        let token = session.prime_blocking(world.login()).unwrap();
        world.advance(LIFE - 50);
        assert!(session.token_blocking().unwrap().is(&token));
        world.set_now(world.seconds() - back);
        assert!(session.refused(&token));
        assert_eq!(world.approve_devices(), 1);
        assert!(session.token_blocking().is_ok(), "back by {back} s");
        assert_eq!(asked.times(), 1);
    }
}

#[test]
fn a_person_who_says_no_to_a_login_that_waited_is_not_asked_again_at_once() {
    let (world, asked) = (World::new(), Asked::default());
    world.server(|server| server.knobs().issue_refresh_token = false);
    let session = world.fed(&world.store(), world.devices(&asked));
    let first = session.prime_blocking(world.login()).unwrap();
    world.advance(LIFE - 50);
    assert!(session.token_blocking().unwrap().is(&first)); // begins the login, which waits in memory
    world.server(|server| server.pending_user_codes().iter().for_each(|code| assert!(server.deny(code))));
    world.advance(6);
    assert!(session.token_blocking().unwrap().is(&first));
    assert_eq!(asked.times(), 1);
}
