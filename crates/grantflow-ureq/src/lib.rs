//! Runs grantflow's flows over [`ureq`], blocking.
//!
//! ```no_run
//! use grantflow::{ClientCredentials, Server};
//!
//! let client = Server::with_token_endpoint("https://api.trackmania.com/api/access_token")?.client("id").secret_post("secret")?;
//! let agent = grantflow_ureq::Agent::new();
//!
//! let tokens = grantflow_ureq::run(&agent, ClientCredentials::new(&client).scope("clubs")?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What an [`Agent`] sees to, whatever it is made from:
//! - A redirect is never followed: the flow sees it, and refuses it. Credentials go to the endpoint and nowhere else.
//! - A status is an answer, not an error: the body of a 400 says what was wrong.
//! - The whole round trip has one deadline, and a body one limit, which counts decompressed bytes.
//! - `http:` requests, which the core lets go to loopback only, use no proxy.
//! - A failure tells a request that was certainly not sent from one that may have been, by the phase that failed.
//!
//! An agent made here also verifies certificates, whatever it is configured with, and keeps no cookies and no idle
//! connections. One made from an agent of yours does what yours does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use grantflow::{Body, Exchange, Failure, Sent, UnixTime};
use http::{Request, Response, StatusCode, Uri};
use ureq::config::{AutoHeaderValue, Config, ConfigBuilder};
#[cfg(feature = "rustls")]
use ureq::tls::TlsConfig;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;

pub use getrandom::SysRng;

mod connected;

use connected::RecordConnected;

/// Carries requests. Make it once; it is cheap to clone.
#[derive(Clone, Debug)]
pub struct Agent {
    kind: Kind,
    body_limit: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Ours: a configuration and what connects, out of which every request gets an agent that lives for it alone. So
    /// no cookie and no idle connection outlives a request, whichever of ureq's features other crates turn on.
    Own {
        config: Arc<Config>,
        connector: Arc<DefaultConnector>,
        /// Put into each request, where the caller's settings switched verification off.
        #[cfg(feature = "rustls")]
        verifying: Option<TlsConfig>,
    },
    /// The caller's: hardened for each request.
    Theirs { agent: ureq::Agent, timeout: Duration },
}

const TIMEOUT: Duration = Duration::from_secs(30);
const BODY_LIMIT: u64 = 1024 * 1024;

impl Agent {
    /// An agent with ureq's defaults, a deadline of 30 s, and a body limit of 1 MiB.
    pub fn new() -> Self {
        Self::configured(TIMEOUT, |config| config)
    }

    /// As [`Agent::new`], with a deadline and settings of your own: TLS roots, a proxy, a user agent. The deadline is for a
    /// whole round trip, from resolving the name to the last byte of the body.
    ///
    /// The settings that keep credentials safe are made after yours: redirects, statuses, encodings, idle connections,
    /// and the verification of certificates, which `disable_verification` does not switch off here (feature `rustls`).
    /// A server of your own with a certificate of its own needs a root: `TlsConfig::builder().root_certs(…)`. A middleware
    /// sees every request with the credentials in it, and may do with it what it likes.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let agent = grantflow_ureq::Agent::configured(Duration::from_secs(10), |config| config.user_agent("my-app/1.0"));
    /// ```
    pub fn configured(
        timeout: Duration,
        settings: impl FnOnce(ConfigBuilder<AgentScope>) -> ConfigBuilder<AgentScope>,
    ) -> Self {
        let config = settings(ureq::Agent::config_builder())
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // Token answers are small, and a compressed one can be a bomb.
            .accept_encoding(AutoHeaderValue::Provided(Arc::new("identity".to_owned())))
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .build();
        let kind = Kind::Own {
            #[cfg(feature = "rustls")]
            verifying: verifying(config.tls_config()),
            config: Arc::new(config),
            connector: Arc::new(DefaultConnector::default()),
        };
        Self { kind, body_limit: BODY_LIMIT }
    }

    /// An agent of your own, with its TLS settings, proxy, middleware, cookie jar and pool. Redirects, statuses and the
    /// deadline are set anew for each request. **All else is yours to answer for**: an agent that does not verify
    /// certificates hands credentials to whoever answers.
    ///
    /// It cannot tell a TLS handshake cut off from a request that got no answer, so more failures count as "may have been
    /// sent" than with [`Agent::new`]; and ureq prepares TLS anew for every request that has settings of its own.
    pub fn from_ureq(agent: ureq::Agent, timeout: Duration) -> Self {
        Self { kind: Kind::Theirs { agent, timeout }, body_limit: BODY_LIMIT }
    }

    /// The most bytes that are read of a body, after decompression. 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    fn call(&self, request: Request<Body>) -> Result<Response<ureq::Body>, Unanswered> {
        let plain = request.uri().scheme_str() == Some("http");
        let uri = request.uri().clone();
        let request = request.map(Vec::<u8>::from);
        match &self.kind {
            Kind::Own {
                config,
                connector,
                #[cfg(feature = "rustls")]
                verifying,
            } => {
                let connected = Arc::new(AtomicBool::new(false));
                let connector = RecordConnected::new(Arc::clone(connector), uri, Arc::clone(&connected));
                let agent = ureq::Agent::with_parts(config.as_ref().clone(), connector, DefaultResolver::default());
                let request = if plain { agent.configure_request(request).proxy(None).build() } else { request };
                #[cfg(feature = "rustls")]
                let request = match verifying {
                    Some(tls) if !plain => agent.configure_request(request).tls_config(tls.clone()).build(),
                    _ => request,
                };
                agent.run(request).map_err(|error| {
                    let sent = if connected.load(Ordering::SeqCst) { Sent::MaybeSent } else { Sent::NotSent };
                    Unanswered { sent, error: Error::Transport(error) }
                })
            }
            Kind::Theirs { agent, timeout } => {
                let hardened = agent
                    .configure_request(request)
                    .max_redirects(0)
                    .max_redirects_will_error(false)
                    .http_status_as_error(false)
                    .timeout_global(Some(*timeout));
                let request = if plain { hardened.proxy(None).build() } else { hardened.build() };
                agent.run(request).map_err(|error| Unanswered { sent: phase(&error), error: Error::Transport(error) })
            }
        }
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs an exchange to its end: sends its requests, waits where it asks to, and gives what the flow is for.
///
/// # Errors
/// What went wrong, and what is left of the grant. `?` keeps the error alone.
pub fn run<X: Exchange>(agent: &Agent, exchange: X) -> Result<X::Output, Failure<X, Error>> {
    grantflow::drive(exchange, &mut SysRng, now, std::thread::sleep, |request| {
        send(agent, request).map_err(|unanswered| (unanswered.sent, unanswered.error))
    })
}

/// Sends one request and reads the whole answer, whatever its status.
///
/// # Errors
/// [`Unanswered`], with whether the request may have been sent.
pub fn send(agent: &Agent, request: Request<Body>) -> Result<Response<Body>, Unanswered> {
    let (parts, body) = agent.call(request)?.into_parts();
    let limit = agent.body_limit;
    match body.into_with_config().limit(limit).read_to_vec() {
        Ok(bytes) => Ok(Response::from_parts(parts, Body::from(bytes))),
        Err(error) => {
            let error = match error {
                ureq::Error::BodyExceedsLimit(_) => Error::BodyTooLarge { status: parts.status, limit },
                other => Error::Transport(other),
            };
            // A status line came, so the request went.
            Err(Unanswered { sent: Sent::MaybeSent, error })
        }
    }
}

/// The time now, by the system's clock.
pub fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since_epoch.as_secs())
}

/// What the error of somebody else's agent proves: only what fails before there is a connection was certainly not sent.
fn phase(error: &ureq::Error) -> Sent {
    match error {
        ureq::Error::HostNotFound => Sent::NotSent,
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => Sent::NotSent,
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => Sent::NotSent,
        _ => Sent::MaybeSent,
    }
}

/// No whole answer came.
#[derive(Debug, thiserror::Error)]
#[error("{error}; the request {sent}")]
#[non_exhaustive]
pub struct Unanswered {
    /// Whether the request may have been sent.
    pub sent: Sent,
    /// Why no answer came.
    pub error: Error,
}

/// What went wrong: in the flow, or on the way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flow failed: see [`grantflow::Error::next`] for what to do.
    #[error(transparent)]
    OAuth(#[from] grantflow::Error),
    /// The HTTP stack failed.
    #[error(transparent)]
    Transport(ureq::Error),
    /// The answer's body is larger than the agent's limit.
    #[error("the answer (HTTP {status}) is larger than {limit} bytes", status = .status.as_u16())]
    BodyTooLarge {
        /// The answer's status.
        status: StatusCode,
        /// The limit, in bytes.
        limit: u64,
    },
}

impl<X> From<Failure<X, Error>> for Error {
    fn from(failure: Failure<X, Error>) -> Self {
        failure.into_error()
    }
}

/// The same TLS settings with verification on; `None` if it is on.
#[cfg(feature = "rustls")]
fn verifying(tls: &TlsConfig) -> Option<TlsConfig> {
    if !tls.disable_verification() {
        return None;
    }
    let same = TlsConfig::builder()
        .provider(tls.provider())
        .client_cert(tls.client_cert().cloned())
        .root_certs(tls.root_certs().clone())
        .use_sni(tls.use_sni());
    let same = match tls.unversioned_rustls_crypto_provider() {
        Some(crypto) => same.unversioned_rustls_crypto_provider(Arc::clone(crypto)),
        None => same,
    };
    Some(same.build())
}

/// Whether two URIs go to the same server.
fn same_authority(a: &Uri, b: &Uri) -> bool {
    a.scheme() == b.scheme() && a.authority() == b.authority()
}
