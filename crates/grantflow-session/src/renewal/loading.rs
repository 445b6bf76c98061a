//! The store is the truth: reads its entry.

use std::sync::Arc;

use grantflow::{Env, UnixTime};

use super::deciding::{decide, look};
use super::feeding::{Place, feed_or};
use super::writing::{Writing, Written};
use super::{Action, Course, MOST_CONFLICTS, Outcome, Stored, Task, TokenFrom, Unsaved, failed};
use crate::error::{Cause, SessionError};
use crate::record::{Mark, Record, RecordFault, TokenId};
use crate::store::{Entry, Revision, StoreError};

/// Asks for the store's entry.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Loading {
    course: Course,
    why: Why,
}

#[derive(Debug)]
pub(super) enum Why {
    /// To see, without the lock, whether there is a usable token.
    Look,
    /// To see what there is.
    Start,
    /// The request of this mark was not sent: so much time has passed that another process may be sending.
    Late { id: TokenId, ours: Mark, before: Option<Mark> },
    /// The write of this mark was reported as failed: is it there all the same? No request was sent for it.
    NotMarked { id: TokenId, ours: Mark, before: Option<Mark>, error: Arc<StoreError> },
    /// The server refused the refresh token of these: does another process have a newer one?
    Refused { id: TokenId },
    /// Another process changed the entry while these tokens were requested.
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
        // An unreadable entry blocks neither logout nor login: a logout removes it, and a login replaces it.
        if let Some(revision) = error.unreadable_revision() {
            let login = match &self.course.task {
                Task::Forget => {
                    return Action::Write(Writing::new(self.course, Some(revision), Written::Removal { taken: None }));
                }
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
            Why::Look | Why::Start | Why::Late { .. } | Why::NotMarked { .. } => {
                failed(SessionError::Store(Arc::new(error)))
            }
            // It is unknown whether another process has a newer token than the refused ones, so nothing is given up.
            Why::Refused { .. } => {
                let doing = "be read for a newer token than the one that the server has just refused";
                failed(SessionError::Store(Arc::new(StoreError::new(doing, error))))
            }
            Why::Conflict { ours } => Action::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours }),
        }
    }

    /// The store holds this.
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
                None => Action::Done(Outcome::Forgotten { taken: None }),
                Some(_) => {
                    let taken = read.and_then(|read| read.ok()).map(|(_, record)| record);
                    Action::Write(Writing::new(course, revision, Written::Removal { taken }))
                }
            },
            Task::Prime(login) => {
                // The entry may be damaged: a login repairs that.
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
        // The person has logged out.
        (Why::Refused { .. }, None) => failed(SessionError::Empty),
        (_, None) => feed_or(course, env, Place { revision: None, base: None }, |_| failed(SessionError::Empty)),
        (Why::Look | Why::Start, Some((revision, record))) => decide(course, env, revision, record, None),
        (Why::Refused { id }, Some((revision, record))) => decide(course, env, revision, record, Some(id)),
        (Why::NotMarked { id, ours, before, error }, Some((revision, record))) => {
            if record.id == id && record.mark == Some(ours) {
                // The request of this mark will not be sent, so it must not count as one that may have been.
                return decide(course, env, revision, record.with_mark(before), None);
            }
            failed(SessionError::Store(error))
        }
        // A request that was not sent is not used up.
        (Why::Late { id, ours, before }, Some((revision, record))) => {
            let unchanged = record.id == id && record.mark == Some(ours);
            let record = if unchanged { record.with_mark(before) } else { record };
            decide(course, env, revision, record, None)
        }
    }
}

/// The generation after the known one.
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

/// Whether a login repairs the entry: one that is damaged, or belongs to another client. An entry of a newer version
/// may be this very login, renewed.
fn mends(ours: &Unsaved, fault: RecordFault) -> bool {
    ours.is_login() && fault != RecordFault::Version
}

/// Writes ours in place of the entry with this revision.
fn instead(course: Course, ours: Unsaved, revision: Option<Revision>) -> Action {
    let unsaved = Unsaved { expected: revision, ..ours };
    Action::Write(Writing::new(course, revision, Written::Tokens { unsaved, tries: 0 }))
}

/// Whether this is what this process has tried to write. Its id does not tell: another process's tokens may have the
/// same.
fn is_written(course: &Course, found: &Record, ours: &Record) -> bool {
    match (found.to_value(&course.plan.key), ours.to_value(&course.plan.key)) {
        (Ok(found), Ok(ours)) => found.expose_secret() == ours.expose_secret(),
        _ => false,
    }
}

/// Another process wrote between our mark and our tokens, with or without the lock.
fn reconcile(mut course: Course, env: &mut Env<'_>, ours: Unsaved, found: Option<(Revision, Record)>) -> Action {
    course.conflicts += 1;
    if course.conflicts > MOST_CONFLICTS {
        let error = StoreError::new("be written", "another process changed the entry again and again");
        return Action::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours });
    }
    match found {
        // Logged out meanwhile: removed tokens are not brought back.
        None => failed(SessionError::Empty),
        // The write that was reported as failed had worked.
        Some((revision, record)) if is_written(&course, &record, &ours.record) => match course.fresh(&record) {
            // That was long ago.
            Ok(token) if matches!(course.task, Task::Save(_)) && token.is_over(env.now) => {
                course.renew();
                decide(course, env, revision, record, None)
            }
            Ok(token) => course.stored(env.now, token, TokenFrom::Server, Stored(record)),
            Err(fault) => failed(SessionError::Record(fault)),
        },
        // The grant that our login replaces. Another process renewed it meanwhile.
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
        // Renewed from ours, which had been written after all, or from another login. The store is the truth.
        Some((revision, record)) => {
            course.renew();
            decide(course, env, revision, record, None)
        }
    }
}
