//! Token exchange (RFC 8693): a security token becomes another one, for another audience, scope or purpose.
//!
//! ```text
//! TokenExchange ──run──▶ Exchanged::Tokens { tokens, issued_token_type }      RFC 8693 §2.2.1
//!       │           └──▶ Exchanged::Issued(IssuedToken)                       the same, token_type N_A
//!       └─for_access_token─▶ AccessTokenExchange ──run──▶ Tokens              where only an access token is of use
//!
//! Exchanged, IssuedToken ──to_security_token──▶ SecurityToken                 the subject of the next exchange
//!                        ──to_assertion──▶ Assertion                          the grant at another server, RFC 7523 §2.1
//! ```
//!
//! ```
//! use grantflow::{Env, Exchange, Exchanged, SecurityToken, Server, Step, TokenExchange, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::confidential("api", "s3cret").scope("orders stock"));
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! # let server = Server::with_token_endpoint(&provider.token_url())?;
//! # let client = server.client("api").secret_basic("s3cret")?;
//! # let first = grantflow::ClientCredentials::new(&client).scope("orders stock")?;
//! # let response = provider.handle(&first.request(&mut env)?);
//! # let Step::Done(tokens) = first.respond(&mut env, response)? else { unreachable!() };
//! # let received = tokens.bearer()?.expose_secret().to_owned();
//! let server = Server::with_token_endpoint(&provider.token_url())?;
//! let client = server.client("api").secret_basic("s3cret")?;
//!
//! // An API received a request with this access token, and needs one for the API behind it.
//! let exchange = TokenExchange::new(&client, SecurityToken::access_token(received)?)
//!     .resource("https://stock.example/api")?
//!     .scope("stock")?;
//! let response = provider.handle(&exchange.request(&mut env)?);
//! let Step::Done(exchanged) = exchange.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! match exchanged {
//!     Exchanged::Tokens { tokens, .. } => assert!(!tokens.bearer()?.expose_secret().is_empty()),
//!     Exchanged::Issued(token) => panic!("a {:?} is no access token", token.token_type()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use http::{Request, Response};

use crate::call::{self, Exchanging};
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::{Error, Violation};
use crate::scope::Scope;
use crate::token::{Exchanged, SecurityToken, TokenTypeIdentifier, Tokens};

/// An exchange of a security token for another (RFC 8693 §2.1).
///
/// Any client may ask, also a public or an [unidentified](crate::UnidentifiedClient) one, if the server allows it.
///
/// What is left of it after a failure:
/// - **Spent**: `invalid_grant`. The subject token is not accepted any more: get another one.
/// - **Intact**: it was certainly not sent, the server was too busy, or it refused for another reason, such as
///   `invalid_target` (RFC 8693 §2.2.2). Correct that, and run it again. A server also refuses a bad subject token with
///   `invalid_request`.
/// - **Unknown**: the answer was lost, so the server may have issued a token that nobody received.
#[derive(Debug)]
#[must_use = "run it to get the issued token"]
pub struct TokenExchange(Exchanging);

impl TokenExchange {
    /// An exchange of this token, which stands for the party on whose behalf the request is made.
    pub fn new(client: impl Into<Client>, subject: SecurityToken) -> Self {
        Self(Exchanging::new(client.into(), subject))
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        self.0.asked.client()
    }

    /// The token of the party that will act for the subject: the issued token says so (delegation, RFC 8693 §1.1). Without
    /// it, the issued token is the subject's alone (impersonation).
    pub fn actor(mut self, actor: SecurityToken) -> Self {
        self.0.actor = Some(actor);
        self
    }

    /// The type of token to ask for. Without it, the server chooses. The answer says what it issued, which may be another
    /// type.
    pub fn requested_token_type(mut self, token_type: TokenTypeIdentifier) -> Self {
        self.0.requested = Some(token_type);
        self
    }

    /// The name of a service where the token will be used, as the server knows it. May be given more than once, and beside
    /// [`resource`](Self::resource).
    ///
    /// # Errors
    /// [`Misuse::EmptyAudience`](crate::Misuse::EmptyAudience);
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter).
    pub fn audience(mut self, audience: &str) -> Result<Self, Error> {
        self.0.audience(audience)?;
        Ok(self)
    }

    /// A resource where the token will be used (RFC 8693 §2.1, RFC 8707 §2). May be given more than once.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an absolute URI without fragment;
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter).
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.0.asked.resource(resource)?;
        Ok(self)
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. Without one, the server chooses.
    ///
    /// # Errors
    /// [`Misuse::Scope`](crate::Misuse::Scope).
    pub fn scope<S>(mut self, scope: S) -> Result<Self, Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.0.asked.scope(scope)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §5, §6). Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`](crate::Misuse::AuthorizationDetails) if the server lists the types that it knows, and
    /// one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.0.asked.authorization_details(details)?;
        Ok(self)
    }

    /// An extra parameter of the token request: `requested_subject`.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`](crate::Misuse::ReservedParameter) for a parameter that the flow sets itself;
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter) for one that was given already, or that is in
    /// the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.0.param(name, value)?;
        Ok(self)
    }

    /// The same exchange, where only a token that can be used at an API is of use. Any other answer is an error, so the
    /// output is [`Tokens`]: for a session, or after [`Exchange::then`].
    pub fn for_access_token(self) -> AccessTokenExchange {
        AccessTokenExchange(self.0)
    }
}

impl Exchange for TokenExchange {
    type Output = Exchanged;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.0.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match self.0.answer(env, &response, Ok) {
            Ok(exchanged) => Ok(Step::Done(exchanged)),
            Err(no) => Err(no.reusable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}

/// An exchange for an access token (RFC 8693 §2.1): [`TokenExchange::for_access_token`]. An answer with another kind of
/// token breaks what was asked for ([`Violation::NotAnAccessToken`]).
///
/// What is left of it after a failure is as for [`TokenExchange`].
#[derive(Debug)]
#[must_use = "run it to get the tokens"]
pub struct AccessTokenExchange(Exchanging);

impl AccessTokenExchange {
    /// The client that asks.
    pub fn client(&self) -> &Client {
        self.0.asked.client()
    }
}

impl Exchange for AccessTokenExchange {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.0.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let usable = |exchanged: Exchanged| exchanged.into_tokens().map_err(|_| Violation::NotAnAccessToken);
        match self.0.answer(env, &response, usable) {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) => Err(no.reusable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
