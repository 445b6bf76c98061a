//! One deadline for the whole round trip, in virtual time.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep};

use super::*;

/// Gives a byte every second, for ever.
struct Drip(Pin<Box<Sleep>>);

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.as_mut().poll(context).map(|()| {
            let next = Instant::now() + Duration::from_secs(1);
            self.0.as_mut().reset(next);
            Some(Ok(Frame::data(Bytes::from_static(b" "))))
        })
    }
}

/// The result of a run that must end after ten seconds.
fn after_ten_seconds(agent: Agent) -> (Left<CodeExchange>, Error) {
    block_on_virtually(async move {
        let start = Instant::now();
        let end = left(&agent.timeout(Duration::from_secs(10))).await;
        assert_eq!(start.elapsed().as_secs(), 10);
        end
    })
}

#[test]
fn a_server_that_does_not_answer_is_left() {
    let service = tower::service_fn(async |_: Request<RequestBody>| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let (left, error) = after_ten_seconds(Agent::new(service, sleep));
    assert!(matches!(left, Left::Unknown(_)));
    assert!(matches!(error, Error::TimedOut), "{error}");
}

#[test]
fn the_body_is_part_of_the_round_trip() {
    let service = tower::service_fn(async |_: Request<RequestBody>| {
        sleep(Duration::from_secs(7)).await;
        Ok::<_, Infallible>(Response::new(Drip(Box::pin(sleep(Duration::from_secs(1))))))
    });
    let (left, error) = after_ten_seconds(Agent::new(service, sleep));
    assert!(matches!(left, Left::Unknown(_)));
    assert!(matches!(error, Error::TimedOut), "{error}");
}

#[test]
fn a_timeout_layer_may_have_let_it_through() {
    let service = tower::service_fn(async |_: Request<RequestBody>| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(String::new()))
    });
    let stack = tower::ServiceBuilder::new().timeout(Duration::from_secs(10)).service(service);
    let agent = Agent::new(stack, sleep).timeout(Duration::from_secs(60));
    let (left, error) = block_on_virtually(async move { left(&agent).await });
    assert!(matches!(left, Left::Unknown(_)));
    let Error::Transport(error) = error else { panic!("{error}") };
    assert!(error.is::<tower::timeout::error::Elapsed>());
}

/// It may be the only copy of a rotated token. The timer is a function, which may not be polled again after it has
/// ended.
#[test]
fn an_answer_that_is_there_when_the_deadline_passes_is_taken() {
    let service = tower::service_fn(async |_: Request<RequestBody>| {
        sleep(Duration::from_secs(10)).await;
        Ok::<_, Infallible>(Response::new(GOOD.to_owned()))
    });
    let agent = Agent::new(service, async |duration| sleep(duration).await).timeout(Duration::from_secs(10));
    block_on_virtually(grantflow_tower::run(&agent, code())).unwrap();
}

/// Nothing is sent when the time for its answer is over.
#[test]
fn a_service_that_is_ready_too_late_is_not_called() {
    let service = tower::service_fn(async |_: Request<RequestBody>| -> Result<Response<String>, Infallible> {
        panic!("called after the deadline")
    });
    let (left, error) = after_ten_seconds(Agent::new(TooLate { inner: service, wait: None }, sleep));
    assert!(matches!(left, Left::Intact(_)));
    assert!(matches!(error, Error::TimedOut), "{error}");
}

/// Ready exactly at the deadline.
struct TooLate<S> {
    inner: S,
    wait: Option<Pin<Box<Sleep>>>,
}

impl<S: Clone> Clone for TooLate<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), wait: None }
    }
}

impl<S: tower::Service<Request<RequestBody>>> tower::Service<Request<RequestBody>> for TooLate<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        let wait = self.wait.get_or_insert_with(|| Box::pin(sleep(Duration::from_secs(10))));
        wait.as_mut().poll(context).map(|()| Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> S::Future {
        self.inner.call(request)
    }
}
