//! Which grant it is, and how it is renewed.

use std::sync::Arc;

use grantflow::{AnyExchange, Client, ClientCredentials, Env, Error, RefreshExchange, Tokens};

use crate::fresh::FreshToken;
use crate::key::Key;
use crate::policy::Policy;
use crate::source::{AnySource, AsyncSource, Feed, Source};

/// Which grant it is, and how it is renewed.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) client: Client,
    pub(crate) key: Key,
    /// Where tokens come from if there is no refresh token.
    pub(crate) feed: Option<Arc<Feed>>,
    pub(crate) policy: Policy,
    pub(crate) lock_dies_with_its_process: bool,
    /// Extra parameters of each refresh. They are checked.
    pub(crate) refresh_params: Vec<(String, String)>,
}

impl Plan {
    /// A person's grant, renewed with its refresh token (RFC 6749 §6) and stored under `key`.
    pub fn refresh(client: impl Into<Client>, key: Key, policy: Policy) -> Arc<Self> {
        Arc::new(Self {
            client: client.into(),
            key,
            feed: None,
            policy,
            lock_dies_with_its_process: false,
            refresh_params: Vec::new(),
        })
    }

    /// A client's own grant, renewed by asking for a new one (RFC 6749 §4.4) and stored under `key`.
    pub fn client_credentials(grant: ClientCredentials, key: Key, policy: Policy) -> Arc<Self> {
        let client = grant.client().clone();
        let source = move |_: &mut Env<'_>| Ok(AnyExchange::new(grant.clone()));
        Self::refresh(client, key, policy).source(source)
    }

    /// The plan with a source of new tokens.
    #[must_use]
    pub fn source(self: Arc<Self>, source: impl Source + 'static) -> Arc<Self> {
        self.fed_by(AnySource::Ready(Box::new(source)))
    }

    /// The plan with a source of new tokens that waits for something.
    #[must_use]
    pub fn async_source(self: Arc<Self>, source: impl AsyncSource + 'static) -> Arc<Self> {
        self.fed_by(AnySource::Async(Box::new(source)))
    }

    fn fed_by(self: Arc<Self>, source: AnySource) -> Arc<Self> {
        Arc::new(Self { feed: Some(Feed::new(source)), ..Self::clone(&self) })
    }

    /// Drops what is left over of the source's last exchange.
    pub(crate) fn forget_source(&self) {
        if let Some(feed) = &self.feed {
            feed.clear();
        }
    }

    /// The plan for a store whose lock is free only after its holder has released it or has died: see
    /// [`Store::lock_dies_with_its_process`](crate::Store::lock_dies_with_its_process).
    #[must_use]
    pub fn lock_dies_with_its_process(self: Arc<Self>, dies: bool) -> Arc<Self> {
        Arc::new(Self { lock_dies_with_its_process: dies, ..Self::clone(&self) })
    }

    /// The plan with an extra parameter for each refresh.
    ///
    /// # Errors
    /// The errors of [`RefreshExchange::param`](grantflow::RefreshExchange::param).
    pub fn refresh_param(self: Arc<Self>, name: &str, value: &str) -> Result<Arc<Self>, Error> {
        let mut plan = Self::clone(&self);
        plan.refresh_params.push((name.to_owned(), value.to_owned()));
        // A parameter that a refresh would refuse is found now, and not when a token is due.
        let probe = Tokens::of_refresh_token(plan.client.clone(), "probe")?.build();
        drop(plan.with_params(probe.refresh().map_err(|failure| failure.error)?)?);
        Ok(Arc::new(plan))
    }

    pub(crate) fn with_params(&self, exchange: RefreshExchange) -> Result<RefreshExchange, Error> {
        let mut params = self.refresh_params.iter();
        params
            .try_fold(exchange, |exchange, (name, value)| exchange.param(name, value))
            .map_err(|failure| failure.error)
    }

    /// Whether `token` can be renewed at all.
    pub(crate) fn can_renew(&self, token: &FreshToken) -> bool {
        self.feed.is_some() || token.is_renewable()
    }
}
