//! Sends the request and judges its answer.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Body, Env, Error, Exchange, Failure, Left, RefreshExchange, Sent, Step, Tokens, UnixTime};
use http::{Request, Response};

use super::deciding::{doubtful, pause};
use super::feeding::Feeding;
use super::loading::{Loading, Why, after};
use super::locking::Waiting;
use super::writing::{Writing, Written};
use super::{Action, Course, MOST_CONFLICTS, Unsaved, failed};
use crate::error::{Cause, SessionError, Unanswered};
use crate::record::{Loss, Mark, Record, TokenId};
use crate::store::Revision;

/// Asks to carry a request to the server.
#[must_use = "a renewal goes on only if what it asks for is done"]
pub struct Sending {
    course: Course,
    what: What,
    /// The request is not made for an earlier time: what was waited has passed.
    due: UnixTime,
}

enum What {
    Refresh {
        exchange: Box<RefreshExchange>,
        /// The record as it was before the mark.
        record: Record,
        mark: Mark,
        /// The revision of the entry that is there now, with the mark.
        revision: Revision,
    },
    /// An exchange of the plan's source.
    Fed(Feeding),
}

/// Why a request was not made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NotMade {
    /// So much time has passed since the mark was written (the machine slept, or an observer took long) that another
    /// process may be sending. The store is read again. After eight repetitions, the renewal ends with this as its
    /// cause.
    #[error(
        "the request was not sent, because too much time has passed since it was marked: the clock jumped, or the machine slept"
    )]
    Late,
    /// The flow cannot make the request.
    #[error(transparent)]
    Flow(#[from] Error),
}

impl Sending {
    pub(super) fn refresh(
        mut course: Course,
        record: Record,
        mark: Mark,
        revision: Revision,
    ) -> Result<Self, SessionError> {
        let tokens = record.tokens(&course.plan.client).map_err(SessionError::Record)?;
        course.asked = Some(mark.at);
        match tokens.refresh() {
            Ok(exchange) => {
                let not_made = |error| SessionError::NotRenewed { cause: Cause::OAuth(error), retry_at: mark.at };
                let exchange = course.plan.with_params(exchange).map_err(not_made)?;
                let what = What::Refresh { exchange: Box::new(exchange), record, mark, revision };
                Ok(Self { course, what, due: mark.at })
            }
            Err(_) => Err(SessionError::Lost { loss: Loss::NoRefreshToken, cause: None }),
        }
    }

    pub(super) fn fed(course: Course, feeding: Feeding, due: UnixTime) -> Self {
        Self { course, what: What::Fed(feeding), due }
    }

    /// Goes on with another round trip of a refresh, after the wait that the flow wants.
    fn again(course: Course, what: What, now: UnixTime) -> Action {
        let rest = match &what {
            What::Refresh { exchange, .. } => exchange.rest(now),
            What::Fed(_) => Duration::ZERO,
        };
        Waiting::then_send(rest, Self { course, what, due: now.saturating_add(rest) })
    }

    /// Whether it is an exchange of a source, of which no request is in progress.
    pub(super) fn may_be_left(&self) -> bool {
        matches!(self.what, What::Fed(_))
    }

    /// No caller waits for it now.
    pub(super) fn leave(self) {
        if let What::Fed(feeding) = self.what {
            feeding.leave(&self.course);
        }
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        match self.what {
            What::Fed(_) => self.course.cause.as_ref(),
            What::Refresh { .. } => None,
        }
    }

    /// How many requests with this refresh token may have been sent, this one included. For an exchange of a source: how
    /// many requests it has had in this renewal, this one included.
    pub fn attempt(&self) -> u32 {
        match &self.what {
            What::Refresh { mark, .. } => mark.sent,
            What::Fed(feeding) => feeding.requests(),
        }
    }

    /// The request. May be called again, but only one request may be sent, and at once.
    ///
    /// # Errors
    /// If it cannot be made; give the error to [`Sending::not_made`].
    pub fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, NotMade> {
        let due = &mut Env::new(env.now.max(self.due), env.rng);
        match &self.what {
            What::Refresh { mark, .. } if mark.is_stale(env.now) => Err(NotMade::Late),
            What::Refresh { exchange, .. } => Ok(exchange.request(due)?),
            What::Fed(feeding) => Ok(feeding.request(due)?),
        }
    }

    /// No request could be made.
    pub fn not_made(mut self, why: NotMade) -> Action {
        match (self.what, why) {
            // The clock jumps between every two readings, or the machine sleeps as often.
            (What::Refresh { record, revision, .. }, late @ NotMade::Late)
                if self.course.conflicts >= MOST_CONFLICTS =>
            {
                unmark(self.course, record, Cause::Transport(Arc::new(late)), revision, false)
            }
            (What::Refresh { record, mark, .. }, NotMade::Late) => {
                self.course.conflicts += 1;
                let why = Why::Late { id: record.id, ours: mark, before: record.mark };
                Action::Load(Loading::new(self.course, why))
            }
            (What::Refresh { record, revision, .. }, NotMade::Flow(error)) => {
                unmark(self.course, record, Cause::OAuth(error), revision, false)
            }
            (What::Fed(feeding), NotMade::Flow(error)) => feeding.not_made(&self.course, Cause::OAuth(error)),
            // It has no mark.
            (what @ What::Fed(_), NotMade::Late) => Action::Send(Self { what, ..self }),
        }
    }

    /// The answer came.
    pub fn answered<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Action {
        let Self { course, what, .. } = self;
        match what {
            What::Refresh { exchange, record, mark, revision } => match exchange.respond(env, response) {
                Ok(Step::Done(tokens)) => renewed(course, env, tokens, record.id, mark, revision),
                Ok(Step::Again(exchange)) => {
                    let what = What::Refresh { exchange: Box::new(exchange), record, mark, revision };
                    Self::again(course, what, env.now)
                }
                Err(failure) => refresh_failed(course, env, failure, None, Marked { record, mark, revision }),
            },
            What::Fed(feeding) => feeding.goes_on(course, env, None, |exchange, env| exchange.respond(env, response)),
        }
    }

    /// No answer came, or no complete one.
    pub fn unanswered(self, env: &mut Env<'_>, unanswered: Unanswered) -> Action {
        let Self { course, what, .. } = self;
        let Unanswered { sent, cause } = unanswered;
        let cause = Cause::Transport(cause);
        match what {
            What::Refresh { exchange, record, mark, revision } => match exchange.unanswered(env, sent) {
                Ok(Step::Done(tokens)) => renewed(course, env, tokens, record.id, mark, revision),
                Ok(Step::Again(exchange)) => {
                    let what = What::Refresh { exchange: Box::new(exchange), record, mark, revision };
                    Self::again(course, what, env.now)
                }
                Err(failure) => {
                    refresh_failed(course, env, failure, Some((cause, sent)), Marked { record, mark, revision })
                }
            },
            What::Fed(feeding) => {
                let unanswered = Some((cause, sent == Sent::MaybeSent));
                feeding.goes_on(course, env, unanswered, |exchange, env| exchange.unanswered(env, sent))
            }
        }
    }
}

/// A record, the mark of the request that was sent for it, and the entry with both.
struct Marked {
    /// The record as it was before the mark.
    record: Record,
    mark: Mark,
    revision: Revision,
}

fn refresh_failed(
    mut course: Course,
    env: &mut Env<'_>,
    failure: Failure<RefreshExchange>,
    transport: Option<(Cause, Sent)>,
    marked: Marked,
) -> Action {
    let Marked { record, mark, revision } = marked;
    let sent = transport.as_ref().is_none_or(|(_, sent)| *sent == Sent::MaybeSent);
    let cause = transport.map_or(Cause::OAuth(failure.error), |(cause, _)| cause);
    match failure.left {
        Left::Spent => {
            course.cause = Some(cause);
            Action::Load(Loading::new(course, Why::Refused { id: record.id }))
        }
        // The old refresh token is used up, and only the new one could be read from the answer.
        Left::Intact(exchange) if exchange.is_rescued() => {
            course.cause = Some(cause);
            save(course, env, exchange.into_tokens(), record.id, None, revision)
        }
        Left::Intact(_) => {
            let record = if sent { postponed(&course, env, record, &cause) } else { record };
            unmark(course, record, cause, revision, sent)
        }
        Left::Unknown(_) => doubtful(course, env, revision, record, mark, Some(cause)),
    }
}

/// An answer that leaves an earlier doubt and its count as they were, except for the pause that all processes keep.
fn postponed(course: &Course, env: &mut Env<'_>, record: Record, cause: &Cause) -> Record {
    let Some(mark) = record.mark else { return record };
    let mark = mark.seen_at(env.now);
    let (wait, told) = pause(course, env, &mark, true, cause.retry_after());
    let mark = mark.resting(env.now, wait, told, cause.status());
    record.with_mark(Some(mark))
}

/// Restores the record as it was before this request.
fn unmark(course: Course, record: Record, cause: Cause, revision: Revision, sent: bool) -> Action {
    let retry_after = cause.retry_after();
    Action::Write(Writing::new(course, Some(revision), Written::Unmarked { record, cause, retry_after, sent }))
}

fn renewed(
    mut course: Course,
    env: &mut Env<'_>,
    tokens: Tokens,
    base: TokenId,
    mark: Mark,
    revision: Revision,
) -> Action {
    course.cause = None;
    // The old refresh token is carried over, and the server may have replaced it by one that could not be read. There
    // is no early retry, because the access token is good.
    let doubt = tokens
        .tolerated()
        .contains(&"refresh_token")
        .then(|| Mark { early: true, ..mark }.resting(env.now, Duration::ZERO, false, None));
    save(course, env, tokens, base, doubt, revision)
}

fn save(
    course: Course,
    env: &mut Env<'_>,
    tokens: Tokens,
    base: TokenId,
    mark: Option<Mark>,
    revision: Revision,
) -> Action {
    match Record::new(id_after(Some(base), env.now), tokens) {
        Ok(record) => save_record(course, record.with_mark(mark), Some(base), Some(revision)),
        Err(fault) => failed(SessionError::Record(fault)),
    }
}

/// The name of the tokens that replace these.
pub(super) fn id_after(base: Option<TokenId>, now: UnixTime) -> TokenId {
    TokenId { grant: base.map_or(0, |base| base.grant), generation: after(base, now) }
}

/// Writes new tokens in place of the entry with this revision.
pub(super) fn save_record(course: Course, record: Record, base: Option<TokenId>, revision: Option<Revision>) -> Action {
    let unsaved = Unsaved { record, base, replaces: None, expected: revision };
    Action::Write(Writing::new(course, revision, Written::Tokens { unsaved, tries: 0 }))
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sending {{ {:?}, attempt: {} }}", self.course, self.attempt())
    }
}
