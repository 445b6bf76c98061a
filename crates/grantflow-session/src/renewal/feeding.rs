//! Gets new tokens from the plan's source, if there is no refresh token that could.
//!
//! There is no mark in the store: what an exchange uses up is the source's, and nothing stored is lost with it.

use core::cell::Cell;
use std::sync::Arc;

use grantflow::{AnyExchange, Body, Env, Error, ErrorCode, Exchange, Failure, Left, Misuse, Step, Tokens, UnixTime};
use http::Request;

use super::deciding::lost_already;
use super::loading::{Loading, Why};
use super::locking::Waiting;
use super::sending::{Sending, id_after, save_record};
use super::{Action, Course, MOST_CONFLICTS, Outcome};
use crate::error::Cause;
use crate::record::{Lost, Record, TokenId};
use crate::source::{AnySource, Fed, Feed, SourceError};
use crate::store::{Later, Revision};

/// What the tokens of a source replace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The revision of the entry that is there; `None` if there is none.
    pub(super) revision: Option<Revision>,
    /// The tokens in it.
    pub(super) base: Option<TokenId>,
}

/// Asks the plan's source, if there is one, or ends with `instead`.
pub(super) fn feed_or(
    mut course: Course,
    env: &mut Env<'_>,
    place: Place,
    instead: impl FnOnce(Course) -> Action,
) -> Action {
    let Some(feed) = course.plan.feed.clone() else { return instead(course) };
    // The refusal of a refresh token is in the store. What comes of the source is judged on its own.
    course.cause = None;
    match feed.take() {
        Some(fed) => Feeding::begin(course, env, fed, true, place),
        None => ask(course, env, &feed, place),
    }
}

/// The same, for a grant that is lost by its refresh token.
pub(super) fn feed_or_lost(course: Course, env: &mut Env<'_>, place: Place, lost: Lost) -> Action {
    feed_or(course, env, place, |_| lost_already(lost))
}

fn ask(course: Course, env: &mut Env<'_>, feed: &Arc<Feed>, place: Place) -> Action {
    match &feed.source {
        AnySource::Ready(source) => match source.next(env) {
            Ok(exchange) => Feeding::begin(course, env, Fed::new(exchange), false, place),
            Err(error) => not_fed(Cause::Source(Arc::from(error)), false),
        },
        AnySource::Async(_) => {
            let (feed, since) = (Arc::clone(feed), env.now);
            Action::Obtain(Obtaining { course, feed, since, place })
        }
    }
}

fn not_fed(cause: Cause, sent: bool) -> Action {
    let retry_after = cause.retry_after();
    Action::Done(Outcome::NotRenewed { cause, retry_after, sent, useless: None })
}

/// Asks to obtain an exchange from a source that waits for something.
#[must_use = "a renewal goes on only if what it asks for is done"]
#[derive(Debug)]
pub struct Obtaining {
    course: Course,
    feed: Arc<Feed>,
    since: UnixTime,
    place: Place,
}

impl Obtaining {
    /// Asks the source. The loop bounds the time.
    pub fn obtain(&self, now: UnixTime) -> Later<'static, Result<AnyExchange<Tokens>, SourceError>> {
        let feed = Arc::clone(&self.feed);
        Box::pin(async move {
            match &feed.source {
                AnySource::Async(source) => source.obtain(now).await,
                AnySource::Ready(_) => Err("this source is not an async one".into()),
            }
        })
    }

    /// The source gave this exchange.
    pub fn obtained(mut self, env: &mut Env<'_>, exchange: AnyExchange<Tokens>) -> Action {
        let fed = Fed::new(exchange);
        // The lock may have ended meanwhile, and another process may have renewed the grant.
        let patience = self.course.plan.policy.send_deadline / 2;
        let late = !self.course.plan.lock_dies_with_its_process && env.now.saturating_since(self.since) > patience;
        if late && self.course.conflicts < MOST_CONFLICTS {
            self.course.conflicts += 1;
            self.feed.keep(fed);
            return Action::Load(Loading::new(self.course, Why::Start));
        }
        Feeding::begin(self.course, env, fed, false, self.place)
    }

    /// The source has none, or took too long.
    pub fn failed(self, error: SourceError) -> Action {
        not_fed(Cause::Source(Arc::from(error)), false)
    }

    pub(super) fn cause(&self) -> Option<&Cause> {
        self.course.cause.as_ref()
    }
}

/// An exchange of the source, on its way.
pub(super) struct Feeding {
    fed: Fed,
    /// It was kept since an earlier renewal, and may have become too old.
    kept: bool,
    place: Place,
    /// Counts its requests, the next one included.
    requests: u32,
    /// When its last request was made.
    asked: Cell<UnixTime>,
    /// Whether a wait came before its next request.
    waited: bool,
}

impl Feeding {
    fn begin(course: Course, env: &Env<'_>, fed: Fed, kept: bool, place: Place) -> Action {
        Self { fed, kept, place, requests: 1, asked: Cell::new(env.now), waited: false }.next(course, env.now)
    }

    /// After the wait that the exchange wants.
    fn next(self, course: Course, now: UnixTime) -> Action {
        let rest = self.fed.exchange.rest(now);
        let waited = !rest.is_zero();
        let sending = Sending::fed(course, Self { waited, ..self }, now.saturating_add(rest));
        if rest.is_zero() { Action::Send(sending) } else { Waiting::then_send(rest, sending) }
    }

    pub(super) fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.asked.set(env.now);
        match self.fed.exchange.request(env) {
            // The clock went back behind the start of the wait. The whole wait has passed all the same.
            Err(Error::Misuse(Misuse::TooEarly { rest })) if self.waited => {
                self.fed.exchange.request(&mut Env::new(env.now.saturating_add(rest), env.rng))
            }
            request => request,
        }
    }

    pub(super) fn requests(&self) -> u32 {
        self.requests
    }

    /// Its request could not be made. Nothing was sent.
    pub(super) fn not_made(self, course: &Course, cause: Cause) -> Action {
        let failures = self.fed.failures();
        keep(course, self.fed.exchange, failures);
        not_fed(cause, false)
    }

    /// No caller waits for the next poll now. The exchange waits for the next caller.
    pub(super) fn leave(self, course: &Course) {
        if let Some(feed) = &course.plan.feed {
            feed.keep(self.fed);
        }
    }

    /// Takes the outcome of its request. `unanswered` is the HTTP stack's error, and whether the request may have been
    /// sent.
    pub(super) fn goes_on(
        self,
        mut course: Course,
        env: &mut Env<'_>,
        unanswered: Option<(Cause, bool)>,
        outcome: impl FnOnce(
            AnyExchange<Tokens>,
            &mut Env<'_>,
        ) -> Result<Step<AnyExchange<Tokens>>, Failure<AnyExchange<Tokens>>>,
    ) -> Action {
        let failures = self.fed.failures();
        match outcome(self.fed.exchange, env) {
            Ok(Step::Done(tokens)) => {
                course.cause = None;
                course.asked = Some(self.asked.get());
                save_fed(course, env, tokens, self.place)
            }
            Ok(Step::Again(exchange)) => {
                let requests = self.requests.saturating_add(1);
                Self { fed: Fed::new(exchange), requests, ..self }.next(course, env.now)
            }
            Err(failure) => {
                let sent = unanswered.as_ref().is_none_or(|(_, sent)| *sent);
                let answered = unanswered.is_none();
                let cause = unanswered.map_or(Cause::OAuth(failure.error), |(cause, _)| cause);
                match failure.left {
                    Left::Intact(exchange) if !answered || not_looked_at(&cause) => {
                        keep(&course, *exchange, failures);
                    }
                    // An old exchange says nothing about the next one of its source.
                    _ if self.kept && is_verdict(&cause) => {
                        if let Some(feed) = course.plan.feed.clone() {
                            course.cause = Some(cause);
                            return ask(course, env, &feed, self.place);
                        }
                    }
                    _ => {}
                }
                not_fed(cause, sent)
            }
        }
    }
}

/// Keeps an exchange that the server has not looked at.
fn keep(course: &Course, exchange: AnyExchange<Tokens>, failures: u32) {
    if let (Some(feed), Some(fed)) = (&course.plan.feed, Fed::not_looked_at(exchange, failures)) {
        feed.keep(fed);
    }
}

/// Whether the answer says that the server has not looked at the request.
fn not_looked_at(cause: &Cause) -> bool {
    matches!(cause.status(), Some(429 | 503))
}

/// Whether the exchange itself was refused or has expired, and not by the decision of a person: who said no is not asked
/// again before the pause.
fn is_verdict(cause: &Cause) -> bool {
    match cause {
        Cause::OAuth(Error::Refused(refused)) => {
            refused.is_verdict() && *refused.response().code() != ErrorCode::AccessDenied
        }
        Cause::OAuth(Error::Expired) => true,
        _ => false,
    }
}

fn save_fed(course: Course, env: &Env<'_>, tokens: Tokens, place: Place) -> Action {
    let Place { revision, base } = place;
    let record = Record::new(id_after(base, env.now), tokens);
    // Tokens of another client in the store would make every later read fail.
    match record.and_then(|record| record.tokens(&course.plan.client).map(|_| record)) {
        Ok(record) => save_record(course, record, base, revision),
        Err(fault) => not_fed(Cause::Source(Arc::new(fault)), true),
    }
}
