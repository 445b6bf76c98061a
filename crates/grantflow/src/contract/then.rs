//! Two exchanges, run as one.

use core::fmt;
use core::time::Duration;

use http::{Request, Response};

use super::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::Error;
use crate::value::time::UnixTime;

/// One exchange and, made from its output, the next: see [`Exchange::then`].
///
/// The type parameters are those of the two states and of the closure between them. It is run at once and not stored.
pub struct Then<X, Y, F>(Part<X, Y, F>);

enum Part<X, Y, F> {
    First(X, F),
    Second(Y),
}

impl<X, Y, F> Then<X, Y, F> {
    pub(super) fn new(first: X, next: F) -> Self {
        Self(Part::First(first, next))
    }

    /// The first exchange, if it has not ended.
    pub fn into_first(self) -> Option<X> {
        match self.0 {
            Part::First(first, _) => Some(first),
            Part::Second(_) => None,
        }
    }

    /// The second exchange, if the first has ended.
    pub fn into_second(self) -> Option<Y> {
        match self.0 {
            Part::First(..) => None,
            Part::Second(second) => Some(second),
        }
    }
}

impl<X, Y, F> fmt::Debug for Then<X, Y, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Part::First(..) => "Then(first)",
            Part::Second(_) => "Then(second)",
        })
    }
}

impl<X: Exchange, Y: Exchange, F: FnOnce(X::Output, &mut Env<'_>) -> Result<Y, Error>> Then<X, Y, F> {
    fn after_first(
        result: Result<Step<X>, Failure<X>>,
        next: F,
        env: &mut Env<'_>,
    ) -> Result<Step<Self>, Failure<Self>> {
        match result {
            Ok(Step::Done(output)) => match next(output, env) {
                Ok(second) => Ok(Step::Again(Self(Part::Second(second)))),
                Err(error) => Err(Failure::spent(error)),
            },
            Ok(Step::Again(first)) => Ok(Step::Again(Self::new(first, next))),
            Err(failure) => Err(failure.map_left(|first| Self::new(first, next))),
        }
    }

    fn after_second(result: Result<Step<Y>, Failure<Y>>) -> Result<Step<Self>, Failure<Self>> {
        match result {
            Ok(Step::Done(output)) => Ok(Step::Done(output)),
            Ok(Step::Again(second)) => Ok(Step::Again(Self(Part::Second(second)))),
            Err(failure) => Err(failure.map_left(|second| Self(Part::Second(second)))),
        }
    }
}

impl<X: Exchange, Y: Exchange, F: FnOnce(X::Output, &mut Env<'_>) -> Result<Y, Error>> Exchange for Then<X, Y, F> {
    type Output = Y::Output;

    fn rest(&self, now: UnixTime) -> Duration {
        match &self.0 {
            Part::First(first, _) => first.rest(now),
            Part::Second(second) => second.rest(now),
        }
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        match &self.0 {
            Part::First(first, _) => first.request(env),
            Part::Second(second) => second.request(env),
        }
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match self.0 {
            Part::First(first, next) => Self::after_first(first.respond(env, response), next, env),
            Part::Second(second) => Self::after_second(second.respond(env, response)),
        }
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        match self.0 {
            Part::First(first, next) => Self::after_first(first.unanswered(env, sent), next, env),
            Part::Second(second) => Self::after_second(second.unanswered(env, sent)),
        }
    }
}
