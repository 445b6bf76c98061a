//! A place to ask for a valid token.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, PoisonError, RwLock};

use grantflow::{Client, ClientCredentials, Entropy, EntropyFailed, Env, Tokens, UnixTime};

use crate::error::SessionError;
use crate::flight::{Flight, Join, Work};
use crate::fresh::FreshToken;
use crate::key::Key;
use crate::observe::{Event, Observer};
use crate::outside::Outside;
use crate::policy::{Draw, Policy};
use crate::record::Record;
use crate::renewal::{Insist, Next, Outcome, Plan, Renewal, Unsaved};
use crate::standing::{Advice, NotRenewed, Standing, State};
use crate::store::{Lock, Store, Swap};

/// A grant that is kept fresh. Cheap to clone; all clones are one session.
///
/// Ask it for a token before each request. While the token is fresh that costs a read lock. When it is due, one caller
/// renews it, and the others use the one that they have; when it is over, all wait for that one renewal. It is stored
/// before anybody sees it.
///
/// # When a caller goes away
///
/// Dropping the future of [`Session::token`] drops nothing but the wait. The renewal belongs to the session: whoever waits
/// already carries it on where it stands, or, when all have gone, the runtime does ([`Outside::spawn`]), or whoever asks next.
#[derive(Clone)]
pub struct Session {
    inner: Arc<Inner>,
    /// Beside what it works on, not in it: else each would keep the other.
    flight: Flight<Renewed>,
}

type Renewed = Result<FreshToken, SessionError>;

struct Inner {
    plan: Arc<Plan>,
    key: Key,
    store: Arc<dyn Store>,
    outside: Arc<dyn Outside>,
    observer: Option<Arc<dyn Observer>>,
    standing: RwLock<Standing>,
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
        let standing = RwLock::new(Standing::default());
        Self::of(Inner { plan, key, store, outside, observer: None, standing })
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

    /// The session with somebody who is told of every renewal. It is a new one: set it before you clone it.
    #[must_use]
    pub fn observer(self, observer: impl Observer + 'static) -> Self {
        Self::of(Inner { observer: Some(Arc::new(observer)), ..self.inner.anew() })
    }

    /// A token that is valid now.
    ///
    /// # Errors
    /// [`SessionError`]: what happened, and whether the grant is still there. While the server is down, callers get the
    /// error at once, and one of them tries again after a pause.
    pub async fn token(&self) -> Result<FreshToken, SessionError> {
        match self.advice() {
            Advice::Use(token) => Ok(token),
            Advice::Wait(error) => Err(error),
            // Without a renewal under way, the store is looked into for what a sibling has renewed, or a login has brought.
            Advice::Look(_) => self.renew().await,
            Advice::RenewAhead(token) => self.renew_ahead(token).await,
            // Without a new one, one that is due and not over will do: this process may have read it only now.
            Advice::Renew => self.renew().await.or_else(|error| self.peek().ok_or(error)),
        }
    }

    /// As [`Session::token`], for code that blocks. The thread sleeps while it waits.
    ///
    /// The [`Outside`] must be one that a thread can poll by itself: `ureq`'s always, one that needs an async runtime only
    /// where that runtime has been entered.
    ///
    /// # Errors
    /// As there.
    pub fn token_blocking(&self) -> Result<FreshToken, SessionError> {
        match self.advice() {
            Advice::Use(token) => Ok(token),
            _ => pollster::block_on(self.token()),
        }
    }

    /// The token that there is, if it is not over: no waiting, no renewal.
    pub fn peek(&self) -> Option<FreshToken> {
        self.standing().usable(self.inner.outside.now())
    }

    /// How the grant stands, as far as this process knows.
    pub fn state(&self) -> State {
        let under_way = self.flight.is_under_way();
        self.standing().state(self.inner.outside.now(), under_way)
    }

    /// An API refused `token` as invalid (RFC 6750 §3.1, `invalid_token`): it is not given to anybody again, and who asks
    /// next renews it. Says whether it was still the one in use; if not, there is a newer one already.
    pub fn refused(&self, token: &FreshToken) -> bool {
        self.standing_mut().refuse(token, self.inner.outside.now(), &self.inner.plan.policy)
    }

    /// The network is back: pauses are over, in this process and, for one request, also those that the store holds. What a server
    /// asked for with `Retry-After` stays in force. A caller who asks for a token then need not wait for a pause to end.
    pub fn retry_now(&self) {
        self.standing_mut().retry_now();
    }

    /// Asks the server once more for a grant that is [`Lost`](SessionError::Lost): verdicts are sometimes wrong (a server that
    /// restored a backup, a proxy that answered for it). The next call of [`Session::token`] sends the refresh token that the
    /// store has kept.
    pub fn retry_lost(&self) {
        self.standing_mut().retry_lost();
    }

    /// Stores the tokens of a login, in place of whatever is there, and uses them.
    ///
    /// # Errors
    /// [`SessionError::Record`] if they belong to another client; [`SessionError::Store`] or [`SessionError::NotStored`],
    /// and then [`Session::unsaved`] has them.
    pub async fn prime(&self, tokens: Tokens) -> Result<FreshToken, SessionError> {
        let next = Renewal::prime(Arc::clone(&self.inner.plan), tokens).map_err(SessionError::Record)?;
        self.finish_abandoned().await;
        let (outcome, held) = drive(&self.inner, next).await;
        self.inner.settle(outcome, held, true)
    }

    /// As [`Session::prime`], for code that blocks.
    ///
    /// # Errors
    /// As there.
    pub fn prime_blocking(&self, tokens: Tokens) -> Result<FreshToken, SessionError> {
        pollster::block_on(self.prime(tokens))
    }

    /// Logs out: removes the grant from the store and from memory. It is not revoked at the server.
    ///
    /// # Errors
    /// [`SessionError::Store`], [`SessionError::Busy`]; then it is still there.
    pub async fn forget(&self) -> Result<(), SessionError> {
        self.finish_abandoned().await;
        match drive(&self.inner, Renewal::forget(Arc::clone(&self.inner.plan))).await {
            (Outcome::Forgotten, held) => {
                *self.standing_mut() = Standing::default();
                drop(held);
                Ok(())
            }
            (other, held) => self.inner.settle(other, held, false).map(drop),
        }
    }

    /// Tokens that were renewed and that the store failed to take: the only copy there is. The session keeps them, and tries
    /// to store them again whenever it is asked for a token.
    pub fn unsaved(&self) -> Option<Unsaved> {
        self.standing().unsaved.clone()
    }

    /// The name of the grant.
    pub fn key(&self) -> &Key {
        &self.inner.key
    }

    fn advice(&self) -> Advice {
        let now = self.inner.outside.now();
        self.standing().advice(now, &self.inner.plan)
    }

    async fn renew_ahead(&self, token: FreshToken) -> Renewed {
        // One caller renews; for the others, the token will do.
        let Some(join) = self.flight.lead(|| work(&self.inner)) else { return Ok(token) };
        match self.wait_for(join).await {
            Some(Ok(new)) => Ok(new),
            // The grant may be lost; this token is not over yet.
            Some(Err(_)) | None => self.peek().ok_or_else(|| self.inner.last_error()),
        }
    }

    async fn renew(&self) -> Renewed {
        loop {
            match self.wait_for(self.flight.join(|| work(&self.inner))).await {
                // An API has refused it in the meantime.
                Some(Ok(token)) if self.standing().is_refused(&token) => {}
                Some(result) => return result,
                // A plug panicked, on another caller's thread. It is ours to try now.
                None => {}
            }
        }
    }

    /// Brings a renewal to its end that all callers have left, so that it lets go of the store's lock.
    async fn finish_abandoned(&self) {
        while let Some(join) = self.flight.carry_on() {
            let _ = self.wait_for(join).await;
        }
    }

    fn wait_for(&self, join: Join<Renewed>) -> Waiting {
        Waiting { flight: self.flight.clone(), outside: Arc::clone(&self.inner.outside), join: Some(join) }
    }

    fn standing(&self) -> std::sync::RwLockReadGuard<'_, Standing> {
        self.inner.standing.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn standing_mut(&self) -> std::sync::RwLockWriteGuard<'_, Standing> {
        self.inner.standing.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A caller who waits, and who sees to it on leaving that somebody carries on.
struct Waiting {
    flight: Flight<Renewed>,
    outside: Arc<dyn Outside>,
    join: Option<Join<Renewed>>,
}

impl Future for Waiting {
    type Output = Option<Renewed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Renewed>> {
        let Some(join) = &mut self.join else { return Poll::Ready(None) };
        let poll = Pin::new(join).poll(context);
        if poll.is_ready() {
            self.join = None;
        }
        poll
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.join.take().is_some()
            && let Some(join) = self.flight.carry_on()
        {
            self.outside.spawn(Box::pin(async move {
                let _ = join.await;
            }));
        }
    }
}

/// One renewal, for all who wait for it.
fn work(inner: &Arc<Inner>) -> Work<Renewed> {
    let inner = Arc::clone(inner);
    Box::pin(async move {
        let (unsaved, weary, insist, looking) = {
            let now = inner.outside.now();
            let mut standing = inner.standing.write().unwrap_or_else(PoisonError::into_inner);
            // Between the caller's question and here, another flight may have come and gone.
            let looking = match standing.advice(now, &inner.plan) {
                Advice::Use(token) => return Ok(token),
                Advice::Wait(error) => return Err(error),
                Advice::Look(error) => Some(error),
                Advice::RenewAhead(_) | Advice::Renew => None,
            };
            let insist = if looking.is_none() { standing.insist() } else { Insist::default() };
            (standing.unsaved.clone(), standing.weary.clone(), insist, looking)
        };
        if let Some(error) = looking {
            return look(&inner, weary, error).await;
        }
        let plan = Arc::clone(&inner.plan);
        let saves = unsaved.is_some();
        let next = match unsaved {
            Some(unsaved) => Renewal::save(plan, unsaved),
            None => Renewal::insisting(plan, weary.as_ref(), insist),
        };
        let (outcome, held) = drive(&inner, next).await;
        if let Outcome::NotRenewed { .. }
        | Outcome::InDoubt(_)
        | Outcome::Failed(SessionError::Unknown { .. } | SessionError::Lost { .. }) = outcome
        {
            inner.remember().await;
        }
        inner.settle(outcome, held, saves)
    })
}

/// While the server is left alone: `error`, unless a sibling has stored a token.
async fn look(inner: &Inner, weary: Option<FreshToken>, error: SessionError) -> Renewed {
    let (outcome, held) = drive(inner, Renewal::look(Arc::clone(&inner.plan), weary.as_ref())).await;
    inner.standing.write().unwrap_or_else(PoisonError::into_inner).looked(inner.outside.now());
    match outcome {
        Outcome::Fresh { .. } | Outcome::Failed(SessionError::Lost { .. }) => inner.settle(outcome, held, false),
        _ => Err(error),
    }
}

/// The loop: does what the renewal asks for, until it is through. The lock comes back with the outcome: whoever has it next
/// must find the session's own copy settled, or an older word would be the last.
async fn drive(inner: &Inner, mut next: Next) -> (Outcome, Option<Lock>) {
    let outside = &*inner.outside;
    // Held to the end, and given back whatever happens.
    let mut held = None;
    loop {
        next = match next {
            Next::Lock(state) => match inner.store.try_lock(&inner.key).await {
                Ok(Some(lock)) => {
                    held = Some(lock);
                    state.locked()
                }
                Ok(None) => state.busy(),
                Err(error) => state.failed(error),
            },
            Next::Load(state) => match inner.store.load(&inner.key).await {
                Ok(entry) => state.loaded(&mut Dice(outside).env(), entry),
                Err(error) => state.failed(error),
            },
            Next::Write(state) => match state.value() {
                Ok(value) => match inner.store.compare_and_swap(&inner.key, state.expected(), value).await {
                    Ok(Swap::Swapped(revision)) => state.written(&mut Dice(outside).env(), revision),
                    Ok(Swap::Conflict) => state.conflict(),
                    Err(error) => state.failed(error),
                },
                Err(fault) => state.failed(crate::store::StoreError::new("be given the tokens", fault)),
            },
            Next::Send(state) => {
                inner.tell(&Event::Sending { key: &inner.key, attempt: state.attempt() });
                let request = state.request(&mut Dice(outside).env());
                match request {
                    Ok(request) => match outside.send(request).await {
                        Ok(response) => {
                            let next = state.answered(&mut Dice(outside).env(), response);
                            if let Some(cause) = next.cause() {
                                inner.tell(&Event::NotGranted { key: &inner.key, cause });
                            }
                            next
                        }
                        Err(unanswered) => {
                            inner.tell(&Event::Unanswered { key: &inner.key, unanswered: &unanswered });
                            state.unanswered(&mut Dice(outside).env(), unanswered)
                        }
                    },
                    Err(why) => state.not_made(why),
                }
            }
            Next::Release(state) => {
                held = None;
                state.released()
            }
            Next::Wait(state) => {
                outside.wait(state.duration()).await;
                state.waited()
            }
            Next::Done(outcome) => return (outcome, held),
        };
    }
}

/// The outside's clock and entropy, as an [`Env`] of the core.
struct Dice<'a>(&'a dyn Outside);

impl Dice<'_> {
    fn env(&mut self) -> Env<'_> {
        Env { now: self.0.now(), rng: self }
    }
}

impl Entropy for Dice<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        self.0.fill(bytes)
    }
}

impl Inner {
    /// The same, with nothing known yet.
    fn anew(&self) -> Self {
        Self {
            plan: Arc::clone(&self.plan),
            key: self.key.clone(),
            store: Arc::clone(&self.store),
            outside: Arc::clone(&self.outside),
            observer: self.observer.clone(),
            standing: RwLock::new(Standing::default()),
        }
    }

    /// Reads the token that another process has left, if this one knows none: though it was not renewed, it may still do.
    async fn remember(&self) {
        if !self.standing.read().unwrap_or_else(PoisonError::into_inner).is_unread() {
            return;
        }
        let Ok(Some(entry)) = self.store.load(&self.key).await else { return };
        let Ok(record) = Record::from_value(&entry.value, &self.key) else { return };
        if let Ok(token) = FreshToken::of(&record, &self.plan.client, &self.plan.policy) {
            self.standing.write().unwrap_or_else(PoisonError::into_inner).remember(token, self.outside.now());
        }
    }

    /// What an outcome means for the session. `supersedes`: whether its token stands in the place of one that was unsaved.
    fn settle(&self, outcome: Outcome, held: Option<Lock>, supersedes: bool) -> Result<FreshToken, SessionError> {
        // Asked before the lock is taken: a clock may ask its session.
        let (now, draw): (UnixTime, Draw) = (self.outside.now(), Draw::of(&mut Dice(&*self.outside).env()));
        let key = &self.key;
        let settled = {
            let mut standing = self.standing.write().unwrap_or_else(PoisonError::into_inner);
            match &outcome {
                Outcome::Fresh { token, .. } => {
                    standing.renewed(token.clone(), supersedes);
                    Ok(token.clone())
                }
                Outcome::NotRenewed { cause, retry_after, sent, useless } => {
                    let (cause, retry_after, useless) = (cause.clone(), *retry_after, useless.clone());
                    let failure = NotRenewed { cause, retry_after, sent: *sent, useless };
                    Err(standing.not_renewed(now, &self.plan.policy, failure, draw))
                }
                Outcome::InDoubt(doubt) => Err(standing.in_doubt(now, doubt.clone())),
                Outcome::NothingNew => Err(standing.error.clone().unwrap_or(SessionError::Empty)),
                Outcome::NotStored { error, unsaved } => {
                    standing.unsaved = Some(unsaved.clone());
                    Err(standing.failed(SessionError::NotStored(Arc::clone(error))))
                }
                Outcome::Failed(error) => Err(standing.failed(error.clone())),
                Outcome::Forgotten => Err(standing.failed(SessionError::Empty)),
            }
        };
        drop(held);
        // Told outside of the locks: an observer may ask the session something.
        match (&outcome, &settled) {
            (Outcome::Fresh { token, source, stored }, _) => {
                self.tell(&Event::Renewed { key, token, source: *source, stored });
            }
            (_, Err(error)) => self.tell(&Event::Failed { key, error }),
            _ => {}
        }
        settled
    }

    fn last_error(&self) -> SessionError {
        let standing = self.standing.read().unwrap_or_else(PoisonError::into_inner);
        standing.error.clone().unwrap_or(SessionError::Empty)
    }

    fn tell(&self, event: &Event<'_>) {
        crate::observe::trace(event);
        if let Some(observer) = &self.observer {
            observer.on(event);
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session {{ key: {}, {:?} }}", self.inner.key, self.state())
    }
}
