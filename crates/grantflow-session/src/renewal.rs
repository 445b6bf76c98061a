//! The renewal of one grant, as a chain of states without I/O: [`Next`] says what to do, and takes how it went.
//!
//! ```text
//!              ┌──busy──Waiting◀─┐
//!              ▼                 │
//! Renewal ─▶ Locking ─locked─▶ Loading ─adopt──────────────────────────────▶ Done(Fresh)   a sibling has renewed it
//!                                │  ▲ ▲
//!                                │  │ └─conflict─┐
//!                                ▼  │            │
//!                             Writing(mark) ─written─▶ Sending ─tokens─▶ Writing(tokens) ─written─▶ Done(Fresh)
//!                                   ▲                   │ │ │                └─failed─▶ Done(NotStored), still in hand
//!                                   │                   │ │ └─intact─▶ Writing(mark gone) ─▶ Done(NotRenewed)
//!                                   │                   │ └─invalid_grant─▶ Loading ─▶ adopt, or Writing(lost) ─▶ Lost
//!                                   └─Loading◀─Waiting◀─┘ no answer: once more, then Done(Unknown)
//! ```
//!
//! **The order is the safety.** The mark is durable before the request leaves, and the tokens are durable before anybody
//! sees them. So whenever the process dies, the store holds the old token without a mark (nothing was sent), with one
//! (something may have been), or the new token. It never says what is not so.
//!
//! [`Session`](crate::Session) runs it; who has an event loop of their own can run it too:
//!
//! ```text
//! let mut next = Renewal::of(plan, None);
//! loop {
//!     next = match next {
//!         Next::Lock(state)  => …try the store's lock, then  state.locked() / state.busy() / state.failed(error)
//!         Next::Load(state)  => …load, then                  state.loaded(env, entry) / state.failed(error)
//!         Next::Write(state) => …compare and swap, then      state.written(env, revision) / state.conflict() / state.failed(error)
//!         Next::Send(state)  => …send state.request(env)?,   state.answered(env, response) / state.unanswered(env, …)
//!         Next::Wait(state)  => …wait state.duration(), then state.waited()
//!         Next::Done(outcome) => break outcome,
//!     }
//! }
//! ```

use core::time::Duration;
use std::sync::Arc;

use grantflow::{Client, ClientCredentials, Env, Tokens};

use crate::error::{Cause, SessionError};
use crate::fresh::FreshToken;
use crate::policy::Policy;
use crate::record::{Begun, Record, RecordFault, TokenId};
use crate::store::{Revision, StoreError};

mod loading;
mod locking;
mod sending;
mod writing;

pub use loading::Loading;
pub use locking::{Locking, Waiting};
pub use sending::Sending;
pub use writing::Writing;

/// Whose grant it is, and how it is renewed.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) client: Client,
    pub(crate) grant: Option<ClientCredentials>,
    pub(crate) policy: Policy,
}

impl Plan {
    /// A person's grant, renewed with its refresh token (RFC 6749 §6).
    pub fn refresh(client: impl Into<Client>, policy: Policy) -> Arc<Self> {
        Arc::new(Self { client: client.into(), grant: None, policy })
    }

    /// A client's own grant, renewed by asking for another (RFC 6749 §4.4).
    pub fn client_credentials(grant: ClientCredentials, policy: Policy) -> Arc<Self> {
        Arc::new(Self { client: grant.client().into(), grant: Some(grant), policy })
    }

    /// Whether `token` can be renewed at all.
    pub(crate) fn can_renew(&self, token: &FreshToken) -> bool {
        self.grant.is_some() || token.is_renewable()
    }
}

/// Where a renewal begins. So do its siblings: they take the same lock, and write the same entry.
#[derive(Debug)]
#[non_exhaustive]
pub struct Renewal;

impl Renewal {
    /// Renews the grant, unless the store has a token that will do: one that is not due, and is not `weary`.
    pub fn of(plan: Arc<Plan>, weary: Option<&FreshToken>) -> Next {
        let weary = weary.map(FreshToken::id);
        Course::start(plan, Task::Renew { weary })
    }

    /// Stores the tokens of a login, in place of whatever is there.
    ///
    /// # Errors
    /// [`RecordFault::OtherClient`] if they belong to another client than the plan's.
    pub fn prime(plan: Arc<Plan>, tokens: Tokens) -> Result<Next, RecordFault> {
        let login = Unsaved::login(&plan, tokens)?;
        Ok(Self::login(plan, &login))
    }

    /// The same, of a login that was handed over.
    pub(crate) fn login(plan: Arc<Plan>, login: &Unsaved) -> Next {
        Course::start(plan, Task::Prime(login.record.clone()))
    }

    /// Stores tokens whose storing failed.
    pub fn save(plan: Arc<Plan>, unsaved: Unsaved) -> Next {
        Course::start(plan, Task::Save(unsaved))
    }

    /// Removes the grant from the store.
    pub fn forget(plan: Arc<Plan>) -> Next {
        Course::start(plan, Task::Forget)
    }
}

/// What to do next. Each state has a method for each way that it can go.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "every loop must do every thing")]
pub enum Next {
    /// Try the store's lock. It is held until [`Next::Done`].
    Lock(Locking),
    /// Read the store.
    Load(Loading),
    /// Compare and swap.
    Write(Writing),
    /// Send a request.
    Send(Sending),
    /// Wait.
    Wait(Waiting),
    /// It is through; give the lock back.
    Done(Outcome),
}

/// How a renewal ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// There is a token, and it is durable.
    Fresh {
        /// The token.
        token: FreshToken,
        /// Where it came from.
        source: Source,
        /// What the store holds.
        stored: Stored,
    },
    /// The grant is out of the store.
    Forgotten,
    /// The renewal failed, and the grant is as it was.
    NotRenewed {
        /// What went wrong.
        cause: Cause,
        /// How long the server wants to be left alone, if it said.
        retry_after: Option<Duration>,
    },
    /// The tokens were renewed, and the store failed to take them.
    NotStored {
        /// What went wrong.
        error: Arc<StoreError>,
        /// The tokens: see [`Renewal::save`].
        unsaved: Unsaved,
    },
    /// There is no token, for another reason.
    Failed(SessionError),
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The server's answer.
    Server,
    /// The store: another process had renewed it, or it was there from before.
    Store,
    /// A login.
    Login,
}

/// What was written to the store, for an observer.
#[derive(Clone)]
pub struct Stored(Record);

impl Stored {
    /// The tokens in the form that can be stored elsewhere. **It holds them in plain text.**
    ///
    /// # Errors
    /// [`RecordFault`] if they cannot be read back.
    pub fn expose_tokens(&self) -> Result<grantflow::StoredTokens, RecordFault> {
        self.0.stored_tokens()
    }
}

impl core::fmt::Debug for Stored {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Stored([redacted])")
    }
}

/// Tokens that were renewed and could not be stored: the only copy there is.
#[derive(Clone)]
#[must_use = "these tokens are nowhere else"]
pub struct Unsaved {
    record: Record,
    /// The tokens that were renewed for these; `None` for a login's.
    base: Option<TokenId>,
    /// The grant that a login replaces.
    replaces: Option<u64>,
    /// The entry that was there.
    expected: Option<Revision>,
}

impl Unsaved {
    /// The tokens of a login.
    ///
    /// # Errors
    /// [`RecordFault::OtherClient`] if they belong to another client than the plan's.
    pub(crate) fn login(plan: &Plan, tokens: Tokens) -> Result<Self, RecordFault> {
        let record = Record::login(tokens)?;
        record.tokens(&plan.client)?;
        Ok(Self { record, base: None, replaces: None, expected: None })
    }

    /// Whether they are a login's, and not a renewal's of what was there.
    pub(crate) fn is_login(&self) -> bool {
        self.record.id.grant != 0 && self.base.is_none()
    }

    /// The tokens in the form that can be stored elsewhere. **It holds them in plain text.**
    ///
    /// # Errors
    /// [`RecordFault`] if they cannot be read back.
    pub fn expose_tokens(&self) -> Result<grantflow::StoredTokens, RecordFault> {
        self.record.stored_tokens()
    }
}

impl core::fmt::Debug for Unsaved {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Unsaved([redacted])")
    }
}

/// What a procedure is for.
#[derive(Clone)]
enum Task {
    Renew { weary: Option<TokenId> },
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
    /// The mark that was waited for already: by a clock that fell back, it would never be old enough.
    waited: Option<Begun>,
}

/// More than that many changes by others, and something is wrong with the store.
const MOST_CONFLICTS: u32 = 8;

impl Course {
    fn start(plan: Arc<Plan>, task: Task) -> Next {
        Next::Lock(Locking::new(Self { plan, task, conflicts: 0, waited: None }))
    }

    /// A token of the record; where entropy fails, it is renewed at the margin, like every other.
    fn fresh(&self, env: &mut Env<'_>, record: &Record) -> Result<FreshToken, RecordFault> {
        let mut dice = [0u8];
        let dice = env.rng.fill(&mut dice).map_or(0, |()| dice[0]);
        FreshToken::of(record, &self.plan.client, &self.plan.policy, dice)
    }
}

impl core::fmt::Debug for Course {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self.task {
            Task::Renew { .. } => "renew",
            Task::Prime(_) => "prime",
            Task::Save(_) => "save",
            Task::Forget => "forget",
        })
    }
}

fn failed(error: SessionError) -> Next {
    Next::Done(Outcome::Failed(error))
}
