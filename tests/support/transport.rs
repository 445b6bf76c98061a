//! The adapters, behind one blocking call: a test that is written once runs over each of them.

use std::error::Error as StdError;
use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use grantflow::{Body, ConfidentialClient, Exchange, Failure, Sent, UnixTime};
use grantflow_session::{MemoryStore, Session, Tower, Ureq};
use grantflow_tower::{Held, Interrupted, RequestBody};
use http::{Request, Response};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::{self};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

pub use grantflow_ureq::{SysRng, now};

use crate::world::key;

/// What carries requests over sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `grantflow-ureq`.
    Ureq,
    /// `grantflow-reqwest`.
    Reqwest,
    /// `grantflow-tower` over hyper-util's client.
    Tower,
}

impl Transport {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Ureq, Self::Reqwest, Self::Tower];

    /// Its name in the names of tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ureq => "ureq",
            Self::Reqwest => "reqwest",
            Self::Tower => "tower",
        }
    }

    /// Its agent, with this deadline.
    pub fn agent(self, deadline: Duration) -> Agent {
        match self {
            Self::Ureq => grantflow_ureq::Agent::configured(deadline, |config| config).into(),
            Self::Reqwest => reqwest_agent(deadline, |settings| settings),
            Self::Tower => tower_agent(deadline, &[], true),
        }
    }

    /// The same agent, which trusts only this certificate for `https:`.
    pub fn trusting(self, deadline: Duration, certificate: &[u8]) -> Agent {
        match self {
            Self::Ureq => {
                let root = [ureq::tls::Certificate::from_der(certificate).to_owned()];
                let roots = ureq::tls::RootCerts::new_with_certs(&root);
                let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
                grantflow_ureq::Agent::configured(deadline, |config| config.tls_config(tls)).into()
            }
            Self::Reqwest => {
                let root = reqwest::Certificate::from_der(certificate).expect("a certificate");
                reqwest_agent(deadline, |settings| settings.tls_certs_only([root.clone()]))
            }
            Self::Tower => tower_agent(deadline, certificate, true),
        }
    }
}

impl Transport {
    /// The same agent, through this proxy.
    pub fn through(self, deadline: Duration, proxy_url: &str, certificate: &[u8]) -> Agent {
        match self {
            Self::Ureq => {
                let root = [ureq::tls::Certificate::from_der(certificate).to_owned()];
                let roots = ureq::tls::RootCerts::new_with_certs(&root);
                let tls = ureq::tls::TlsConfig::builder().root_certs(roots).build();
                let proxy = ureq::Proxy::new(proxy_url).expect("a proxy");
                grantflow_ureq::Agent::configured(deadline, |config| config.tls_config(tls).proxy(Some(proxy))).into()
            }
            Self::Reqwest => {
                let root = reqwest::Certificate::from_der(certificate).expect("a certificate");
                let proxy = reqwest::Proxy::all(proxy_url).expect("a proxy");
                reqwest_agent(deadline, |settings| settings.tls_certs_only([root.clone()]).proxy(proxy.clone()))
            }
            Self::Tower => {
                let proxy = Tunnel::new(proxy_url.parse().expect("a proxy"), HttpConnector::new());
                let https = HttpsConnectorBuilder::new().with_tls_config(trusting(certificate)).https_only();
                over_hyper_util(https.enable_http1().wrap_connector(proxy), deadline, true)
            }
        }
    }
}

/// An agent of `grantflow-reqwest`, with these settings.
///
/// # Panics
/// If reqwest does not accept the settings.
pub fn reqwest_agent(deadline: Duration, settings: impl Fn(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Agent {
    install_crypto();
    grantflow_reqwest::Agent::configured(deadline, settings).expect("settings that reqwest takes").into()
}

/// A session of this client over this transport, with its own store.
pub fn session(transport: Transport, client: &ConfidentialClient) -> Session {
    let (store, deadline) = (MemoryStore::new(), Duration::from_secs(5));
    match transport {
        Transport::Ureq => {
            let outside = Ureq::new(grantflow_ureq::Agent::configured(deadline, |config| config));
            Session::new(client, key(), store, outside)
        }
        Transport::Reqwest => {
            Session::new(client, key(), store, grantflow_session::Reqwest::new(plain_reqwest(deadline)))
        }
        Transport::Tower => {
            let outside = Tower::new(plain_tower(deadline), tokio::time::sleep);
            Session::new(client, key(), store, outside)
        }
    }
}

/// `grantflow-reqwest`'s own agent, for a session.
///
/// # Panics
/// If reqwest does not accept its own settings.
pub fn plain_reqwest(deadline: Duration) -> grantflow_reqwest::Agent {
    install_crypto();
    grantflow_reqwest::Agent::configured(deadline, |settings| settings).expect("settings that reqwest takes")
}

/// `grantflow-tower`'s agent over hyper-util's client, for a session.
pub fn plain_tower(deadline: Duration) -> grantflow_tower::Agent {
    let client: legacy::Client<_, RequestBody> =
        legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(HttpConnector::new());
    over_tokio(client).timeout(deadline).phase(grantflow_tower::hyper_util_phase)
}

/// An agent over hyper-util's client, which trusts only this certificate, or none; with or without the classifier of
/// errors.
///
/// # Panics
/// If the certificate is invalid.
pub fn tower_agent(deadline: Duration, certificate: &[u8], classify: bool) -> Agent {
    let https = HttpsConnectorBuilder::new().with_tls_config(trusting(certificate)).https_or_http();
    over_hyper_util(https.enable_http1().build(), deadline, classify)
}

/// The same for a client that refuses `http:`.
pub fn tower_agent_for_https_only(deadline: Duration) -> Agent {
    let https = HttpsConnectorBuilder::new().with_tls_config(trusting(&[])).https_only();
    over_hyper_util(https.enable_http1().build(), deadline, true)
}

fn trusting(certificate: &[u8]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    if !certificate.is_empty() {
        roots.add(CertificateDer::from(certificate.to_vec())).expect("a certificate");
    }
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn over_hyper_util<C>(connector: C, deadline: Duration, classify: bool) -> Agent
where
    C: legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let client = legacy::Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    let agent = over_tokio(client).timeout(deadline);
    if classify { agent.phase(grantflow_tower::hyper_util_phase) } else { agent }.into()
}

/// The same over a client as hyper-util makes it: with its pool and its retries.
pub fn tower_agent_with_a_pool(deadline: Duration) -> Agent {
    let mut http = HttpConnector::new();
    http.set_nodelay(true);
    let client: legacy::Client<_, RequestBody> = legacy::Client::builder(TokioExecutor::new()).build(http);
    over_tokio(client).timeout(deadline).phase(grantflow_tower::hyper_util_phase).into()
}

fn over_tokio<C>(client: legacy::Client<C, RequestBody>) -> grantflow_tower::Agent
where
    C: legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    grantflow_tower::Agent::new(client, tokio::time::sleep)
}

/// reqwest takes its cryptography from the process, if it has none of its own.
pub fn install_crypto() {
    // It fails if another test was first, with the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Where the async adapters run. Connections are on its threads, and the test's own thread polls.
static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs a future to its end, on the runtime of all agents here.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// An adapter's agent.
#[derive(Debug, Clone)]
pub struct Agent {
    name: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Ureq(grantflow_ureq::Agent),
    Reqwest(grantflow_reqwest::Agent),
    Tower(grantflow_tower::Agent),
}

impl Agent {
    /// The same agent, with another name in messages.
    #[must_use]
    pub fn named(self, name: &'static str) -> Self {
        Self { name, ..self }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Sets the greatest number of bytes of a body.
    #[must_use]
    pub fn body_limit(self, bytes: u64) -> Self {
        let kind = match self.kind {
            Kind::Ureq(agent) => Kind::Ureq(agent.body_limit(bytes)),
            Kind::Reqwest(agent) => Kind::Reqwest(agent.body_limit(bytes)),
            Kind::Tower(agent) => Kind::Tower(agent.body_limit(bytes)),
        };
        Self { kind, ..self }
    }

    /// Runs an exchange to its end.
    ///
    /// # Errors
    /// The errors of the adapter's `run`.
    pub fn run<X: Exchange>(&self, exchange: X) -> Result<X::Output, Failure<X, AnyError>> {
        match &self.kind {
            Kind::Ureq(agent) => grantflow_ureq::run(agent, exchange).map_err(|e| e.map_error(AnyError::from)),
            Kind::Reqwest(agent) => {
                block_on(grantflow_reqwest::run(agent, exchange)).map_err(|e| e.map_error(AnyError::from))
            }
            Kind::Tower(agent) => {
                block_on(grantflow_tower::run(agent, exchange)).map_err(|e| e.map_error(AnyError::from))
            }
        }
    }

    /// Runs an exchange that stays with the caller. Poll it within [`block_on`].
    ///
    /// # Errors
    /// The errors of the adapter's `run_held`.
    ///
    /// # Panics
    /// If the adapter is blocking.
    pub async fn run_held<X: Exchange>(&self, held: &mut Held<X>) -> Result<X::Output, Failure<X, AnyError>> {
        match &self.kind {
            Kind::Ureq(_) => panic!("ureq blocks: its runs cannot be dropped"),
            Kind::Reqwest(agent) => {
                grantflow_reqwest::run_held(agent, held).await.map_err(|e| e.map_error(AnyError::from))
            }
            Kind::Tower(agent) => grantflow_tower::run_held(agent, held).await.map_err(|e| e.map_error(AnyError::from)),
        }
    }

    /// Sends one request.
    ///
    /// # Errors
    /// Whether it may have been sent, and why no answer came.
    pub fn send(&self, request: Request<Body>) -> Result<Response<Body>, (Sent, AnyError)> {
        match &self.kind {
            Kind::Ureq(agent) => grantflow_ureq::send(agent, request).map_err(|e| (e.sent, e.error.into())),
            Kind::Reqwest(agent) => {
                block_on(grantflow_reqwest::send(agent, request)).map_err(|e| (e.sent, e.error.into()))
            }
            Kind::Tower(agent) => block_on(grantflow_tower::send(agent, request)).map_err(|e| (e.sent, e.error.into())),
        }
    }

    /// The time now, by the adapter's clock.
    pub fn now(&self) -> UnixTime {
        match &self.kind {
            Kind::Ureq(_) => grantflow_ureq::now(),
            Kind::Reqwest(_) => grantflow_reqwest::now(),
            Kind::Tower(_) => grantflow_tower::now(),
        }
    }
}

impl From<grantflow_ureq::Agent> for Agent {
    fn from(agent: grantflow_ureq::Agent) -> Self {
        Self { name: Transport::Ureq.name(), kind: Kind::Ureq(agent) }
    }
}

impl From<grantflow_reqwest::Agent> for Agent {
    fn from(agent: grantflow_reqwest::Agent) -> Self {
        Self { name: Transport::Reqwest.name(), kind: Kind::Reqwest(agent) }
    }
}

impl From<grantflow_tower::Agent> for Agent {
    fn from(agent: grantflow_tower::Agent) -> Self {
        Self { name: Transport::Tower.name(), kind: Kind::Tower(agent) }
    }
}

/// An adapter's error, sorted in the same way for all of them, and printed as the adapter prints it.
pub struct AnyError {
    kind: ErrorKind,
    original: Box<dyn StdError + Send + Sync>,
}

/// The kind of an adapter's error.
#[derive(Debug, Clone)]
pub enum ErrorKind {
    /// The flow failed.
    OAuth(grantflow::Error),
    /// The HTTP stack failed.
    Transport,
    /// The deadline passed: a kind of `Transport`.
    TimedOut,
    /// The body is larger than the limit.
    TooLarge {
        /// The answer's status.
        status: u16,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The body is compressed, and cannot be decompressed.
    Undecodable,
    /// A held exchange was not run.
    Interrupted(Interrupted),
    /// Anything else.
    Other,
}

impl AnyError {
    /// An error of a test's own HTTP stack.
    pub fn own(kind: ErrorKind, text: &str) -> Self {
        Self { kind, original: text.into() }
    }

    /// What it says.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// The flow's own error, if it is one.
    pub fn oauth(&self) -> Option<&grantflow::Error> {
        match &self.kind {
            ErrorKind::OAuth(error) => Some(error),
            _ => None,
        }
    }

    /// Whether the HTTP stack failed, the deadline included.
    pub fn is_transport(&self) -> bool {
        matches!(self.kind, ErrorKind::Transport | ErrorKind::TimedOut)
    }

    /// Whether the deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, ErrorKind::TimedOut)
    }

    /// The limit, if the body was larger.
    pub fn too_large(&self) -> Option<u64> {
        match self.kind {
            ErrorKind::TooLarge { limit, .. } => Some(limit),
            _ => None,
        }
    }
}

impl AnyError {
    /// Whether the body is compressed, and cannot be decompressed.
    pub fn is_undecodable(&self) -> bool {
        matches!(self.kind, ErrorKind::Undecodable)
    }
}

impl From<grantflow::Error> for AnyError {
    fn from(error: grantflow::Error) -> Self {
        Self { kind: ErrorKind::OAuth(error.clone()), original: error.into() }
    }
}

impl From<grantflow_ureq::Error> for AnyError {
    fn from(error: grantflow_ureq::Error) -> Self {
        use grantflow_ureq::Error as E;
        let kind = match &error {
            E::OAuth(error) => ErrorKind::OAuth(error.clone()),
            E::Transport(ureq::Error::Timeout(_)) => ErrorKind::TimedOut,
            E::Transport(_) => ErrorKind::Transport,
            E::BodyTooLarge { status, limit } => ErrorKind::TooLarge { status: status.as_u16(), limit: *limit },
            E::Undecodable { .. } => ErrorKind::Undecodable,
            _ => ErrorKind::Other,
        };
        Self { kind, original: error.into() }
    }
}

impl From<grantflow_reqwest::Error> for AnyError {
    fn from(error: grantflow_reqwest::Error) -> Self {
        use grantflow_reqwest::Error as E;
        let kind = match &error {
            E::OAuth(error) => ErrorKind::OAuth(error.clone()),
            E::Interrupted(interrupted) => ErrorKind::Interrupted(*interrupted),
            E::Transport(error) if error.is_timeout() => ErrorKind::TimedOut,
            E::Transport(_) => ErrorKind::Transport,
            E::BodyTooLarge { status, limit } => ErrorKind::TooLarge { status: status.as_u16(), limit: *limit },
            E::Undecodable { .. } => ErrorKind::Undecodable,
            _ => ErrorKind::Other,
        };
        Self { kind, original: error.into() }
    }
}

impl From<grantflow_tower::Error> for AnyError {
    fn from(error: grantflow_tower::Error) -> Self {
        use grantflow_tower::Error as E;
        let kind = match &error {
            E::OAuth(error) => ErrorKind::OAuth(error.clone()),
            E::Interrupted(interrupted) => ErrorKind::Interrupted(*interrupted),
            E::Transport(_) => ErrorKind::Transport,
            E::TimedOut => ErrorKind::TimedOut,
            E::BodyTooLarge { status, limit } => ErrorKind::TooLarge { status: status.as_u16(), limit: *limit },
            E::Undecodable { .. } => ErrorKind::Undecodable,
            _ => ErrorKind::Other,
        };
        Self { kind, original: error.into() }
    }
}

impl fmt::Debug for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.original, f)
    }
}

impl fmt::Display for AnyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.original)
    }
}

impl StdError for AnyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.original.source()
    }
}
