//! The loop, over a scripted exchange and a stack that records what it is asked for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]

mod dropped;
mod is_send;
mod order;
mod wrapped;

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use grantflow::{Body, Env, Error, Exchange, Failure, Sent, Step, UnixTime, Wait};
use http::{Request, Response};

/// Polls until it has had `round_trips` answers. `on_loss` says what the loss of an answer means.
#[derive(Debug)]
struct Polling {
    round_trips: u32,
    on_loss: OnLoss,
    every: Duration,
    wait: Wait,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum OnLoss {
    Again,
    Unknown,
}

const EVERY: Duration = Duration::from_secs(5);

fn polling(round_trips: u32, on_loss: OnLoss) -> Polling {
    Polling { round_trips, on_loss, every: EVERY, wait: Wait::new(UnixTime::from_secs(0), Duration::ZERO) }
}

impl Polling {
    /// Waits, and asks again.
    fn again(self, now: UnixTime) -> Step<Self> {
        Step::Again(Self { wait: Wait::new(now, self.every), ..self })
    }
}

impl Exchange for Polling {
    type Output = UnixTime;

    fn rest(&self, now: UnixTime) -> Duration {
        self.wait.left(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.wait.check(env.now)?;
        let mut request = Request::new(Body::default());
        let at = http::HeaderValue::from(env.now.as_secs());
        request.headers_mut().insert("made-at", at);
        Ok(request)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        if response.status() == 400 {
            return Err(Failure::spent(Error::Entropy));
        }
        match self.round_trips {
            0 | 1 => Ok(Step::Done(env.now)),
            more => Ok(Polling { round_trips: more - 1, ..self }.again(env.now)),
        }
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        match (self.on_loss, sent) {
            (OnLoss::Again, _) => Ok(self.again(env.now)),
            (OnLoss::Unknown, Sent::NotSent) => Err(Failure::intact(Error::NoAnswer(sent), self)),
            (OnLoss::Unknown, _) => Err(Failure::unknown(Error::NoAnswer(sent), self)),
        }
    }
}

/// Pending once.
async fn a_turn() {
    let mut been = false;
    poll_fn(|context| {
        if been {
            return Poll::Ready(());
        }
        been = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// What the stack was asked for, in order, and its virtual clock, in milliseconds.
#[derive(Clone, Default)]
struct Log {
    lines: Rc<RefCell<Vec<String>>>,
    clock: Rc<RefCell<u64>>,
}

impl Log {
    fn at(seconds: u64) -> Self {
        let log = Self::default();
        *log.clock.borrow_mut() = seconds * 1000;
        log
    }

    fn write(&self, line: impl Into<String>) {
        self.lines.borrow_mut().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        self.lines.take()
    }

    fn pass(&self, time: Duration) {
        *self.clock.borrow_mut() += u64::try_from(time.as_millis()).unwrap();
    }

    fn now(&self) -> UnixTime {
        UnixTime::from_secs(*self.clock.borrow() / 1000)
    }
}

struct NoRandom;

impl grantflow::Entropy for NoRandom {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
        Err(grantflow::EntropyFailed)
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;
