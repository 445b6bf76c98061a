//! A request to the token endpoint of a resource's authorization server.

use core::fmt;
use core::time::Duration;

use grantflow::{
    AnyExchange, Body, Env, Error as OAuthError, Exchange, Failure, RefreshExchange, Sent, Step, Tokens, UnixTime,
};
use http::{Request, Response};

use crate::connection::Connection;
use crate::grant::Grant;

/// A request to the token endpoint, whose answer is a [`Grant`] for the resource: of a code, of a refresh token, or of a
/// client's own grant. It always names the resource (RFC 8707 §2.2).
///
/// What a failure leaves is what the core's flow says: see [`grantflow::CodeExchange`], [`grantflow::RefreshExchange`].
#[must_use = "run it to get the grant"]
pub struct GrantExchange {
    connection: Connection,
    exchange: AnyExchange<Tokens>,
}

impl GrantExchange {
    pub(crate) fn new(connection: Connection, exchange: impl Exchange<Output = Tokens> + Send + 'static) -> Self {
        Self { connection, exchange: AnyExchange::new(exchange) }
    }

    /// The client at the resource's authorization server.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The exchange alone, whose answer is plain tokens: for a session that asks for new tokens in this way.
    pub fn into_exchange(self) -> AnyExchange<Tokens> {
        self.exchange
    }

    /// The grant as it was before a refresh, with the rescued refresh token if there is one
    /// ([`RefreshExchange::into_tokens`]).
    ///
    /// # Errors
    /// This value, unchanged, if it is no refresh.
    pub fn into_grant(self) -> Result<Grant, Self> {
        let Self { connection, exchange } = self;
        match exchange.downcast::<RefreshExchange>() {
            Ok(refresh) => Ok(Grant::new(connection, refresh.into_tokens())),
            Err(exchange) => Err(Self { connection, exchange }),
        }
    }

    fn stepped(
        connection: Connection,
        outcome: Result<Step<AnyExchange<Tokens>>, Failure<AnyExchange<Tokens>>>,
    ) -> Result<Step<Self>, Failure<Self>> {
        match outcome {
            Ok(Step::Done(tokens)) => Ok(Step::Done(Grant::new(connection, tokens))),
            Ok(Step::Again(exchange)) => Ok(Step::Again(Self { connection, exchange })),
            Err(failure) => Err(failure.map_left(|exchange| Self { connection, exchange })),
        }
    }
}

impl Exchange for GrantExchange {
    type Output = Grant;

    fn rest(&self, now: UnixTime) -> Duration {
        self.exchange.rest(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, OAuthError> {
        self.exchange.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        Self::stepped(self.connection, self.exchange.respond(env, response))
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Self::stepped(self.connection, self.exchange.unanswered(env, sent))
    }
}

impl fmt::Debug for GrantExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantExchange")
            .field("connection", &self.connection)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}
