//! A session: a program asks it for a valid token.

use core::fmt;
use core::future::poll_fn;
use core::pin::pin;
use core::sync::atomic::{AtomicBool, AtomicUsize};
use core::task::Poll;
use core::time::Duration;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use grantflow::{Client, ClientCredentials};

use crate::breaker::Breaker;
use crate::error::{CannotBlock, SessionError};
use crate::flight::Flight;
use crate::fresh::FreshToken;
use crate::key::Key;
use crate::observe::Observer;
use crate::outside::Outside;
use crate::policy::Policy;
use crate::renewal::{Plan, Unsaved};
use crate::standing::{Advice, State};
use crate::store::Store;

mod memory;
mod settings;
mod source;
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
/// Ask it for a token before each request. While the token is fresh, this costs a read lock. When it is due, one
/// renewal begins and callers get the current token. When it is over, all callers wait for that renewal. A token is
/// stored before any caller sees it.
///
/// # Who waits
///
/// No caller waits if there is a good token. A renewal ahead of the end runs in the background, if the [`Outside`] has
/// one ([`Outside::spawn`]). If it has none, one caller performs the renewal, for two seconds at most.
///
/// # When a caller goes away
///
/// Dropping the future of [`Session::token`] drops only the wait. The renewal belongs to the session. Other waiting
/// callers continue it where it stands; if there are none, the background or the next caller does.
///
/// A program that ends during a renewal leaves its grant in doubt: call [`Session::finish`] first.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    /// Beside what it works on and not inside, because each would keep the other alive.
    flight: Flight<Landed>,
}

type Renewed = Result<FreshToken, SessionError>;

/// How long a caller waits for its renewal ahead if there is no background.
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
    /// How many callers wait without a limit.
    patient: AtomicUsize,
    /// The flight waits between two polls of a source's exchange.
    polls: AtomicBool,
}

impl Session {
    /// A session for a person's grant, renewed with its refresh token (RFC 6749 §6).
    ///
    /// The grant is what the store holds under `key`. [`Session::prime`] stores the tokens of a login there.
    pub fn new(
        client: impl Into<Client>,
        key: Key,
        store: impl Store + 'static,
        outside: impl Outside + 'static,
    ) -> Self {
        Self::with(Plan::refresh(client, key, Policy::default()), Arc::new(store), Arc::new(outside))
    }

    /// A session for a client's own grant, renewed by asking for a new one (RFC 6749 §4.4). It needs no login. It is a
    /// session with this grant as its [source](Session::source).
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
        let (memory, patient, polls) = (RwLock::default(), AtomicUsize::new(0), AtomicBool::new(false));
        Self::of(Inner { plan, key, store, outside, observer: None, breaker: None, memory, patient, polls })
    }

    fn of(inner: Inner) -> Self {
        Self { inner: Arc::new(inner), flight: Flight::new() }
    }

    /// A token that is valid now.
    ///
    /// # Errors
    /// [`SessionError`]: what happened, and whether the grant is still there. While the server is down, callers get the
    /// error at once, and one of them tries again after each pause.
    pub async fn token(&self) -> Result<FreshToken, SessionError> {
        loop {
            let result = match self.advice() {
                Advice::Use(token) => return Ok(token),
                Advice::Wait(error) => return Err(error),
                Advice::RenewAhead(token) => self.renew_ahead(token).await,
                // During a pause, the store may have a token that another process renewed or a login brought.
                Advice::Look(_) => self.renew().await,
                // Without a new token, one that is due and not over is enough: this process may have read it only now.
                Advice::Renew => self.renew().await.map(|result| result.or_else(|error| self.peek().ok_or(error))),
            };
            if let Some(result) = result {
                return result;
            }
        }
    }

    /// Like [`Session::token`], for blocking code. The thread sleeps while it waits.
    ///
    /// The outside decides how a thread waits ([`Outside::block_on`]). Over [`Ureq`](crate::Ureq) every thread can
    /// wait. For an async stack see [`Reqwest`](crate::Reqwest) and [`Tower`](crate::Tower).
    ///
    /// # Errors
    /// The errors of [`Session::token`], and [`SessionError::CannotBlock`] at once on a thread that cannot wait. That
    /// thread also gets a good token, if there is one.
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

    /// The current token, if it is not over, without waiting and without a renewal. `None` while a login is
    /// [unsaved](Session::unsaved) or a [logout](Session::forget) is in progress.
    pub fn peek(&self) -> Option<FreshToken> {
        let now = self.inner.outside.now();
        self.inner.memory().usable(now)
    }

    /// The state of the grant, as far as this process knows.
    pub fn state(&self) -> State {
        let (now, under_way) = (self.inner.outside.now(), self.flight.is_under_way());
        self.inner.memory().state(now, under_way)
    }

    /// Reports that an API refused `token` as invalid (RFC 6750 §3.1, `invalid_token`). No caller gets this token
    /// again, and the next caller renews it. Returns whether it was still the token in use; if not, there is a newer
    /// one already.
    pub fn refused(&self, token: &FreshToken) -> bool {
        let now = self.inner.outside.now();
        self.inner.memory_mut().standing.refuse(token, now, &self.inner.plan.policy)
    }

    /// Reports that the network is back. This ends the pauses of this process and, for one request, those that the
    /// store holds. A pause that a server asked for with `Retry-After` continues. The next call of [`Session::token`]
    /// that needs a request sends it without a pause.
    pub fn retry_now(&self) {
        self.inner.memory_mut().standing.retry_now();
    }

    /// Asks the server once more for a grant that is [`Lost`](SessionError::Lost): verdicts are sometimes wrong (a
    /// server restored a backup, or a proxy answered for it). The next call of [`Session::token`] sends the refresh
    /// token that the store has kept.
    pub fn retry_lost(&self) {
        self.inner.memory_mut().standing.retry_lost();
    }

    /// Tokens that are not stored, the only copy: of a login from the call of [`Session::prime`], of a renewal from its
    /// answer. The session tries to store them whenever it is asked for a token.
    pub fn unsaved(&self) -> Option<Unsaved> {
        self.inner.memory().unsaved()
    }

    /// The members of the grant's latest answer that this library does not know (`instance_url`, `realmId`), as far as
    /// this process has such an answer, even if its access token is over. `None` before the first [`Session::token`] or
    /// [`Session::prime`].
    ///
    /// # Errors
    /// [`Misuse::Extra`](grantflow::Misuse::Extra) if they do not fit `T`.
    pub fn extra<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>, grantflow::Error> {
        self.latest().map(|token| token.extra()).transpose()
    }

    /// The ID token of the grant, if this process has one. It is not verified. A refresh without an ID token keeps the
    /// one before (OpenID Connect Core §12.2).
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

    /// `None` means: ask again.
    async fn renew_ahead(&self, token: FreshToken) -> Option<Renewed> {
        match self.start_in_background() {
            // A renewal is in progress already. This token is enough.
            None | Some(Background::Taken) => return Some(Ok(token)),
            Some(Background::Done) => return self.peek().map(Ok),
            Some(Background::Dropped) => {}
        }
        // One caller renews; this token is enough for the others.
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

    /// Renews ahead in the background. `None` if a renewal is in progress already.
    fn start_in_background(&self) -> Option<Background> {
        let join = self.flight.lead(|| work(&self.inner))?;
        Some(in_background(&self.flight, &self.inner, Some(join)))
    }

    /// `None` means: ask again.
    async fn renew(&self) -> Option<Renewed> {
        match self.fly().await?.end {
            // An API has refused it meanwhile.
            End::Token(token) if self.is_refused(&token) => None,
            // Found in the store. It is usable, and should be renewed.
            End::Token(token) if token.is_due(self.inner.outside.now()) => None,
            End::Token(token) => Some(Ok(token)),
            End::Failed(error) => Some(Err(error)),
            End::Forgotten => Some(Err(SessionError::Empty)),
            End::StillThere | End::Left => None,
        }
    }

    /// Performs the work to its end, however long that takes. `None` if a plug panicked on another caller's thread.
    async fn fly(&self) -> Option<Landed> {
        let _patient = Patient::new(&self.inner);
        if self.flight.is_inside() {
            // A plug asks that this flight has called. Its work runs beside the flight, under the same store's lock.
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
            (None, Ok(())) => {
                Err(SessionError::CannotBlock(CannotBlock::new("its outside stopped before the work ended")))
            }
        }
    }

    fn is_refused(&self, token: &FreshToken) -> bool {
        self.inner.memory().standing.is_refused(token)
    }
}

impl Inner {
    /// The same session without its memory, except for tokens that are not stored.
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
            polls: AtomicBool::new(false),
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
