//! Carries requests: a service, a timer, and limits.

use core::error::Error as StdError;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Sent, UnixTime};
use grantflow_transport::deadline;
use http::{Request, Response};
use tower_service::Service;

use crate::carry::{Carrier, Carry};
use crate::error::{BoxError, Error};
use crate::limits::Limits;
use crate::{RequestBody, now};

/// Carries requests. Make it once; it is cheap to clone.
///
/// It has no type parameter: the service is behind a pointer, so an agent can be named and stored.
#[derive(Clone)]
pub struct Agent {
    carrier: Arc<dyn Carrier>,
    clock: Arc<dyn Fn() -> UnixTime + Send + Sync>,
    limits: Limits,
}

const TIMEOUT: Duration = Duration::from_secs(30);
const BODY_LIMIT: u64 = 1024 * 1024;

impl Agent {
    /// An agent over a service, with a deadline of 30 s, and a body limit of 1 MiB.
    ///
    /// `timer` returns a future that is ready when its time has passed: `tokio::time::sleep` is one. It is used for
    /// deadlines, and for the waits that flows ask for.
    ///
    /// ```
    /// use grantflow_tower::RequestBody;
    /// use hyper_util::client::legacy::Client;
    /// use hyper_util::rt::TokioExecutor;
    ///
    /// let client: Client<_, RequestBody> = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    /// let agent = grantflow_tower::Agent::new(client, tokio::time::sleep);
    /// ```
    pub fn new<S, R, W>(service: S, timer: impl Fn(Duration) -> W + Send + Sync + 'static) -> Self
    where
        S: Service<Request<RequestBody>, Response = Response<R>, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + 'static,
        R: http_body::Body<Error: Into<BoxError>> + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        Self::with_body(service, timer, |body| body)
    }

    /// Like [`Agent::new`], over a service whose requests have another body, which `body` makes. Make sure that no
    /// layer below the agent retries or follows redirects.
    ///
    /// ```
    /// # let service = tower::service_fn(async |_: http::Request<axum::body::Body>| {
    /// #     Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()))
    /// # });
    /// let agent = grantflow_tower::Agent::with_body(service, tokio::time::sleep, axum::body::Body::new);
    /// ```
    pub fn with_body<S, B, R, W>(
        service: S,
        timer: impl Fn(Duration) -> W + Send + Sync + 'static,
        body: impl Fn(RequestBody) -> B + Clone + Send + Sync + 'static,
    ) -> Self
    where
        S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
        B: Send + 'static,
        R: http_body::Body<Error: Into<BoxError>> + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let limits = Limits {
            timer: Arc::new(move |duration| Box::pin(timer(duration))),
            timeout: TIMEOUT,
            body_limit: BODY_LIMIT,
            phase: Arc::new(|_| Sent::MaybeSent),
        };
        Self { carrier: crate::carry::over(service, body), clock: Arc::new(now), limits }
    }

    /// Sets the deadline for a whole round trip, from asking the service for room to the last byte of the body. 30 s by
    /// default. If it passes before the service is ready, the request was certainly not sent. It is a year at most.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// The deadline for a whole round trip.
    pub fn deadline(&self) -> Duration {
        self.limits.timeout
    }

    /// Sets the greatest number of bytes of a body, both compressed and decompressed. 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.limits.body_limit = bytes;
        self
    }

    /// Sets what an error of the service's `call` proves, for callers who know the service. Without this, it proves
    /// nothing: the request may have been sent. Return [`Sent::NotSent`] only if the phase that failed comes before the
    /// first byte, through all layers in between. An error's text proves nothing.
    ///
    /// ```
    /// # let service = tower::service_fn(async |_: http::Request<grantflow_tower::RequestBody>| {
    /// #     Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    /// # });
    /// # let agent = grantflow_tower::Agent::new(service, tokio::time::sleep);
    /// # #[cfg(feature = "hyper-util")]
    /// let agent = agent.phase(grantflow_tower::hyper_util_phase);
    /// ```
    #[must_use]
    pub fn phase(mut self, of: impl Fn(&(dyn StdError + 'static)) -> Sent + Send + Sync + 'static) -> Self {
        self.limits.phase = Arc::new(of);
        self
    }

    /// Replaces the system's clock, for tests in virtual time, and for targets that have none.
    #[must_use]
    pub fn clock(mut self, now: impl Fn() -> UnixTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(now);
        self
    }

    pub(crate) fn now(&self) -> UnixTime {
        (self.clock)()
    }

    pub(crate) fn wait(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        (self.limits.timer)(deadline(duration))
    }

    /// A service that has room for one request.
    pub(crate) fn ready(&self) -> Pin<Box<dyn Future<Output = Result<Carry, Error>> + Send>> {
        self.carrier.ready(self.limits.clone())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("timeout", &self.limits.timeout)
            .field("body_limit", &self.limits.body_limit)
            .finish_non_exhaustive()
    }
}
