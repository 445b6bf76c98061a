//! The refresh token grant (RFC 6749 §6), which rotates (RFC 9700 §4.14.2).
//!
//! ```text
//! Tokens ──refresh──▶ RefreshExchange ──run──▶ Tokens      RFC 6749 §6
//!                          │
//!                          └─into_tokens─▶ Tokens          to give up, and keep what there was
//! ```
//!
//! ```
//! # use grantflow::{ClientCredentials, Env, Error, Exchange, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # fn tokens(provider: &mut testkit::Server, env: &mut Env<'_>) -> Result<grantflow::Tokens, Box<dyn std::error::Error>> {
//! #     let server = Server::new(&provider.authorize_url(), &provider.token_url())?;
//! #     let client = server.client("app").public()?;
//! #     let start = grantflow::Authorization::new(&client, "https://app.example/cb")?.scope("read")?.start(env)?;
//! #     let callback = provider.visit(start.url.as_str())?.request()?.uri().clone();
//! #     let grantflow::Callback::Granted(exchange) = start.pending.receive(&callback) else { panic!() };
//! #     let response = provider.handle(&exchange.request(env)?);
//! #     let Step::Done(tokens) = exchange.respond(env, response)? else { panic!() };
//! #     Ok(tokens)
//! # }
//! # struct Dice(u8);
//! # impl grantflow::Entropy for Dice {
//! #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
//! #         for b in bytes { self.0 = self.0.wrapping_mul(7).wrapping_add(3); *b = self.0; }
//! #         Ok(())
//! #     }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::public("app").redirect_uri("https://app.example/cb").scope("read"));
//! # let mut rng = Dice(1);
//! # let mut env = Env { now: UnixTime::from_secs(provider.now()), rng: &mut rng };
//! # let tokens = tokens(&mut provider, &mut env)?;
//! let old = tokens.refresh_token().unwrap().expose_secret().to_owned();
//!
//! // Consumes the tokens: the old refresh token cannot be sent twice by accident.
//! let exchange = tokens.refresh()?;
//! let response = provider.handle(&exchange.request(&mut env)?);
//! let Step::Done(tokens) = exchange.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//!
//! // It rotated.
//! assert_ne!(tokens.refresh_token().unwrap().expose_secret(), old);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use http::{Request, Response};

use crate::call::{self, Meaning};
use crate::error::{Error, ErrorCode, Misuse, Violation};
use crate::exchange::{Body, Env, Exchange, Failure, Sent, Step};
use crate::params::{Field, Params};
use crate::quirk::Message;
use crate::scope::{GrantedScope, Scope};
use crate::secret::RefreshToken;
use crate::time::UnixTime;
use crate::token::Tokens;
use crate::wire::answer::TokenAnswer;

/// Tokens on their way to be refreshed. Not `Clone`: a refresh token that rotates is used once.
///
/// What a failure leaves of it:
/// - **Spent**: `invalid_grant`. The refresh token is dead; ask the person again, unless your store holds a newer one.
/// - **Intact**: the request was certainly not sent, the server was too busy to look, or it refused for a reason that
///   is not the token's (`invalid_client`, `invalid_scope`). Mend that, and run it again.
/// - **Unknown**: the token may have been rotated, and the answer was lost. Read your store again, for a sibling may have
///   newer tokens; then at most one retry, never at the same time as another: a server may take it for theft and revoke
///   everything.
#[derive(Debug)]
#[must_use = "it holds the tokens: run it, or take them back with into_tokens()"]
pub struct RefreshExchange {
    tokens: Tokens,
    refresh: RefreshToken,
    narrower: Option<Scope>,
    extra: Params,
}

impl Tokens {
    /// Sets out to refresh these tokens.
    ///
    /// # Errors
    /// [`Misuse::NoRefreshToken`], with the tokens still intact.
    pub fn refresh(mut self) -> Result<RefreshExchange, Failure<Self>> {
        match self.refresh.take() {
            Some(refresh) => Ok(RefreshExchange { tokens: self, refresh, narrower: None, extra: Params::default() }),
            None => Err(Failure::intact(Error::Misuse(Misuse::NoRefreshToken), self)),
        }
    }
}

impl RefreshExchange {
    /// Asks for part of the granted scope only (RFC 6749 §6). Without it, for all of it.
    ///
    /// # Errors
    /// [`Misuse::WiderScope`] if it is not part of what was granted, as far as that is known; [`Misuse::Scope`]. The
    /// exchange is still intact.
    pub fn scope(mut self, scope: &str) -> Result<Self, Failure<Self>> {
        let quirks = self.tokens.client.registration().server.quirks();
        let scope = match Scope::new(scope).and_then(|scope| quirks.tokens_of(scope)) {
            Ok(scope) => scope,
            Err(error) => return Err(Failure::intact(error, self)),
        };
        if self.tokens.scope.effective().is_some_and(|granted| !scope.is_subset_of(granted)) {
            return Err(Failure::intact(Error::Misuse(Misuse::WiderScope), self));
        }
        self.narrower = Some(scope);
        Ok(self)
    }

    /// An extra parameter of the token request.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`], with the exchange still intact.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Failure<Self>> {
        let server = &self.tokens.client.registration().server;
        match server.add_param(Message::TokenRequest, &mut self.extra, name, value) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }

    /// The tokens as they were. The access token may still be good; whether the refresh token is, the failure tells that
    /// gave the exchange back.
    pub fn into_tokens(self) -> Tokens {
        let mut tokens = self.tokens;
        tokens.refresh = Some(self.refresh);
        tokens
    }

    /// The new tokens: what the server left out is carried over.
    fn merge(&self, answer: TokenAnswer<'_>, now: UnixTime) -> Result<Tokens, Violation> {
        let old = &self.tokens;
        let requested = self.narrower.clone().or_else(|| old.scope.effective().cloned());
        let mut new = Tokens::new(old.client.clone(), answer, requested, old.resources.clone(), now)?;
        if new.refresh.is_none() {
            new.refresh = Some(RefreshToken::new(self.refresh.expose_secret().to_owned()));
        }
        // Nothing said and nothing asked: what the server granted before still holds, in the server's own words.
        if new.scope.explicit.is_none() && self.narrower.is_none() {
            new.scope = GrantedScope { requested: old.scope.requested.clone(), explicit: old.scope.explicit.clone() };
        }
        Ok(new)
    }
}

impl Exchange for RefreshExchange {
    type Output = Tokens;

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let registration = self.tokens.client.registration();
        let own =
            [Field::plain("grant_type", "refresh_token"), Field::new("refresh_token", self.refresh.expose_secret())];
        let Some(scope) = &self.narrower else {
            return call::with_resources(&own, &self.tokens.resources, |fields| {
                call::request(registration, fields, &self.extra)
            });
        };
        let scope = registration.server.quirks().write_scope(scope);
        let [grant_type, refresh_token] = own;
        let own = [grant_type, refresh_token, Field::new("scope", &scope)];
        call::with_resources(&own, &self.tokens.resources, |fields| call::request(registration, fields, &self.extra))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let registration = self.tokens.client.registration();
        match call::answer(registration, env.now, &response, |answer| self.merge(answer, env.now)) {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) => Err(match (no.meaning, no.error.code()) {
                (Meaning::Refused, Some(ErrorCode::InvalidGrant)) => Failure::spent(no.error),
                // A code that nobody registered may well mean that the token is dead; and these two say nothing about it.
                (
                    Meaning::Refused,
                    Some(ErrorCode::Other(_) | ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable),
                ) => Failure::unknown(no.error, self),
                (Meaning::Refused | Meaning::NotProcessed, _) => Failure::intact(no.error, self),
                (Meaning::Nothing, _) => Failure::unknown(no.error, self),
            }),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
