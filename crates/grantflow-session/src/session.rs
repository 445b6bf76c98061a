//! A place to ask for a valid token.

use core::fmt;
use core::future::poll_fn;
use core::pin::pin;
use core::sync::atomic::AtomicUsize;
use core::task::Poll;
use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use grantflow::{Client, ClientCredentials};

use crate::breaker::Breaker;
use crate::error::SessionError;
use crate::flight::Flight;
use crate::fresh::FreshToken;
use crate::key::Key;
use crate::observe::Observer;
use crate::outside::{CannotBlock, Outside};
use crate::policy::Policy;
use crate::renewal::{Plan, Unsaved};
use crate::standing::{Advice, State};
use crate::store::Store;

mod memory;
#[cfg(all(test, not(grantflow_loom)))]
mod tests;
mod waiting;
mod wishes;
mod work;

use memory::Memory;
use waiting::{Background, Patient, Waiting, in_background};
use work::{End, Landed, work, work_beside};

/// A grant that is kept fresh. Cheap to clone; all clones are one session.
///
/// Ask it for a token before each request. While the token is fresh that costs a read lock. When it is due, it is renewed and callers
/// use the one that there is; when it is over, all wait for that one renewal. It is stored before anybody sees it.
///
/// # Who waits
///
/// Nobody who can have a good token. A renewal ahead of the end goes on in the background, where the [`Outside`] has one
/// ([`Outside::spawn`]). Where it has none, one caller carries it on, for two seconds at most.
///
/// # When a caller goes away
///
/// Dropping the future of [`Session::token`] drops nothing but the wait. The renewal belongs to the session: callers who wait already
/// carry it on where it stands, or, when all have gone, the background does, or the next caller.
///
/// A program that ends in the middle of a renewal leaves a grant in doubt: call [`Session::finish`] before.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    /// Beside what it works on, not in it: else each would keep the other.
    flight: Flight<Landed>,
}

type Renewed = Result<FreshToken, SessionError>;

/// How long the one caller waits who renews ahead where there is no background.
const AHEAD: Duration = Duration::from_secs(2);

struct Inner {
    plan: Arc<Plan>,
    key: Key,
    store: Arc<dyn Store>,
    outside: Arc<dyn Outside>,
    observer: Option<Arc<dyn Observer>>,
    breaker: Option<Breaker>,
    /// No plug is called while it is locked: a clock or an observer may ask the session something.
    memory: RwLock<Memory>,
    /// How many there are who wait for as long as it takes.
    patient: AtomicUsize,
}

impl Session {
    /// A session on a person's grant: renewed with its refresh token (RFC 6749 §6).
    ///
    /// What the store holds under `key` is what there is; [`Session::prime`] puts the tokens of a login there.
    pub fn new(
        client: impl Into<Client>,
        key: Key,
        store: impl Store + 'static,
        outside: impl Outside + 'static,
    ) -> Self {
        Self::with(Plan::refresh(client, key, Policy::default()), Arc::new(store), Arc::new(outside))
    }

    /// A session on a client's own grant: renewed by asking for another (RFC 6749 §4.4). It needs no login.
    pub fn client_credentials(
        grant: ClientCredentials,
        key: Key,
        store: impl Store + 'static,
        outside: impl Outside + 'static,
    ) -> Self {
        let plan = Plan::client_credentials(grant, key, Policy::default());
        Self::with(plan, Arc::new(store), Arc::new(outside))
    }

    fn with(plan: Arc<Plan>, store: Arc<dyn Store>, outside: Arc<dyn Outside>) -> Self {
        let plan = plan.lock_dies_with_its_process(store.lock_dies_with_its_process());
        let key = plan.key.clone();
        let (memory, patient) = (RwLock::default(), AtomicUsize::new(0));
        Self::of(Inner { plan, key, store, outside, observer: None, breaker: None, memory, patient })
    }

    fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner), flight: Flight::new() }
    }

    /// The session with another policy. It is a new one: set it before you clone it.
    #[must_use]
    pub fn policy(self, policy: Policy) -> Self {
        let plan = Arc::new(Plan { policy, ..Plan::clone(&self.inner.plan) });
        Self::of(Inner { plan, ..self.inner.anew() })
    }

    /// The session with an extra parameter of each refresh, such as `audience`. May be called more than once. It is a new one: set it before
    /// you clone it. A client's own grant has its parameters from [`ClientCredentials::param`].
    ///
    /// # Errors
    /// As of [`RefreshExchange::param`](grantflow::RefreshExchange::param), now and not when a token is due.
    pub fn refresh_param(self, name: &str, value: &str) -> Result<Self, grantflow::Error> {
        let plan = Arc::clone(&self.inner.plan).refresh_param(name, value)?;
        Ok(Self::of(Inner { plan, ..self.inner.anew() }))
    }

    /// The session with an observer, which is told of every renewal. It is a new one: set it before you clone it.
    #[must_use]
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self::of(Inner { observer: Some(Arc::new(observer)), ..self.inner.anew() })
    }

    /// The session with a circuit breaker that it shares with others of this process: see [`Breaker`]. It is a new one: set it before
    /// you clone it.
    #[must_use]
    pub fn breaker(self, breaker: &Breaker) -> Self {
        Self::of(Inner { breaker: Some(breaker.clone()), ..self.inner.anew() })
    }

    /// A token that is valid now.
    ///
    /// # Errors
    /// [`SessionError`]: what happened, and whether the grant is still there. While the server is down, callers get the
    /// error at once, and one of them tries again after a pause.
    pub async fn token(&self) -> Result<FreshToken, SessionError> {
        loop {
            let result = match self.advice() {
                Advice::Use(token) => return Ok(token),
                Advice::Wait(error) => return Err(error),
                Advice::RenewAhead(token) => self.renew_ahead(token).await,
                // While the server is left alone, the store may have what a sibling has renewed, or a login has brought.
                Advice::Look(_) => self.renew().await,
                // Without a new one, one that is due and not over will do: this process may have read it only now.
                Advice::Renew => self.renew().await.map(|result| result.or_else(|error| self.peek().ok_or(error))),
            };
            if let Some(result) = result {
                return result;
            }
        }
    }

    /// As [`Session::token`], for code that blocks. The thread sleeps while it waits.
    ///
    /// How a thread waits is the outside's business ([`Outside::block_on`]). Over [`Ureq`](crate::Ureq) every thread can. Over an async
    /// stack see [`Reqwest`](crate::Reqwest) and [`Tower`](crate::Tower).
    ///
    /// # Errors
    /// As there; and [`SessionError::CannotBlock`], at once, on a thread that cannot wait. A token that is good is given out there, too.
    pub fn token_blocking(&self) -> Result<FreshToken, SessionError> {
        match self.advice() {
            Advice::Use(token) => Ok(token),
            Advice::Wait(error) => Err(error),
            Advice::RenewAhead(token) => match self.start_in_background() {
                Some(Background::Dropped) => self.block_on(self.token()).unwrap_or(Ok(token)),
                Some(Background::Done) => self.peek().map_or_else(|| self.block_on(self.token())?, Ok),
                Some(Background::Taken) | None => Ok(token),
            },
            Advice::Look(_) | Advice::Renew => self.block_on(self.token())?,
        }
    }

    /// The token that there is, if it is not over: no waiting, no renewal. `None` while a login is [unsaved](Session::unsaved) or a
    /// [logout](Session::forget) is under way.
    pub fn peek(&self) -> Option<FreshToken> {
        let now = self.inner.outside.now();
        self.inner.memory().usable(now)
    }

    /// How the grant stands, as far as this process knows.
    pub fn state(&self) -> State {
        let (now, under_way) = (self.inner.outside.now(), self.flight.is_under_way());
        self.inner.memory().state(now, under_way)
    }

    /// An API refused `token` as invalid (RFC 6750 §3.1, `invalid_token`). The session gives it to nobody again, and the next caller
    /// renews it. Says whether it was still the token in use; if not, there is a newer one already.
    pub fn refused(&self, token: &FreshToken) -> bool {
        let now = self.inner.outside.now();
        self.inner.memory_mut().standing.refuse(token, now, &self.inner.plan.policy)
    }

    /// The network is back: this ends the pauses of this process and, for one request, those that the store holds. What a server
    /// asked for with `Retry-After` stays in force. The next call of [`Session::token`] that needs a request sends it without a pause.
    pub fn retry_now(&self) {
        self.inner.memory_mut().standing.retry_now();
    }

    /// Asks the server once more for a grant that is [`Lost`](SessionError::Lost): verdicts are sometimes wrong (a server that
    /// restored a backup, a proxy that answered for it). The next call of [`Session::token`] sends the refresh token that the
    /// store has kept.
    pub fn retry_lost(&self) {
        self.inner.memory_mut().standing.retry_lost();
    }

    /// Tokens that are not stored, the only copy there is: of a login from the call of [`Session::prime`] on, of a renewal from its
    /// answer on. The session tries to store them whenever it is asked for a token.
    pub fn unsaved(&self) -> Option<Unsaved> {
        self.inner.memory().unsaved()
    }

    /// The members of the grant's latest answer that have no meaning to this library (`instance_url`, `realmId`), as far as this process
    /// knows one; whether its access token is over does not matter. `None` before the first [`Session::token`] or [`Session::prime`].
    ///
    /// # Errors
    /// [`Misuse::Extra`](grantflow::Misuse::Extra) if they do not fit `T`.
    pub fn extra<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>, grantflow::Error> {
        self.latest().map(|token| token.extra()).transpose()
    }

    /// The ID token of the grant, as far as this process knows one. It is not verified; a refresh that brings none keeps the one
    /// before (OpenID Connect Core §12.2).
    pub fn unverified_id_token(&self) -> Option<grantflow::UnverifiedIdToken> {
        self.latest()?.unverified_id_token().cloned()
    }

    fn latest(&self) -> Option<FreshToken> {
        self.inner.memory().standing.latest().cloned()
    }

    /// The name of the grant.
    pub fn key(&self) -> &Key {
        &self.inner.key
    }

    fn advice(&self) -> Advice {
        let now = self.inner.outside.now();
        self.inner.memory().advice(now, &self.inner.plan)
    }

    /// `None`: ask again.
    async fn renew_ahead(&self, token: FreshToken) -> Option<Renewed> {
        match self.start_in_background() {
            // Somebody sees to it. This token will do.
            None | Some(Background::Taken) => return Some(Ok(token)),
            Some(Background::Done) => return self.peek().map(Ok),
            Some(Background::Dropped) => {}
        }
        // One caller renews; for the others, the token will do.
        let Some(join) = self.flight.lead(|| work(&self.inner)) else { return Some(Ok(token)) };
        let (now, end) = (self.inner.outside.now(), token.end());
        let patience = end.map_or(AHEAD, |end| end.saturating_since(now).min(AHEAD));
        let (mut landing, mut patience) =
            (pin!(Waiting::new(&self.flight, &self.inner, join)), self.inner.outside.wait(patience));
        let landed = poll_fn(|context| match landing.as_mut().poll(context) {
            Poll::Ready(landed) => Poll::Ready(landed),
            Poll::Pending => patience.as_mut().poll(context).map(|()| None),
        });
        match landed.await.map(|landed| landed.end) {
            Some(End::Token(new)) if !self.is_refused(&new) => Some(Ok(new)),
            // The grant may be lost; this token is not over yet.
            Some(End::Failed(error)) => Some(self.peek().ok_or(error)),
            _ => self.peek().map(Ok),
        }
    }

    /// Renews ahead in the background. `None`: somebody sees to it already.
    fn start_in_background(&self) -> Option<Background> {
        let join = self.flight.lead(|| work(&self.inner))?;
        Some(in_background(&self.flight, &self.inner, Some(join)))
    }

    /// `None`: ask again.
    async fn renew(&self) -> Option<Renewed> {
        match self.fly().await?.end {
            // An API has refused it in the meantime.
            End::Token(token) if self.is_refused(&token) => None,
            // Found in the store. It will do, and somebody is to renew it.
            End::Token(token) if token.is_due(self.inner.outside.now()) => None,
            End::Token(token) => Some(Ok(token)),
            End::Failed(error) => Some(Err(error)),
            End::Forgotten => Some(Err(SessionError::Empty)),
            End::StillThere | End::Left => None,
        }
    }

    /// Carries what is to be done to its end, for as long as it takes. `None` if a plug panicked, on another caller's thread.
    async fn fly(&self) -> Option<Landed> {
        let _patient = Patient::new(&self.inner);
        if self.flight.is_inside() {
            // A plug asks, which the flight has called: beside it, under the same store's lock.
            return Some(work_beside(&self.inner).await);
        }
        let join = self.flight.join(|| work(&self.inner));
        Waiting::new(&self.flight, &self.inner, join).await
    }

    fn block_on<T: Send>(&self, work: impl Future<Output = T> + Send) -> Result<T, SessionError> {
        let mut result = None;
        let ran = self.inner.outside.block_on(Box::pin(async { result = Some(work.await) }));
        match (result, ran) {
            (Some(result), _) => Ok(result),
            (None, Err(why)) => Err(SessionError::CannotBlock(why)),
            (None, Ok(())) => Err(SessionError::CannotBlock(CannotBlock::new("its outside gave up half-way"))),
        }
    }

    fn is_refused(&self, token: &FreshToken) -> bool {
        self.inner.memory().standing.is_refused(token)
    }
}

impl Inner {
    /// The same with nothing known yet, but for tokens that are not stored.
    fn anew(&self) -> Self {
        let memory = RwLock::new(self.memory_mut().anew());
        Self {
            plan: Arc::clone(&self.plan),
            key: self.key.clone(),
            store: Arc::clone(&self.store),
            outside: Arc::clone(&self.outside),
            observer: self.observer.clone(),
            breaker: self.breaker.clone(),
            memory,
            patient: AtomicUsize::new(0),
        }
    }

    fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session {{ key: {}, {:?} }}", self.inner.key, self.state())
    }
}
