//! What the store holds is the truth.

use std::sync::Arc;

use grantflow::{Env, UnixTime};

use super::deciding::{decide, look};
use super::sending::Sending;
use super::writing::{Writing, Written};
use super::{Action, Course, MOST_CONFLICTS, Outcome, Source, Stored, Task, Unsaved, failed};
use crate::error::{Cause, SessionError};
use crate::record::{Mark, Record, RecordFault, TokenId};
use crate::store::{Entry, Revision, StoreError};

/// Wants what the store holds.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Loading {
    course: Course,
    why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// To see, without the lock, whether a token is there that will do.
    Look,
    /// To see what there is.
    Start,
    /// The request of this mark was not sent: so much time has passed since that another process may be sending.
    Late { id: TokenId, ours: Mark, before: Option<Mark> },
    /// The server refused the refresh token of these: has a sibling a newer one?
    Refused { id: TokenId },
    /// Somebody changed the entry while these tokens were got.
    Conflict { ours: Unsaved },
}

impl Loading {
    pub(super) fn new(course: Course, why: Why) -> Self {
        Self { course, why }
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        matches!(self.why, Why::Refused { .. }).then_some(self.course.cause.as_ref()).flatten()
    }

    /// The store failed.
    pub fn failed(self, error: StoreError) -> Action {
        // What cannot be read blocks neither logout nor login: a logout removes it, and a login puts its tokens in its place.
        if let Some(revision) = error.unreadable_revision() {
            let login = match &self.course.task {
                Task::Forget => return Action::Write(Writing::new(self.course, Some(revision), Written::Removal)),
                Task::Prime(login) => Some(Unsaved {
                    record: login.clone().with_generation(1),
                    base: None,
                    replaces: None,
                    expected: Some(revision),
                }),
                Task::Save(unsaved) if unsaved.base.is_none() => Some(unsaved.clone()),
                Task::Save(_) | Task::Renew { .. } | Task::Look { .. } => None,
            };
            if let Some(unsaved) = login {
                let what = Written::Tokens { unsaved, tries: 0 };
                return Action::Write(Writing::new(self.course, Some(revision), what));
            }
        }
        match self.why {
            // Of those whose request was refused, nobody can tell whether a sibling has a newer token: nothing is given up.
            Why::Look | Why::Start | Why::Late { .. } | Why::Refused { .. } => {
                failed(SessionError::Store(Arc::new(error)))
            }
            Why::Conflict { ours } => Action::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours }),
        }
    }

    /// This is what it holds.
    pub fn loaded(self, env: &mut Env<'_>, entry: Option<Entry>) -> Action {
        let Self { course, why } = self;
        let revision = entry.as_ref().map(|entry| entry.revision);
        let read = entry.map(|entry| Record::from_value(&entry.value, &course.plan.key).map(|r| (entry.revision, r)));
        if let Why::Look = why {
            let only = matches!(course.task, Task::Look { .. });
            return look(course, env, read.and_then(|read| read.ok()).map(|(_, record)| record), only);
        }
        match &course.task {
            Task::Forget => match revision {
                None => Action::Done(Outcome::Forgotten),
                Some(_) => Action::Write(Writing::new(course, revision, Written::Removal)),
            },
            Task::Prime(login) => {
                // What is there may be damaged: a login mends that.
                let known = read.and_then(|read| read.ok()).map(|(_, record)| record.id);
                let record = login.clone().with_generation(after(known, env.now));
                let replaces = known.map(|known| known.grant);
                let unsaved = Unsaved { record, base: None, replaces, expected: revision };
                Action::Write(Writing::new(course, revision, Written::Tokens { unsaved, tries: 0 }))
            }
            Task::Save(_) | Task::Renew { .. } | Task::Look { .. } => match read.transpose() {
                Ok(found) => found_in_the_store(course, env, why, found),
                Err(fault) => refused_record(course, fault, why, revision),
            },
        }
    }
}

fn found_in_the_store(course: Course, env: &mut Env<'_>, why: Why, found: Option<(Revision, Record)>) -> Action {
    match (why, found) {
        (Why::Conflict { ours }, found) => reconcile(course, env, ours, found),
        // Somebody has logged out.
        (Why::Refused { .. }, None) => failed(SessionError::Empty),
        (_, None) => nothing_there(course, env.now),
        (Why::Look | Why::Start, Some((revision, record))) => decide(course, env, revision, record, None),
        (Why::Refused { id }, Some((revision, record))) => decide(course, env, revision, record, Some(id)),
        // What was not sent is not used up.
        (Why::Late { id, ours, before }, Some((revision, record))) => {
            let unchanged = record.id == id && record.mark == Some(ours);
            let record = if unchanged { record.with_mark(before) } else { record };
            decide(course, env, revision, record, None)
        }
    }
}

/// The generation after what there was.
pub(super) fn after(known: Option<TokenId>, now: UnixTime) -> u64 {
    known.map_or(0, |known| known.generation).saturating_add(1).max(now.as_secs())
}

fn refused_record(mut course: Course, fault: RecordFault, why: Why, revision: Option<Revision>) -> Action {
    match why {
        Why::Conflict { ours } if mends(&ours, fault) && course.conflicts < MOST_CONFLICTS => {
            course.conflicts += 1;
            instead(course, ours, revision)
        }
        Why::Conflict { ours } => {
            let error = StoreError::new("be read back", fault);
            Action::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours })
        }
        _ => failed(SessionError::Record(fault)),
    }
}

fn nothing_there(course: Course, now: UnixTime) -> Action {
    match course.plan.grant.clone() {
        Some(grant) => Action::Send(Sending::grant(course, now, grant, None, None)),
        None => failed(SessionError::Empty),
    }
}

/// A login mends what is damaged or another's. What a newer version has written may be this very login, renewed.
fn mends(ours: &Unsaved, fault: RecordFault) -> bool {
    ours.is_login() && fault != RecordFault::Version
}

/// Writes ours in the place of what has this revision.
fn instead(course: Course, ours: Unsaved, revision: Option<Revision>) -> Action {
    let unsaved = Unsaved { expected: revision, ..ours };
    Action::Write(Writing::new(course, revision, Written::Tokens { unsaved, tries: 0 }))
}

/// Whether this is what we have tried to write. Its id does not tell: a sibling's tokens may have the same.
fn is_written(course: &Course, found: &Record, ours: &Record) -> bool {
    match (found.to_value(&course.plan.key), ours.to_value(&course.plan.key)) {
        (Ok(found), Ok(ours)) => found.expose_secret() == ours.expose_secret(),
        _ => false,
    }
}

/// Somebody wrote between our mark and our tokens, lock or no lock.
fn reconcile(mut course: Course, env: &mut Env<'_>, ours: Unsaved, found: Option<(Revision, Record)>) -> Action {
    course.conflicts += 1;
    if course.conflicts > MOST_CONFLICTS {
        let error = StoreError::new("be written", "the entry was changed by somebody else again and again");
        return Action::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours });
    }
    match found {
        // Logged out in the meantime: what nobody wants any more is not brought back.
        None => failed(SessionError::Empty),
        // The write that was reported as failed had worked.
        Some((revision, record)) if is_written(&course, &record, &ours.record) => match course.fresh(&record) {
            // Long ago.
            Ok(token) if matches!(course.task, Task::Save(_)) && token.is_over(env.now) => {
                course.renew();
                decide(course, env, revision, record, None)
            }
            Ok(token) => course.stored(env.now, token, Source::Server, Stored(record)),
            Err(fault) => failed(SessionError::Record(fault)),
        },
        // The grant that our login replaces, renewed by somebody in the meantime.
        Some((revision, record)) if Some(record.id.grant) == ours.replaces => {
            let record = ours.record.with_generation(after(Some(record.id), env.now));
            let unsaved = Unsaved { record, expected: Some(revision), ..ours };
            Action::Write(Writing::new(course, Some(revision), Written::Tokens { unsaved, tries: 0 }))
        }
        // Only the marks of the same old tokens: ours replace them.
        Some((revision, record)) if Some(record.id) == ours.base => instead(course, ours, Some(revision)),
        Some((revision, record)) if course.fresh(&record).is_err_and(|fault| mends(&ours, fault)) => {
            instead(course, ours, Some(revision))
        }
        // Renewed from ours, which had been written after all; or of another login. The store is the truth.
        Some((revision, record)) => {
            course.renew();
            decide(course, env, revision, record, None)
        }
    }
}
