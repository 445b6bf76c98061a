//! Runs grantflow's flows over [`reqwest`], async.
//!
//! ```no_run
//! use grantflow::{ClientCredentials, Server};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Server::with_token_endpoint("https://api.trackmania.com/api/access_token")?.client("id").secret_post("secret")?;
//! let agent = grantflow_reqwest::Agent::new()?;
//!
//! let tokens = grantflow_reqwest::run(&agent, ClientCredentials::new(&client).scope("clubs")?).await?;
//! # Ok(())
//! # }
//! ```
//!
//! It needs a tokio runtime with its timer and I/O, as reqwest does. An [`Agent`] ensures, with any settings of its
//! client:
//! - A redirect is never followed: the flow sees it, and refuses it. Credentials go to the endpoint and nowhere else.
//! - A status is an answer, not an error: the body of a 400 says what was wrong.
//! - The whole round trip has one deadline, and a body has one limit, which applies while it comes in.
//! - Nothing is sent twice: reqwest's retries are off, and every request has a separate connection, which is closed
//!   after it.
//! - Certificates, and the names in them, are verified. A server with a private certificate needs a root. If you give
//!   reqwest a TLS backend that you configured yourself, its verification is up to you.
//! - No compression is requested, and reqwest decompresses nothing: a small answer can be a large bomb. With this
//!   crate's feature `gzip` (off by default), an answer that is compressed even so is read, within the body limit;
//!   without it, such an answer is an error.
//! - `http:` requests, which the core lets go to loopback only, use no proxy.
//! - An error says whether the request was certainly not sent or may have been sent, by the phase that failed.
//!
//! No cookies are kept, unless your settings ask reqwest for a cookie store: that setting can be undone only if
//! reqwest's feature for it is on, and this crate does not turn it on.
//!
//! # Dropping a run
//!
//! A future may be dropped at any time. [`run`] owns its exchange, and what was left of the grant is lost with it. If
//! that matters, in a `select!` or with your own timeout, use [`run_held`]: the exchange stays with the caller, in a
//! [`Held`], which knows whether the request may have been sent.
//!
//! # In a browser
//!
//! For `wasm32-unknown-unknown`, reqwest is the browser's `fetch`, and the browser decides:
//! - **It follows redirects**, and sends the request's body again on a 307 or a 308, to any origin that permits it
//!   (CORS). reqwest cannot forbid that. The answer is refused afterwards ([`Error::Redirected`]), but the request has
//!   been sent there.
//! - TLS, proxies, connections and the decompression of bodies are the browser's. The body limit applies to the
//!   announced length and to the complete body, not while it comes in.
//! - Only a request that could not be made counts as "certainly not sent": the browser does not say why it failed.
//! - No cookies are sent or kept, nothing is cached, and no referrer is sent.
//! - The futures are not `Send`, like everything in a browser. They run on the browser's event loop.

use grantflow::{Body, Exchange, Failure};
use http::{Request, Response};

pub use getrandom::SysRng;
pub use grantflow_async::{Held, Interrupted};

#[cfg_attr(all(target_arch = "wasm32", target_os = "unknown"), path = "agent_browser.rs")]
mod agent;
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
mod connecting;
mod error;

pub use agent::{Agent, now};
pub use error::{Error, SendError};

const TIMEOUT: core::time::Duration = core::time::Duration::from_secs(30);
const BODY_LIMIT: u64 = 1024 * 1024;

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
/// Dropping the future stops the round trip. [`Held::settle`] then says what is left of the grant: a request may have
/// been sent from the moment when it was given to reqwest, connecting included. Running the `Held` again continues
/// where it was, and sends nothing twice unless the flow takes that for harmless; otherwise it fails with
/// [`Error::Interrupted`].
///
/// # Errors
/// What went wrong, and what is left of the grant. `?` keeps only the error.
pub async fn run_held<X: Exchange>(agent: &Agent, held: &mut Held<X>) -> Result<X::Output, Failure<X, Error>> {
    let mut rng = SysRng;
    let send = |(), request| async move { send(agent, request).await.map_err(|failed| (failed.sent, failed.error)) };
    grantflow_async::drive(held, &mut rng, now, agent::wait, async || Ok(()), send).await
}

/// Sends one request and reads the complete answer, with any status.
///
/// # Errors
/// [`SendError`], which says whether the request may have been sent.
pub async fn send(agent: &Agent, request: Request<Body>) -> Result<Response<Body>, SendError> {
    agent.call(request).await
}
