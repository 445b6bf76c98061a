//! Requests over ureq, blocking. Feature `ureq`.
//!
//! [`call`] sends one request, and sends it once more if the [module above](super) says so:
//!
//! ```no_run
//! use grantflow::{ClientCredentials, Server};
//! use grantflow_session::authorize::ureq::call;
//! use grantflow_session::{Key, MemoryStore, Session, Ureq};
//!
//! let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
//! let grant = ClientCredentials::new(&server.client("robot").secret_post("s3cret")?).scope("clubs")?;
//! let outside = Ureq::new(grantflow_ureq::Agent::new());
//! let session = Session::client_credentials(grant, Key::new("clubs")?, MemoryStore::new(), outside);
//!
//! let api = ureq::Agent::new_with_defaults();
//! let request = http::Request::get("https://api.example/clubs").body(())?;
//! let clubs = call(&api, &session, request)?.into_body().read_to_string()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Authorizing`] is a middleware: every request of an agent is authorized, with ureq's own calls.
//!
//! # What a middleware cannot do
//!
//! ureq lets a middleware call the rest of its chain once, and gives it a body that cannot be copied. So a middleware
//! cannot send anything twice: a request that is refused with `invalid_token` comes back as that 401, and the next
//! request has a new token. [`call`] makes the second try.
//!
//! # Redirects
//!
//! ureq follows redirects below the middleware. Both [`call`] and the middleware set ureq's
//! [`redirect_auth_headers`](ureq::config::ConfigBuilder::redirect_auth_headers) to `Never` for each request, so no
//! request after a redirect has the token, even to the same host. The answer of a redirect's target says nothing about
//! a token that it was not shown, and goes to the caller.

use core::fmt;

use http::{Request, Response};
use ureq::config::{ConfigBuilder, RedirectAuthHeaders};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::typestate::HttpCrateScope;
use ureq::{Agent, AsSendBody, Body, RequestExt as _, ResponseExt as _, SendBody};

use super::{NotAuthorized, Refusal};
use crate::fresh::FreshToken;
use crate::session::Session;

/// Sends a request with the session's token, and once more with a new token if the API refuses the first with
/// `invalid_token`: see [`Authorized::call`].
///
/// # Errors
/// [`Error`]. After an error other than [`Error::NotAuthorized`], the API may have acted on the request.
pub fn call<B: Replayable>(agent: &Agent, session: &Session, request: Request<B>) -> Result<Response<Body>, Error> {
    twice(agent, session, Refusal::default(), request)
}

/// An agent whose requests carry a session's token, with a second try. Cheap to clone.
#[derive(Clone)]
pub struct Authorized {
    agent: Agent,
    session: Session,
    refusal: Refusal,
}

impl Authorized {
    /// Sends requests through this agent, with the tokens of this session.
    pub fn new(agent: Agent, session: Session) -> Self {
        Self { agent, session, refusal: Refusal::default() }
    }

    /// Sets which answers say that the API refuses the token.
    #[must_use]
    pub fn refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    /// Sends a request with the session's token, and once more with a new token if the API refuses the first. The
    /// response's extensions hold the token that was used, as a [`FreshToken`].
    ///
    /// The agent is yours, built for the API: with its TLS settings, proxy, pool and redirects. A status is an answer
    /// here and not an error, even if the agent is set otherwise. `http:` requests, which go to loopback only, use no
    /// proxy. For these rules each request has its own settings, and ureq prepares TLS again whenever it connects.
    ///
    /// # Errors
    /// [`Error`]. After an error other than [`Error::NotAuthorized`], the API may have acted on the request.
    pub fn call<B: Replayable>(&self, request: Request<B>) -> Result<Response<Body>, Error> {
        twice(&self.agent, &self.session, self.refusal, request)
    }
}

impl fmt::Debug for Authorized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("session", self.session.key()).finish_non_exhaustive()
    }
}

fn twice<B: Replayable>(
    agent: &Agent,
    session: &Session,
    refusal: Refusal,
    request: Request<B>,
) -> Result<Response<Body>, Error> {
    let again = request.clone();
    let (token, response) = send(agent, session, request)?;
    if !token_is_refused(&response, refusal) {
        return Ok(response);
    }
    // The connection is free before the wait for another thread's renewal.
    drop(response);
    session.refused(&token);
    send(agent, session, again).map(|(_, response)| response)
}

fn send<B: Replayable>(
    agent: &Agent,
    session: &Session,
    mut request: Request<B>,
) -> Result<(FreshToken, Response<Body>), Error> {
    let token = authorize(session, &mut request)?;
    let plain = is_plain(&request);
    let request = bind(agent.configure_request(request), plain).http_status_as_error(false).build();
    let mut response = agent.run(request).map_err(|error| Error::Transport(grantflow_ureq::without_url(error)))?;
    response.extensions_mut().insert(token.clone());
    Ok((token, response))
}

fn authorize<B>(session: &Session, request: &mut Request<B>) -> Result<FreshToken, NotAuthorized> {
    let token = session.token_blocking().map_err(NotAuthorized::Session)?;
    token.authorize(request).map_err(NotAuthorized::Request)?;
    Ok(token)
}

/// Sends the token to this server only, not to a redirect's target and not to a proxy in plain text.
fn bind<B: AsSendBody>(config: ConfigBuilder<HttpCrateScope<B>>, plain: bool) -> ConfigBuilder<HttpCrateScope<B>> {
    let config = config.redirect_auth_headers(RedirectAuthHeaders::Never).save_redirect_history(true);
    if plain { config.proxy(None) } else { config }
}

fn is_plain<B>(request: &Request<B>) -> bool {
    request.uri().scheme_str() == Some("http")
}

/// Whether the answer refuses the token, and comes from a server that has seen it.
fn token_is_refused(response: &Response<Body>, refusal: Refusal) -> bool {
    let redirected = response.get_redirect_history().is_some_and(|history| history.len() > 1);
    !redirected && refusal.is_in(response.status(), response.headers())
}

/// Authorizes every request of an agent with a session's token.
///
/// It sees a refusal with `invalid_token` only if the agent returns 401s as answers. ureq's default returns an error
/// that holds only the status; then a token is renewed when it expires, and not earlier.
///
/// ```no_run
/// # fn example(session: grantflow_session::Session) -> Result<(), Box<dyn std::error::Error>> {
/// use grantflow_session::authorize::ureq::Authorizing;
///
/// let settings = ureq::Agent::config_builder().http_status_as_error(false).middleware(Authorizing::new(session));
/// let api = ureq::Agent::new_with_config(settings.build());
/// let clubs = api.get("https://api.example/clubs").call()?.into_body().read_to_string()?;
/// # Ok(())
/// # }
/// ```
///
/// If there is no token, or if it must not go into the request, nothing is sent, and the error is
/// [`ureq::Error::Other`] with a [`NotAuthorized`] in it.
///
/// It treats redirects and proxies as [`call`] does. For these rules each request has its own settings, and ureq
/// prepares TLS again whenever it connects.
#[derive(Clone)]
pub struct Authorizing {
    session: Session,
    refusal: Refusal,
}

impl Authorizing {
    /// Gives requests the tokens of this session.
    pub fn new(session: Session) -> Self {
        Self { session, refusal: Refusal::default() }
    }

    /// Sets which answers say that the API refuses the token.
    #[must_use]
    pub fn refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }
}

impl Middleware for Authorizing {
    fn handle(
        &self,
        mut request: Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<Response<Body>, ureq::Error> {
        let token = authorize(&self.session, &mut request).map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let plain = is_plain(&request);
        // ureq gives its settings to every middleware. Without them a redirect could take the token along.
        let config = request.middleware_config().ok_or_else(|| {
            ureq::Error::Other(
                "this middleware was not called by ureq, so nothing was sent: add it with ureq's `middleware`".into(),
            )
        })?;
        let mut response = next.handle(bind(config, plain).build())?;
        if token_is_refused(&response, self.refusal) {
            self.session.refused(&token);
        }
        response.extensions_mut().insert(token);
        Ok(response)
    }
}

impl fmt::Debug for Authorizing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizing").field("session", self.session.key()).finish_non_exhaustive()
    }
}

/// A body that is the same when it is sent a second time: bytes, texts, and the empty body. A `&File` is none: its
/// clone starts at the end of the file.
pub trait Replayable: AsSendBody + Clone {}

impl Replayable for () {}
impl Replayable for &str {}
impl Replayable for String {}
impl Replayable for &String {}
impl Replayable for &[u8] {}
impl<const N: usize> Replayable for &[u8; N] {}
impl Replayable for Vec<u8> {}
impl Replayable for &Vec<u8> {}

/// What went wrong with a [`call`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request got no token.
    #[error(transparent)]
    NotAuthorized(#[from] NotAuthorized),
    /// ureq failed.
    #[error(transparent)]
    Transport(ureq::Error),
}
