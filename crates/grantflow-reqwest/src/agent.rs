//! Carries requests, everywhere except in a browser.

use core::fmt;
use core::time::Duration;
use std::time::SystemTime;

use grantflow::{Body, Sent, UnixTime};
use grantflow_async::give_way;
use grantflow_transport::{BodyError, Collector, deadline};
use http::header::ACCEPT_ENCODING;
use http::{HeaderValue, Request, Response, StatusCode};
use reqwest::{Client, ClientBuilder};

use crate::connecting::{Progress, RecordConnecting};
use crate::{BODY_LIMIT, Error, SendError, TIMEOUT};

/// How many chunks of a body are read before other tasks may run.
const CHUNKS: usize = 32;

/// Carries requests. Make it once; it is cheap to clone.
#[derive(Clone)]
pub struct Agent {
    secure: Client,
    /// For `http:`, which goes to loopback: without a proxy, which is a setting of a whole client.
    plain: Client,
    body_limit: u64,
    timeout: Duration,
}

impl Agent {
    /// An agent with reqwest's defaults, a deadline of 30 s, and a body limit of 1 MiB.
    ///
    /// # Errors
    /// [`Error::Settings`], if TLS cannot be prepared.
    pub fn new() -> Result<Self, Error> {
        Self::configured(TIMEOUT, |settings| settings)
    }

    /// Like [`Agent::new`], with your own deadline and settings: TLS roots, a proxy, a user agent. The settings that
    /// keep credentials safe are applied after yours. A built client is not accepted, because it does not tell how it
    /// treats redirects. The deadline is for a whole round trip, from resolving the name to the last byte of the body;
    /// it is a year at most.
    ///
    /// A `read_timeout` in your settings must be one that can be added to the current time: reqwest panics on others.
    ///
    /// `settings` is called twice, for `https:` and for `http:`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let agent =
    ///     grantflow_reqwest::Agent::configured(Duration::from_secs(10), |settings| settings.user_agent("my-app/1.0"))?;
    /// # Ok::<(), grantflow_reqwest::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Settings`], if no client can be made from the settings.
    pub fn configured(timeout: Duration, settings: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Self, Error> {
        let build = |settings: ClientBuilder| settings.build().map_err(|error| Error::Settings(error.without_url()));
        let timeout = deadline(timeout);
        let secure = harden(settings(Client::builder()), timeout).https_only(true);
        let plain = harden(settings(Client::builder()), timeout).https_only(false).no_proxy();
        // It never uses TLS, and reading the system's certificates takes time.
        #[cfg(any(feature = "rustls", feature = "rustls-no-provider"))]
        let plain = plain.tls_certs_only([]);
        // A reqwest without TLS would send an `https:` request to a proxy in plain text.
        #[cfg(not(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls")))]
        let secure = secure.no_proxy();
        Ok(Self { secure: build(secure)?, plain: build(plain)?, body_limit: BODY_LIMIT, timeout })
    }

    /// Sets the greatest number of bytes of a body, both compressed and decompressed. 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// The deadline for a whole round trip.
    pub fn deadline(&self) -> Duration {
        self.timeout
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        let client = if request.uri().scheme_str() == Some("http") { &self.plain } else { &self.secure };
        let mut request = reqwest::Request::try_from(request.map(Vec::<u8>::from))
            .map_err(|error| send_error(Sent::NotSent, error))?;
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));

        let progress = Progress::default();
        let mut answer = progress
            .clone()
            .of(client.execute(request))
            .await
            .map_err(|error| send_error(progress.sent(&error), error))?;

        let status = answer.status();
        // A status line came, so the request was sent.
        let unreadable = |error| SendError { sent: Sent::MaybeSent, error: of_body(error, status) };
        let mut collector = Collector::new(self.body_limit);
        let mut chunks = 0_usize;
        while let Some(chunk) = answer.chunk().await.map_err(|error| send_error(Sent::MaybeSent, error))? {
            collector.push(&chunk).map_err(unreadable)?;
            chunks = chunks.wrapping_add(1);
            if chunks.is_multiple_of(CHUNKS) {
                // A body that is always ready must not prevent a look at the deadline.
                give_way().await;
            }
        }
        let mut headers = core::mem::take(answer.headers_mut());
        let mut response = Response::new(collector.finish(&mut headers).map_err(unreadable)?);
        *response.status_mut() = status;
        *response.version_mut() = answer.version();
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl fmt::Debug for Agent {
    /// Without reqwest's client, which shows default headers and proxies: both may hold credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent {{ body_limit: {} }}", self.body_limit)
    }
}

/// Applied after the caller's settings, so that these count.
fn harden(settings: ClientBuilder, timeout: Duration) -> ClientBuilder {
    verified(settings)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        // It would log every byte that is sent.
        .connection_verbose(false)
        .connector_layer(RecordConnecting)
}

/// Verifies certificates and the names in them, even if the settings turn that off.
#[cfg(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls"))]
fn verified(settings: ClientBuilder) -> ClientBuilder {
    settings.tls_danger_accept_invalid_certs(false).tls_danger_accept_invalid_hostnames(false)
}

/// Without TLS there is nothing to verify.
#[cfg(not(any(feature = "rustls", feature = "rustls-no-provider", feature = "native-tls")))]
fn verified(settings: ClientBuilder) -> ClientBuilder {
    settings
}

fn send_error(sent: Sent, error: reqwest::Error) -> SendError {
    SendError { sent, error: Error::Transport(error.without_url()) }
}

/// The error for a body that could not be read, of an answer with this status.
fn of_body(error: BodyError, status: StatusCode) -> Error {
    match error {
        BodyError::TooLarge { limit } => Error::BodyTooLarge { status, limit },
        _ => Error::Undecodable { status },
    }
}

pub(crate) fn wait(duration: Duration) -> impl Future<Output = ()> + Send {
    tokio::time::sleep(duration)
}

/// The time now, by the system's clock.
pub fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since_epoch.as_secs())
}
