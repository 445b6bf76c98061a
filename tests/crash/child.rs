//! The process that is killed: it rotates as fast as it can, and prints each token that it gets.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grantflow::{Body, Entropy as _, EntropyFailed, UnixTime};
use grantflow_session::renewal::TokenFrom;
use grantflow_session::{Event, FileStore, InDoubt, Later, Outside, Session, SessionError, Unanswered};
use grantflow_tests::world::{ID, SECRET, access, key, plain_policy};
use grantflow_ureq::{Agent, SysRng};
use http::{Request, Response};

/// What a child has to do.
pub(crate) struct Orders {
    pub(crate) folder: String,
    pub(crate) token_url: String,
    /// Whether a lost answer is asked for again.
    pub(crate) heals: bool,
    /// It ends after this many own renewals.
    pub(crate) renewals: usize,
}

const ORDERS: &str = "GRANTFLOW_CRASH_CHILD";

impl Orders {
    pub(crate) fn given() -> Option<Self> {
        let text = std::env::var(ORDERS).ok()?;
        let [folder, token_url, heals, renewals] = text.split('\n').collect::<Vec<_>>().try_into().unwrap();
        Some(Self {
            folder: folder.to_owned(),
            token_url: token_url.to_owned(),
            heals: heals.parse().unwrap(),
            renewals: renewals.parse().unwrap(),
        })
    }

    pub(crate) fn give(&self, child: &mut std::process::Command) {
        let Self { folder, token_url, heals, renewals } = self;
        child.env(ORDERS, format!("{folder}\n{token_url}\n{heals}\n{renewals}"));
    }

    pub(crate) fn session(&self) -> Session {
        let server = grantflow::Server::with_token_endpoint(&self.token_url).unwrap();
        let client = server.client(ID).secret_post(SECRET).unwrap();
        // As fast as possible: a kill during a pause proves nothing.
        let policy = plain_policy().early_retry(Duration::ZERO).first_pause(Duration::ZERO).in_doubt(if self.heals {
            InDoubt::Heal
        } else {
            InDoubt::Never
        });
        Session::new(&client, key(), FileStore::open(&self.folder).unwrap(), Http(Agent::new())).policy(policy)
    }
}

pub(crate) fn run(orders: &Orders) {
    let renewed = Arc::new(AtomicUsize::new(0));
    let session = {
        let renewed = Arc::clone(&renewed);
        orders.session().observer(move |event: &Event<'_>| {
            if matches!(event, Event::Renewed { from: TokenFrom::Server, .. }) {
                renewed.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    while renewed.load(Ordering::SeqCst) < orders.renewals {
        match session.token_blocking() {
            Ok(token) => {
                say(&format!("token {}", access(&token)));
                session.refused(&token);
            }
            Err(error) => {
                say(match &error {
                    SessionError::Unknown { .. } => "unknown",
                    SessionError::Lost { .. } => "lost",
                    _ => "failed",
                });
                if !matches!(error, SessionError::Unknown { .. } | SessionError::Lost { .. }) {
                    say(&format!("{error:?}"));
                }
                return;
            }
        }
    }
    say("done");
}

fn say(line: &str) {
    // The parent may have stopped reading.
    let _ = writeln!(std::io::stdout().lock(), "{line}");
    let _ = std::io::stdout().lock().flush();
}

struct Http(Agent);

impl Outside for Http {
    fn now(&self) -> UnixTime {
        grantflow_ureq::now()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        SysRng.fill(bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        Box::pin(async move { std::thread::sleep(duration) })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        Box::pin(async move {
            grantflow_ureq::send(&self.0, request)
                .map_err(|failed| Unanswered { sent: failed.sent, cause: Arc::new(failed.error) })
        })
    }
}
