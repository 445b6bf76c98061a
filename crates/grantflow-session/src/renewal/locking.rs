//! One process at a time renews a grant.

use core::time::Duration;
use std::sync::Arc;

use super::loading::{Loading, Why};
use super::sending::Sending;
use super::writing::{Writing, Written};
use super::{Action, Course, Doubt, Outcome, Task, failed};
use crate::error::SessionError;
use crate::store::StoreError;

/// The wait between two tries of a lock that another process holds.
const FIRST_TRY: Duration = Duration::from_millis(5);
const LONGEST_TRY: Duration = Duration::from_millis(200);

/// Asks for the store's lock.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Locking {
    course: Course,
    waited: Duration,
    next_wait: Duration,
    patience: Duration,
    /// The store says that the grant is in doubt, so the holder of the lock may be waiting for a server that is down.
    doubt: Option<Box<Doubt>>,
}

impl Locking {
    pub(super) fn new(course: Course) -> Self {
        let patience = course.plan.policy.lock_patience;
        Self { course, waited: Duration::ZERO, next_wait: FIRST_TRY, patience, doubt: None }
    }

    /// For a grant in doubt: no caller waits long while another process asks.
    pub(super) fn in_doubt(course: Course, doubt: Doubt, patience: Duration) -> Self {
        Self { course, waited: Duration::ZERO, next_wait: FIRST_TRY, patience, doubt: Some(Box::new(doubt)) }
    }

    /// The lock is held now.
    pub fn locked(self) -> Action {
        match self.course.task {
            Task::Save(ref unsaved) => {
                let (expected, unsaved) = (unsaved.expected, unsaved.clone());
                Action::Write(Writing::new(self.course, expected, Written::Tokens { unsaved, tries: 0 }))
            }
            _ => Action::Load(Loading::new(self.course, Why::Start)),
        }
    }

    /// Another process holds the lock.
    pub fn busy(mut self) -> Action {
        if self.waited >= self.patience {
            return match self.doubt {
                Some(doubt) => Action::Done(Outcome::InDoubt(*doubt)),
                None => failed(SessionError::Busy),
            };
        }
        let duration = self.next_wait;
        self.waited = self.waited.saturating_add(duration);
        self.next_wait = duration.saturating_mul(2).min(LONGEST_TRY);
        Action::Wait(Waiting { duration, then: Then::Lock(self) })
    }

    /// The store failed. Nothing was sent.
    pub fn failed(self, error: StoreError) -> Action {
        failed(SessionError::Store(Arc::new(error)))
    }
}

/// Asks to release the lock: a wait follows, and no other process should wait too.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Releasing {
    duration: Duration,
    then: Locking,
}

impl Releasing {
    /// Then waits, and asks for the lock again.
    pub(super) fn and_wait(duration: Duration, then: Locking) -> Action {
        Action::Release(Self { duration, then })
    }

    /// The lock is released.
    pub fn released(self) -> Action {
        Action::Wait(Waiting { duration: self.duration, then: Then::Lock(self.then) })
    }
}

/// Asks for a wait.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Waiting {
    duration: Duration,
    then: Then,
}

#[derive(Debug)]
enum Then {
    Lock(Locking),
    Send(Box<Sending>),
    Write(Writing),
}

impl Waiting {
    pub(super) fn then_send(duration: Duration, sending: Sending) -> Action {
        Action::Wait(Self { duration, then: Then::Send(Box::new(sending)) })
    }

    pub(super) fn then_write(duration: Duration, writing: Writing) -> Action {
        Action::Wait(Self { duration, then: Then::Write(writing) })
    }

    /// How long to wait.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Whether nothing is in progress, so that a later caller can begin again and loses nothing.
    pub(crate) fn may_be_left(&self) -> bool {
        matches!(self.then, Then::Lock(_)) || self.is_between_polls()
    }

    /// Whether it is the wait before a request of a source's exchange.
    pub(crate) fn is_between_polls(&self) -> bool {
        matches!(&self.then, Then::Send(state) if state.may_be_left())
    }

    /// No caller waits any more. An exchange of a source waits for the next caller.
    pub(crate) fn leave(self) {
        if let Then::Send(state) = self.then {
            state.leave();
        }
    }

    /// That time has passed.
    pub fn waited(self) -> Action {
        match self.then {
            Then::Lock(state) => Action::Lock(state),
            Then::Send(state) => Action::Send(*state),
            Then::Write(state) => Action::Write(state),
        }
    }
}
