//! Real authorization servers, each as a child process.
//!
//! They are third-party code on purpose: a mock written here would share this project's misreadings of the
//! specifications. The `server` files in `tests/peers` say which clients they know and how to steer their user.

mod browser;
mod install;
mod places;

pub use browser::{Browser, Landing, Page};
pub use places::{NONE, Places};

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use grantflow::{ErrorCode, Message, Quirk};
use http::StatusCode;

/// From spawn to the line that says it listens. It takes a second or two, and Keycloak 20; the rest is for a machine that
/// is busy compiling.
const READY: Duration = Duration::from_secs(300);

/// For a server whose standard input has closed, before it is killed.
const LEAVE: Duration = Duration::from_secs(2);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// npm's oidc-provider.
    OidcProvider,
    /// The same, taking pushed authorization requests only.
    PushingOidcProvider,
    /// django-oauth-toolkit with its defaults, below a path.
    DjangoOauthToolkit,
    /// django-oauth-toolkit with its rules of RFC 9700.
    StrictDjangoOauthToolkit,
    /// authlib on Flask.
    Authlib,
    /// zitadel's OpenID Provider, in Go.
    Zitadel,
    /// idpyoidc behind Flask.
    Idpyoidc,
    /// Ory Hydra, in Go.
    Hydra,
    /// The same, letting a refresh token come again for some minutes.
    GracefulHydra,
    /// atproto's server, which demands keys for most that it does.
    Atproto,
    /// Keycloak, in a realm where a refresh token can be used once.
    Keycloak,
    /// The same server, in a realm with Keycloak's defaults: a refresh token can be used again.
    LenientKeycloak,
    /// Spring Authorization Server.
    Spring,
}

impl Kind {
    /// Each of them.
    pub const ALL: [Self; 13] = [
        Self::OidcProvider,
        Self::PushingOidcProvider,
        Self::DjangoOauthToolkit,
        Self::StrictDjangoOauthToolkit,
        Self::Authlib,
        Self::Zitadel,
        Self::Idpyoidc,
        Self::Hydra,
        Self::GracefulHydra,
        Self::Atproto,
        Self::Keycloak,
        Self::LenientKeycloak,
        Self::Spring,
    ];

    /// Where it has what.
    pub fn places(self) -> Places {
        places::of(self)
    }

    /// What a caller has to know of a server that deviates.
    pub fn quirks(self) -> Vec<Quirk> {
        match self {
            // It says `invalid_request` of a refresh token that was used or revoked, and calls the tokens of a client
            // `access_token` tokens.
            Self::Idpyoidc => vec![
                Quirk::UnencodedBasic,
                Quirk::TokenType("access_token".to_owned()),
                Quirk::ErrorCode {
                    on: Message::TokenAnswer,
                    status: Some(StatusCode::BAD_REQUEST),
                    actual: "invalid_request".to_owned(),
                    standard: ErrorCode::InvalidGrant,
                },
            ],
            _ => Vec::new(),
        }
    }

    /// Whether the person must be asked for `offline_access` by `prompt=consent` (OpenID Connect Core, section 11). Most
    /// servers ask by themselves.
    pub const fn wants_consent(self) -> bool {
        matches!(self, Self::Idpyoidc)
    }

    /// Whether its callbacks say who sends them (RFC 9207).
    pub const fn sends_issuer(self) -> bool {
        !matches!(
            self,
            Self::DjangoOauthToolkit
                | Self::Zitadel
                | Self::Idpyoidc
                | Self::Hydra
                | Self::GracefulHydra
                | Self::Spring
        )
    }

    /// The kind whose process this one is a part of: itself, for most.
    #[must_use]
    pub const fn runs_as(self) -> Self {
        match self {
            Self::LenientKeycloak => Self::Keycloak,
            _ => self,
        }
    }

    /// Whether a machine without it is no failure, in CI neither: Java and Go are on fewer machines than Node.js and Python,
    /// and Debian has no Go that is new enough.
    pub const fn may_be_missing(self) -> bool {
        matches!(
            self,
            Self::Zitadel | Self::Hydra | Self::GracefulHydra | Self::Keycloak | Self::LenientKeycloak | Self::Spring
        )
    }

    /// Its name in the names of tests.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OidcProvider => "oidc-provider",
            Self::PushingOidcProvider => "oidc-provider, pushed only",
            Self::DjangoOauthToolkit => "django-oauth-toolkit",
            Self::StrictDjangoOauthToolkit => "django-oauth-toolkit, strict",
            Self::Authlib => "authlib",
            Self::Zitadel => "zitadel",
            Self::Idpyoidc => "idpyoidc",
            Self::Hydra => "hydra",
            Self::GracefulHydra => "hydra, graceful",
            Self::Atproto => "atproto",
            Self::Keycloak => "keycloak",
            Self::LenientKeycloak => "keycloak, lenient",
            Self::Spring => "spring",
        }
    }
}

/// A client that the peers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`.
    pub id: &'static str,
    /// `None` for a public client.
    pub secret: Option<&'static str>,
}

const SECRET: Option<&str> = Some("a-secret-of-this-test-peer-only-0123456789");

/// A native app: `token_endpoint_auth_method` `none`.
pub const PUBLIC: Client = Client { id: "public", secret: None };
/// `client_secret_basic`.
pub const BASIC: Client = Client { id: "basic", secret: SECRET };
/// `client_secret_basic`, with an id and a secret that change when form-encoded (RFC 6749, appendix B).
pub const ODD: Client = Client { id: "basic:odd id", secret: Some("p%3A+s s:w/&=rd-0123456789-0123456789") };
/// `client_secret_post`.
pub const POST: Client = Client { id: "post", secret: SECRET };
/// `client_secret_basic`; client credentials only, scopes `api:read` and `api:write`.
pub const M2M: Client = Client { id: "m2m", secret: SECRET };
/// As [`BASIC`], but its authorization requests must have been pushed. Only oidc-provider knows it.
pub const PUSHES: Client = Client { id: "pushes", secret: SECRET };
/// A public client for the device grant.
pub const DEVICE: Client = Client { id: "device", secret: None };
/// `client_secret_basic`, for the device grant.
pub const DEVICE_BASIC: Client = Client { id: "device-basic", secret: SECRET };
/// `client_secret_basic`, for backchannel authentication with polls.
pub const BACKCHANNEL: Client = Client { id: "backchannel", secret: SECRET };
/// The same with pings.
pub const BACKCHANNEL_PING: Client = Client { id: "backchannel-ping", secret: SECRET };
/// Like [`BASIC`], but its person is asked. Only django-oauth-toolkit knows it.
pub const ASKS: Client = Client { id: "asks", secret: SECRET };

/// Why there is no peer.
#[derive(Debug, Clone)]
pub enum StartError {
    /// This machine cannot run it: no Node.js, no Java, no registry within reach. Not the fault of the code under test.
    Missing {
        /// What is missing.
        reason: String,
    },
    /// It should have run, and did not.
    Failed(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { reason } => write!(f, "the peer cannot run here: {reason}"),
            Self::Failed(what) => write!(f, "the peer failed: {what}"),
        }
    }
}

impl std::error::Error for StartError {}

/// Whether a missing peer is a failure, unless it [may be missing](Kind::may_be_missing).
pub fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

/// A running server. It ends when the last of its peers is dropped, and also when this process dies: its standard input
/// closes then.
#[derive(Debug)]
pub struct Peer {
    process: Arc<Process>,
    kind: Kind,
    issuer: String,
    person: Option<String>,
}

#[derive(Debug)]
struct Process {
    child: Child,
    log: Log,
    /// Held open: the server ends when it closes.
    stdin: Option<ChildStdin>,
}

/// Installs the peer if necessary, and starts one on a free port.
///
/// # Errors
/// See [`StartError`].
pub fn start(kind: Kind) -> Result<Peer, StartError> {
    let mut command = install::installed(kind)?;
    command.env("PORT", "0").env_remove("STRICT").env_remove("PUSHED").env_remove("GRACE").env_remove("DEV");
    match kind {
        Kind::StrictDjangoOauthToolkit => command.env("STRICT", "1"),
        Kind::PushingOidcProvider => command.env("PUSHED", "1"),
        Kind::GracefulHydra => command.env("GRACE", "1"),
        _ => &mut command,
    };
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| StartError::Failed(format!("{} cannot be started: {e}", kind.name())))?;

    let log = Log::default();
    if let Some(stderr) = child.stderr.take() {
        log.follow(stderr);
    }
    let lines = child.stdout.take().map(first_line);
    // From here on, an early return drops the peer, which ends the child.
    let process = Arc::new(Process { stdin: child.stdin.take(), child, log });
    let line = lines.and_then(|lines| lines.recv_timeout(READY).ok()).unwrap_or_default();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
    let said = |name: &str| ready.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    match said("issuer") {
        Some(issuer) => Ok(Peer { process, kind: kind.runs_as(), issuer, person: said("person") }.seen_as(kind)),
        None => {
            let log = process.log.text();
            Err(StartError::Failed(format!("{} did not say that it is ready. Its log:\n{log}", kind.name())))
        }
    }
}

impl Peer {
    /// Which server it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `http://127.0.0.1:PORT`, for some servers with a path, no slash at the end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The issuer and a path, such as `/token`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The path of the issuer, and then this one.
    pub fn path(&self, path: &str) -> String {
        self.url(path).split_off(self.at_root("").len())
    }

    /// The root of its origin and a path.
    pub fn at_root(&self, path: &str) -> String {
        let end = self.issuer.match_indices('/').nth(2).map_or(self.issuer.len(), |(at, _)| at);
        format!("{}{path}", &self.issuer[..end])
    }

    /// The same process, as another kind that [runs as](Kind::runs_as) this one.
    pub fn seen_as(&self, kind: Kind) -> Self {
        let issuer = match kind {
            Kind::LenientKeycloak => self.issuer.replace("/realms/rotating", "/realms/lenient"),
            Kind::Keycloak => self.issuer.replace("/realms/lenient", "/realms/rotating"),
            _ => self.issuer.clone(),
        };
        Self { process: Arc::clone(&self.process), kind, issuer, person: self.person.clone() }
    }

    /// Where the person of its backchannel requests can be told what to say, if the server needs one.
    pub fn person(&self) -> Option<&str> {
        self.person.as_deref()
    }

    /// What the server wrote to its standard error so far.
    pub fn log(&self) -> String {
        self.process.log.text()
    }

    /// Closes its standard input, as the end of this process would, and waits for it to end.
    ///
    /// # Errors
    /// If it has not ended by then, or another peer is the same process.
    pub fn hang_up(self, deadline: Duration) -> Result<ExitStatus, String> {
        let mut process = Arc::into_inner(self.process).ok_or("another peer is the same process")?;
        drop(process.stdin.take());
        let started = Instant::now();
        while started.elapsed() < deadline {
            if let Some(status) = process.child.try_wait().map_err(|e| e.to_string())? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{} still runs {deadline:?} after its standard input closed", self.kind.name()))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has a moment to remove what it wrote to the disk.
        drop(self.stdin.take());
        let started = Instant::now();
        while started.elapsed() < LEAVE && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(Duration::from_millis(10));
        }
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first line, in a thread, so that waiting for it can time out. The rest is read and dropped: a full pipe would stop the server.
fn first_line(stdout: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut lines = BufReader::new(stdout).lines();
        if let Some(Ok(line)) = lines.next() {
            // The receiver may have given up.
            let _ = send.send(line);
        }
        lines.map_while(Result::ok).for_each(drop);
    });
    receive
}

#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    const MOST: usize = 100_000;

    fn follow(&self, stderr: impl Read + Send + 'static) {
        let log = self.clone();
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut text = log.0.lock().unwrap_or_else(PoisonError::into_inner);
                if text.len() < Self::MOST {
                    text.push_str(&line);
                    text.push('\n');
                }
            }
        });
    }

    fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
