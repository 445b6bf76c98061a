//! A session with other settings: a new session, which keeps what is not stored.

use std::sync::Arc;

use super::{Inner, Session};
use crate::breaker::Breaker;
use crate::observe::Observer;
use crate::policy::Policy;
use crate::renewal::Plan;
use crate::source::{AsyncSource, Source};

impl Session {
    /// The session with another policy. This is a new session: set the policy before you clone it.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        let plan = Arc::new(Plan { policy, ..Plan::clone(&self.inner.plan) });
        Self::of(Inner { plan, ..self.inner.anew() })
    }

    /// The session with a source of new tokens: any exchange that gives tokens. The session asks it when a token is due
    /// and there is no refresh token, when the server has refused the refresh token for good, and when the
    /// [`Policy`] gives up a refresh token that is in doubt. So it needs no login, and [`Session::prime`] still
    /// stores one. A [`Session::forget`] removes the tokens and not the source: the next call of [`Session::token`]
    /// asks the source again. This is a new session: set the source before you clone it.
    ///
    /// ```
    /// # use grantflow_session::{Key, MemoryStore, Outside, Session, SourceError};
    /// # fn session(client: &grantflow::ConfidentialClient, key: Key, outside: impl Outside + 'static)
    /// #     -> Result<(), grantflow::Error> {
    /// use grantflow::{AnyExchange, ClientCredentials, Env};
    ///
    /// let grant = ClientCredentials::new(client).scope("clubs")?.param("audience", "https://api.example")?;
    /// let session = Session::new(client, key, MemoryStore::new(), outside)
    ///     .source(move |_: &mut Env<'_>| Ok(AnyExchange::new(grant.clone())));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// An exchange that polls, such as a login on a device, polls under the store's lock: in the background, if the
    /// [`Outside`](crate::Outside) has one, until it ends; otherwise for as long as callers wait for it. Callers with a
    /// good token do not wait. A login or a logout of this session ends the polling.
    #[must_use]
    pub fn source(self, source: impl Source + 'static) -> Self {
        let plan = Arc::clone(&self.inner.plan).source(source);
        Self::of(Inner { plan, ..self.inner.anew() })
    }

    /// The same with a source that has to obtain something first, such as the token of another session. This is a new
    /// session: set the source before you clone it.
    ///
    /// ```
    /// # use grantflow_session::{FreshToken, Session, SourceError};
    /// # use grantflow::{AnyExchange, Tokens};
    /// # fn delegated(subject: &FreshToken) -> Result<AnyExchange<Tokens>, SourceError> { Err("no".into()) }
    /// # fn session(session: Session, person: Session) -> Session {
    /// // `delegated` makes a token exchange (RFC 8693) with this token as its subject.
    /// session.async_source(move |_| {
    ///     let person = person.clone();
    ///     async move { delegated(&person.token().await?) }
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn async_source(self, source: impl AsyncSource + 'static) -> Self {
        let plan = Arc::clone(&self.inner.plan).async_source(source);
        Self::of(Inner { plan, ..self.inner.anew() })
    }

    /// The session with an extra parameter for each refresh, such as `audience`. May be called more than once. This is
    /// a new session: set the parameters before you clone it. A client's own grant has its parameters from
    /// [`ClientCredentials::param`](grantflow::ClientCredentials::param).
    ///
    /// # Errors
    /// The errors of [`RefreshExchange::param`](grantflow::RefreshExchange::param), now and not when a token is due.
    pub fn refresh_param(self, name: &str, value: &str) -> Result<Self, grantflow::Error> {
        let plan = Arc::clone(&self.inner.plan).refresh_param(name, value)?;
        Ok(Self::of(Inner { plan, ..self.inner.anew() }))
    }

    /// The session with an observer, which is told of every renewal. This is a new session: set the observer before you
    /// clone it.
    #[must_use]
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self::of(Inner { observer: Some(Arc::new(observer)), ..self.inner.anew() })
    }

    /// The session with a circuit breaker that other sessions of this process share: see [`Breaker`]. This is a new
    /// session: set the breaker before you clone it.
    #[must_use]
    pub fn breaker(self, breaker: &Breaker) -> Self {
        Self::of(Inner { breaker: Some(breaker.clone()), ..self.inner.anew() })
    }
}
