//! The request is out, and its answer decides.

use core::fmt;
use core::time::Duration;

use grantflow::{Body, ClientCredentials, Env, Error, Exchange, Failure, Left, RefreshExchange, Step, Tokens};
use http::{Request, Response};

use super::loading::{Loading, Why, after};
use super::locking::Waiting;
use super::writing::{Writing, Written};
use super::{Course, Next, Outcome, Unsaved, failed};
use crate::error::{Cause, SessionError, Unanswered};
use crate::record::{Begun, Record, TokenId};
use crate::store::Revision;

/// Wants a request carried to the server.
#[must_use = "a renewal goes on only if what it asks for is done"]
pub struct Sending {
    course: Course,
    what: What,
    /// The entry that is there now.
    revision: Option<Revision>,
}

enum What {
    Refresh {
        exchange: Box<RefreshExchange>,
        /// As it was before the mark.
        record: Record,
        begun: Begun,
    },
    Grant {
        exchange: ClientCredentials,
        base: Option<TokenId>,
    },
}

impl Sending {
    pub(super) fn refresh(
        course: Course,
        record: Record,
        begun: Begun,
        revision: Revision,
    ) -> Result<Self, SessionError> {
        let tokens = record.tokens(&course.plan.client).map_err(SessionError::Record)?;
        match tokens.refresh() {
            Ok(exchange) => Ok(Self {
                course,
                what: What::Refresh { exchange: Box::new(exchange), record, begun },
                revision: Some(revision),
            }),
            Err(_) => Err(SessionError::Lost(crate::record::Loss::NoRefreshToken)),
        }
    }

    pub(super) fn grant(
        course: Course,
        exchange: ClientCredentials,
        revision: Option<Revision>,
        base: Option<TokenId>,
    ) -> Self {
        Self { course, what: What::Grant { exchange, base }, revision }
    }

    /// How many requests with this refresh token may have left, this one included; 1 for a client's own grant.
    pub fn attempt(&self) -> u32 {
        match &self.what {
            What::Refresh { begun, .. } => begun.sent,
            What::Grant { .. } => 1,
        }
    }

    /// The request. May be called again, but only one is to be sent.
    ///
    /// # Errors
    /// If it cannot be made; hand the error to [`Sending::not_made`].
    pub fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        match &self.what {
            What::Refresh { exchange, .. } => exchange.request(env),
            What::Grant { exchange, .. } => exchange.request(env),
        }
    }

    /// No request could be made.
    pub fn not_made(self, error: Error) -> Next {
        self.intact(Cause::OAuth(error))
    }

    /// The answer.
    pub fn answered<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Next {
        let Self { course, what, revision } = self;
        match what {
            What::Refresh { exchange, record, begun } => match exchange.respond(env, response) {
                Ok(Step::Done(tokens)) => save(course, env, tokens, Some(record.id), revision),
                Ok(Step::Again { exchange, after }) => {
                    let what = What::Refresh { exchange: Box::new(exchange), record, begun };
                    Waiting::then_send(after, Self { course, what, revision })
                }
                Err(failure) => Self::refresh_failed(course, failure, record, begun, revision, None),
            },
            What::Grant { exchange, base } => match exchange.respond(env, response) {
                Ok(Step::Done(tokens)) => save(course, env, tokens, base, revision),
                Ok(Step::Again { exchange, after }) => {
                    Waiting::then_send(after, Self { course, what: What::Grant { exchange, base }, revision })
                }
                Err(failure) => not_renewed(Cause::OAuth(failure.error)),
            },
        }
    }

    /// No answer, or none that is whole.
    pub fn unanswered(self, env: &mut Env<'_>, unanswered: Unanswered) -> Next {
        let Self { course, what, revision } = self;
        let cause = Cause::Transport(unanswered.cause);
        match what {
            What::Refresh { exchange, record, begun } => match exchange.unanswered(env, unanswered.sent) {
                Ok(Step::Done(tokens)) => save(course, env, tokens, Some(record.id), revision),
                Ok(Step::Again { exchange, after }) => {
                    let what = What::Refresh { exchange: Box::new(exchange), record, begun };
                    Waiting::then_send(after, Self { course, what, revision })
                }
                Err(failure) => Self::refresh_failed(course, failure, record, begun, revision, Some(cause)),
            },
            What::Grant { .. } => not_renewed(cause),
        }
    }

    fn intact(self, cause: Cause) -> Next {
        match self.what {
            What::Refresh { record, .. } => unmark(self.course, record, cause, self.revision),
            What::Grant { .. } => not_renewed(cause),
        }
    }

    fn refresh_failed(
        mut course: Course,
        failure: Failure<RefreshExchange>,
        record: Record,
        begun: Begun,
        revision: Option<Revision>,
        transport: Option<Cause>,
    ) -> Next {
        let cause = transport.unwrap_or(Cause::OAuth(failure.error));
        match failure.left {
            Left::Spent => Next::Load(Loading::new(course, Why::Refused { id: record.id })),
            Left::Intact(_) => unmark(course, record, cause, revision),
            Left::Unknown(_) if begun.sent > course.plan.policy.retries_after_unknown => failed(SessionError::Unknown),
            // The mark is in the store, and says how often. What to do, what is read after the wait will tell.
            Left::Unknown(_) => {
                course.waited = Some(begun);
                let wait = course.plan.policy.wait_after_unknown;
                Waiting::then_load(wait, Loading::new(course, Why::Start))
            }
        }
    }
}

/// The record goes back to what it was before this request.
fn unmark(course: Course, record: Record, cause: Cause, revision: Option<Revision>) -> Next {
    let retry_after = retry_after(&cause);
    Next::Write(Writing::new(course, revision, Written::Unmarked { record, cause, retry_after }))
}

fn not_renewed(cause: Cause) -> Next {
    let retry_after = retry_after(&cause);
    Next::Done(Outcome::NotRenewed { cause, retry_after })
}

fn retry_after(cause: &Cause) -> Option<Duration> {
    match cause {
        Cause::OAuth(error) => error.answer().and_then(|answer| answer.retry_after()),
        Cause::Transport(_) => None,
    }
}

fn save(course: Course, env: &mut Env<'_>, tokens: Tokens, base: Option<TokenId>, revision: Option<Revision>) -> Next {
    let id = TokenId { grant: base.map_or(0, |base| base.grant), generation: after(base, env.now) };
    match Record::new(id, tokens) {
        Ok(record) => {
            let unsaved = Unsaved { record, base, replaces: None, expected: revision };
            Next::Write(Writing::new(course, revision, Written::Tokens { unsaved, tries: 0 }))
        }
        Err(fault) => failed(SessionError::Record(fault)),
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sending {{ {:?}, attempt: {} }}", self.course, self.attempt())
    }
}
