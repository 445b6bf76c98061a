//! A run that is dropped, at each point where it waits, and what is left then.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use grantflow::{Failure, Left, UnixTime};
use grantflow_async::{Held, Interrupted, drive};
use http::Response;

use super::*;

/// Runs for this many polls, then drops. Each step of the stack takes two.
fn run_for(polls: usize, held: &mut Held<Polling>, log: &Log) -> Option<Result<UnixTime, Failure<Polling, Failed>>> {
    let mut rng = NoRandom;
    let step = |what: &'static str| {
        log.write(what);
        async move {
            a_turn().await;
            log.write(format!("{what}, done"));
        }
    };
    let mut run = pin!(drive(
        held,
        &mut rng,
        || log.now(),
        |after| {
            let waiting = step("wait");
            async move {
                waiting.await;
                log.pass(after);
            }
        },
        || async {
            step("ready").await;
            Ok(())
        },
        |(), _| async {
            step("send").await;
            Ok(Response::new(Vec::new()))
        },
    ));
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..polls {
        if let Poll::Ready(result) = run.as_mut().poll(&mut context) {
            return Some(result);
        }
    }
    None
}

#[test]
fn what_is_left_depends_on_the_point_of_the_drop() {
    let expected: [(&str, &str); 6] = [
        ("Intact", ""),
        ("Intact", "ready"),
        ("Unknown", "send"),
        ("Intact", "wait"),
        ("Intact", "ready"),
        ("Unknown", "send"),
    ];
    for (polls, (left, at)) in expected.into_iter().enumerate() {
        let (log, mut held) = (Log::at(0), Held::new(polling(2, OnLoss::Unknown)));
        assert!(run_for(polls, &mut held, &log).is_none());
        assert_eq!(log.take().last().map_or("", |line| line), at, "after {polls} polls");
        let found = match held.settle(&mut Env::new(log.now(), &mut NoRandom)) {
            Left::Spent => "Spent",
            Left::Intact(_) => "Intact",
            Left::Unknown(_) => "Unknown",
        };
        assert_eq!(found, left, "dropped after {polls} polls, at {at:?}");
    }
    let mut held = Held::new(polling(2, OnLoss::Unknown));
    run_for(6, &mut held, &Log::at(0)).unwrap().unwrap();
    assert!(matches!(held.settle(&mut Env::new(UnixTime::from_secs(0), &mut NoRandom)), Left::Spent));
}

#[test]
fn a_request_that_may_have_been_sent_is_sent_again_only_if_the_caller_says_so() {
    let (log, mut held) = (Log::at(0), Held::new(polling(1, OnLoss::Unknown)));
    assert!(run_for(2, &mut held, &log).is_none());
    log.take();

    let failure = run_for(9, &mut held, &log).unwrap().unwrap_err();
    assert_eq!(failure.error.downcast_ref(), Some(&Interrupted::MaybeSent));
    assert!(log.take().is_empty(), "the stack was asked for something");
    let Left::Unknown(exchange) = failure.left else { panic!("not unknown") };

    run_for(9, &mut Held::new(*exchange), &log).unwrap().unwrap();
    assert!(log.take().contains(&"send, done".to_owned()));
}

#[test]
fn polls_continue_after_a_lost_one() {
    let (log, mut held) = (Log::at(0), Held::new(polling(1, OnLoss::Again)));
    assert!(run_for(2, &mut held, &log).is_none());
    log.take();
    run_for(9, &mut held, &log).unwrap().unwrap();
    assert_eq!(log.take(), ["wait", "wait, done", "ready", "ready, done", "send", "send, done"]);
}

#[test]
fn an_interrupted_wait_is_waited_to_its_end() {
    // Dropped during the wait: the part that has passed is not waited again, the rest is.
    for (passed, waits) in [(0, true), (3, true), (60, false)] {
        let (log, mut held) = (Log::at(1000), Held::new(polling(2, OnLoss::Unknown)));
        assert!(run_for(3, &mut held, &log).is_none());
        log.take();
        log.pass(Duration::from_secs(passed));
        let before = *log.clock.borrow();
        run_for(9, &mut held, &log).unwrap().unwrap();
        assert_eq!(log.take().contains(&"wait".to_owned()), waits, "{passed} s had passed");
        let waited = Duration::from_millis(*log.clock.borrow() - before);
        assert!(waited + Duration::from_secs(passed) >= EVERY, "{passed} s had passed, {waited:?} waited");
        assert!(waited <= EVERY, "{passed} s had passed, {waited:?} waited");
    }
}

#[test]
fn a_clock_that_goes_back_does_not_make_a_wait_longer() {
    let (log, mut held) = (Log::at(1000), Held::new(polling(2, OnLoss::Unknown)));
    assert!(run_for(3, &mut held, &log).is_none());
    *log.clock.borrow_mut() = 0;
    run_for(9, &mut held, &log).unwrap().unwrap();
    assert_eq!(u128::from(*log.clock.borrow()), EVERY.as_millis());
}

#[test]
fn a_held_exchange_shows_its_phase_and_nothing_else() {
    let (log, mut held) = (Log::at(0), Held::new(polling(1, OnLoss::Unknown)));
    assert_eq!(format!("{held:?}"), "Held(not sent)");
    assert!(run_for(2, &mut held, &log).is_none());
    assert_eq!(format!("{held:?}"), "Held(may have been sent)");
    assert!(run_for(1, &mut held, &log).unwrap().is_err());
    assert_eq!(format!("{held:?}"), "Held(over)");
}
