//! Points 9, 10 and 11: a token for the resource, and what the resource demands beyond it.

use core::fmt;

use grantflow::{Client, Failure, Issuer, StepUp, StepUpAttempts, StoredTokens, Tokens, UnixTime};
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::challenged::Challenged;
use crate::client::{ClientKind, Clients};
use crate::connection::{Connection, StoredConnection};
use crate::error::Error;
use crate::exchange::GrantExchange;
use crate::login::Login;
use crate::resource::Resource;
use crate::sealed::Sealed;

/// Tokens for one resource, of one issuer. Not `Clone`: a refresh token has one owner.
pub struct Grant {
    connection: Connection,
    tokens: Tokens,
}

impl Grant {
    pub(crate) fn new(connection: Connection, tokens: Tokens) -> Self {
        Self { connection, tokens }
    }

    /// The resource for which it is.
    pub fn resource(&self) -> &Resource {
        self.connection.place.resource()
    }

    /// The identifier that every request for tokens names, byte for byte as the resource's metadata has it.
    pub fn resource_identifier(&self) -> &str {
        self.connection.place.identifier()
    }

    /// The issuer to which it is bound.
    pub fn issuer(&self) -> &Issuer {
        self.connection.place.issuer()
    }

    /// The client to which it was issued.
    pub fn client(&self) -> &Client {
        &self.connection.client
    }

    /// How the program got the client.
    pub fn client_kind(&self) -> ClientKind {
        self.connection.kind
    }

    /// The tokens. [`authorize`](Self::authorize) is stricter than they are: it also checks the path.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The tokens, for a program that keeps them in another way.
    pub fn into_tokens(self) -> Tokens {
        self.tokens
    }

    /// Whether the access token has expired at `now`. False if the server did not say when it would.
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.tokens.is_expired(now)
    }

    /// Puts the token into the header of a request to the resource, and of no other request: see [`Resource::covers`].
    ///
    /// # Errors
    /// [`Error::NotCovered`], or [`Error::OAuth`] with the errors of
    /// [`BearerToken::authorize`](grantflow::BearerToken::authorize). The request is then unchanged.
    pub fn authorize<B>(&self, request: &mut Request<B>) -> Result<(), Error> {
        self.resource().covers(request.uri())?;
        Ok(self.tokens.bearer()?.authorize(request)?)
    }

    /// A refresh, which names the resource like every other request. It consumes the grant: see [`Tokens::refresh`].
    ///
    /// # Errors
    /// [`Misuse::NoRefreshToken`](grantflow::Misuse::NoRefreshToken), with the grant still intact.
    pub fn refresh(self) -> Result<GrantExchange, Failure<Self>> {
        let Self { connection, tokens } = self;
        match tokens.refresh() {
            Ok(exchange) => Ok(GrantExchange::new(connection, exchange)),
            Err(failure) => Err(failure.map_left(|tokens| Self { connection, tokens })),
        }
    }

    /// What the resource's answer to a request with this token demands, from its status and headers alone.
    ///
    /// `operation` is one for the whole operation of the program, and bounds it.
    ///
    /// # Errors
    /// Each is final for this operation. [`Error::NoStepUp`] if the resource asks for nothing new, or was given more
    /// as often as allowed; [`Error::OwnBehalf`] if it wants more of a client that acts for itself;
    /// [`Error::RefusedAgain`] if it refuses a token of a refresh and one of a new login; [`Error::OAuth`] if its
    /// challenge names a URL that must not be asked.
    pub fn demand(&self, status: StatusCode, headers: &HeaderMap, operation: &mut Operation) -> Result<Demand, Error> {
        if let Some(step_up) = StepUp::of(status, headers) {
            return self.step_up(&step_up, operation).map(|login| Demand::LogIn(Box::new(login)));
        }
        if status != StatusCode::UNAUTHORIZED {
            return Ok(Demand::Nothing);
        }
        let challenged = self.resource().refused(status, headers)?;
        let Some(challenged) = challenged.map(|challenged| challenged.after(self.connection.former())) else {
            return Ok(Demand::Nothing);
        };
        let can_refresh = self.tokens.refresh_token().is_some();
        match operation.refused(can_refresh) {
            Refused::First => Ok(Demand::Refresh { otherwise: Box::new(challenged) }),
            Refused::Again => Ok(Demand::StartAgain(Box::new(challenged))),
            Refused::TooOften => Err(Error::RefusedAgain),
        }
    }

    fn step_up(&self, step_up: &StepUp, operation: &mut Operation) -> Result<Login, Error> {
        let authorization = self.connection.authorization().ok_or(Error::OwnBehalf)??;
        let authorization = authorization.step_up(step_up, self.tokens.scope(), &mut operation.step_ups)?;
        Ok(Login::stepped_up(self.connection.clone(), authorization))
    }

    /// The way to a new grant without a challenge: if the refresh failed for good ([`Left::Spent`](grantflow::Left::Spent))
    /// before the resource was asked.
    ///
    /// # Errors
    /// The errors of [`Resource::first_contact`].
    pub fn start_again(&self) -> Result<Challenged, Error> {
        Ok(self.resource().first_contact()?.after(self.connection.former()))
    }

    /// The grant in a form that can be stored, so that another process can use and refresh it without asking for
    /// metadata again.
    #[must_use = "the grant is in here"]
    pub fn into_stored(self) -> StoredGrant {
        let Self { connection, tokens } = self;
        let place = &connection.place;
        let body = GrantBody { connection: connection.to_stored(), tokens: tokens.into_stored() };
        StoredGrant(Sealed::new(KIND, place.issuer().as_str(), place.resource().identifier(), &body))
    }

    /// Restores a stored grant. The client's secret comes from `clients`, where it is kept under the grant's issuer.
    ///
    /// # Errors
    /// [`Error::Stored`] if another version wrote it, a byte of it was changed, or its client is not in `clients` any
    /// more; [`Error::OAuth`] if the client is another one.
    pub fn from_stored(stored: StoredGrant, clients: &Clients) -> Result<Self, Error> {
        let GrantBody { connection, tokens } = stored.0.open(KIND)?;
        stored.0.check_owner(&connection.place)?;
        let connection = Connection::from_stored(&connection, clients)?;
        let tokens = Tokens::from_stored(tokens, &connection.client)?;
        Ok(Self { connection, tokens })
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("connection", &self.connection).field("tokens", &self.tokens).finish()
    }
}

/// What a resource's answer demands.
#[derive(Debug)]
#[must_use = "the operation goes on only if the demand is met"]
#[allow(clippy::exhaustive_enums, reason = "a program must have an answer to every demand")]
pub enum Demand {
    /// Nothing that a token could change: the answer is for the program.
    Nothing,
    /// The token is over: [`Grant::refresh`]. If that fails for good ([`Left::Spent`](grantflow::Left::Spent)), start
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

const KIND: &str = "grant";

/// A grant in a form that can be stored. **It holds the tokens in plain text**: anyone who reads it has the grant. The
/// client's credentials are not in it.
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredGrant(Sealed);

#[derive(Serialize, Deserialize)]
struct GrantBody {
    connection: StoredConnection,
    tokens: StoredTokens,
}

impl StoredGrant {
    /// The issuer to which it is bound.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The identifier of its resource.
    pub fn resource(&self) -> &str {
        &self.0.resource
    }
}
