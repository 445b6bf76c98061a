//! The outside world by a tower service, async.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Entropy as _, EntropyFailed, Sent, UnixTime};
use grantflow_tower::{Agent, SysRng};
use http::{Request, Response};

use crate::error::{CannotBlock, Unanswered};
use crate::outside::Outside;
use crate::outside::alarm::alarm;
#[cfg(feature = "tokio")]
use crate::outside::carrier::Carrier;
use crate::outside::guarded::{Failed, guarded};
use crate::store::Later;

/// The outside world by a tower service: the system's clock and entropy, a timer, and an agent. Feature `tower`.
///
/// The session's errors show the texts of the service's errors: make sure that no layer puts a secret there.
///
/// ```
/// use grantflow::{ClientCredentials, Server};
/// use grantflow_session::{Key, MemoryStore, Session, Tower};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let my_client = tower::service_fn(async |_: http::Request<grantflow_tower::RequestBody>| {
/// #     Ok::<_, std::convert::Infallible>(http::Response::new(r#"{"access_token":"t","token_type":"Bearer"}"#.to_owned()))
/// # });
///
/// let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
/// let agent = grantflow_tower::Agent::new(my_client, tokio::time::sleep);
/// let outside = Tower::new(agent, tokio::time::sleep);
/// let grant = ClientCredentials::new(&client);
/// let session = Session::client_credentials(grant, Key::new("robot")?, MemoryStore::new(), outside);
/// let token = session.token().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tower {
    agent: Agent,
    timer: Arc<dyn Fn(Duration) -> Later<'static, ()> + Send + Sync>,
    clock: fn() -> UnixTime,
    spawner: Option<Arc<dyn Fn(Later<'static, ()>) + Send + Sync>>,
    #[cfg(feature = "tokio")]
    carrier: Option<Carrier>,
}

const NO_RUNTIME: CannotBlock = CannotBlock::new(
    "the session cannot know what a tower service needs to make progress; give the outside a runtime (Tower::runtime), or call token().await",
);

/// How long after its time a future is abandoned if its own timer has not ended it.
const GRACE: Duration = Duration::from_secs(1);

impl Tower {
    /// Sends renewals through this agent. `timer` returns a future that is ready when its time has passed. The agent
    /// has a timer of the same kind, for its round trips only.
    pub fn new<W>(agent: Agent, timer: impl Fn(Duration) -> W + Send + Sync + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let timer: Arc<dyn Fn(Duration) -> Later<'static, ()> + Send + Sync> =
            Arc::new(move |duration| Box::pin(timer(duration)));
        Self {
            agent,
            timer,
            clock: grantflow_tower::now,
            spawner: None,
            #[cfg(feature = "tokio")]
            carrier: None,
        }
    }

    /// Spawns renewals ahead of their token's end, and renewals whose callers have all gone away. Without a spawner,
    /// the latter stop until the session is next asked for a token, and hold the store's lock as long.
    ///
    /// It is called when a caller goes away, possibly outside of every runtime, so keep the runtime's handle in it. A
    /// spawner that drops the renewal or panics has not spawned it.
    ///
    /// ```
    /// # fn example(outside: grantflow_session::Tower) {
    /// let runtime = tokio::runtime::Handle::current();
    /// let outside = outside.spawner(move |renewal| {
    ///     runtime.spawn(renewal);
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn spawner(mut self, spawn: impl Fn(Later<'static, ()>) + Send + Sync + 'static) -> Self {
        self.spawner = Some(Arc::new(spawn));
        self
    }

    /// The tokio runtime that carries round trips and background renewals. With it, threads can wait for a token, as
    /// [`Reqwest`](crate::Reqwest) says. Without it, [`Session::token_blocking`](crate::Session::token_blocking) is an
    /// error, because the session cannot know what a service needs to make progress. Feature `tokio`.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn runtime(mut self, runtime: tokio::runtime::Handle) -> Self {
        self.carrier = Some(Carrier::on(runtime));
        self
    }

    /// Replaces the system's clock, for targets that have none.
    #[must_use]
    pub fn clock(mut self, now: fn() -> UnixTime) -> Self {
        self.clock = now;
        self
    }
}

impl Outside for Tower {
    fn now(&self) -> UnixTime {
        (self.clock)()
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        SysRng.fill(bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        Box::pin(async move {
            // Made when it is polled: some timers look for their runtime at once.
            let timer = async { (self.timer)(duration).await };
            if let Err(Failed::Panicked) = guarded(duration.saturating_add(GRACE), timer).await {
                // The timer's runtime is gone.
                alarm(duration).await;
            }
        })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        let agent = self.agent.clone();
        Box::pin(async move {
            let limit = agent.deadline().saturating_add(GRACE);
            let round_trip = async move { grantflow_tower::send(&agent, request).await };
            #[cfg(feature = "tokio")]
            if let Some(carrier) = &self.carrier {
                return match carrier.carry(limit, round_trip).await {
                    Ok(answer) => answer.map_err(unanswered),
                    Err((sent, failed)) => Err(Unanswered { sent, cause: Arc::new(failed) }),
                };
            }
            match guarded(limit, round_trip).await {
                Ok(answer) => answer.map_err(unanswered),
                Err(failed) => Err(Unanswered { sent: Sent::MaybeSent, cause: Arc::new(failed) }),
            }
        })
    }

    fn block_on(&self, work: Later<'_, ()>) -> Result<(), CannotBlock> {
        #[cfg(feature = "tokio")]
        if let Some(carrier) = &self.carrier {
            return carrier.block_on(work);
        }
        drop(work);
        Err(NO_RUNTIME)
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        #[cfg(feature = "tokio")]
        if let (None, Some(carrier)) = (&self.spawner, &self.carrier) {
            return carrier.spawn(renewal);
        }
        if let Some(spawner) = &self.spawner {
            spawner(renewal);
        }
    }
}

fn unanswered(unanswered: grantflow_tower::SendError) -> Unanswered {
    let grantflow_tower::SendError { sent, error, .. } = unanswered;
    Unanswered { sent, cause: Arc::new(error) }
}

impl fmt::Debug for Tower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tower")
    }
}
