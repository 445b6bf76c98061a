//! The deadline holds over services and bodies that are always busy and never wait. In real time: virtual time stands
//! still while a task is busy.

use std::future::Ready;
use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};
use tower::Service;

use super::*;

const DEADLINE: Duration = Duration::from_millis(200);
/// A run that hangs fails the test instead of blocking it.
const WATCHDOG: Duration = Duration::from_secs(20);

/// The result of a run that must end at the deadline.
fn at_the_deadline(agent: Agent) -> (Left<CodeExchange>, Error) {
    let start = Instant::now();
    let end = watched(move || block_on(async move { left(&agent.timeout(DEADLINE)).await }));
    assert!(start.elapsed() >= DEADLINE, "it ended before the deadline");
    assert!(matches!(end.1, Error::TimedOut), "{}", end.1);
    end
}

fn watched<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, ended) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(run());
    });
    match ended.recv_timeout(WATCHDOG) {
        Ok(output) => output,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs: the deadline does not hold"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("{:?}", thread.join().unwrap_err()),
    }
}

/// A body that always has the same frame ready, and no end.
#[derive(Clone, Copy)]
enum Endless {
    EmptyFrames,
    Trailers,
    /// Each frame uses some of the work that tokio allows a task for one poll.
    Budget,
    /// Not ready, and awake at once.
    Spinning,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let empty = Poll::Ready(Some(Ok(Frame::data(Bytes::new()))));
        match *self {
            Self::EmptyFrames => empty,
            Self::Trailers => Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new())))),
            Self::Budget => match pin!(tokio::task::consume_budget()).poll(context) {
                Poll::Ready(()) => empty,
                Poll::Pending => Poll::Pending,
            },
            Self::Spinning => spin(context),
        }
    }
}

fn spin<T>(context: &mut Context<'_>) -> Poll<T> {
    context.waker().wake_by_ref();
    Poll::Pending
}

fn with_body(body: Endless) -> Agent {
    let service =
        tower::service_fn(move |_: Request<RequestBody>| async move { Ok::<_, Infallible>(Response::new(body)) });
    Agent::new(service, tokio::time::sleep)
}

#[test]
fn a_body_of_empty_frames_is_left() {
    assert!(matches!(at_the_deadline(with_body(Endless::EmptyFrames)).0, Left::Unknown(_)));
}

#[test]
fn a_body_of_trailers_is_left() {
    assert!(matches!(at_the_deadline(with_body(Endless::Trailers)).0, Left::Unknown(_)));
}

#[test]
fn a_body_that_uses_up_the_budget_of_its_task_is_left() {
    assert!(matches!(at_the_deadline(with_body(Endless::Budget)).0, Left::Unknown(_)));
}

#[test]
fn a_body_that_spins_is_left() {
    assert!(matches!(at_the_deadline(with_body(Endless::Spinning)).0, Left::Unknown(_)));
}

#[test]
fn a_call_that_spins_is_left() {
    let service =
        tower::service_fn(|_: Request<RequestBody>| std::future::poll_fn(spin::<Result<Response<String>, Infallible>>));
    assert!(matches!(at_the_deadline(Agent::new(service, tokio::time::sleep)).0, Left::Unknown(_)));
}

#[test]
fn a_call_that_uses_up_the_budget_of_its_task_is_left() {
    let service = tower::service_fn(async |_: Request<RequestBody>| -> Result<Response<String>, Infallible> {
        loop {
            tokio::task::consume_budget().await;
        }
    });
    assert!(matches!(at_the_deadline(Agent::new(service, tokio::time::sleep)).0, Left::Unknown(_)));
}

/// Never ready, and always awake.
#[derive(Clone)]
struct NeverReady;

impl Service<Request<RequestBody>> for NeverReady {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        spin(context)
    }

    fn call(&mut self, _: Request<RequestBody>) -> Self::Future {
        panic!("called before it was ready")
    }
}

#[test]
fn a_service_that_spins_before_it_is_ready_was_sent_nothing() {
    assert!(matches!(at_the_deadline(Agent::new(NeverReady, tokio::time::sleep)).0, Left::Intact(_)));
}

/// A caller's own timer around the run also gets its turn.
#[test]
fn a_busy_body_does_not_keep_the_callers_own_timer_from_running() {
    let agent = with_body(Endless::EmptyFrames).timeout(Duration::MAX);
    let ended = watched(move || block_on(async move { tokio::time::timeout(DEADLINE, left(&agent)).await.is_err() }));
    assert!(ended);
}

/// Many timers add their time to the current one, and panic if the sum cannot be represented.
#[test]
fn a_deadline_that_cannot_be_represented_does_not_count() {
    let timer = |duration: Duration| {
        let end = Instant::now() + duration;
        async move { tokio::time::sleep_until(end.into()).await }
    };
    let service =
        tower::service_fn(async |_: Request<RequestBody>| Ok::<_, Infallible>(Response::new(GOOD.to_owned())));
    for timeout in [Duration::MAX, Duration::from_secs(u64::MAX / 2)] {
        let agent = Agent::new(service, timer).timeout(timeout);
        block_on(grantflow_tower::run(&agent, code())).unwrap();
    }
}

#[test]
fn no_time_at_all_ends_at_once() {
    let agent = Agent::new(NeverReady, tokio::time::sleep).timeout(Duration::ZERO);
    let (left, error) = watched(move || block_on(async move { left(&agent).await }));
    assert!(matches!((left, error), (Left::Intact(_), Error::TimedOut)));
}
