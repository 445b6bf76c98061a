//! A process that asks its session for tokens when it is told to. Its requests go over real sockets; its clock is the
//! trial's.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grantflow::{AnyExchange, Body, EntropyFailed, Env, ExtensionGrant, UnixTime};
use grantflow_session::{FileStore, Later, Outside, Session, SessionError, Tower, Unanswered, Ureq};
use grantflow_tests::support::transport::{self, Transport};
use grantflow_tests::world::{ID, SECRET, access, key, plain_policy};
use http::{Request, Response};

use crate::clock::Clock;

/// The settings of a child.
#[derive(Clone)]
pub(crate) struct Orders {
    pub(crate) folder: PathBuf,
    pub(crate) token_url: String,
    pub(crate) transport: Transport,
    /// The deadline of one round trip, in real time.
    pub(crate) deadline: Duration,
    /// Tokens come from a source, and not with a refresh token.
    pub(crate) fed: bool,
}

/// The grant of the source. It counts as one that is used once: a lost answer leaves it unknown.
pub(crate) const VOUCHER: &str = "urn:example:grant-type:voucher";

const ORDERS: &str = "GRANTFLOW_OUTAGE_CHILD";

/// What a process says before the moment that it waits for, and when it waits no longer.
pub(crate) const WAITS: &str = "waits ";
pub(crate) const GOES_ON: &str = "goes on ";

impl Orders {
    pub(crate) fn given() -> Option<Self> {
        let text = std::env::var(ORDERS).ok()?;
        let [folder, token_url, name, deadline, fed] = text.split('\n').collect::<Vec<_>>().try_into().unwrap();
        Some(Self {
            folder: folder.into(),
            token_url: token_url.to_owned(),
            transport: Transport::ALL.into_iter().find(|transport| transport.name() == name).unwrap(),
            deadline: Duration::from_millis(deadline.parse().unwrap()),
            fed: fed.parse().unwrap(),
        })
    }

    pub(crate) fn give(&self, child: &mut std::process::Command) {
        let (folder, name) = (self.folder.to_str().unwrap(), self.transport.name());
        child.env(ORDERS, format!("{folder}\n{}\n{name}\n{}\n{}", self.token_url, self.deadline.as_millis(), self.fed));
    }

    pub(crate) fn clock_file(folder: &Path) -> PathBuf {
        folder.join("clock")
    }

    /// A session over this transport, with the trial's clock.
    pub(crate) fn session(&self, sending: &Arc<AtomicUsize>) -> Session {
        let server = grantflow::Server::with_token_endpoint(&self.token_url).unwrap();
        let client = server.client(ID).secret_post(SECRET).unwrap();
        let store = FileStore::open(self.folder.join("grants")).unwrap();
        let inner: Box<dyn Outside> = match self.transport {
            Transport::Ureq => Box::new(Ureq::new(grantflow_ureq::Agent::configured(self.deadline, |config| config))),
            Transport::Reqwest => Box::new(grantflow_session::Reqwest::new(transport::plain_reqwest(self.deadline))),
            Transport::Tower => {
                let outside = Tower::new(transport::plain_tower(self.deadline), tokio::time::sleep);
                Box::new(outside.spawner(|renewal| drop(tokio::spawn(renewal))))
            }
        };
        let clock = Clock::at(&Self::clock_file(&self.folder));
        let blocks = self.transport == Transport::Ureq;
        let outside = Virtual { inner, clock, blocks, sending: Arc::clone(sending) };
        let session = Session::new(&client, key(), store, outside).policy(plain_policy());
        if !self.fed {
            return session;
        }
        session.source(move |_: &mut Env<'_>| {
            let grant = ExtensionGrant::new(&client, VOUCHER)?.param("voucher", "V-1")?.scope("read")?;
            Ok(AnyExchange::new(grant))
        })
    }
}

pub(crate) fn run(orders: &Orders) {
    let sending = Arc::new(AtomicUsize::new(0));
    let session = orders.session(&sending);
    for line in std::io::stdin().lock().lines() {
        match line.unwrap().as_str() {
            "token" => say(&reply(ask(orders.transport, &session))),
            "busy" => say(&sending.load(Ordering::SeqCst).to_string()),
            other => panic!("{other}"),
        }
    }
}

fn ask(transport: Transport, session: &Session) -> Result<String, SessionError> {
    let token = match transport {
        Transport::Ureq => session.token_blocking(),
        Transport::Reqwest | Transport::Tower => transport::block_on(session.token()),
    };
    token.map(|token| access(&token))
}

fn reply(token: Result<String, SessionError>) -> String {
    match token {
        Ok(token) => format!("ok {token}"),
        Err(error) => {
            let kind: String = format!("{error:?}").chars().take_while(char::is_ascii_alphanumeric).collect();
            format!("error {kind} {error}").replace('\n', " ")
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The trial may have ended.
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// A wait that the trial knows of: its clock stands still while no caller waits for it.
struct Waits(u64);

impl Waits {
    fn until(millis: u64) -> Self {
        say(&format!("{WAITS}{millis}"));
        Self(millis)
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        say(&format!("{GOES_ON}{}", self.0));
    }
}

/// An adapter's outside, with the trial's clock.
struct Virtual {
    inner: Box<dyn Outside>,
    clock: Clock,
    /// Whether a wait blocks a thread.
    blocks: bool,
    sending: Arc<AtomicUsize>,
}

impl Outside for Virtual {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        self.inner.fill(bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        Box::pin(async move {
            let until = self.clock.millis() + u64::try_from(duration.as_millis()).unwrap();
            let _told = Waits::until(until);
            while self.clock.millis() < until {
                if self.blocks {
                    std::thread::sleep(Duration::from_millis(1));
                } else {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        Box::pin(async move {
            self.sending.fetch_add(1, Ordering::SeqCst);
            let answer = self.inner.send(request).await;
            self.sending.fetch_sub(1, Ordering::SeqCst);
            answer
        })
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        self.inner.spawn(renewal);
    }
}
