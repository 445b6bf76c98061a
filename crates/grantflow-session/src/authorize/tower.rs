//! A layer for any [`tower_service::Service`] of HTTP requests, async. Feature `tower`.
//!
//! ```
//! use grantflow::{ClientCredentials, Server};
//! use grantflow_session::authorize::tower::AuthorizeLayer;
//! use grantflow_session::{Key, MemoryStore, Session, Tower};
//! use tower::{ServiceBuilder, ServiceExt as _};
//! # use std::convert::Infallible;
//! # async fn token(_: http::Request<grantflow_tower::RequestBody>) -> Result<http::Response<String>, Infallible> {
//! #     Ok(http::Response::new(r#"{"access_token":"t","token_type":"Bearer"}"#.to_owned()))
//! # }
//! # async fn answer(request: http::Request<String>) -> Result<http::Response<String>, Infallible> {
//! #     assert_eq!(request.headers()["authorization"], "Bearer t");
//! #     Ok(http::Response::new(String::new()))
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! # let (token_client, api_client) = (tower::service_fn(token), tower::service_fn(answer));
//!
//! let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
//! let grant = ClientCredentials::new(&server.client("robot").secret_post("s3cret")?).scope("clubs")?;
//! let outside = Tower::new(grantflow_tower::Agent::new(token_client, tokio::time::sleep), tokio::time::sleep);
//! let session = Session::client_credentials(grant, Key::new("clubs")?, MemoryStore::new(), outside);
//!
//! let api = ServiceBuilder::new().layer(AuthorizeLayer::new(session).replaying_clones()).service(api_client);
//! let request = http::Request::get("https://api.example/clubs").body(String::new())?;
//! let clubs = api.oneshot(request).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Where in a stack
//!
//! **Put no layer that follows redirects above this one**, unless the token is bound to origins
//! ([`Server::token_for`](grantflow::Server::token_for)). Such a layer makes a new request for each redirect, and that
//! request gets a token like any other. Below this one, such a layer has to remove `Authorization` when the origin
//! changes; tower-http's `FollowRedirect` does. This layer cannot see a redirect: a 401 with `invalid_token` counts
//! even if it comes from the redirect's target.
//!
//! **Tracing below this layer** sees the token. It is marked sensitive, and `http` does not print it.
//!
//! Requests need an absolute URI: without an origin, the layer cannot tell where a request goes.

use core::error::Error as StdError;
use core::fmt;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::{NotAuthorized, Refusal};
use crate::fresh::FreshToken;
use crate::session::Session;

/// Authorizes requests with a session's token.
///
/// `B` is the body of the requests, because [`AuthorizeLayer::replaying`] keeps a function that copies it. It is
/// inferred.
pub struct AuthorizeLayer<B> {
    session: Session,
    copy: fn(&B) -> Option<B>,
    refusal: Refusal,
}

impl<B> AuthorizeLayer<B> {
    /// Gives requests the tokens of this session. No request is sent twice: a refusal with `invalid_token` goes to the
    /// caller, and the next request has a new token.
    pub fn new(session: Session) -> Self {
        Self { session, copy: |_| None, refusal: Refusal::default() }
    }

    /// Sends a request that is refused with `invalid_token` once more, if `copy` returns a copy of its body. `copy` is
    /// called before the request is sent.
    ///
    /// ```
    /// # fn example(session: grantflow_session::Session) {
    /// use grantflow_session::authorize::tower::AuthorizeLayer;
    /// use http_body::Body as _;
    ///
    /// // axum's bodies are streams. Those of a GET are empty, and an empty one is as good as another.
    /// let layer = AuthorizeLayer::new(session)
    ///     .replaying(|body: &axum::body::Body| body.is_end_stream().then(axum::body::Body::empty));
    /// # }
    /// ```
    #[must_use]
    pub fn replaying(mut self, copy: fn(&B) -> Option<B>) -> Self {
        self.copy = copy;
        self
    }

    /// Sets which answers say that the API refuses the token.
    #[must_use]
    pub fn refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    /// Like [`AuthorizeLayer::replaying`], for bodies whose clones are copies: bytes and texts, not handles of a
    /// stream.
    #[must_use]
    pub fn replaying_clones(self) -> Self
    where
        B: Clone,
    {
        self.replaying(|body| Some(body.clone()))
    }
}

impl<S, B> Layer<S> for AuthorizeLayer<B> {
    type Service = Authorize<S, B>;

    fn layer(&self, inner: S) -> Authorize<S, B> {
        Authorize { inner, layer: self.clone() }
    }
}

/// A service whose requests carry a session's token: see [`AuthorizeLayer`].
///
/// It is ready when the service below is ready, and it calls exactly that service. It does not hold that service while
/// it waits for a token: it gives its place back, and asks for another afterwards. So a session may renew its token
/// over a stack that has room for one request.
pub struct Authorize<S, B> {
    inner: S,
    layer: AuthorizeLayer<B>,
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<S, B, R> Service<Request<B>> for Authorize<S, B>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static,
    B: Send + 'static,
    R: Send + 'static,
{
    type Response = Response<R>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context).map_err(transport)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        let ready = core::mem::replace(&mut self.inner, next);
        Box::pin(round_trip(ready, self.layer.clone(), request))
    }
}

async fn round_trip<S, B, R>(ready: S, layer: AuthorizeLayer<B>, request: Request<B>) -> Result<Response<R>, Error>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>> + Clone,
{
    let AuthorizeLayer { session, copy, refusal } = layer;
    let again = duplicate(&request, copy).map(|request| (request, ready.clone()));
    let (token, mut service) = token(&session, ready).await?;
    let response = send(&mut service, &token, request).await?;
    if !refusal.is_in(response.status(), response.headers()) {
        return Ok(response);
    }
    session.refused(&token);
    let Some((again, spare)) = again else { return Ok(response) };
    // The resources of the first try are free before the wait for a renewal.
    drop((response, service));
    let token = session.token().await.map_err(NotAuthorized::Session)?;
    let mut service = become_ready(spare).await?;
    send(&mut service, &token, again).await
}

/// A token, and a service that is ready: the one that was given, if the token is there at once.
async fn token<S, B>(session: &Session, ready: S) -> Result<(FreshToken, S), Error>
where
    S: Service<Request<B>, Error: Into<BoxError>> + Clone,
{
    let mut asked = pin!(session.token());
    if let Poll::Ready(token) = poll_fn(|context| Poll::Ready(asked.as_mut().poll(context))).await {
        return Ok((token.map_err(NotAuthorized::Session)?, ready));
    }
    let spare = ready.clone();
    drop(ready);
    let token = asked.await.map_err(NotAuthorized::Session)?;
    Ok((token, become_ready(spare).await?))
}

async fn become_ready<S, B>(mut service: S) -> Result<S, Error>
where
    S: Service<Request<B>, Error: Into<BoxError>>,
{
    poll_fn(|context| service.poll_ready(context)).await.map_err(transport)?;
    Ok(service)
}

async fn send<S, B, R>(service: &mut S, token: &FreshToken, mut request: Request<B>) -> Result<Response<R>, Error>
where
    S: Service<Request<B>, Response = Response<R>, Error: Into<BoxError>>,
{
    token.authorize(&mut request).map_err(NotAuthorized::Request)?;
    let mut response = service.call(request).await.map_err(transport)?;
    response.extensions_mut().insert(token.clone());
    Ok(response)
}

fn duplicate<B>(request: &Request<B>, copy: fn(&B) -> Option<B>) -> Option<Request<B>> {
    let mut again = Request::new(copy(request.body())?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.version_mut() = request.version();
    *again.headers_mut() = request.headers().clone();
    *again.extensions_mut() = request.extensions().clone();
    Some(again)
}

fn transport(error: impl Into<BoxError>) -> Error {
    Error::Transport(error.into())
}

impl<B> Clone for AuthorizeLayer<B> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), copy: self.copy, refusal: self.refusal }
    }
}

impl<S: Clone, B> Clone for Authorize<S, B> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<B> fmt::Debug for AuthorizeLayer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeLayer").field("session", self.session.key()).finish_non_exhaustive()
    }
}

impl<S, B> fmt::Debug for Authorize<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").field("session", self.layer.session.key()).finish_non_exhaustive()
    }
}

/// What went wrong with a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request got no token.
    #[error(transparent)]
    NotAuthorized(#[from] NotAuthorized),
    /// The service below failed, with this error.
    #[error(transparent)]
    Transport(Box<dyn StdError + Send + Sync>),
}
