//! The renewal of one grant, as a chain of states without I/O: [`Action`] says what to do, and takes the outcome.
//!
//! ```text
//! Renewal ─▶ Loading ─adopt───────────────────────────────────────────────────────▶ Done(Fresh)   another process has renewed it
//!               │ not usable
//!               ▼
//!        ┌─▶ Locking ─busy─▶ Waiting ─┐
//!        │      │  ▲                  │
//!        │      │  └──────────────────┘
//!        │      ▼ locked
//!        │   Loading ─adopt, lost, paused─▶ Done          ┌─conflict─▶ Loading
//!        │      │ send                                    │
//!        │      ▼                                         │
//!        │   Writing(sending) ─written─▶ Sending ─tokens─▶ Writing(tokens) ─written─▶ Done(Fresh)
//!        │                                │ │ │              └─failed─▶ Done(NotStored), still in hand
//!        │                                │ │ └─intact─▶ Writing(mark gone) ─▶ Done(NotRenewed)
//!        │                                │ └─verdict─▶ Loading ─▶ adopt, or Writing(lost) ─▶ Done(Lost)
//!        │                                ▼ no answer that counts
//!        │                         Writing(in doubt)
//!        │                                │ ├─the early retry is used up─▶ Done(InDoubt); Unknown by a strict policy
//!        └─ Waiting ◀─ Releasing ◀────────┘ └─it is not: 1 to 2 s, without the lock
//! ```
//!
//! A plan with a [source](crate::Source) asks it where another plan has nothing more to try: nothing is stored, there is
//! no refresh token, the grant is lost, or the policy gives a doubt up.
//!
//! ```text
//!   Loading, Writing(lost), Writing(in doubt)
//!      │ source          └─async source─▶ Obtaining ─none─▶ Done(NotRenewed)
//!      ▼                                      │ exchange
//!   Sending ◀─────────────────────────────────┘
//!      │ │ ▲ └─refused, unknown, intact─▶ Done(NotRenewed); what is intact waits in memory
//!      │ │ └─ Waiting ─┐ between two polls
//!      │ └─────────────┘
//!      └─tokens─▶ Writing(tokens) ─▶ Done(Fresh)
//! ```
//!
//! **The order is the safety.** The mark is durable before the request is sent, and the tokens are durable before any
//! caller sees them. So whenever the process dies, the store holds the old token without a mark (nothing was sent), the
//! old token with a mark (something may have been sent), or the new token. The store never says anything untrue.
//!
//! **A missing answer never ends a grant.** A mark in doubt says how many requests may have been sent, since when, and
//! until when no process sends another. Only a verdict of the server or new tokens end a doubt.
//!
//! [`Session`](crate::Session) runs it. A program with another event loop can run it too:
//!
//! ```text
//! let mut next = Renewal::of(plan, None);
//! loop {
//!     next = match next {
//!         Action::Lock(state)    => …try the store's lock, then  state.locked() / state.busy() / state.failed(error)
//!         Action::Load(state)    => …load, then                  state.loaded(env, entry) / state.failed(error)
//!         Action::Write(state)   => …compare and swap, then      state.written(env, revision) / state.conflict() / state.failed(error)
//!         Action::Obtain(state)  => …await state.obtain(now),    state.obtained(env, exchange) / state.failed(error)
//!         Action::Send(state)    => …send state.request(env)?,   state.answered(env, response) / state.unanswered(env, …)
//!         Action::Release(state) => …release the lock, then    state.released()
//!         Action::Wait(state)    => …wait state.duration(), then state.waited()
//!         Action::Done(outcome)  => break outcome,
//!     }
//! }
//! ```

use core::time::Duration;
use std::sync::Arc;

use grantflow::{Tokens, UnixTime};

use crate::error::{Cause, SessionError};
use crate::fresh::{Fingerprint, FreshToken};
use crate::record::{Mark, Record, RecordFault};

mod deciding;
mod feeding;
mod loading;
mod locking;
mod outcome;
mod plan;
mod sending;
mod writing;

pub use feeding::Obtaining;
pub use loading::Loading;
pub use locking::{Locking, Releasing, Waiting};
pub use outcome::{Doubt, Outcome, Stored, TokenFrom, Unsaved};
pub use plan::Plan;
pub use sending::{NotMade, Sending};
pub use writing::Writing;

/// The begin of a renewal. All processes that renew the grant take the same lock and write the same entry.
#[derive(Debug)]
#[non_exhaustive]
pub struct Renewal;

impl Renewal {
    /// Renews the grant, unless the store has a usable token: one that is not due, and is not `weary`.
    pub fn of(plan: Arc<Plan>, weary: Option<&FreshToken>) -> Action {
        Self::insisting(plan, weary, Insist::default())
    }

    /// The same, in spite of a pause or a loss.
    pub(crate) fn insisting(plan: Arc<Plan>, weary: Option<&FreshToken>, insist: Insist) -> Action {
        let weary = weary.map(FreshToken::fingerprint);
        Course::look(plan, Task::Renew { weary, insist })
    }

    /// Looks whether the store has a usable token, and sends nothing.
    pub fn look(plan: Arc<Plan>, weary: Option<&FreshToken>) -> Action {
        let weary = weary.map(FreshToken::fingerprint);
        Course::look(plan, Task::Look { weary })
    }

    /// Stores the tokens of a login, and replaces what is there.
    ///
    /// # Errors
    /// [`RecordFault::OtherClient`] if they belong to another client than the plan's.
    pub fn prime(plan: Arc<Plan>, tokens: Tokens) -> Result<Action, RecordFault> {
        let login = Unsaved::login(&plan, tokens)?;
        Ok(Self::login(plan, &login))
    }

    /// The same, for a login that was given to the session.
    pub(crate) fn login(plan: Arc<Plan>, login: &Unsaved) -> Action {
        plan.forget_source();
        Course::lock(plan, Task::Prime(login.record.clone()))
    }

    /// Stores tokens that could not be stored before.
    pub fn save(plan: Arc<Plan>, unsaved: Unsaved) -> Action {
        Course::lock(plan, Task::Save(unsaved))
    }

    /// Removes the grant from the store.
    pub fn forget(plan: Arc<Plan>) -> Action {
        plan.forget_source();
        Course::lock(plan, Task::Forget)
    }
}

/// What a caller insists on, against the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Insist {
    /// Ignore pauses, except one that a server asked for: the network is back.
    pub(crate) now: bool,
    /// Ask once more for a grant that is lost.
    pub(crate) lost: bool,
    /// The caller has no token at all: if the store has one that is due but not over, that is enough.
    pub(crate) due_will_do: bool,
}

/// What to do next. Each state has one method for each possible outcome.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "every loop must do every thing")]
pub enum Action {
    /// Try the store's lock. Hold it until [`Action::Release`] or [`Action::Done`].
    Lock(Locking),
    /// Read the store.
    Load(Loading),
    /// Compare and swap.
    Write(Writing),
    /// Obtain an exchange from the plan's source.
    Obtain(Obtaining),
    /// Send a request.
    Send(Sending),
    /// Release the lock.
    Release(Releasing),
    /// Wait.
    Wait(Waiting),
    /// The renewal has ended; release the lock.
    Done(Outcome),
}

impl Action {
    /// Why the request that was just answered brought no tokens. `None` if it brought tokens.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Write(state) => state.cause(),
            Self::Load(state) => state.cause(),
            Self::Obtain(state) => state.cause(),
            Self::Send(state) => state.cause(),
            Self::Done(Outcome::NotRenewed { cause, .. } | Outcome::InDoubt(Doubt { cause, .. })) => Some(cause),
            Self::Done(Outcome::Failed(error)) => error.cause(),
            _ => None,
        }
    }
}

/// The purpose of a procedure.
#[derive(Clone)]
enum Task {
    Renew { weary: Option<Fingerprint>, insist: Insist },
    Look { weary: Option<Fingerprint> },
    Prime(Record),
    Save(Unsaved),
    Forget,
}

/// What every state of a procedure holds.
struct Course {
    plan: Arc<Plan>,
    task: Task,
    /// How often another process's change came between.
    conflicts: u32,
    /// The mark that was waited for already. What a loop has waited has passed, even if its clock says otherwise.
    waited: Option<Mark>,
    /// The wait that was drawn for the mark of this course. The mark itself holds whole seconds.
    drawn: Option<Duration>,
    /// Why the last request of this course brought no tokens.
    cause: Option<Cause>,
    /// When that request was sent.
    asked: Option<UnixTime>,
    /// The store cannot take a record with its key, so the record is accepted without.
    nameless: bool,
}

/// After more changes by others than this, the store has a fault.
const MOST_CONFLICTS: u32 = 8;

impl Course {
    fn new(plan: Arc<Plan>, task: Task) -> Self {
        Self { plan, task, conflicts: 0, waited: None, drawn: None, cause: None, asked: None, nameless: false }
    }

    fn lock(plan: Arc<Plan>, task: Task) -> Action {
        Action::Lock(Locking::new(Self::new(plan, task)))
    }

    fn look(plan: Arc<Plan>, task: Task) -> Action {
        Action::Load(Loading::new(Self::new(plan, task), loading::Why::Look))
    }

    fn fresh(&self, record: &Record) -> Result<FreshToken, RecordFault> {
        FreshToken::of(record, &self.plan.client, &self.plan.policy)
    }

    fn weary(&self) -> Option<Fingerprint> {
        match self.task {
            Task::Renew { weary, .. } | Task::Look { weary } => weary,
            _ => None,
        }
    }

    fn insist(&self) -> Insist {
        match self.task {
            Task::Renew { insist, .. } => insist,
            _ => Insist::default(),
        }
    }

    /// Insisting counts for one request.
    fn insisted(&mut self) {
        if let Task::Renew { insist, .. } = &mut self.task {
            *insist = Insist::default();
        }
    }

    /// From now on this is a renewal like any other.
    fn renew(&mut self) {
        self.task = Task::Renew { weary: None, insist: Insist::default() };
    }
}

impl core::fmt::Debug for Course {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self.task {
            Task::Renew { .. } => "renew",
            Task::Look { .. } => "look",
            Task::Prime(_) => "prime",
            Task::Save(_) => "save",
            Task::Forget => "forget",
        })
    }
}

fn failed(error: SessionError) -> Action {
    Action::Done(Outcome::Failed(error))
}
