//! What the store says decides: adopt, renew, once more, or give up.

use core::time::Duration;
use std::sync::Arc;

use grantflow::{Env, UnixTime};

use super::locking::Waiting;
use super::sending::Sending;
use super::writing::{Writing, Written};
use super::{Course, MOST_CONFLICTS, Next, Outcome, Source, Stored, Task, Unsaved, failed};
use crate::error::SessionError;
use crate::fresh::FreshToken;
use crate::record::{Begun, Loss, Record, TokenId};
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
    /// To see what there is.
    Start,
    /// The server refused the refresh token of these: has a sibling a newer one?
    Refused { id: TokenId },
    /// Somebody changed the entry while these tokens were got.
    Conflict { ours: Unsaved },
}

impl Loading {
    pub(super) fn new(course: Course, why: Why) -> Self {
        Self { course, why }
    }

    /// The store failed.
    pub fn failed(self, error: StoreError) -> Next {
        // What cannot be read blocks neither logout nor login: a logout removes it, and a login puts its tokens in its place.
        if let Some(revision) = error.unreadable_revision() {
            let login = match &self.course.task {
                Task::Forget => return Next::Write(Writing::new(self.course, Some(revision), Written::Removal)),
                Task::Prime(login) => Some(Unsaved {
                    record: login.clone().with_generation(1),
                    base: None,
                    replaces: None,
                    expected: Some(revision),
                }),
                Task::Save(unsaved) if unsaved.base.is_none() => Some(unsaved.clone()),
                Task::Save(_) | Task::Renew { .. } => None,
            };
            if let Some(unsaved) = login {
                let what = Written::Tokens { unsaved, tries: 0 };
                return Next::Write(Writing::new(self.course, Some(revision), what));
            }
        }
        match self.why {
            Why::Start => failed(SessionError::Store(Arc::new(error))),
            // Whether a sibling has a newer token cannot be told, so nothing is given up.
            Why::Refused { .. } => failed(SessionError::Store(Arc::new(error))),
            Why::Conflict { ours } => Next::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours }),
        }
    }

    /// This is what it holds.
    pub fn loaded(self, env: &mut Env<'_>, entry: Option<Entry>) -> Next {
        let Self { course, why } = self;
        let revision = entry.as_ref().map(|entry| entry.revision);
        match &course.task {
            Task::Forget => match revision {
                None => Next::Done(Outcome::Forgotten),
                Some(_) => Next::Write(Writing::new(course, revision, Written::Removal)),
            },
            Task::Prime(login) => {
                // What is there may be damaged: a login mends that.
                let known = entry.and_then(|entry| Record::from_value(&entry.value).ok());
                let record = login.clone().with_generation(after(known.as_ref().map(|known| known.id), env.now));
                let replaces = known.map(|known| known.id.grant);
                let unsaved = Unsaved { record, base: None, replaces, expected: revision };
                Next::Write(Writing::new(course, revision, Written::Tokens { unsaved, tries: 0 }))
            }
            Task::Save(_) | Task::Renew { .. } => {
                let found = match entry.map(|entry| Record::from_value(&entry.value).map(|r| (entry.revision, r))) {
                    None => None,
                    Some(Ok(found)) => Some(found),
                    Some(Err(fault)) => return refused_record(fault, why),
                };
                match (why, found) {
                    (Why::Conflict { ours }, found) => reconcile(course, env, ours, found),
                    (Why::Start, None) => nothing_there(course),
                    // Somebody has logged out.
                    (Why::Refused { .. }, None) => failed(SessionError::Empty),
                    (Why::Start, Some((revision, record))) => decide(course, env, revision, record, None),
                    (Why::Refused { id }, Some((revision, record))) => decide(course, env, revision, record, Some(id)),
                }
            }
        }
    }
}

/// The generation after what there was.
pub(super) fn after(known: Option<TokenId>, now: UnixTime) -> u64 {
    known.map_or(0, |known| known.generation).saturating_add(1).max(now.as_secs())
}

fn refused_record(fault: crate::record::RecordFault, why: Why) -> Next {
    match why {
        Why::Conflict { ours } => {
            let error = StoreError::new("be read back", fault);
            Next::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours })
        }
        _ => failed(SessionError::Record(fault)),
    }
}

fn nothing_there(course: Course) -> Next {
    match course.plan.grant.clone() {
        Some(grant) => Next::Send(Sending::grant(course, grant, None, None)),
        None => failed(SessionError::Empty),
    }
}

fn decide(mut course: Course, env: &mut Env<'_>, revision: Revision, record: Record, refused: Option<TokenId>) -> Next {
    let token = match course.fresh(env, &record) {
        Ok(token) => token,
        Err(fault) => return failed(SessionError::Record(fault)),
    };
    let weary = match course.task {
        Task::Renew { weary } => weary,
        _ => None,
    };
    let is_new = weary != Some(token.id()) && refused != Some(token.id());
    if is_new && !token.is_due(env.now) && !token.is_over(env.now) {
        return adopt(token, record);
    }
    if let Some(loss) = record.lost {
        return failed(SessionError::Lost(loss));
    }
    if refused == Some(record.id) {
        return Next::Write(Writing::new(course, Some(revision), Written::Loss { record, loss: Loss::Refused }));
    }
    if let Some(grant) = course.plan.grant.clone() {
        return Next::Send(Sending::grant(course, grant, Some(revision), Some(record.id)));
    }
    if !token.is_renewable() {
        // Due, but not over, and not refused by anybody: it will do for as long as it lasts.
        let will_do = is_new && !token.is_over(env.now);
        return if will_do { adopt(token, record) } else { failed(SessionError::Lost(Loss::NoRefreshToken)) };
    }
    let sent = record.begun.map_or(0, |begun| begun.sent);
    if let Some(begun) = record.begun {
        if begun.sent > course.plan.policy.retries_after_unknown {
            return failed(SessionError::Unknown);
        }
        let wait = still_to_wait(begun, course.plan.policy.wait_after_unknown, env.now);
        if !wait.is_zero() && course.waited != Some(begun) {
            course.waited = Some(begun);
            // After that, what the store says may be another thing.
            return Waiting::then_load(wait, Loading::new(course, Why::Start));
        }
    }
    let begun = Begun { at: env.now.as_secs(), sent: sent.saturating_add(1) };
    Next::Write(Writing::new(course, Some(revision), Written::Mark { record, begun }))
}

/// Never longer than the policy's wait, however the clock jumps.
fn still_to_wait(begun: Begun, wait: Duration, now: UnixTime) -> Duration {
    let until = UnixTime::from_secs(begun.at).saturating_add(wait);
    until.saturating_since(now).min(wait)
}

fn adopt(token: FreshToken, record: Record) -> Next {
    Next::Done(Outcome::Fresh { token, source: Source::Store, stored: Stored(record) })
}

/// Whether this is what we have tried to write. Its id does not tell: a sibling's tokens may have the same.
fn is_written(found: &Record, ours: &Record) -> bool {
    match (found.to_value(), ours.to_value()) {
        (Ok(found), Ok(ours)) => found.expose_secret() == ours.expose_secret(),
        _ => false,
    }
}

/// Somebody wrote between our mark and our tokens, lock or no lock.
fn reconcile(mut course: Course, env: &mut Env<'_>, ours: Unsaved, found: Option<(Revision, Record)>) -> Next {
    course.conflicts += 1;
    if course.conflicts > MOST_CONFLICTS {
        let error = StoreError::new("be written", "the entry was changed by somebody else again and again");
        return Next::Done(Outcome::NotStored { error: Arc::new(error), unsaved: ours });
    }
    match found {
        // Logged out in the meantime: what nobody wants any more is not brought back.
        None => failed(SessionError::Empty),
        // The write that was reported as failed had worked.
        Some((revision, record)) if is_written(&record, &ours.record) => {
            match course.fresh(env, &record) {
                // Long ago.
                Ok(token) if matches!(course.task, Task::Save(_)) && token.is_over(env.now) => {
                    course.task = Task::Renew { weary: None };
                    decide(course, env, revision, record, None)
                }
                Ok(token) => Next::Done(Outcome::Fresh { token, source: Source::Server, stored: Stored(record) }),
                Err(fault) => failed(SessionError::Record(fault)),
            }
        }
        // The grant that our login replaces, renewed by somebody in the meantime.
        Some((revision, record)) if Some(record.id.grant) == ours.replaces => {
            let record = ours.record.with_generation(after(Some(record.id), env.now));
            let unsaved = Unsaved { record, expected: Some(revision), ..ours };
            Next::Write(Writing::new(course, Some(revision), Written::Tokens { unsaved, tries: 0 }))
        }
        // Only the marks of the same old tokens: ours replace them.
        Some((revision, record)) if Some(record.id) == ours.base => {
            let unsaved = Unsaved { expected: Some(revision), ..ours };
            Next::Write(Writing::new(course, Some(revision), Written::Tokens { unsaved, tries: 0 }))
        }
        // Renewed from ours, which had been written after all; or of another login. The store is the truth.
        Some((revision, record)) => {
            course.task = Task::Renew { weary: None };
            decide(course, env, revision, record, None)
        }
    }
}
