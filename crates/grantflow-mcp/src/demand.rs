//! Points 10 and 11: what a resource demands beyond a token, and how often an operation may meet it.

use grantflow::{GrantedScope, StepUp, StepUpAttempts};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use crate::challenged::Challenged;
use crate::connection::Connection;
use crate::error::Error;
use crate::login::Login;

impl Connection {
    /// What an answer demands of a program that has a token with this scope.
    pub(crate) fn demand(
        &self,
        granted: &GrantedScope,
        can_refresh: bool,
        status: StatusCode,
        headers: &HeaderMap,
        operation: &mut Operation,
    ) -> Result<Demand, Error> {
        if let Some(step_up) = StepUp::of(status, headers) {
            return self.step_up(&step_up, granted, operation).map(|login| Demand::LogIn(Box::new(login)));
        }
        if status != StatusCode::UNAUTHORIZED {
            return Ok(Demand::Nothing);
        }
        let found = self.resource().refused(status, headers);
        let refused = operation.refused(can_refresh);
        let found = match (found, &refused) {
            // A refresh needs no metadata. The URL that must not be requested is not requested.
            (Err(_), Refused::First) => Some(self.resource().first_contact()?),
            (found, _) => found?,
        };
        let Some(challenged) = found else { return Ok(Demand::Nothing) };
        let challenged = Box::new(challenged.after(self.former()));
        match refused {
            Refused::First => Ok(Demand::Refresh { otherwise: challenged }),
            Refused::Again => Ok(Demand::StartAgain(challenged)),
            Refused::TooOften => Err(Error::RefusedAgain),
        }
    }

    fn step_up(&self, step_up: &StepUp, granted: &GrantedScope, operation: &mut Operation) -> Result<Login, Error> {
        let authorization = self.authorization().ok_or(Error::NoPerson)??;
        let authorization = authorization.step_up(step_up, granted, &mut operation.step_ups)?;
        Ok(Login::stepped_up(self.clone(), authorization))
    }

    /// The way to a new grant without a challenge.
    ///
    /// # Errors
    /// The errors of [`Resource::first_contact`](crate::Resource::first_contact).
    pub fn start_again(&self) -> Result<Challenged, Error> {
        Ok(self.resource().first_contact()?.after(self.former()))
    }
}

/// What a resource's answer demands.
#[derive(Debug)]
#[must_use = "the operation goes on only if the demand is met"]
#[allow(clippy::exhaustive_enums, reason = "a program must have an answer to every demand")]
pub enum Demand {
    /// Nothing that a token could change: the answer is for the program.
    Nothing,
    /// The token is over: [`Grant::refresh`](crate::Grant::refresh). If that fails for good ([`Left::Spent`](grantflow::Left::Spent)), start
    /// again from the challenge.
    Refresh {
        /// The way to a new grant.
        otherwise: Box<Challenged>,
    },
    /// More scope, or another login of the person: the request asks for what the grant has and for what the challenge
    /// names.
    LogIn(Box<Login>),
    /// A new grant, from the challenge: there is nothing to refresh, or the refreshed token was refused too.
    StartAgain(Box<Challenged>),
}

/// How often one operation was authorized again. **One value for each operation** of the program, such as a tool call,
/// for as long as it lasts: it ends a loop in which a resource refuses every token.
///
/// A program stores it with the pending login while the person is away. It serializes with serde; its fields are not
/// part of the API.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Operation {
    step_ups: StepUpAttempts,
    refused: u8,
}

enum Refused {
    First,
    Again,
    TooOften,
}

impl Operation {
    /// A new operation, with three step-ups at most.
    pub fn new() -> Self {
        Self::default()
    }

    /// A new operation, with this many step-ups at most.
    pub fn up_to(step_ups: u8) -> Self {
        Self { step_ups: StepUpAttempts::up_to(step_ups), refused: 0 }
    }

    /// The step-ups of this operation.
    pub fn step_ups(&self) -> &StepUpAttempts {
        &self.step_ups
    }

    /// The first 401 asks for a refresh, the next one for a new grant; with a token of a new grant it is final.
    fn refused(&mut self, can_refresh: bool) -> Refused {
        self.refused = match (self.refused, can_refresh) {
            (0, false) => 2,
            (before, _) => before.saturating_add(1),
        };
        match self.refused {
            1 => Refused::First,
            2 => Refused::Again,
            _ => Refused::TooOften,
        }
    }
}
