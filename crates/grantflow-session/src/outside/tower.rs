//! The outside world by a tower service, async.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Entropy as _, EntropyFailed, UnixTime};
use grantflow_tower::{Agent, SysRng};
use http::{Request, Response};

use crate::error::Unanswered;
use crate::outside::Outside;
use crate::store::Later;

/// The outside world by a tower service: the system's clock and entropy, a timer, and an agent. Feature `tower`.
///
/// What the service's errors say is shown in the session's: see that no layer puts a secret there.
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
}

impl Tower {
    /// Renewals go through this agent. `timer` gives a future that is ready when its time has passed, as for the agent
    /// itself, whose own is for its round trips only.
    pub fn new<W>(agent: Agent, timer: impl Fn(Duration) -> W + Send + Sync + 'static) -> Self
    where
        W: Future<Output = ()> + Send + 'static,
    {
        let timer: Arc<dyn Fn(Duration) -> Later<'static, ()> + Send + Sync> =
            Arc::new(move |duration| Box::pin(timer(duration)));
        Self { agent, timer, clock: grantflow_tower::now, spawner: None }
    }

    /// Who goes on with a renewal whose callers have all gone away. Without one, it stands still until somebody asks for a
    /// token again, and the store's lock is held as long.
    ///
    /// ```
    /// # fn example(outside: grantflow_session::Tower) {
    /// let outside = outside.spawner(|renewal| {
    ///     tokio::spawn(renewal);
    /// });
    /// # }
    /// ```
    #[must_use]
    pub fn spawner(mut self, spawn: impl Fn(Later<'static, ()>) + Send + Sync + 'static) -> Self {
        self.spawner = Some(Arc::new(spawn));
        self
    }

    /// Another clock than the system's: for targets that have none.
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
        // Made when it is polled: some timers ask for their runtime at once.
        Box::pin(async move { (self.timer)(duration).await })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        Box::pin(async move {
            grantflow_tower::send(&self.agent, request).await.map_err(|unanswered| {
                let grantflow_tower::Unanswered { sent, error, .. } = unanswered;
                Unanswered { sent, cause: Arc::new(error) }
            })
        })
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        if let Some(spawner) = &self.spawner {
            spawner(renewal);
        }
    }
}

impl fmt::Debug for Tower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tower")
    }
}
