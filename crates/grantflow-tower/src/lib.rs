//! Runs grantflow's flows over any [`tower_service::Service`] of HTTP requests: hyper-util's client, an axum router in
//! the same process, a stack of tower layers. It needs no runtime; the caller gives the timer.
//!
//! ```
//! use grantflow::{ClientCredentials, Server};
//! use tower::ServiceBuilder;
//!
//! # async fn answer(_: http::Request<grantflow_tower::RequestBody>) -> Result<http::Response<String>, std::convert::Infallible> {
//! #     Ok(http::Response::new(r#"{"access_token":"t","token_type":"Bearer"}"#.to_owned()))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let my_client = tower::service_fn(answer);
//! let stack = ServiceBuilder::new().concurrency_limit(4).service(my_client);
//! let agent = grantflow_tower::Agent::new(stack, tokio::time::sleep);
//!
//! let client = Server::with_token_endpoint("https://as.example/token")?.client("id").secret_post("secret")?;
//! let tokens = grantflow_tower::run(&agent, ClientCredentials::new(&client)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! An [`Agent`] ensures, over any service:
//! - Backpressure is respected: each request has a clone of the service, waits until that clone is ready, and calls it.
//!   The request is made only then.
//! - An error says whether the request was certainly not sent or may have been sent. After an error of `poll_ready` it
//!   was not sent; after an error of `call` it may have been, unless your classifier knows better: see
//!   [`Agent::phase`].
//! - The whole round trip has one deadline, including the wait for the service, and a body has one limit, which applies
//!   while it comes in. The deadline also holds if a service or a body is always busy and never waits.
//! - A status is an answer, not an error. A redirect is an answer too: the flow sees it, and refuses it.
//! - No compression is requested. With the feature `gzip` (off by default), an answer that is compressed even so is
//!   read; without it, such an answer is an error. If a layer decompresses, the body limit counts the result.
//! - Requests cannot be replayed by accident: a [`RequestBody`] can neither be cloned nor made from nothing, which
//!   layers that retry or follow redirects need.
//!
//! # What does not belong below an agent
//!
//! No layer that retries: a code or a refresh token that is sent twice can cost the whole grant (RFC 6749 §4.1.2, RFC
//! 9700 §4.14). The flow knows what may be sent again, and says so with what is left of the grant.
//!
//! No layer that follows redirects: it sends the credentials in the body to any URL in the answer.
//!
//! No layer that turns statuses into errors: the body of a 400 says what was wrong.
//!
//! With [`Agent::with_body`] the caller has to ensure this, because other bodies can be cloned.
//!
//! # Dropping a run
//!
//! A future may be dropped at any time. [`run`] owns its exchange, and what was left of the grant is lost with it. If
//! that matters, in a `select!` or with your own timeout, use [`run_held`]: the exchange stays with the caller, in a
//! [`Held`], which knows whether the request may have been sent.

use grantflow::{Body, Exchange, Failure, Sent, UnixTime};
use http::{Request, Response};

pub use getrandom::SysRng;
pub use grantflow_async::{Held, Interrupted};

mod agent;
mod body;
mod carry;
mod error;
mod limits;
#[cfg(feature = "hyper-util")]
mod phase;

pub use agent::Agent;
pub use body::RequestBody;
pub use error::{Error, SendError};
#[cfg(feature = "hyper-util")]
pub use phase::hyper_util_phase;

/// Runs an exchange to its end: sends its requests, waits as it asks, and returns the flow's output.
///
/// # Cancel safety
/// Dropping the future stops the round trip and drops the exchange: it is then unknown whether its request was sent. If
/// that matters, use [`run_held`].
///
/// # Errors
/// What went wrong, and what is left of the grant. `?` keeps only the error.
pub async fn run<X: Exchange>(agent: &Agent, exchange: X) -> Result<X::Output, Failure<X, Error>> {
    run_held(agent, &mut Held::new(exchange)).await
}

/// Runs an exchange to its end. The exchange stays with the caller.
///
/// # Cancel safety
/// Dropping the future drops the future of the service. [`Held::settle`] then says what is left of the grant: a request
/// may have been sent from the moment when the service is called, and not while the service is not ready. Running the
/// `Held` again continues where it was, and sends nothing twice unless the flow takes that for harmless; otherwise it
/// fails with [`Error::Interrupted`].
///
/// # Errors
/// What went wrong, and what is left of the grant. `?` keeps only the error.
pub async fn run_held<X: Exchange>(agent: &Agent, held: &mut Held<X>) -> Result<X::Output, Failure<X, Error>> {
    let mut rng = SysRng;
    let send = |carry: carry::Carry, request| async move {
        carry(request).await.map_err(|failed| (failed.sent, failed.error))
    };
    grantflow_async::drive(held, &mut rng, || agent.now(), |after| agent.wait(after), || agent.ready(), send).await
}

/// Waits until the service is ready, sends one request and reads the complete answer, with any status.
///
/// # Errors
/// [`SendError`], which says whether the request may have been sent.
pub async fn send(agent: &Agent, request: Request<Body>) -> Result<Response<Body>, SendError> {
    let carry = agent.ready().await.map_err(|error| SendError { sent: Sent::NotSent, error })?;
    carry(request).await
}

/// The time now, by the system's clock.
pub fn now() -> UnixTime {
    let since_epoch =
        std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since_epoch.as_secs())
}
