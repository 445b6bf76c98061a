//! Requests over reqwest, async. Feature `reqwest`.
//!
//! ```no_run
//! use grantflow::{ClientCredentials, Server};
//! use grantflow_session::authorize::reqwest::Authorized;
//! use grantflow_session::{Key, MemoryStore, Reqwest, Session};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
//! let grant = ClientCredentials::new(&server.client("robot").secret_post("s3cret")?).scope("clubs")?;
//! let outside = Reqwest::new(grantflow_reqwest::Agent::new()?);
//! let session = Session::client_credentials(grant, Key::new("clubs")?, MemoryStore::new(), outside);
//!
//! let client = reqwest::Client::new();
//! let request = client.get("https://api.example/clubs").build()?;
//! let clubs = Authorized::new(client, session).execute(request).await?.text().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Redirects
//!
//! The client follows redirects as it was built to. reqwest sends `Authorization` again to the same scheme, host and
//! port, and removes it for every other. The body of a 307 or 308 goes to both. The answer of another origin after a
//! redirect says nothing about the token, and goes to the caller.

use core::fmt;
use std::sync::{Arc, OnceLock};

use http::header::AUTHORIZATION;
use reqwest::{Client, Request, Response, Url};

use super::{NotAuthorized, Refusal};
use crate::fresh::FreshToken;
use crate::session::Session;

/// A client whose requests carry a session's token. Cheap to clone.
///
/// The client is yours, built for the API. It sends `https:` requests. A token goes over `http:` to loopback only, and
/// must not go through a proxy in plain text. reqwest's clients use the proxy of the environment, and only a whole
/// client can be built without one. So `http:` requests use a second client: one with reqwest's default settings and no
/// proxy, or the one that you give ([`Authorized::loopback_client`]).
#[derive(Clone)]
pub struct Authorized {
    client: Client,
    /// Made when it is needed; most programs never need it.
    loopback: Arc<OnceLock<Client>>,
    session: Session,
    refusal: Refusal,
}

impl Authorized {
    /// Sends requests through this client, with the tokens of this session.
    pub fn new(client: Client, session: Session) -> Self {
        Self { client, loopback: Arc::default(), session, refusal: Refusal::default() }
    }

    /// The client for `http:` requests, which go to loopback only. Build it with your settings and
    /// [`no_proxy`](reqwest::ClientBuilder::no_proxy). **A client with a proxy shows it the token.**
    #[must_use]
    pub fn loopback_client(mut self, client: Client) -> Self {
        self.loopback = Arc::new(OnceLock::from(client));
        self
    }

    /// Sets which answers say that the API refuses the token.
    #[must_use]
    pub fn refusal(mut self, refusal: Refusal) -> Self {
        self.refusal = refusal;
        self
    }

    /// Sends a request with the session's token. It sends the request once more with a new token if the API refuses the
    /// first ([`Authorized::refusal`]) and the request's body can be cloned ([`Request::try_clone`]: everything but a
    /// stream). The response's extensions hold the token that was used, as a [`FreshToken`].
    ///
    /// # Cancel safety
    /// Dropping the future stops the round trip. A renewal that it waited for continues in the background if the
    /// session's outside can do that, or else with the next caller.
    ///
    /// # Errors
    /// [`Error`]. After an error other than [`Error::NotAuthorized`], the API may have acted on the request.
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        let again = request.try_clone();
        let origin = request.url().origin();
        let (token, response) = self.send(request).await?;
        if !self.refusal.is_in(response.status(), response.headers()) || response.url().origin() != origin {
            return Ok(response);
        }
        self.session.refused(&token);
        let Some(again) = again else { return Ok(response) };
        // The connection is free before the wait for a renewal.
        drop(response);
        self.send(again).await.map(|(_, response)| response)
    }

    async fn send(&self, mut request: Request) -> Result<(FreshToken, Response), Error> {
        let token = self.session.token().await.map_err(NotAuthorized::Session)?;
        authorize(&token, &mut request).map_err(NotAuthorized::Request)?;
        let client = self.client_for(&request).map_err(|error| Error::Transport(error.without_url()))?;
        let response = client.execute(request).await;
        let mut response = response.map_err(|error| Error::Transport(error.without_url()))?;
        response.extensions_mut().insert(token.clone());
        Ok((token, response))
    }

    fn client_for(&self, request: &Request) -> Result<&Client, reqwest::Error> {
        if request.url().scheme() != "http" {
            return Ok(&self.client);
        }
        if let Some(client) = self.loopback.get() {
            return Ok(client);
        }
        let client = Client::builder().no_proxy().build()?;
        Ok(self.loopback.get_or_init(|| client))
    }
}

/// A token only knows requests of `http`. It is put into one with the same target, and copied from there.
fn authorize(token: &FreshToken, request: &mut Request) -> Result<(), grantflow::Error> {
    let mut shell = http::Request::new(());
    // A URL that is not a URI has no origin, and the token refuses it.
    *shell.uri_mut() = uri(request.url()).unwrap_or_default();
    if let Some(value) = request.headers().get(AUTHORIZATION) {
        shell.headers_mut().insert(AUTHORIZATION, value.clone());
    }
    token.authorize(&mut shell)?;
    if let Some(value) = shell.headers_mut().remove(AUTHORIZATION) {
        request.headers_mut().insert(AUTHORIZATION, value);
    }
    Ok(())
}

fn uri(url: &Url) -> Option<http::Uri> {
    url.as_str().parse().ok()
}

impl fmt::Debug for Authorized {
    /// Without reqwest's client, which shows default headers and proxies: both may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("session", self.session.key()).finish_non_exhaustive()
    }
}

/// What went wrong with a request. reqwest's errors are shown without their URL, because its query may hold secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request got no token.
    #[error(transparent)]
    NotAuthorized(#[from] NotAuthorized),
    /// reqwest failed.
    #[error(transparent)]
    Transport(reqwest::Error),
}
