//! Assertion grants (RFC 7521 §4.1): a JWT (RFC 7523 §2.1) or a SAML 2.0 assertion (RFC 7522 §2.1) becomes tokens. And the
//! chain of two in which one server issues the assertion and another takes it.
//!
//! ```text
//! Assertion ──▶ AssertionGrant ──run──▶ Tokens                                   RFC 7523 §2.1, RFC 7522 §2.1
//!
//! IdentityAssertionRequest ──run──▶ IdentityAssertion                            at the company's server, RFC 8693
//!                                        └─grant─▶ AssertionGrant ──run──▶ Tokens    at the resource's server
//! ```
//!
//! ```
//! use grantflow::{Assertion, AssertionGrant, Env, Exchange, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::confidential("app", "s3cret").scope("clubs"));
//! # let issuer = provider.issuer().to_owned();
//! # let signed = provider.sign_jwt(&issuer, "ada");
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! let server = Server::with_token_endpoint(&provider.token_url())?;
//! let client = server.client("app").secret_basic("s3cret")?;
//!
//! // `signed` is a JWT about Ada, by an issuer that the server trusts.
//! let grant = AssertionGrant::new(&client, Assertion::jwt(signed)?).scope("clubs")?;
//! let response = provider.handle(&grant.request(&mut env)?);
//! let Step::Done(tokens) = grant.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! assert!(!tokens.bearer()?.expose_secret().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use http::{Request, Response};

use crate::call::{self, Asked, Grant};
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::Error;
use crate::scope::Scope;
use crate::server::fields::Field;
use crate::token::{Assertion, Tokens, check_identity};

mod identity;

pub use identity::{IdentityAssertion, IdentityAssertionRequest};

/// An assertion that becomes tokens (RFC 7521 §4.1).
///
/// The client need not authenticate (RFC 7521 §4.1): any client can send one, also a public or an
/// [unidentified](crate::UnidentifiedClient) one. A refresh token is not expected in the answer, and kept if there is one.
///
/// What is left of it after a failure:
/// - **Spent**: `invalid_grant`. The assertion is not valid, or not any more: make or get another one.
/// - **Intact**: it was certainly not sent, the server was too busy, or it refused for a reason that does not concern the
///   assertion (`invalid_client`, `invalid_scope`). Correct that, and run it again.
/// - **Unknown**: the answer was lost. A server may accept an assertion only once (RFC 7523 §3), so it may refuse this one
///   now; a new assertion does no harm.
#[derive(Debug)]
#[must_use = "run it to get the tokens"]
pub struct AssertionGrant {
    asked: Asked,
    assertion: Assertion,
}

impl AssertionGrant {
    /// A grant by this client.
    pub fn new(client: impl Into<Client>, assertion: Assertion) -> Self {
        Self { asked: Asked::new(client), assertion }
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        self.asked.client()
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
        self.asked.scope(scope)?;
        Ok(self)
    }

    /// A resource for which the token is requested (RFC 8707 §2). May be given more than once.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an absolute URI without fragment;
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter).
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.asked.resource(resource)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §5, §6). Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`](crate::Misuse::AuthorizationDetails) if the server lists the types that it knows, and
    /// one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.asked.authorization_details(details)?;
        Ok(self)
    }

    /// An extra parameter of the token request: `requested_token_use`.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`](crate::Misuse::ReservedParameter) for a parameter that the flow sets itself;
    /// [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter) for one that was given already, or that is in
    /// the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.asked.param(name, value)?;
        Ok(self)
    }
}

impl Exchange for AssertionGrant {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let own = [
            Field::new("grant_type", self.assertion.grant_type()),
            Field::new("assertion", self.assertion.expose_secret()),
        ];
        self.asked.with(&own, |fields| call::token_request(self.asked.data(), env, fields, &self.asked.extra))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let Asked { client, scope, resources, .. } = &self.asked;
        let outcome = call::token_answer(self.asked.data(), env.now, Grant::Other, &response, |answer| {
            check_identity(&answer, scope.as_ref())?;
            Ok(Tokens::new(client.clone(), answer, scope.clone(), resources.clone(), env.now))
        });
        match outcome {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) => Err(no.reusable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
