//! A poll alone, boxed, and in a chain: the loop waits for it, and a dropped run leaves the same.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use grantflow::{AnyExchange, Env, Exchange, Failure, Left, Sent, Step, UnixTime, Wait};
use grantflow_async::{Held, drive};
use http::Response;

use super::order::{Answer, ok, run};
use super::*;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_secs(seconds)
}

/// A poll that also waits before its first request.
fn waiting(round_trips: u32, on_loss: OnLoss, since: u64) -> Polling {
    Polling { wait: Wait::new(at(since), EVERY), ..polling(round_trips, on_loss) }
}

fn lost() -> Answer {
    Err((Sent::MaybeSent, "lost".into()))
}

/// From a log: the waits, and the time of each request.
fn waits_and_requests(log: &Log) -> Vec<String> {
    log.take().into_iter().filter(|line| line != "ready").collect()
}

#[test]
fn the_loop_waits_before_the_first_request_and_in_every_wrapper() {
    fn check<X: Exchange>(exchange: X, what: &str) {
        let log = Log::at(100);
        let mut held = Held::new(exchange);
        run(&mut held, &log, vec![ok(), lost(), ok()]).map(drop).unwrap_or_else(|failure| panic!("{what}: {failure}"));
        let expected = ["wait 5s", "send, made at 106", "wait 5s", "send, made at 113", "wait 5s", "send, made at 120"];
        assert_eq!(waits_and_requests(&log), expected, "{what}");
    }
    let poll = || waiting(2, OnLoss::Again, 100);
    let next = |at: UnixTime, _: &mut Env<'_>| Ok(waiting(1, OnLoss::Again, at.as_secs()));
    check(poll(), "a poll");
    check(AnyExchange::new(poll()), "a boxed poll");
    check(waiting(1, OnLoss::Again, 100).then(next), "a chain of two");
    check(AnyExchange::new(waiting(1, OnLoss::Again, 100).then(next)), "a boxed chain of two");
    let of_boxes = AnyExchange::new(waiting(1, OnLoss::Again, 100))
        .then(|at: UnixTime, _| Ok(AnyExchange::new(waiting(1, OnLoss::Again, at.as_secs()))));
    check(of_boxes, "a chain of two boxed ones");
}

#[test]
fn a_run_ends_under_a_clock_that_stands_still() {
    let mut held = Held::new(AnyExchange::new(waiting(3, OnLoss::Unknown, 100)));
    let mut waited = Vec::new();
    let mut made_at = Vec::new();
    pollster::block_on(drive(
        &mut held,
        &mut NoRandom,
        || at(100),
        |rest| {
            waited.push(rest);
            async {}
        },
        || async { Ok::<_, Failed>(()) },
        |(), request| {
            made_at.push(request.headers()["made-at"].to_str().unwrap().to_owned());
            async { ok() }
        },
    ))
    .unwrap();
    assert_eq!(waited, [EVERY; 3]);
    assert_eq!(made_at, ["105"; 3], "what was waited has passed");
}

#[test]
fn what_is_left_of_a_wait_is_waited_after_a_restore() {
    for (passed, waits) in [(0, vec!["wait 5s"]), (3, vec!["wait 3s"]), (6, vec![]), (900, vec![])] {
        let log = Log::at(1_000 + passed);
        let mut held = Held::new(AnyExchange::new(waiting(1, OnLoss::Again, 1_000)));
        run(&mut held, &log, vec![ok()]).unwrap();
        let found: Vec<String> = log.take().into_iter().filter(|line| line.starts_with("wait")).collect();
        assert_eq!(found, waits, "{passed} s had passed");
    }
}

#[test]
fn a_clock_behind_the_start_of_the_wait_ends_no_run() {
    for behind in 1..=6 {
        let log = Log::at(1_000 - behind);
        let mut held = Held::new(AnyExchange::new(waiting(1, OnLoss::Again, 1_000)));
        run(&mut held, &log, vec![ok()]).unwrap_or_else(|failure| panic!("{behind} s behind: {failure}"));
        let found: Vec<String> = log.take().into_iter().filter(|line| line.starts_with("wait")).collect();
        assert_eq!(found, ["wait 5s"], "{behind} s behind");
    }
}

/// Polls the run until the stack has its request, and drops it there.
fn dropped_when_sent<X: Exchange>(exchange: X, now: u64) -> Held<X> {
    let mut held = Held::new(exchange);
    let mut rng = NoRandom;
    {
        let mut run = pin!(drive(
            &mut held,
            &mut rng,
            || at(now),
            |_| async {},
            || async { Ok::<_, Failed>(()) },
            |(), _| std::future::pending::<Result<Response<Vec<u8>>, (Sent, Failed)>>(),
        ));
        assert!(run.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(format!("{held:?}"), "Held(may have been sent)");
    held
}

fn settle<X: Exchange>(held: Held<X>, now: u64) -> Left<X> {
    held.settle(&mut Env::new(at(now), &mut NoRandom))
}

#[test]
fn what_a_dropped_run_leaves_is_for_the_flow_to_say_in_every_wrapper() {
    fn check<X: Exchange>(exchange: impl Fn(OnLoss) -> X, what: &str) {
        assert!(matches!(settle(dropped_when_sent(exchange(OnLoss::Again), 0), 0), Left::Intact(_)), "{what}");
        assert!(matches!(settle(dropped_when_sent(exchange(OnLoss::Unknown), 0), 0), Left::Unknown(_)), "{what}");
        assert!(matches!(settle(Held::new(exchange(OnLoss::Unknown)), 0), Left::Intact(_)), "{what}");
    }
    let next = |_, _: &mut Env<'_>| Ok(polling(1, OnLoss::Again));
    check(|on_loss| polling(1, on_loss), "a poll");
    check(|on_loss| AnyExchange::new(polling(1, on_loss)), "a boxed poll");
    check(|on_loss| polling(1, on_loss).then(next), "a chain of two");
    check(|on_loss| AnyExchange::new(polling(1, on_loss).then(next)), "a boxed chain of two");
}

#[test]
fn what_is_settled_as_harmless_waits_before_it_is_sent_again() {
    let Left::Intact(poll) = settle(dropped_when_sent(polling(1, OnLoss::Again), 1_000), 1_000) else { panic!() };
    assert_eq!(poll.rest(at(1_000)), EVERY, "the flow has heard of the loss");
}

/// An exchange that ends when an answer is lost.
struct Ends;

impl Exchange for Ends {
    type Output = ();

    fn request(&self, _: &mut Env<'_>) -> Result<Request<Body>, Error> {
        Ok(Request::new(Body::default()))
    }

    fn respond<B: AsRef<[u8]>>(self, _: &mut Env<'_>, _: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        Ok(Step::Done(()))
    }

    fn unanswered(self, _: &mut Env<'_>, _: Sent) -> Result<Step<Self>, Failure<Self>> {
        Ok(Step::Done(()))
    }
}

#[test]
fn a_flow_that_ends_with_the_loss_leaves_nothing() {
    assert!(matches!(settle(dropped_when_sent(Ends, 0), 0), Left::Spent));
}

/// The bounds of a multi-threaded runtime's `spawn`, over a boxed chain of polls.
#[test]
fn a_run_of_a_boxed_chain_is_spawned() {
    fn spawn<F: Future<Output: Send + 'static> + Send + 'static>(run: F) -> std::thread::JoinHandle<F::Output> {
        std::thread::spawn(move || pollster::block_on(run))
    }
    let chain = waiting(2, OnLoss::Again, 0).then(|at, _| Ok(waiting(1, OnLoss::Again, at.as_secs())));
    let plan: AnyExchange<UnixTime> = AnyExchange::new(chain);
    let run = async move {
        let (mut held, mut rng) = (Held::new(plan), NoRandom);
        let ready = || async { Ok::<_, Failed>(()) };
        let waits = std::sync::Mutex::new(Duration::ZERO);
        let wait = |rest| {
            *waits.lock().unwrap() += rest;
            async {}
        };
        let done = drive(&mut held, &mut rng, || at(0), wait, ready, |(), _| async { ok() }).await;
        let waited = *waits.lock().unwrap();
        (done.map_err(Failure::into_error).is_ok(), waited)
    };
    assert_eq!(spawn(run).join().unwrap(), (true, EVERY * 3));
}
