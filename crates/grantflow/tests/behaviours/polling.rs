//! For grants that poll: answers to polls, clocks, and running a grant in virtual time.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use grantflow::{Error, Exchange, Failure, Left, Sent, Tokens, UnixTime, drive};
use http::Response;

use crate::support::*;

/// An answer to a poll; `None` if it is lost.
pub(crate) type Answer = Option<Response<Vec<u8>>>;

/// The outcome of a grant, and seconds.
pub(crate) type Run<X> = (Result<Tokens, Failure<X>>, Vec<u64>);

/// Seconds after [`NOW`].
pub(crate) fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

/// A clock that advances by each wait.
pub(crate) fn right(clock: UnixTime, wait: Duration) -> UnixTime {
    clock.saturating_add(wait)
}

/// A clock that stands still.
pub(crate) fn standing(clock: UnixTime, _wait: Duration) -> UnixTime {
    clock
}

/// Runs a grant in virtual time. `pass` says where the clock is after a wait. Gives the waits in seconds.
pub(crate) fn run<X: Exchange<Output = Tokens>>(
    grant: X,
    start: UnixTime,
    pass: impl Fn(UnixTime, Duration) -> UnixTime,
    mut answer: impl FnMut(usize) -> Answer,
) -> Run<X> {
    let (clock, waits) = (Cell::new(start), RefCell::new(Vec::new()));
    let mut polls = 0;
    let outcome = drive(
        grant,
        &mut Dice(1),
        || clock.get(),
        |wait| {
            waits.borrow_mut().push(wait.as_secs());
            clock.set(pass(clock.get(), wait));
        },
        |request| {
            let text = body(&request);
            let code = (parameter(&text, "device_code"), parameter(&text, "auth_req_id"));
            assert!(code == ("dc-1".to_owned(), String::new()) || code == (String::new(), "ar-1".to_owned()), "{text}");
            polls += 1;
            assert!(polls < 10_000, "it does not end");
            answer(polls - 1).ok_or((Sent::MaybeSent, Error::NoAnswer(Sent::MaybeSent)))
        },
    );
    (outcome, waits.into_inner())
}

/// Runs over a list of answers; the last one is repeated. Gives the time of each poll in seconds after [`NOW`].
pub(crate) fn times<X: Exchange<Output = Tokens>>(grant: X, answers: &[Answer]) -> Run<X> {
    let (outcome, waits) = run(grant, NOW, right, |at| answers[at.min(answers.len() - 1)].clone());
    let mut now = 0;
    let times = waits.iter().map(|wait| {
        now += wait;
        now
    });
    (outcome, times.collect())
}

pub(crate) fn error(status: u16, code: &str) -> Answer {
    Some(json(status, &format!(r#"{{"error":"{code}"}}"#)))
}

pub(crate) fn pending() -> Answer {
    error(400, "authorization_pending")
}

/// A page of a server that is not an OAuth server.
pub(crate) fn page(status: u16) -> Answer {
    let response = Response::builder().status(status).header("content-type", "text/html");
    Some(response.body(b"<h1>Sorry</h1>".to_vec()).unwrap())
}

pub(crate) fn with_retry_after(answer: Answer, value: &str) -> Answer {
    let mut response = answer.unwrap();
    response.headers_mut().insert("retry-after", value.parse().unwrap());
    Some(response)
}

/// What a failure leaves.
pub(crate) fn left<X: Exchange>(failure: &Failure<X>) -> &'static str {
    match failure.left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}
