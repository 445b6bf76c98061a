//! The outside world by reqwest, async.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Entropy as _, EntropyFailed, UnixTime};
use grantflow_reqwest::{Agent, SysRng};
use http::{Request, Response};

use crate::error::Unanswered;
use crate::outside::Outside;
use crate::store::Later;

/// The outside world by reqwest: the system's clock and entropy, tokio's timer, and an agent. Feature `reqwest`.
///
/// Whoever asks the session for a token does so inside a tokio runtime with its timer and I/O. A renewal under way belongs to
/// that runtime: share no session between two of them. One whose callers have all gone away becomes a task of it.
///
/// ```no_run
/// use grantflow::{ClientCredentials, Server};
/// use grantflow_session::{Key, MemoryStore, Reqwest, Session};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
/// let outside = Reqwest::new(grantflow_reqwest::Agent::new()?);
/// let grant = ClientCredentials::new(&client);
/// let session = Session::client_credentials(grant, Key::new("robot")?, MemoryStore::new(), outside);
/// let token = session.token().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Reqwest {
    agent: Agent,
}

impl Reqwest {
    /// Renewals go through this agent.
    pub fn new(agent: Agent) -> Self {
        Self { agent }
    }
}

impl Outside for Reqwest {
    fn now(&self) -> UnixTime {
        grantflow_reqwest::now()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        SysRng.fill(bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        // Made when it is polled: tokio's timer asks for its runtime at once.
        Box::pin(async move { tokio::time::sleep(duration).await })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        Box::pin(async move {
            grantflow_reqwest::send(&self.agent, request).await.map_err(|unanswered| {
                let grantflow_reqwest::Unanswered { sent, error, .. } = unanswered;
                Unanswered { sent, cause: Arc::new(error) }
            })
        })
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        // Where there is no runtime, there is nobody to go on with it, and nothing that reqwest could use.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(renewal);
        }
    }
}

impl fmt::Debug for Reqwest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reqwest")
    }
}
