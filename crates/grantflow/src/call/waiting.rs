//! A grant that waits for a person and polls: what the device flow and the backchannel flow have in common.

use core::time::Duration;

use http::{Request, Response};

use super::asked::Asked;
use super::not_granted::unless_sure;
use super::polling::{Polled, Polling};
use super::request::{token, with_target};
use super::token::{Grant, token_answer};
use crate::answer::polled::Times;
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, Misuse, StoredFault};
use crate::scope::Scope;
use crate::server::fields::{Field, Params};
use crate::token::{Tokens, check_identity};
use crate::value::time::UnixTime;

/// The part of a waiting grant that polls.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) client: Client,
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Vec<String>,
    pub(crate) polling: Polling,
    /// Why the last request had no answer from the server.
    pub(crate) trouble: Option<Error>,
}

impl Waiting {
    /// A grant of which the answer came now.
    pub(crate) fn new(now: UnixTime, asked: Asked, times: &Times) -> Self {
        let Asked { client, scope, resources, .. } = asked;
        let polling = Polling::new(now, times.interval, times.expires_in);
        Self { client, scope, resources, polling, trouble: None }
    }

    /// The parts of a stored grant.
    ///
    /// # Errors
    /// [`Misuse::Stored`].
    pub(crate) fn restored(
        client: Client,
        scope: Option<&str>,
        resources: Vec<String>,
        polling: Polling,
    ) -> Result<Self, Error> {
        let scope = match scope {
            Some(text) => Some(Scope::new(text).map_err(|_| Error::Misuse(Misuse::Stored(StoredFault::Damaged)))?),
            None => None,
        };
        Ok(Self { client, scope, resources, polling, trouble: None })
    }

    pub(crate) fn rest(&self, now: UnixTime) -> Duration {
        self.polling.wait().left(now)
    }

    /// The next poll is due at once.
    pub(crate) fn make_due(&mut self) {
        self.polling.make_due();
        self.trouble = None;
    }

    /// The next poll, with the grant's own parameters.
    ///
    /// # Errors
    /// [`Misuse::TooEarly`].
    pub(crate) fn request(&self, env: &mut Env<'_>, own: &[Field<'_>]) -> Result<Request<Body>, Error> {
        self.polling.wait().check(env.now)?;
        with_target(own, &self.resources, None, |fields| token(self.client.data(), env, fields, &Params::default()))
    }

    /// Takes the answer to a poll.
    pub(crate) fn respond<B: AsRef<[u8]>>(&mut self, now: UnixTime, grant: Grant, response: &Response<B>) -> Outcome {
        let outcome = token_answer(self.client.data(), now, grant, response, |answer| {
            check_identity(&answer, self.scope.as_ref())?;
            Ok(Tokens::new(self.client.clone(), answer, self.scope.clone(), self.resources.clone(), now))
        });
        match outcome {
            Ok(tokens) => Outcome::Done(Box::new(tokens)),
            Err(no) => {
                let trouble = (!no.is_undecided()).then(|| no.error.clone());
                let polled = self.polling.clone().answered(now, no);
                self.go_on(polled, trouble)
            }
        }
    }

    /// Takes the report that no answer came.
    pub(crate) fn unanswered(&mut self, now: UnixTime, sent: Sent) -> Outcome {
        let polled = self.polling.clone().unanswered(now);
        self.go_on(polled, Some(Error::NoAnswer(sent)))
    }

    fn go_on(&mut self, polled: Polled, trouble: Option<Error>) -> Outcome {
        match polled {
            Polled::Again(polling) => {
                (self.polling, self.trouble) = (polling, trouble);
                Outcome::Again
            }
            Polled::Over(None, error) => Outcome::Spent(error),
            Polled::Over(Some(polling), error) => {
                self.polling = polling;
                Outcome::Stopped(error)
            }
        }
    }
}

/// The outcome of a poll, for the grant that polled.
#[must_use = "it says what follows"]
pub(crate) enum Outcome {
    Done(Box<Tokens>),
    Again,
    Spent(Error),
    /// It can be run again.
    Stopped(Error),
}

impl Outcome {
    pub(crate) fn of<X: Exchange<Output = Tokens>>(self, grant: X) -> Result<Step<X>, Failure<X>> {
        match self {
            Self::Done(tokens) => Ok(Step::Done(*tokens)),
            Self::Again => Ok(Step::Again(grant)),
            Self::Spent(error) => Err(Failure::spent(error)),
            Self::Stopped(error) => Err(unless_sure(error, grant)),
        }
    }
}
