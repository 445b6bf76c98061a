//! Requests over ureq, blocking. Feature `ureq`.
//!
//! [`call`] sends one request, and once more where the [module above](super) says so:
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
//! ureq hands a middleware the rest of its chain to be called once, and a body that cannot be copied. So a middleware
//! cannot send anything twice: a request that is refused with `invalid_token` comes back as the 401 that it is, and the next one
//! has a new token. [`call`] is for those who want the second try.
//!
//! # Redirects
//!
//! ureq follows them below the middleware. Both set ureq's
//! [`redirect_auth_headers`](ureq::config::ConfigBuilder::redirect_auth_headers) to `Never` for each request, so the token is left
//! out from the first redirect on, even to the same host. What a redirect's target answers says nothing about a token that
//! it was not shown, and is handed through.

use core::fmt;

use http::{Request, Response};
use ureq::config::{ConfigBuilder, RedirectAuthHeaders};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::typestate::HttpCrateScope;
use ureq::{Agent, AsSendBody, Body, RequestExt as _, ResponseExt as _, SendBody};

use super::{NotAuthorized, Refusal};
use crate::fresh::FreshToken;
use crate::session::Session;

/// Sends a request with the session's token, and once more with another if the API refuses the first with `invalid_token`: see
/// [`Authorized::call`].
///
/// # Errors
/// [`Error`]. After one that is not [`Error::NotAuthorized`], the API may have acted on the request.
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
    /// Requests go through this agent, with the tokens of this session.
    pub fn new(agent: Agent, session: Session) -> Self {
        Self { agent, session, refusal: Refusal::default() }
    }

    /// Which answers say that the API refuses the token.
    #[must_use]
    pub fn refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    /// Sends a request with the session's token, and once more with another if the API refuses the first. The token that was used is in
    /// the response's extensions, as a [`FreshToken`].
    ///
    /// The agent is one for the API: with its TLS settings, proxy, pool and redirects. A status is an answer here, not an
    /// error, also where the agent is set otherwise. `http:` requests, which go to loopback only, use no proxy. For all that, each
    /// request has its own settings, and ureq prepares TLS anew for them whenever it connects.
    ///
    /// # Errors
    /// [`Error`]. After one that is not [`Error::NotAuthorized`], the API may have acted on the request.
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
    // Its connection is free before another thread's renewal is waited for.
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

/// The token goes to the server that it was put there for, and to nobody after or in between.
fn bind<B: AsSendBody>(config: ConfigBuilder<HttpCrateScope<B>>, plain: bool) -> ConfigBuilder<HttpCrateScope<B>> {
    let config = config.redirect_auth_headers(RedirectAuthHeaders::Never).save_redirect_history(true);
    if plain { config.proxy(None) } else { config }
}

fn is_plain<B>(request: &Request<B>) -> bool {
    request.uri().scheme_str() == Some("http")
}

/// Whether it is so, and by one who has seen the token.
fn token_is_refused(response: &Response<Body>, refusal: Refusal) -> bool {
    let redirected = response.get_redirect_history().is_some_and(|history| history.len() > 1);
    !redirected && refusal.is_in(response.status(), response.headers())
}

/// Authorizes every request of an agent with a session's token.
///
/// A refusal with `invalid_token` is seen only if the agent hands 401s up as answers: with ureq's default, an error that
/// holds nothing but the status, it is not, and a token is then renewed when it expires and no sooner.
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
/// Where there is no token, or where it does not go, nothing is sent, and the error is [`ureq::Error::Other`] with a
/// [`NotAuthorized`] in it.
///
/// It handles redirects and proxies as [`call`] does. For that, each request has its own settings, and ureq prepares TLS anew for them
/// whenever it connects.
#[derive(Clone)]
pub struct Authorizing {
    session: Session,
    refusal: Refusal,
}

impl Authorizing {
    /// Requests get the tokens of this session.
    pub fn new(session: Session) -> Self {
        Self { session, refusal: Refusal::default() }
    }

    /// Which answers say that the API refuses the token.
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
        // ureq gives its settings to every middleware. Without them, a redirect could take the token along.
        let config = request.middleware_config().ok_or_else(|| {
            ureq::Error::Other("a middleware was called by something else than ureq: nothing was sent".into())
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

/// A body that is the same when it is sent a second time: bytes, texts, and none at all. Not a `&File`, which can be cloned,
/// and stands at its end then.
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
