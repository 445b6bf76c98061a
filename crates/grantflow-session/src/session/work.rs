//! One piece of work for all waiting callers: a renewal, a login, a logout.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use grantflow::{Entropy, EntropyFailed, Env, UnixTime};
use http::StatusCode;

use super::Inner;
use super::memory::{Taken, Task, Ticket};
use crate::breaker::Pass;
use crate::error::{Cause, SessionError};
use crate::flight::Work;
use crate::fresh::FreshToken;
use crate::observe::Event;
use crate::outside::Outside;
use crate::policy::Draw;
use crate::record::Record;
use crate::renewal::{Action, Outcome, Plan, Renewal, TokenFrom};
use crate::standing::NotRenewed;
use crate::store::{Lock, StoreError, Swap};

/// The result of the work.
#[derive(Clone)]
pub(super) struct Landed {
    /// The login or logout that it was for.
    pub(super) wish: Option<Ticket>,
    pub(super) end: End,
}

#[derive(Clone)]
pub(super) enum End {
    Token(FreshToken),
    Failed(SessionError),
    /// Logged out.
    Forgotten,
    /// The logout failed: the grant is still there.
    StillThere,
    /// It would have had to wait, and no caller wanted to.
    Left,
}

impl From<Result<FreshToken, SessionError>> for End {
    fn from(result: Result<FreshToken, SessionError>) -> Self {
        match result {
            Ok(token) => Self::Token(token),
            Err(error) => Self::Failed(error),
        }
    }
}

pub(super) fn work(inner: &Arc<Inner>) -> Work<Landed> {
    work_by(inner, Arc::clone(&inner.plan))
}

/// The same, for a plug that asks during the work. It must not wait for a lock that this work holds.
pub(super) fn work_beside(inner: &Arc<Inner>) -> Work<Landed> {
    let mut plan = Plan::clone(&inner.plan);
    plan.policy.lock_patience = Duration::ZERO;
    work_by(inner, Arc::new(plan))
}

fn work_by(inner: &Arc<Inner>, plan: Arc<Plan>) -> Work<Landed> {
    let inner = Arc::clone(inner);
    Box::pin(async move {
        let now = inner.outside.now();
        let task = match inner.memory_mut().task(now, &inner.plan) {
            Ok(task) => task,
            Err(known) => return Landed { wish: None, end: known.into() },
        };
        let (wish, insist) = (task.wish(), task.insist());
        let _pass = match inner.pass(now, &task) {
            Ok(pass) => pass,
            Err((weary, error)) => {
                inner.memory_mut().standing.insist_again(insist);
                return Landed { wish, end: look(&inner, weary, error).await.into() };
            }
        };
        let next = match task {
            Task::Renew { unsaved: Some(unsaved), .. } => Renewal::save(plan, unsaved),
            Task::Renew { weary, insist, .. } => Renewal::insisting(plan, weary.as_ref(), insist),
            Task::Look { weary, error } => return Landed { wish, end: look(&inner, weary, error).await.into() },
            Task::Login { unsaved, .. } => Renewal::login(plan, &unsaved),
            Task::LoginAgain { unsaved, .. } => Renewal::save(plan, unsaved),
            Task::Logout { ticket } => {
                let driven = drive(&inner, Renewal::forget(plan), wish).await;
                return Landed { wish, end: inner.settle_logout(ticket, driven) };
            }
        };
        let Some((outcome, held)) = drive(&inner, next, wish).await else {
            inner.memory_mut().standing.insist_again(insist);
            return Landed { wish, end: End::Left };
        };
        let is_open = nothing_left(&outcome, inner.outside.now());
        if let Outcome::NotRenewed { .. }
        | Outcome::InDoubt(_)
        | Outcome::Failed(SessionError::Unknown { .. } | SessionError::Lost { .. }) = outcome
        {
            inner.remember().await;
        }
        let end = inner.settle(wish, outcome, held).into();
        if is_open {
            inner.memory_mut().standing.insist_again(insist);
        }
        Landed { wish, end }
    })
}

/// Whether a renewal has ended before its request was sent, so that what a caller insists on is still to be done.
fn nothing_left(outcome: &Outcome, now: UnixTime) -> bool {
    match outcome {
        Outcome::Fresh { token, from: TokenFrom::Store, .. } => token.is_due(now),
        Outcome::NotRenewed { sent, .. } => !sent,
        Outcome::Failed(error) => matches!(
            error,
            SessionError::Store(_) | SessionError::Busy | SessionError::Contended | SessionError::Record(_)
        ),
        _ => false,
    }
}

/// During a pause: `error`, unless another process has stored a token.
async fn look(inner: &Inner, weary: Option<FreshToken>, error: SessionError) -> Result<FreshToken, SessionError> {
    let driven = drive(inner, Renewal::look(Arc::clone(&inner.plan), weary.as_ref()), None).await;
    let now = inner.outside.now();
    inner.memory_mut().standing.looked(now);
    match driven {
        Some((outcome @ (Outcome::Fresh { .. } | Outcome::Failed(SessionError::Lost { .. })), held)) => {
            inner.settle(None, outcome, held)
        }
        _ => Err(error),
    }
}

/// The loop: does what the renewal asks for, until it ends. The lock is returned with the outcome. The session's own
/// copy must be updated before another process or procedure takes the lock, or an older state would be the last.
///
/// `None` if it would have to wait for others, and no caller wants to.
async fn drive(inner: &Inner, mut next: Action, wish: Option<Ticket>) -> Option<(Outcome, Option<Lock>)> {
    let outside = &*inner.outside;
    // Held to the end, and released in every case.
    let mut held = None;
    // An observer that blocks makes its request late. It is told once of each request, or this would repeat for ever.
    let mut told = None;
    loop {
        next = match next {
            Action::Lock(state) => match inner.store.try_lock(&inner.key).await {
                Ok(Some(lock)) => {
                    held = Some(lock);
                    state.locked()
                }
                Ok(None) => state.busy(),
                Err(error) => state.failed(error),
            },
            Action::Load(state) => match inner.store.load(&inner.key).await {
                Ok(entry) => state.loaded(&mut AsEnv(outside).env(), entry),
                Err(error) => state.failed(error),
            },
            Action::Write(state) => match state.value() {
                Ok(value) => {
                    let perhaps = state.tokens().map(|tokens| inner.memory_mut().about_to_write(wish, tokens));
                    match inner.store.compare_and_swap(&inner.key, state.expected(), value).await {
                        Ok(Swap::Swapped(revision)) => state.written(&mut AsEnv(outside).env(), revision),
                        Ok(Swap::Conflict) => {
                            if perhaps == Some(false) {
                                inner.memory_mut().not_written(wish);
                            }
                            state.conflict()
                        }
                        Err(error) => state.failed(error),
                    }
                }
                Err(fault) => state.failed(StoreError::new("be given the tokens", fault)),
            },
            Action::Send(state) => {
                let attempt = state.attempt();
                if told.replace(attempt) != Some(attempt) {
                    inner.tell(&Event::Sending { key: &inner.key, attempt });
                }
                let request = state.request(&mut AsEnv(outside).env());
                match request {
                    Ok(request) => {
                        told = None;
                        match outside.send(request).await {
                            Ok(response) => {
                                let status = response.status();
                                let next = state.answered(&mut AsEnv(outside).env(), response);
                                if let Some(cause) = next.cause() {
                                    inner.tell(&Event::NotGranted { key: &inner.key, cause });
                                }
                                inner.tell_breaker(status, next.cause());
                                next
                            }
                            Err(unanswered) => {
                                inner.tell(&Event::Unanswered { key: &inner.key, unanswered: &unanswered });
                                if let Some(breaker) = &inner.breaker {
                                    breaker.unanswered(outside.now());
                                }
                                state.unanswered(&mut AsEnv(outside).env(), unanswered)
                            }
                        }
                    }
                    Err(why) => state.not_made(why),
                }
            }
            Action::Obtain(state) => {
                inner.tell(&Event::Obtaining { key: &inner.key });
                match inner.obtained(&state).await {
                    Ok(exchange) => state.obtained(&mut AsEnv(outside).env(), exchange),
                    Err(error) => state.failed(error),
                }
            }
            Action::Release(state) => {
                held = None;
                state.released()
            }
            Action::Wait(state) => {
                if state.may_be_left() && inner.patient.load(Ordering::SeqCst) == 0 {
                    state.leave();
                    return None;
                }
                let waited = outside.wait(state.duration());
                if !state.is_between_polls() {
                    waited.await;
                } else if !inner.between_polls(waited, wish).await {
                    state.leave();
                    return None;
                }
                state.waited()
            }
            Action::Done(outcome) => return Some((outcome, held)),
        };
    }
}

/// The outside's clock and entropy, as an [`Env`] of the core.
struct AsEnv<'a>(&'a dyn Outside);

impl AsEnv<'_> {
    fn env(&mut self) -> Env<'_> {
        Env::new(self.0.now(), self)
    }
}

impl Entropy for AsEnv<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        self.0.fill(bytes)
    }
}

impl Inner {
    /// Reads the token that another process has left, if this process knows none. It may be usable, although it was not
    /// renewed.
    async fn remember(&self) {
        if !self.memory().standing.is_unread() {
            return;
        }
        let Ok(Some(entry)) = self.store.load(&self.key).await else { return };
        let Ok(record) = Record::from_value(&entry.value, &self.key) else { return };
        if let Ok(token) = FreshToken::of(&record, &self.plan.client, &self.plan.policy) {
            let now = self.outside.now();
            self.memory_mut().standing.remember(token, now);
        }
    }

    /// Permission to send, if there is a breaker. Otherwise what to look for in the store, and the error if it is not
    /// there.
    fn pass(&self, now: UnixTime, task: &Task) -> Result<Option<Pass>, (Option<FreshToken>, SessionError)> {
        let (Some(breaker), Task::Renew { unsaved: None, weary, insist }) = (&self.breaker, task) else {
            return Ok(None);
        };
        if insist.now {
            return Ok(None);
        }
        breaker.enter(now).map(Some).map_err(|until| {
            let error = self.memory_mut().standing.held_back(now, until);
            (weary.clone(), error)
        })
    }

    fn tell_breaker(&self, status: StatusCode, cause: Option<&Cause>) {
        let Some(breaker) = &self.breaker else { return };
        // A poll goes on after a gateway's error, and then there is no cause.
        let is_gateway = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if is_gateway && cause.is_none() {
            breaker.unanswered(self.outside.now());
        } else {
            breaker.ends(self.outside.now(), cause);
        }
    }

    /// Takes what an outcome means for the session.
    fn settle(&self, wish: Option<Ticket>, outcome: Outcome, held: Option<Lock>) -> Result<FreshToken, SessionError> {
        let (now, draw) = (self.outside.now(), Draw::of(&mut AsEnv(&*self.outside).env()));
        let key = &self.key;
        let settled = {
            let mut memory = self.memory_mut();
            memory.ends(wish, &outcome);
            let standing = &mut memory.standing;
            match &outcome {
                Outcome::Fresh { token, .. } => {
                    standing.renewed(token.clone());
                    Ok(token.clone())
                }
                Outcome::NotRenewed { cause, retry_after, sent, useless } => {
                    let (cause, retry_after, useless) = (cause.clone(), *retry_after, useless.clone());
                    let failure = NotRenewed { cause, retry_after, sent: *sent, useless };
                    Err(standing.not_renewed(now, &self.plan.policy, failure, draw))
                }
                Outcome::InDoubt(doubt) => Err(standing.in_doubt(now, doubt.clone())),
                Outcome::NothingNew => Err(standing.error.clone().unwrap_or(SessionError::Empty)),
                Outcome::NotStored { error, unsaved } if unsaved.is_login() => {
                    Err(SessionError::NotStored(Arc::clone(error)))
                }
                Outcome::NotStored { error, .. } => Err(standing.failed(SessionError::NotStored(Arc::clone(error)))),
                // The grant that the login should replace is unchanged.
                Outcome::Failed(error) if wish.is_some() => Err(error.clone()),
                Outcome::Failed(error) => Err(standing.failed(error.clone())),
                Outcome::Forgotten { .. } => Err(SessionError::Empty),
            }
        };
        drop(held);
        // Told outside of the locks: an observer may ask the session something.
        match (&outcome, &settled) {
            (Outcome::Fresh { token, from, stored }, _) => {
                self.tell(&Event::Renewed { key, token, from: *from, stored });
            }
            (_, Err(error)) => self.tell(&Event::Failed { key, error }),
            _ => {}
        }
        settled
    }

    fn settle_logout(&self, ticket: Ticket, driven: Option<(Outcome, Option<Lock>)>) -> End {
        let Some((outcome, held)) = driven else { return End::Left };
        let (result, taken) = match outcome {
            Outcome::Forgotten { taken } => (Ok(()), taken),
            Outcome::Failed(error) => (Err(error), None),
            // A logout has no other end.
            _ => (Err(SessionError::Contended), None),
        };
        self.memory_mut().logout_ends(ticket, result.clone(), taken.map(Taken::Stored));
        drop(held);
        match result {
            Ok(()) => End::Forgotten,
            Err(error) => {
                self.tell(&Event::Failed { key: &self.key, error: &error });
                End::StillThere
            }
        }
    }

    /// An observer that panics must not turn an unsent request into one that may have been sent.
    fn tell(&self, event: &Event<'_>) {
        crate::observe::trace(event);
        if let Some(observer) = &self.observer {
            let told = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| observer.on(event)));
            drop(told);
        }
    }
}
