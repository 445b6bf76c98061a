//! The outside world by ureq, blocking.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Entropy as _, EntropyFailed, UnixTime};
use grantflow_ureq::{Agent, SysRng};
use http::{Request, Response};

use crate::error::Unanswered;
use crate::outside::Outside;
use crate::store::Later;

/// The outside world by ureq: the system's clock and entropy, and an agent. Feature `ureq`.
///
/// It blocks: during a renewal, the thread that performs it waits, in round trips and in pauses. That is right for
/// [`Session::token_blocking`](crate::Session::token_blocking). In an async runtime, use an async outside.
///
/// A renewal ahead of its token's end runs on a separate thread in the background. A program that ends meanwhile stops
/// it: call [`Session::finish_blocking`](crate::Session::finish_blocking) first.
///
/// ```no_run
/// use grantflow::{ClientCredentials, Server};
/// use grantflow_session::{Key, MemoryStore, Session, Ureq};
///
/// let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
/// let outside = Ureq::new(grantflow_ureq::Agent::new());
/// let grant = ClientCredentials::new(&client);
/// let session = Session::client_credentials(grant, Key::new("robot")?, MemoryStore::new(), outside);
/// let token = session.token_blocking()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Ureq {
    agent: Agent,
}

impl Ureq {
    /// Sends renewals through this agent.
    pub fn new(agent: Agent) -> Self {
        Self { agent }
    }
}

impl Outside for Ureq {
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
            grantflow_ureq::send(&self.agent, request).map_err(|unanswered| {
                let grantflow_ureq::SendError { sent, error, .. } = unanswered;
                Unanswered { sent, cause: Arc::new(error) }
            })
        })
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        // If no thread can be started, the renewal is dropped with the closure, and its caller continues it.
        let thread = std::thread::Builder::new().name("grantflow-renewal".to_owned());
        drop(thread.spawn(move || pollster::block_on(renewal)));
    }
}

impl fmt::Debug for Ureq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ureq")
    }
}
