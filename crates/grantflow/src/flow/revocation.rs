//! Token revocation (RFC 7009): tells the server that tokens are no longer needed.
//!
//! ```text
//! Tokens ──revoke──▶ Revocation ──run──▶ ()          RFC 7009 §2
//!                        │
//!                        └─into_tokens─▶ Tokens      to keep them after all
//! ```
//!
//! ```
//! use grantflow::{Env, Exchange, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct Counting(u8);
//! # impl grantflow::Entropy for Counting {
//! #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
//! #         for b in bytes { self.0 = self.0.wrapping_mul(7).wrapping_add(3); *b = self.0; }
//! #         Ok(())
//! #     }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::public("app").redirect_uri("https://app.example/cb").scope("read"));
//! # let mut rng = Counting(1);
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! let server = Server::new(&provider.authorize_url(), &provider.token_url())?
//!     .revocation_endpoint(&provider.endpoint_url(testkit::Endpoint::Revocation))?;
//! # let client = server.client("app").public()?;
//! # let start = grantflow::Authorization::new(&client, "https://app.example/cb")?.scope("read")?.start(&mut env)?;
//! # let callback = provider.visit(start.url.as_str())?.request()?.uri().clone();
//! # let grantflow::Callback::Granted(exchange) = start.pending.receive(&callback) else { panic!() };
//! # let response = provider.handle(&exchange.request(&mut env)?);
//! # let Step::Done(tokens) = exchange.respond(&mut env, response)? else { panic!() };
//! # let mut call = http::Request::get(provider.resource_url()).body(Vec::new())?;
//! # tokens.bearer()?.authorize(&mut call)?;
//!
//! // The person logs out. It consumes the tokens: what was given up is not used again by accident.
//! let revocation = tokens.revoke()?;
//! let response = provider.handle(&revocation.request(&mut env)?);
//! let Step::Done(()) = revocation.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! # assert_eq!(provider.handle(&call).status(), 401);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use http::{Request, Response, StatusCode};

use crate::call;
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, Misuse, UrlRole};
use crate::server::fields::{Field, Params};
use crate::server::{EndpointKind, Message};
use crate::token::{TokenTypeHint, Tokens};
use crate::value::secret::Secret;

/// A token that will be revoked (RFC 7009 §2.1).
///
/// Every failure leaves it intact: revoking a token twice does no harm, and a server that no longer knows it reports
/// success (§2.2). A 503 means that the token still exists: run it again later.
#[must_use = "it holds the token: run it, or take the tokens back with into_tokens()"]
pub struct Revocation {
    client: Client,
    what: What,
    extra: Params,
}

/// What is revoked.
enum What {
    /// The refresh token of these tokens, and with it the whole grant; or the access token, if there is no refresh
    /// token.
    Grant(Box<Tokens>),
    /// One token that is stored elsewhere.
    Token(Secret, Option<TokenTypeHint>),
}

impl Tokens {
    /// Makes an exchange that revokes these tokens: the refresh token, with which a server revokes the whole grant,
    /// including access tokens if it can (RFC 7009 §2.1); or the access token, if there is no refresh token.
    ///
    /// # Errors
    /// [`Misuse::NoEndpoint`] if the server has no revocation endpoint, with the tokens still intact. Then drop them;
    /// they end when they expire.
    pub fn revoke(self) -> Result<Revocation, Failure<Self>> {
        match self.client.server().needed(EndpointKind::Revocation) {
            Ok(_) => Ok(Revocation {
                client: self.client.clone(),
                what: What::Grant(Box::new(self)),
                extra: Params::default(),
            }),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }
}

impl Revocation {
    /// A token that is stored elsewhere, such as an access token beside a session, or one in a database.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::NoEndpoint`] if the server has no revocation endpoint.
    pub fn of_token(
        client: impl Into<Client>,
        token: impl Into<String>,
        hint: Option<TokenTypeHint>,
    ) -> Result<Self, Error> {
        let (client, token) = (client.into(), Secret::new(token.into()));
        client.server().needed(EndpointKind::Revocation)?;
        if token.expose().is_empty() {
            return Err(Error::Misuse(Misuse::EmptyToken));
        }
        Ok(Self { client, what: What::Token(token, hint), extra: Params::default() })
    }

    /// An extra parameter of the revocation request.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`], with the revocation still intact.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Failure<Self>> {
        let server = self.client.server();
        match server.add_param(Message::RevocationRequest, &mut self.extra, name, value) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }

    /// The tokens as they were, to keep them; `None` for [`of_token`](Self::of_token). After a lost answer, they may be
    /// revoked.
    pub fn into_tokens(self) -> Option<Tokens> {
        match self.what {
            What::Grant(tokens) => Some(*tokens),
            What::Token(..) => None,
        }
    }

    fn token(&self) -> (&str, Option<TokenTypeHint>) {
        match &self.what {
            What::Grant(tokens) => match tokens.refresh_token() {
                Some(refresh) => (refresh.expose_secret(), Some(TokenTypeHint::RefreshToken)),
                None => (tokens.access.expose(), Some(TokenTypeHint::AccessToken)),
            },
            What::Token(token, hint) => (token.expose(), *hint),
        }
    }
}

impl fmt::Debug for Revocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hint = self.token().1;
        f.debug_struct("Revocation").field("client", &self.client).field("hint", &hint).finish_non_exhaustive()
    }
}

impl Exchange for Revocation {
    type Output = ();

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let (token, hint) = self.token();
        let hint = hint.map(|hint| Field::plain("token_type_hint", hint.as_str()));
        let fields: Vec<Field<'_>> = core::iter::once(Field::new("token", token)).chain(hint).collect();
        let (to, on) = (EndpointKind::Revocation, Message::RevocationRequest);
        call::post(self.client.data(), env, to, on, &fields, &self.extra)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match call::status(UrlRole::Revocation, env.now, StatusCode::OK, &response) {
            Ok(()) => Ok(Step::Done(())),
            Err(no) => Err(no.replayable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}
