//! Points 9, 10 and 11: a token for the resource, and what the resource demands beyond it.

use core::fmt;

use grantflow::{Failure, Issuer, StoredTokens, Tokens, UnixTime};
use http::{HeaderMap, Request, StatusCode};
use serde::{Deserialize, Serialize};

use crate::challenged::Challenged;
use crate::client::Clients;
use crate::connection::{Connection, ConnectionBody};
use crate::demand::{Demand, Operation};
use crate::error::Error;
use crate::exchange::GrantExchange;
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

    /// The client at the resource's authorization server, to which it is bound.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The resource for which it is.
    pub fn resource(&self) -> &Resource {
        self.connection.place.resource()
    }

    /// The identifier that every request for tokens names, byte for byte as the resource's metadata has it.
    pub fn resource_identifier(&self) -> &str {
        self.connection.resource_identifier()
    }

    /// The issuer to which it is bound.
    pub fn issuer(&self) -> &Issuer {
        self.connection.issuer()
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
    /// as often as allowed; [`Error::NoPerson`] if it wants more and the grant came without a login;
    /// [`Error::RefusedAgain`] if it refuses a token of a refresh and one of a new login; [`Error::OAuth`] if its
    /// challenge names a URL that must not be asked.
    pub fn demand(&self, status: StatusCode, headers: &HeaderMap, operation: &mut Operation) -> Result<Demand, Error> {
        let can_refresh = self.tokens.refresh_token().is_some();
        self.connection.demand(self.tokens.scope(), can_refresh, status, headers, operation)
    }

    /// The way to a new grant without a challenge: if the refresh failed for good ([`Left::Spent`](grantflow::Left::Spent))
    /// before the resource was asked.
    ///
    /// # Errors
    /// The errors of [`Resource::first_contact`].
    pub fn start_again(&self) -> Result<Challenged, Error> {
        self.connection.start_again()
    }

    /// The grant in a form that can be stored, so that another process can use and refresh it without asking for
    /// metadata again.
    #[must_use = "the grant is in here"]
    pub fn into_stored(self) -> StoredGrant {
        let Self { connection, tokens } = self;
        let place = &connection.place;
        let body = GrantBody { connection: connection.to_body(), tokens: tokens.into_stored() };
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
        let connection = Connection::from_body(&connection, clients)?;
        let tokens = Tokens::from_stored(tokens, &connection.client)?;
        Ok(Self { connection, tokens })
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Tokens print their resources, which may have a query.
        f.debug_struct("Grant")
            .field("connection", &self.connection)
            .field("scope", self.tokens.scope())
            .field("expires_at", &self.tokens.expires_at())
            .finish_non_exhaustive()
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
    connection: ConnectionBody,
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
