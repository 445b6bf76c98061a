//! One round trip over a service whose type is forgotten.

use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, BufMut};
use grantflow::{Body, Sent};
use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Request, Response, StatusCode};
use tower_service::Service;

use crate::RequestBody;
use crate::agent::Limits;
use crate::error::{BoxError, Error, Unanswered};

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Carries one request, over a service that is ready for it.
pub(crate) type Carry = Box<dyn FnOnce(Request<Body>) -> BoxFuture<Result<Response<Body>, Unanswered>> + Send>;

/// A service, whatever its type.
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
    /// Locked to be cloned, and no longer: many services can be sent to a thread, but not shared with one.
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
            let mut deadline = (limits.timer)(limits.timeout);
            before(&mut deadline, poll_fn(|context| service.poll_ready(context)))
                .await?
                .map_err(|error| Error::Transport(error.into()))?;
            let carry: Carry = Box::new(move |request| {
                Box::pin(round_trip(service, request.map(|b| body(b.into())), limits, deadline))
            });
            Ok(carry)
        })
    }
}

/// Calls the very service that was ready, and reads the answer.
async fn round_trip<S, B, R>(
    mut service: S,
    mut request: Request<B>,
    limits: Limits,
    mut deadline: BoxFuture<()>,
) -> Result<Response<Body>, Unanswered>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
    R: http_body::Body<Error: Into<BoxError>>,
{
    request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let answer = before(&mut deadline, service.call(request)).await.map_err(maybe_sent)?.map_err(|error| {
        let error = error.into();
        Unanswered { sent: (limits.phase)(error.as_ref()), error: Error::Transport(error) }
    })?;
    let (parts, body) = answer.into_parts();
    // A status line came, so the request went.
    let body = before(&mut deadline, read(body, parts.status, limits.body_limit)).await.and_then(|read| read);
    Ok(Response::from_parts(parts, body.map_err(maybe_sent)?.into()))
}

fn maybe_sent(error: Error) -> Unanswered {
    Unanswered { sent: Sent::MaybeSent, error }
}

/// Reads a body, and no more than the limit of it.
async fn read<R>(body: R, status: StatusCode, limit: u64) -> Result<Vec<u8>, Error>
where
    R: http_body::Body<Error: Into<BoxError>>,
{
    let mut body = pin!(body);
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        // Trailers say nothing that a flow asks for.
        let Ok(data) = frame.map_err(|error| Error::Transport(error.into()))?.into_data() else { continue };
        if (bytes.len() as u64).saturating_add(data.remaining() as u64) > limit {
            return Err(Error::BodyTooLarge { status, limit });
        }
        bytes.put(data);
    }
    Ok(bytes)
}

/// What a future comes to, if it does before the deadline.
async fn before<T>(deadline: &mut BoxFuture<()>, future: impl Future<Output = T>) -> Result<T, Error> {
    let mut future = pin!(future);
    poll_fn(|context: &mut Context<'_>| {
        if let Poll::Ready(output) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(output));
        }
        deadline.as_mut().poll(context).map(|()| Err(Error::TimedOut))
    })
    .await
}
