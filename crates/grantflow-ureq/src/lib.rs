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
//! An [`Agent`] ensures, in every configuration:
//! - A redirect is never followed: the flow sees it, and refuses it. Credentials go to the endpoint and nowhere else.
//! - A status is an answer, not an error: the body of a 400 says what was wrong.
//! - The whole round trip has one deadline, and a body has one limit, which counts decompressed bytes.
//! - No compression is requested. With the feature `gzip` (off by default), an answer that is compressed even so is
//!   read; without it, such an answer is an error, unless another crate turned ureq's own feature `gzip` on.
//! - No error shows a URL, because its query may hold secrets.
//! - `http:` requests, which the core lets go to loopback only, use no proxy.
//! - An error says whether the request was certainly not sent or may have been sent, by the phase that failed.
//!
//! An agent made here also verifies certificates in every configuration, and keeps no cookies and no idle connections.
//! An agent that you give behaves as yours does.

use std::io::{ErrorKind, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use grantflow::{Body, Exchange, Failure, Sent, UnixTime};
use grantflow_transport::{Collector, deadline};
use http::{Request, Response, Uri};
use ureq::AsSendBody;
use ureq::config::{AutoHeaderValue, Config, ConfigBuilder, Timeouts};
#[cfg(feature = "rustls")]
use ureq::tls::TlsConfig;
use ureq::typestate::{AgentScope, HttpCrateScope};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::DefaultConnector;
use zeroize::Zeroizing;

pub use getrandom::SysRng;

mod connected;
mod error;

use connected::RecordConnected;
pub use error::{Error, SendError, without_url};
use error::{NotWhole, transport};

/// Carries requests. Make it once; it is cheap to clone.
#[derive(Clone, Debug)]
pub struct Agent {
    kind: Kind,
    body_limit: u64,
}

#[derive(Clone, Debug)]
enum Kind {
    /// A configuration and connectors, from which each request gets its own agent. So no cookie and no idle connection
    /// outlives a request, whichever features of ureq other crates turn on.
    Own {
        config: Arc<Config>,
        connector: Arc<DefaultConnector>,
        /// Put into each request if the caller's settings turned verification off.
        #[cfg(feature = "rustls")]
        verifying: Option<TlsConfig>,
    },
    /// The caller's agent, hardened for each request.
    Theirs { agent: ureq::Agent, timeout: Duration },
}

const TIMEOUT: Duration = Duration::from_secs(30);
const BODY_LIMIT: u64 = 1024 * 1024;
/// How many bytes of a body are read at a time.
const CHUNK: usize = 8 * 1024;

impl Agent {
    /// An agent with ureq's defaults, a deadline of 30 s, and a body limit of 1 MiB.
    pub fn new() -> Self {
        Self::configured(TIMEOUT, |config| config)
    }

    /// Like [`Agent::new`], with your own deadline and settings: TLS roots, a proxy, a user agent. The deadline is for
    /// a whole round trip, from resolving the name to the last byte of the body. It is a year at most, and so is every
    /// other timeout in the settings.
    ///
    /// The settings that keep credentials safe are applied after yours: redirects, statuses, encodings, idle
    /// connections, and the verification of certificates, which `disable_verification` does not turn off here (feature
    /// `rustls`). A server with a private certificate needs a root: `TlsConfig::builder().root_certs(…)`. A middleware
    /// sees every request with its credentials, and can do anything with it.
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
            .timeout_global(Some(deadline(timeout)))
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

    /// Uses your own agent, with its TLS settings, proxy, middleware, cookie jar and pool. Redirects, statuses and the
    /// deadline (a year at most) are set for each request. **Everything else is up to you**: an agent that does not
    /// verify certificates gives credentials to any server that answers.
    ///
    /// It cannot tell a cut TLS handshake from a request without an answer, so more failures count as "may have been
    /// sent" than with [`Agent::new`]. ureq also prepares TLS again for every request that has its own settings.
    pub fn from_ureq(agent: ureq::Agent, timeout: Duration) -> Self {
        Self { kind: Kind::Theirs { agent, timeout: deadline(timeout) }, body_limit: BODY_LIMIT }
    }

    /// Sets the greatest number of bytes of a body, after decompression. 1 MiB by default.
    #[must_use]
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    fn call(&self, request: Request<Body>) -> Result<Response<ureq::Body>, SendError> {
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
                let timeouts = config.timeouts();
                let request = if is_unbounded(&timeouts) {
                    bounded(agent.configure_request(request), &timeouts).build()
                } else {
                    request
                };
                agent.run(request).map_err(|error| {
                    let sent = if connected.load(Ordering::SeqCst) { Sent::MaybeSent } else { Sent::NotSent };
                    SendError { sent, error: transport(error) }
                })
            }
            Kind::Theirs { agent, timeout } => {
                let hardened = agent
                    .configure_request(request)
                    .max_redirects(0)
                    .max_redirects_will_error(false)
                    .http_status_as_error(false)
                    .timeout_global(Some(*timeout));
                let hardened = bounded(hardened, &agent.config().timeouts());
                let request = if plain { hardened.proxy(None).build() } else { hardened.build() };
                agent.run(request).map_err(|error| SendError { sent: phase(&error), error: transport(error) })
            }
        }
    }
}

impl Default for Agent {
    fn default() -> Self {
        Self::new()
    }
}

/// Runs an exchange to its end: sends its requests, waits as it asks, and returns the flow's output.
///
/// # Errors
/// What went wrong, and what is left of the grant. `?` keeps only the error.
pub fn run<X: Exchange>(agent: &Agent, exchange: X) -> Result<X::Output, Failure<X, Error>> {
    grantflow::drive(exchange, &mut SysRng, now, std::thread::sleep, |request| {
        send(agent, request).map_err(|failed| (failed.sent, failed.error))
    })
}

/// Sends one request and reads the complete answer, with any status.
///
/// # Errors
/// [`SendError`], which says whether the request may have been sent.
pub fn send(agent: &Agent, request: Request<Body>) -> Result<Response<Body>, SendError> {
    let (mut parts, body) = agent.call(request)?.into_parts();
    match read(body, agent.body_limit).and_then(|read| Ok(read.finish(&mut parts.headers)?)) {
        Ok(body) => Ok(Response::from_parts(parts, body)),
        // A status line came, so the request was sent.
        Err(error) => Err(SendError { sent: Sent::MaybeSent, error: error.with(parts.status) }),
    }
}

/// Reads a body, at most one byte more than the limit.
fn read(body: ureq::Body, limit: u64) -> Result<Collector, NotWhole> {
    let mut collector = Collector::new(limit);
    let mut chunk = Zeroizing::new([0; CHUNK]);
    let mut reader = body.into_with_config().limit(limit).reader();
    loop {
        match reader.read(&mut *chunk) {
            Ok(0) => return Ok(collector),
            Ok(length) => collector.push(chunk.get(..length).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(ureq::Error::from(error).into()),
        }
    }
}

/// The time now, by the system's clock.
pub fn now() -> UnixTime {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    UnixTime::from_secs(since_epoch.as_secs())
}

/// What the error of a caller's agent proves: only a failure before the connection means that the request was certainly
/// not sent.
fn phase(error: &ureq::Error) -> Sent {
    match error {
        ureq::Error::BadUri(_) | ureq::Error::RequireHttpsOnly(_) | ureq::Error::InvalidProxyUrl => Sent::NotSent,
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => Sent::NotSent,
        // Only a CONNECT was sent, to the proxy.
        ureq::Error::ConnectProxyFailed(_) | ureq::Error::TlsRequired => Sent::NotSent,
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => Sent::NotSent,
        ureq::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => Sent::NotSent,
        _ => Sent::MaybeSent,
    }
}

/// Whether a timeout cannot be added to the current time.
fn is_unbounded(timeouts: &Timeouts) -> bool {
    each(timeouts).into_iter().flatten().any(|timeout| timeout != deadline(timeout))
}

/// All except the deadline for the whole round trip, which an agent sets itself.
fn each(timeouts: &Timeouts) -> [Option<Duration>; 8] {
    let Timeouts {
        global: _,
        per_call,
        resolve,
        connect,
        send_request,
        await_100,
        send_body,
        recv_response,
        recv_body,
    } = *timeouts;
    [per_call, resolve, connect, send_request, await_100, send_body, recv_response, recv_body]
}

/// The same settings for one request, without timeouts that cannot be added to the current time.
fn bounded<S: AsSendBody>(
    settings: ConfigBuilder<HttpCrateScope<S>>,
    timeouts: &Timeouts,
) -> ConfigBuilder<HttpCrateScope<S>> {
    let [per_call, resolve, connect, send_request, await_100, send_body, recv_response, recv_body] =
        each(timeouts).map(|timeout| timeout.map(deadline));
    settings
        .timeout_per_call(per_call)
        .timeout_resolve(resolve)
        .timeout_connect(connect)
        .timeout_send_request(send_request)
        .timeout_await_100(await_100)
        .timeout_send_body(send_body)
        .timeout_recv_response(recv_response)
        .timeout_recv_body(recv_body)
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
