//! The outside world by reqwest, async.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Entropy as _, EntropyFailed, UnixTime};
use grantflow_reqwest::{Agent, SysRng};
use http::{Request, Response};

use crate::error::{CannotBlock, Unanswered};
use crate::outside::Outside;
use crate::outside::alarm::alarm;
use crate::outside::carrier::Carrier;
use crate::store::Later;

/// The outside world by reqwest: the system's clock and entropy, and an agent. Feature `reqwest`.
///
/// A round trip is a task of a tokio runtime with timer and I/O: of the runtime that was given
/// ([`Reqwest::with_runtime`]), or else of the one in which the session is asked. A session may be asked inside of
/// several. If the runtime that carries a round trip is shut down, or no thread runs it, the callers on the others get
/// an error, at most a second after the deadline. A renewal in the background is also a task.
///
/// # Blocking
///
/// [`Session::token_blocking`](crate::Session::token_blocking) works
/// - on a worker of a multi-thread runtime, whose other tasks continue on another thread (`block_in_place`);
/// - in `spawn_blocking`, in either kind of runtime;
/// - on a thread without a runtime, if one was given.
///
/// In a task of a current-thread runtime, which would wait for itself, and without a runtime, it returns an error at
/// once: [`CannotBlock`].
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
    carrier: Carrier,
}

/// How long after its deadline a round trip is abandoned if its own timer has not ended it.
const GRACE: Duration = Duration::from_secs(1);

impl Reqwest {
    /// Sends renewals through this agent, carried by the runtime in which the session is asked.
    pub fn new(agent: Agent) -> Self {
        Self { agent, carrier: Carrier::default() }
    }

    /// Sends renewals through this agent, carried by this runtime. The session may be asked anywhere, also on a thread
    /// without a runtime. Give a multi-thread runtime that lives as long as the session.
    ///
    /// ```no_run
    /// # fn example(grant: grantflow::ClientCredentials) -> Result<(), Box<dyn std::error::Error>> {
    /// use grantflow_session::{Key, MemoryStore, Reqwest, Session};
    ///
    /// let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    /// let outside = Reqwest::with_runtime(grantflow_reqwest::Agent::new()?, runtime.handle().clone());
    /// let session = Session::client_credentials(grant, Key::new("robot")?, MemoryStore::new(), outside);
    /// let token = session.token_blocking()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_runtime(agent: Agent, runtime: tokio::runtime::Handle) -> Self {
        Self { agent, carrier: Carrier::on(runtime) }
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
        // Not tokio's timer, which stops with its runtime.
        Box::pin(async move { alarm(duration).await })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        let agent = self.agent.clone();
        let limit = agent.deadline().saturating_add(GRACE);
        Box::pin(async move {
            let round_trip = async move { grantflow_reqwest::send(&agent, request).await };
            match self.carrier.carry(limit, round_trip).await {
                Ok(Ok(response)) => Ok(response),
                Ok(Err(grantflow_reqwest::SendError { sent, error, .. })) => {
                    Err(Unanswered { sent, cause: Arc::new(error) })
                }
                Err((sent, failed)) => Err(Unanswered { sent, cause: Arc::new(failed) }),
            }
        })
    }

    fn block_on(&self, work: Later<'_, ()>) -> Result<(), CannotBlock> {
        self.carrier.block_on(work)
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        self.carrier.spawn(renewal);
    }
}

impl fmt::Debug for Reqwest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reqwest")
    }
}
