//! One round trip over a service whose type is erased.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Buf;
use grantflow::{Body, Sent};
use grantflow_async::give_way;
use grantflow_transport::Collector;
use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use crate::RequestBody;
use crate::error::{BoxError, Error, SendError};
use crate::limits::Limits;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Carries one request, over a service that is ready for it.
pub(crate) type Carry = Box<dyn FnOnce(Request<Body>) -> BoxFuture<Result<Response<Body>, SendError>> + Send>;

/// A service of any type.
pub(crate) trait Carrier: Send + Sync {
    /// Waits until a clone of the service is ready. An error says that nothing was sent.
    fn ready(&self, limits: Limits) -> BoxFuture<Result<Carry, Error>>;
}

/// A service that takes bodies made by a function.
pub(crate) fn over<S, F, B, R>(service: S, body: F) -> Arc<dyn Carrier>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    F: Fn(RequestBody) -> B + Clone + Send + Sync + 'static,
    B: Send + 'static,
    R: http_body::Body<Error: Into<BoxError>> + Send + 'static,
{
    Arc::new(Over { service: Mutex::new(service), body })
}

struct Over<S, F> {
    /// Locked only to be cloned: many services can be sent to a thread, but not shared with one.
    service: Mutex<S>,
    body: F,
}

impl<S, F, B, R> Carrier for Over<S, F>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    F: Fn(RequestBody) -> B + Clone + Send + Sync + 'static,
    B: Send + 'static,
    R: http_body::Body<Error: Into<BoxError>> + Send + 'static,
{
    fn ready(&self, limits: Limits) -> BoxFuture<Result<Carry, Error>> {
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let body = self.body.clone();
        Box::pin(async move {
            let mut deadline = Deadline::new(&limits);
            let ready = deadline.bound(poll_fn(|context| service.poll_ready(context))).await?;
            ready.map_err(|error| Error::Transport(error.into()))?;
            // If no time is left for the answer, nothing is sent.
            deadline.is_ahead().await?;
            let carry: Carry = Box::new(move |request| {
                Box::pin(round_trip(service, request.map(|b| body(b.into())), limits, deadline))
            });
            Ok(carry)
        })
    }
}

/// Calls exactly the service that was ready, and reads the answer.
async fn round_trip<S, B, R>(
    mut service: S,
    mut request: Request<B>,
    limits: Limits,
    mut deadline: Deadline,
) -> Result<Response<Body>, SendError>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
    R: http_body::Body<Error: Into<BoxError>>,
{
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let answer = deadline.bound(service.call(request)).await.map_err(maybe_sent)?.map_err(|error| {
        let error = error.into();
        SendError { sent: (limits.phase)(error.as_ref()), error: Error::Transport(error) }
    })?;
    let (mut parts, body) = answer.into_parts();
    let status = parts.status;
    let collected = deadline.bound(read(body, status, limits.body_limit)).await;
    let body = collected.and_then(|read| read).and_then(|read| {
        let body = read.finish(&mut parts.headers);
        body.map_err(|error| Error::of_body(error, status))
    });
    // A status line came, so the request was sent.
    Ok(Response::from_parts(parts, body.map_err(maybe_sent)?))
}

fn maybe_sent(error: Error) -> SendError {
    SendError { sent: Sent::MaybeSent, error }
}

/// How many frames are read before a look at the deadline.
const FRAMES: usize = 32;

/// Reads a body, at most up to the limit.
async fn read<R>(body: R, status: StatusCode, limit: u64) -> Result<Collector, Error>
where
    R: http_body::Body<Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let mut collector = Collector::new(limit);
    for turn in 1_usize.. {
        let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await else { break };
        // Trailers contain nothing that a flow needs.
        if let Ok(mut data) = frame.map_err(|error| Error::Transport(error.into()))?.into_data() {
            while data.has_remaining() {
                let chunk = data.chunk();
                if chunk.is_empty() {
                    return Err(Error::Transport("a frame of the body has fewer bytes than it says".into()));
                }
                collector.push(chunk).map_err(|error| Error::of_body(error, status))?;
                let length = chunk.len();
                data.advance(length);
            }
        }
        if turn.is_multiple_of(FRAMES) {
            // A body that is always ready, with empty frames or endless trailers, must not prevent a look at the timer.
            give_way().await;
        }
    }
    Ok(collector)
}

/// The end of a round trip.
struct Deadline {
    /// `None` after it has passed: a timer that has ended may not be polled again.
    timer: Option<BoxFuture<()>>,
}

impl Deadline {
    fn new(limits: &Limits) -> Self {
        Self { timer: Some((limits.timer)(grantflow_transport::deadline(limits.timeout))) }
    }

    fn poll_passed(&mut self, context: &mut Context<'_>) -> bool {
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(context).is_ready()
        {
            self.timer = None;
        }
        self.timer.is_none()
    }

    /// The future's result, if it is ready before the deadline.
    ///
    /// The timer is polled first: runtimes allow a task some work for each poll, and a future that is always busy would
    /// leave none for the timer behind it. After the deadline the future is polled once more: an answer that came while
    /// the machine slept may be the only copy of a token.
    async fn bound<T>(&mut self, future: impl Future<Output = T>) -> Result<T, Error> {
        let mut future = pin!(future);
        poll_fn(|context| {
            let passed = self.poll_passed(context);
            match future.as_mut().poll(context) {
                Poll::Ready(output) => Poll::Ready(Ok(output)),
                Poll::Pending if passed => Poll::Ready(Err(Error::TimedOut)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// An error if it has passed.
    async fn is_ahead(&mut self) -> Result<(), Error> {
        let passed = poll_fn(|context| Poll::Ready(self.poll_passed(context))).await;
        if passed { Err(Error::TimedOut) } else { Ok(()) }
    }
}
