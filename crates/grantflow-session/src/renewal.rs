//! The renewal of one grant, as a chain of states without I/O: [`Action`] says what to do, and takes how it went.
//!
//! ```text
//! Renewal ─▶ Loading ─adopt───────────────────────────────────────────────────────▶ Done(Fresh)   a sibling has renewed it
//!               │ it will not do
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
//!        │                                │ ├─the early retry is used up─▶ Done(InDoubt); Unknown for a strict policy
//!        └─ Waiting ◀─ Releasing ◀────────┘ └─it is not: 1 to 2 s, without the lock
//! ```
//!
//! **The order is the safety.** The mark is durable before the request leaves, and the tokens are durable before anybody
//! sees them. So whenever the process dies, the store holds the old token without a mark (nothing was sent), with one
//! (something may have been), or the new token. It never says what is not so.
//!
//! **A grant is never given up for lack of an answer.** A mark in doubt says how many requests may have left, since when, and
//! until when the server is left alone; all processes keep to it. Only a verdict of the server ends a doubt, or new tokens.
//!
//! [`Session`](crate::Session) runs it; a program with another event loop can run it too:
//!
//! ```text
//! let mut next = Renewal::of(plan, None);
//! loop {
//!     next = match next {
//!         Action::Lock(state)    => …try the store's lock, then  state.locked() / state.busy() / state.failed(error)
//!         Action::Load(state)    => …load, then                  state.loaded(env, entry) / state.failed(error)
//!         Action::Write(state)   => …compare and swap, then      state.written(env, revision) / state.conflict() / state.failed(error)
//!         Action::Send(state)    => …send state.request(env)?,   state.answered(env, response) / state.unanswered(env, …)
//!         Action::Release(state) => …give the lock back, then    state.released()
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
mod loading;
mod locking;
mod outcome;
mod plan;
mod sending;
mod writing;

pub use loading::Loading;
pub use locking::{Locking, Releasing, Waiting};
pub use outcome::{Doubt, Outcome, Source, Stored, Unsaved};
pub use plan::Plan;
pub use sending::{NotMade, Sending};
pub use writing::Writing;

/// Where a renewal begins. So do its siblings: they take the same lock, and write the same entry.
#[derive(Debug)]
#[non_exhaustive]
pub struct Renewal;

impl Renewal {
    /// Renews the grant, unless the store has a token that will do: one that is not due, and is not `weary`.
    pub fn of(plan: Arc<Plan>, weary: Option<&FreshToken>) -> Action {
        Self::insisting(plan, weary, Insist::default())
    }

    /// The same, in spite of a pause or of a loss.
    pub(crate) fn insisting(plan: Arc<Plan>, weary: Option<&FreshToken>, insist: Insist) -> Action {
        let weary = weary.map(FreshToken::fingerprint);
        Course::look(plan, Task::Renew { weary, insist })
    }

    /// Looks whether the store has a token that will do, and sends nothing.
    pub fn look(plan: Arc<Plan>, weary: Option<&FreshToken>) -> Action {
        let weary = weary.map(FreshToken::fingerprint);
        Course::look(plan, Task::Look { weary })
    }

    /// Stores the tokens of a login, in place of whatever is there.
    ///
    /// # Errors
    /// [`RecordFault::OtherClient`] if they belong to another client than the plan's.
    pub fn prime(plan: Arc<Plan>, tokens: Tokens) -> Result<Action, RecordFault> {
        let login = Unsaved::login(&plan, tokens)?;
        Ok(Self::login(plan, &login))
    }

    /// The same, of a login that was handed over.
    pub(crate) fn login(plan: Arc<Plan>, login: &Unsaved) -> Action {
        Course::lock(plan, Task::Prime(login.record.clone()))
    }

    /// Stores tokens whose storing failed.
    pub fn save(plan: Arc<Plan>, unsaved: Unsaved) -> Action {
        Course::lock(plan, Task::Save(unsaved))
    }

    /// Removes the grant from the store.
    pub fn forget(plan: Arc<Plan>) -> Action {
        Course::lock(plan, Task::Forget)
    }
}

/// What a caller insists on, against what the store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Insist {
    /// Pauses are over, but for what a server asked for: the network is back.
    pub(crate) now: bool,
    /// A grant that is lost is asked for once more.
    pub(crate) lost: bool,
    /// The caller has no token at all: one that is due and not over will do, if the store has one.
    pub(crate) due_will_do: bool,
}

/// What to do next. Each state has a method for each way that it can go.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "every loop must do every thing")]
pub enum Action {
    /// Try the store's lock. It is held until [`Action::Release`] or [`Action::Done`].
    Lock(Locking),
    /// Read the store.
    Load(Loading),
    /// Compare and swap.
    Write(Writing),
    /// Send a request.
    Send(Sending),
    /// Give the lock back.
    Release(Releasing),
    /// Wait.
    Wait(Waiting),
    /// It is through; give the lock back.
    Done(Outcome),
}

impl Action {
    /// Why the request that was just answered brought no tokens; `None` if it did.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Write(state) => state.cause(),
            Self::Load(state) => state.cause(),
            Self::Done(Outcome::NotRenewed { cause, .. } | Outcome::InDoubt(Doubt { cause, .. })) => Some(cause),
            Self::Done(Outcome::Failed(error)) => error.cause(),
            _ => None,
        }
    }
}

/// What a procedure is for.
#[derive(Clone)]
enum Task {
    Renew { weary: Option<Fingerprint>, insist: Insist },
    Look { weary: Option<Fingerprint> },
    Prime(Record),
    Save(Unsaved),
    Forget,
}

/// What every state of a procedure carries along.
struct Course {
    plan: Arc<Plan>,
    task: Task,
    /// How often somebody else's change came between.
    conflicts: u32,
    /// The mark that was waited for already: what a loop has waited has passed, though its clock may say otherwise.
    waited: Option<Mark>,
    /// The wait that was drawn for the mark of this course. The mark holds whole seconds.
    drawn: Option<Duration>,
    /// Why the last request of this course brought no tokens.
    cause: Option<Cause>,
    /// When it left.
    asked: Option<UnixTime>,
    /// The store cannot take a record with its key: believed without.
    nameless: bool,
}

/// More than that many changes by others, and something is wrong with the store.
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

    /// To insist is good for one request.
    fn insisted(&mut self) {
        if let Task::Renew { insist, .. } = &mut self.task {
            *insist = Insist::default();
        }
    }

    /// From now on it is a renewal like any other.
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
