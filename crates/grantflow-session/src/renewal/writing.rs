//! Writes to the store: nothing is sent, and no caller sees a token, before it is stored.

use core::time::Duration;
use std::sync::Arc;

use grantflow::{Env, UnixTime};

use super::deciding::{decide, doubt};
use super::feeding::{Place, feed_or};
use super::loading::{Loading, Why};
use super::locking::Waiting;
use super::sending::Sending;
use super::{Action, Course, Doubt, MOST_CONFLICTS, Outcome, Stored, Task, TokenFrom, Unsaved, failed};
use crate::error::{Cause, SessionError};
use crate::fresh::FreshToken;
use crate::record::{Lost, Mark, Record, RecordFault, TokenId};
use crate::store::{Revision, StoreError, Value};

/// How often new tokens are written before the caller is told that they are not stored, and the wait between.
const MOST_TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// Asks for a change of the store's entry.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Writing {
    course: Course,
    expected: Option<Revision>,
    what: Written,
}

pub(super) enum Written {
    /// A request is about to be sent.
    Mark { record: Record, mark: Mark },
    /// New tokens.
    Tokens { unsaved: Unsaved, tries: u32 },
    /// No request was sent after all, or none that matters.
    Unmarked { record: Record, cause: Cause, retry_after: Option<Duration>, sent: bool },
    /// The answer to a request is missing.
    Doubt { record: Record },
    /// Another process may be sending, counted by this process's clock from now on.
    Reclocked { record: Record, doubt: Doubt },
    /// The same record, with the name of its entry.
    Named { record: Record, refused: Option<TokenId> },
    /// The grant is gone.
    Loss { record: Record, lost: Lost },
    /// Removes the entry, which held this, if it could be read.
    Removal { taken: Option<Record> },
}

impl Writing {
    pub(super) fn new(course: Course, expected: Option<Revision>, what: Written) -> Self {
        Self { course, expected, what }
    }

    /// The revision that the entry must have; `None` if there must be no entry.
    pub fn expected(&self) -> Option<Revision> {
        self.expected
    }

    /// The new tokens to write, if this writes tokens.
    pub(crate) fn tokens(&self) -> Option<&Unsaved> {
        match &self.what {
            Written::Tokens { unsaved, .. } => Some(unsaved),
            _ => None,
        }
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        match &self.what {
            Written::Unmarked { cause, .. } => Some(cause),
            Written::Doubt { .. } | Written::Tokens { .. } => self.course.cause.as_ref(),
            _ => None,
        }
    }

    /// What to write; `None` if the entry is to be removed.
    ///
    /// # Errors
    /// [`RecordFault`] if it cannot be written as text; give it to [`Writing::failed`].
    pub fn value(&self) -> Result<Option<Value>, RecordFault> {
        let record = match &self.what {
            Written::Mark { record, mark } => record.clone().with_mark(Some(*mark)).with_loss(None),
            Written::Tokens { unsaved, .. } => unsaved.record.clone(),
            Written::Unmarked { record, .. }
            | Written::Doubt { record }
            | Written::Reclocked { record, .. }
            | Written::Named { record, .. } => record.clone(),
            Written::Loss { record, lost } => record.clone().with_mark(None).with_loss(Some(*lost)),
            Written::Removal { .. } => return Ok(None),
        };
        record.to_value(&self.course.plan.key).map(Some)
    }

    /// It is durable, with this revision.
    pub fn written(mut self, env: &mut Env<'_>, revision: Revision) -> Action {
        match self.what {
            Written::Mark { record, mark } => match Sending::refresh(self.course, record, mark, revision) {
                Ok(sending) => Action::Send(sending),
                Err(error) => failed(error),
            },
            Written::Tokens { unsaved, .. } => {
                let from =
                    if matches!(self.course.task, Task::Prime(_)) { TokenFrom::Login } else { TokenFrom::Server };
                match self.course.fresh(&unsaved.record) {
                    // The token was over when it could be stored; its refresh token is still good.
                    Ok(token) if matches!(self.course.task, Task::Save(_)) && token.is_over(env.now) => {
                        self.course.renew();
                        Action::Load(Loading::new(self.course, Why::Start))
                    }
                    Ok(token) => self.course.stored(env.now, token, from, Stored(unsaved.record)),
                    Err(fault) => failed(SessionError::Record(fault)),
                }
            }
            Written::Unmarked { cause, retry_after, sent, .. } => not_renewed(cause, retry_after, sent),
            Written::Doubt { record } => decide(self.course, env, revision, record, None),
            Written::Reclocked { doubt, .. } => Action::Done(Outcome::InDoubt(doubt)),
            Written::Named { mut record, refused } => {
                record.nameless = false;
                decide(self.course, env, revision, record, refused)
            }
            Written::Loss { record, lost } => {
                let place = Place { revision: Some(revision), base: Some(record.id) };
                feed_or(self.course, env, place, |course| course.lost(lost))
            }
            Written::Removal { taken } => Action::Done(Outcome::Forgotten { taken: taken.map(Stored) }),
        }
    }

    /// The entry had another revision.
    pub fn conflict(mut self) -> Action {
        match self.what {
            // A login replaces what is there, unless an earlier write of it has worked after all: then it may have been
            // renewed since.
            Written::Tokens { unsaved, tries } if tries > 0 || !matches!(self.course.task, Task::Prime(_)) => {
                self.course.conflicts_with_itself();
                Action::Load(Loading::new(self.course, Why::Conflict { ours: unsaved }))
            }
            // Another process may have stored tokens, but these stay refused.
            Written::Loss { record, .. } | Written::Named { record, refused: Some(_) }
                if self.course.conflicts < MOST_CONFLICTS =>
            {
                self.course.conflicts += 1;
                Action::Load(Loading::new(self.course, Why::Refused { id: record.id }))
            }
            // The process that changed the entry knows better what is there.
            Written::Unmarked { cause, retry_after, sent, .. } => not_renewed(cause, retry_after, sent),
            _ => {
                self.course.conflicts += 1;
                if self.course.conflicts > MOST_CONFLICTS {
                    return failed(SessionError::Contended);
                }
                Action::Load(Loading::new(self.course, Why::Start))
            }
        }
    }

    /// The store failed, and it is unknown whether it wrote.
    pub fn failed(mut self, error: StoreError) -> Action {
        match self.what {
            Written::Tokens { unsaved, tries } if tries + 1 < MOST_TRIES => {
                let what = Written::Tokens { unsaved, tries: tries + 1 };
                Waiting::then_write(BETWEEN_TRIES, Self { what, ..self })
            }
            Written::Tokens { unsaved, .. } => Action::Done(Outcome::NotStored { error: Arc::new(error), unsaved }),
            // The mark stays. It says less than is known, and costs at most a wait.
            Written::Unmarked { cause, retry_after, sent, .. } => not_renewed(cause, retry_after, sent),
            // The mark stays here too: a request that was in progress counts as lost.
            Written::Doubt { record } => match &record.mark {
                // The source is asked when the store works.
                Some(mark)
                    if mark.sent >= self.course.plan.policy.in_doubt.most() && self.course.plan.feed.is_some() =>
                {
                    failed(SessionError::Store(Arc::new(error)))
                }
                Some(mark) if mark.sent >= self.course.plan.policy.in_doubt.most() => {
                    let Doubt { cause, since, sent, .. } = doubt(&self.course, mark);
                    failed(SessionError::Unknown { cause, since, sent })
                }
                Some(mark) => Action::Done(Outcome::InDoubt(doubt(&self.course, mark))),
                None => failed(SessionError::Store(Arc::new(error))),
            },
            Written::Reclocked { doubt, .. } => Action::Done(Outcome::InDoubt(doubt)),
            // A store that can be read and not written still gives a token.
            Written::Named { record, refused } => {
                self.course.nameless = true;
                let why = refused.map_or(Why::Start, |_| Why::Refused { id: record.id });
                Action::Load(Loading::new(self.course, why))
            }
            // The source is asked when the store works: its tokens could not be stored either.
            Written::Loss { .. } if self.course.plan.feed.is_some() => failed(SessionError::Store(Arc::new(error))),
            // The grant is lost even so; the next process will find out again.
            Written::Loss { lost, .. } => self.course.lost(lost),
            // If it was written after all, another process would find a request that was never sent.
            Written::Mark { record, mark } if self.course.conflicts < MOST_CONFLICTS => {
                self.course.conflicts += 1;
                let (id, before, error) = (record.id, record.mark, Arc::new(error));
                Action::Load(Loading::new(self.course, Why::NotMarked { id, ours: mark, before, error }))
            }
            Written::Mark { .. } | Written::Removal { .. } => failed(SessionError::Store(Arc::new(error))),
        }
    }
}

impl Course {
    /// A login that may be stored no longer replaces just any entry.
    fn conflicts_with_itself(&mut self) {
        if let Task::Prime(_) = self.task {
            self.renew();
        }
    }
}

fn not_renewed(cause: Cause, retry_after: Option<Duration>, sent: bool) -> Action {
    Action::Done(Outcome::NotRenewed { cause, retry_after, sent, useless: None })
}

impl Course {
    /// The tokens are durable: returns them, unless they are of no use.
    pub(super) fn stored(self, now: UnixTime, token: FreshToken, from: TokenFrom, stored: Stored) -> Action {
        if from == TokenFrom::Server && matches!(self.task, Task::Renew { .. }) {
            // A refresh token was rescued from an answer that is otherwise of no use.
            if let Some(cause) = self.cause {
                return not_renewed_by(cause, None);
            }
            // The token was issued at an unknown time within the round trip.
            let round_trip = self.asked.map_or(Duration::ZERO, |asked| now.saturating_since(asked));
            if token.is_over(now) || token.lifetime().is_some_and(|life| life <= round_trip) {
                return not_renewed_by(Cause::OfNoUse, Some(token));
            }
        }
        Action::Done(Outcome::Fresh { token, from, stored })
    }

    /// By the verdict on a request of this course.
    fn lost(self, lost: Lost) -> Action {
        failed(SessionError::Lost { loss: lost.loss, cause: self.cause })
    }
}

fn not_renewed_by(cause: Cause, useless: Option<FreshToken>) -> Action {
    let retry_after = cause.retry_after();
    Action::Done(Outcome::NotRenewed { cause, retry_after, sent: true, useless })
}

impl core::fmt::Debug for Written {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Mark { .. } => "Mark",
            Self::Tokens { .. } => "Tokens",
            Self::Unmarked { .. } => "Unmarked",
            Self::Doubt { .. } => "Doubt",
            Self::Reclocked { .. } => "Reclocked",
            Self::Named { .. } => "Named",
            Self::Loss { .. } => "Loss",
            Self::Removal { .. } => "Removal",
        })
    }
}
