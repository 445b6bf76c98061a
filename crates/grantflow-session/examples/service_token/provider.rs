//! The testkit's server over real HTTP, which can go down and come back at the same address.

use std::io;

use grantflow_testkit::{Client, Loopback, Server};

use crate::Outcome;
use crate::outside::Clock;

pub(crate) const CLIENT_ID: &str = "clubs-service";
pub(crate) const CLIENT_SECRET: &str = "clubs-service-secret";

pub(crate) struct Provider {
    /// `None` while it is down.
    up: Option<Loopback>,
    origin: String,
    /// The server's state when it went down.
    server: Server,
    clock: Clock,
    seen: usize,
    seen_exchanges: usize,
}

impl Provider {
    pub(crate) fn start(clock: &Clock) -> Outcome<Self> {
        let up = Loopback::start(|base_url| {
            let mut server = Server::new(base_url);
            server.register(Client::confidential(CLIENT_ID, CLIENT_SECRET).scope("clubs"));
            server
        })?;
        let (origin, server) = (up.base_url().to_owned(), up.server().clone());
        Ok(Self { up: Some(up), origin, server, clock: clock.clone(), seen: 0, seen_exchanges: 0 })
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn token_url(&self) -> String {
        self.server.token_url()
    }

    pub(crate) fn api_url(&self) -> String {
        self.server.resource_url()
    }

    pub(crate) fn with<R>(&mut self, run: impl FnOnce(&mut Server) -> R) -> R {
        let now = self.clock.now().as_secs();
        let run = |server: &mut Server| {
            server.set_now(now);
            run(server)
        };
        match &self.up {
            Some(up) => up.with(run),
            None => run(&mut self.server),
        }
    }

    /// How many token requests came since the last call.
    pub(crate) fn new_requests(&mut self) -> usize {
        let all = self.with(|server| server.hits("client_credentials").count());
        all - std::mem::replace(&mut self.seen, all)
    }

    /// How many token exchanges came since the last call.
    pub(crate) fn new_exchanges(&mut self) -> usize {
        let all = self.with(|server| server.hits("urn:ietf:params:oauth:grant-type:token-exchange").count());
        all - std::mem::replace(&mut self.seen_exchanges, all)
    }

    /// Stops listening.
    pub(crate) fn stop(&mut self) {
        if let Some(up) = self.up.take() {
            self.server = up.server().clone();
        }
    }

    pub(crate) fn start_again(&mut self) -> io::Result<()> {
        let port = self.origin.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or_default();
        let server = self.server.clone();
        self.up = Some(Loopback::start_on(port, |_| server)?);
        Ok(())
    }
}
