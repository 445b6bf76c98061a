//! What the loop asks the stack for, and in which order. Time is virtual.

use std::future::ready;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use grantflow::{Body, Failure, Left, Sent, UnixTime};
use grantflow_async::{Held, Interrupted, drive};
use http::{Request, Response};

use super::*;

pub(super) type Answer = Result<Response<Vec<u8>>, (Sent, Failed)>;

/// Runs over a stack in which everything takes a second, and which answers from the list.
pub(super) fn run<X: Exchange>(
    held: &mut Held<X>,
    log: &Log,
    answers: Vec<Answer>,
) -> Result<X::Output, Failure<X, Failed>> {
    let mut answers = answers.into_iter();
    pollster::block_on(drive(
        held,
        &mut NoRandom,
        || log.now(),
        |after| {
            log.write(format!("wait {after:?}"));
            log.pass(after);
            a_turn()
        },
        || async {
            log.write("ready");
            log.pass(Duration::from_secs(1));
            a_turn().await;
            Ok(())
        },
        |(), request: Request<Body>| {
            log.write(format!("send, made at {}", request.headers()["made-at"].to_str().unwrap()));
            let answer = answers.next().unwrap();
            async move {
                log.pass(Duration::from_secs(1));
                a_turn().await;
                answer
            }
        },
    ))
}

pub(super) fn ok() -> Answer {
    Ok(Response::new(Vec::new()))
}

#[test]
fn the_request_is_made_when_the_stack_is_ready_and_the_answer_is_read_at_its_time() {
    let (log, mut held) = (Log::at(100), Held::new(polling(1, OnLoss::Unknown)));
    let answered_at = run(&mut held, &log, vec![ok()]).unwrap();
    assert_eq!(log.take(), ["ready", "send, made at 101"]);
    assert_eq!(answered_at, UnixTime::from_secs(102));
    assert!(matches!(held.settle(&mut Env::new(UnixTime::from_secs(0), &mut NoRandom)), Left::Spent));
}

#[test]
fn waits_are_the_callers() {
    let log = Log::at(0);
    let mut held = Held::new(polling(3, OnLoss::Again));
    run(&mut held, &log, vec![ok(), Err((Sent::MaybeSent, "lost".into())), ok(), ok()]).unwrap();
    assert_eq!(
        log.take(),
        [
            "ready",
            "send, made at 1",
            "wait 5s",
            "ready",
            "send, made at 8",
            "wait 5s",
            "ready",
            "send, made at 15",
            "wait 5s",
            "ready",
            "send, made at 22",
        ]
    );
}

#[test]
fn a_wait_of_zero_does_not_wait() {
    let log = Log::at(0);
    let mut held = Held::new(Polling { every: Duration::ZERO, ..polling(2, OnLoss::Again) });
    run(&mut held, &log, vec![ok(), ok()]).unwrap();
    assert_eq!(log.take(), ["ready", "send, made at 1", "ready", "send, made at 3"]);
}

#[test]
fn the_stacks_error_is_what_the_caller_sees() {
    for sent in [Sent::NotSent, Sent::MaybeSent] {
        let mut held = Held::new(polling(1, OnLoss::Unknown));
        let failure = run(&mut held, &Log::at(0), vec![Err((sent, "the wire is cut".into()))]).unwrap_err();
        assert_eq!(failure.error.to_string(), "the wire is cut");
        match sent {
            Sent::NotSent => assert!(matches!(failure.left, Left::Intact(_))),
            _ => assert!(matches!(failure.left, Left::Unknown(_))),
        }
        // What was left is in the failure, and nowhere else.
        assert!(matches!(held.settle(&mut Env::new(UnixTime::from_secs(0), &mut NoRandom)), Left::Spent));
    }
}

#[test]
fn a_flows_error_stays_the_flows_error() {
    let refusal = Response::builder().status(400).body(Vec::new()).unwrap();
    let mut held = Held::new(polling(1, OnLoss::Unknown));
    let failure = run(&mut held, &Log::at(0), vec![Ok(refusal)]).unwrap_err();
    assert!(failure.error.is::<grantflow::Error>());
    assert!(matches!(failure.left, Left::Spent));
}

#[test]
fn a_stack_that_is_never_ready_has_sent_nothing() {
    let mut held = Held::new(polling(1, OnLoss::Unknown));
    let failure = pollster::block_on(drive(
        &mut held,
        &mut NoRandom,
        || UnixTime::from_secs(0),
        |_| async {},
        || async { Err::<(), Failed>("no room".into()) },
        |(), _| async { ok() },
    ))
    .unwrap_err();
    assert_eq!(failure.error.to_string(), "no room");
    assert!(matches!(failure.left, Left::Intact(_)));
}

#[test]
fn an_exchange_that_has_ended_is_not_run_again() {
    let (log, mut held) = (Log::at(0), Held::new(polling(1, OnLoss::Again)));
    run(&mut held, &log, vec![ok()]).unwrap();
    log.take();
    let failure = run(&mut held, &log, vec![]).unwrap_err();
    assert_eq!(failure.error.downcast_ref(), Some(&Interrupted::Over));
    assert!(matches!(failure.left, Left::Spent));
    assert!(log.take().is_empty(), "the stack was asked for something");
}

/// Over a stack that never waits, for a flow that continues at once: the caller's own timers get a turn in between.
#[test]
fn a_run_that_never_waits_lets_other_tasks_run_between_its_round_trips() {
    const ROUND_TRIPS: u32 = 1000;
    let mut held = Held::new(Polling { every: Duration::ZERO, ..polling(ROUND_TRIPS, OnLoss::Again) });
    let mut rng = NoRandom;
    let mut run = pin!(drive(
        &mut held,
        &mut rng,
        || UnixTime::from_secs(0),
        |_| ready(()),
        || ready(Ok(())),
        |(), _: Request<Body>| ready(Answer::Ok(Response::new(Vec::new()))),
    ));
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    while run.as_mut().poll(&mut context).is_pending() {
        polls += 1;
        assert!(polls <= ROUND_TRIPS, "it lets other tasks run, and does not continue");
    }
    assert_eq!(polls, ROUND_TRIPS - 1);
}
