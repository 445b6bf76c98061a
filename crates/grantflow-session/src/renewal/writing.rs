//! Nothing is done, and nobody sees anything, before it is written down.

use core::time::Duration;
use std::sync::Arc;

use grantflow::Env;

use super::loading::{Loading, Why};
use super::locking::Waiting;
use super::sending::Sending;
use super::{Course, MOST_CONFLICTS, Next, Outcome, Source, Stored, Task, Unsaved, failed};
use crate::error::{Cause, SessionError};
use crate::record::{Begun, Loss, Record, RecordFault};
use crate::store::{Revision, StoreError, Value};

/// How often new tokens are written before the caller is told that they are not stored, and how long between.
const MOST_TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Wants the store's entry changed.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Writing {
    course: Course,
    expected: Option<Revision>,
    what: Written,
}

pub(super) enum Written {
    /// A request is about to leave.
    Mark { record: Record, begun: Begun },
    /// New tokens.
    Tokens { unsaved: Unsaved, tries: u32 },
    /// No request has left after all, or none that matters.
    Unmarked { record: Record, cause: Cause, retry_after: Option<Duration> },
    /// The grant is gone.
    Loss { record: Record, loss: Loss },
    /// The entry goes.
    Removal,
}

impl Writing {
    pub(super) fn new(course: Course, expected: Option<Revision>, what: Written) -> Self {
        Self { course, expected, what }
    }

    /// The revision that the entry must have; `None`: there must be none.
    pub fn expected(&self) -> Option<Revision> {
        self.expected
    }

    /// The new tokens that are to be written, if it is tokens.
    pub(crate) fn tokens(&self) -> Option<&Unsaved> {
        match &self.what {
            Written::Tokens { unsaved, .. } => Some(unsaved),
            _ => None,
        }
    }

    /// What to write; `None`: the entry is to be removed.
    ///
    /// # Errors
    /// [`RecordFault`] if it cannot be written as text; hand it to [`Writing::failed`].
    pub fn value(&self) -> Result<Option<Value>, RecordFault> {
        let record = match &self.what {
            Written::Mark { record, begun } => record.clone().with_mark(Some(*begun)),
            Written::Tokens { unsaved, .. } => unsaved.record.clone(),
            Written::Unmarked { record, .. } => record.clone(),
            Written::Loss { record, loss } => record.clone().with_mark(None).with_loss(*loss),
            Written::Removal => return Ok(None),
        };
        record.to_value().map(Some)
    }

    /// It is durable, as this revision.
    pub fn written(mut self, env: &mut Env<'_>, revision: Revision) -> Next {
        match self.what {
            Written::Mark { record, begun } => match Sending::refresh(self.course, record, begun, revision) {
                Ok(sending) => Next::Send(sending),
                Err(error) => failed(error),
            },
            Written::Tokens { unsaved, .. } => {
                let source = if matches!(self.course.task, Task::Prime(_)) { Source::Login } else { Source::Server };
                match self.course.fresh(env, &unsaved.record) {
                    // It was over by the time that it could be stored; it has a refresh token that is not.
                    Ok(token) if matches!(self.course.task, Task::Save(_)) && token.is_over(env.now) => {
                        self.course.task = Task::Renew { weary: None };
                        Next::Load(Loading::new(self.course, Why::Start))
                    }
                    Ok(token) => Next::Done(Outcome::Fresh { token, source, stored: Stored(unsaved.record) }),
                    Err(fault) => failed(SessionError::Record(fault)),
                }
            }
            Written::Unmarked { cause, retry_after, .. } => Next::Done(Outcome::NotRenewed { cause, retry_after }),
            Written::Loss { loss, .. } => failed(SessionError::Lost(loss)),
            Written::Removal => Next::Done(Outcome::Forgotten),
        }
    }

    /// The entry had another revision.
    pub fn conflict(mut self) -> Next {
        match self.what {
            Written::Tokens { unsaved, .. } if !matches!(self.course.task, Task::Prime(_)) => {
                Next::Load(Loading::new(self.course, Why::Conflict { ours: unsaved }))
            }
            // Others' tokens there may be, but these stay refused.
            Written::Loss { record, .. } if self.course.conflicts < MOST_CONFLICTS => {
                self.course.conflicts += 1;
                Next::Load(Loading::new(self.course, Why::Refused { id: record.id }))
            }
            // Whoever changed it knows better what is there.
            Written::Unmarked { cause, retry_after, .. } => Next::Done(Outcome::NotRenewed { cause, retry_after }),
            _ => {
                self.course.conflicts += 1;
                if self.course.conflicts > MOST_CONFLICTS {
                    return failed(SessionError::Contended);
                }
                Next::Load(Loading::new(self.course, Why::Start))
            }
        }
    }

    /// The store failed: whether anything is written, nobody knows.
    pub fn failed(self, error: StoreError) -> Next {
        match self.what {
            Written::Tokens { unsaved, tries } if tries + 1 < MOST_TRIES => {
                let what = Written::Tokens { unsaved, tries: tries + 1 };
                Waiting::then_write(BETWEEN_TRIES, Self { what, ..self })
            }
            Written::Tokens { unsaved, .. } => Next::Done(Outcome::NotStored { error: Arc::new(error), unsaved }),
            // The mark stays. It says less than is known, and costs a wait at most.
            Written::Unmarked { cause, retry_after, .. } => Next::Done(Outcome::NotRenewed { cause, retry_after }),
            // It is lost all the same; the next to come will find out again.
            Written::Loss { loss, .. } => failed(SessionError::Lost(loss)),
            Written::Mark { .. } | Written::Removal => failed(SessionError::Store(Arc::new(error))),
        }
    }
}

impl core::fmt::Debug for Written {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Mark { .. } => "Mark",
            Self::Tokens { .. } => "Tokens",
            Self::Unmarked { .. } => "Unmarked",
            Self::Loss { .. } => "Loss",
            Self::Removal => "Removal",
        })
    }
}
