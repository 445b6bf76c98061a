//! The identity assertion grant (draft-ietf-oauth-identity-assertion-authz-grant): the company's server, where the person
//! has logged in, issues an assertion for the server of a resource. No person is asked again.

use core::fmt;

use http::{Request, Response};
use serde::de::DeserializeOwned;

use super::AssertionGrant;
use crate::call::{self, Asked, Exchanging};
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::{AuthorizationDetails, GrantedDetails};
use crate::error::{Error, Misuse, Violation};
use crate::scope::{GrantedScope, Scope};
use crate::token::{Assertion, Exchanged, IssuedToken, SecurityToken, TokenTypeIdentifier};
use crate::value::time::UnixTime;

/// A request for an identity assertion (RFC 8693 §2.1 with `requested_token_type=…:id-jag`): the first of the two steps.
///
/// Two clients take part: that of the company's server, which asks, and that of the resource's server, for which the
/// assertion is. The assertion goes to that client's token endpoint and nowhere else.
///
/// What is left of it after a failure is as for [`TokenExchange`](crate::TokenExchange).
///
/// ```
/// use grantflow::{Exchange, IdentityAssertionRequest, SecurityToken, Server};
/// # fn example(id_token: &str) -> Result<(), grantflow::Error> {
/// let company = Server::with_token_endpoint("https://acme.idp.example/token")?;
/// let chat = Server::with_token_endpoint("https://acme.chat.example/token")?.issuer("https://acme.chat.example/")?;
/// let (at_company, at_chat) = (company.client("wiki").secret_basic("s1")?, chat.client("f53f191f").secret_basic("s2")?);
///
/// let request = IdentityAssertionRequest::new(&at_company, SecurityToken::id_token(id_token)?, &at_chat)?
///     .resource("https://api.chat.example/")?
///     .scope("chat.read chat.history")?;
///
/// // Any adapter runs both steps as one. Its output is the tokens of the resource's server.
/// let both = request.then(|assertion, _| Ok(assertion.grant()));
/// # let _ = both;
/// # Ok(()) }
/// ```
#[derive(Debug)]
#[must_use = "run it to get the assertion"]
pub struct IdentityAssertionRequest {
    exchanging: Exchanging,
    at_resource: Client,
}

impl IdentityAssertionRequest {
    /// A request by `client`, of the company's server, with an ID token, a SAML 2.0 assertion or a refresh token of that
    /// server, for an assertion that `at_resource`, a client of the resource's server, will send. The audience is the
    /// issuer of the resource's server.
    ///
    /// # Errors
    /// [`Misuse::NoIssuer`] if the resource's server has no issuer; [`Misuse::DuplicateParameter`] if the query of the
    /// company's token endpoint has an `audience`.
    pub fn new(
        client: impl Into<Client>,
        subject: SecurityToken,
        at_resource: impl Into<Client>,
    ) -> Result<Self, Error> {
        let at_resource = at_resource.into();
        let issuer = at_resource.server().issuer_identifier().ok_or(Error::Misuse(Misuse::NoIssuer))?;
        let mut exchanging = Exchanging::new(client.into(), subject);
        exchanging.requested = Some(TokenTypeIdentifier::ID_JAG);
        exchanging.audience(issuer.as_str())?;
        Ok(Self { exchanging, at_resource })
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        self.exchanging.asked.client()
    }

    /// Another audience than the issuer: the name that the company's server has for the resource's server.
    ///
    /// # Errors
    /// [`Misuse::EmptyAudience`]; [`Misuse::DuplicateParameter`] if the endpoint's query has one.
    pub fn audience(mut self, audience: &str) -> Result<Self, Error> {
        self.exchanging.only_audience(audience)?;
        Ok(self)
    }

    /// The token of the party that will act for the person (RFC 8693 §1.1).
    pub fn actor(mut self, actor: SecurityToken) -> Self {
        self.exchanging.actor = Some(actor);
        self
    }

    /// A resource for which the assertion will be used (RFC 8707 §2). May be given more than once.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`].
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.exchanging.asked.resource(resource)?;
        Ok(self)
    }

    /// The scope at the resource (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces.
    ///
    /// # Errors
    /// [`Misuse::Scope`].
    pub fn scope<S>(mut self, scope: S) -> Result<Self, Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.exchanging.asked.scope(scope)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §5, §6). Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server lists the types that it knows, and
    /// one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.exchanging.asked.authorization_details(details)?;
        Ok(self)
    }

    /// An extra parameter of the token request.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`] for a parameter that the flow sets itself; [`Misuse::DuplicateParameter`] for one
    /// that was given already, or that is in the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.exchanging.param(name, value)?;
        Ok(self)
    }
}

impl Exchange for IdentityAssertionRequest {
    type Output = IdentityAssertion;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.exchanging.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let outcome = self.exchanging.answer(env, &response, |exchanged: Exchanged| {
            let issued = exchanged.into_unusable();
            let is_jwt = || Assertion::jwt(issued.expose_secret()).is_ok();
            match *issued.token_type() == TokenTypeIdentifier::ID_JAG {
                true if is_jwt() => Ok(issued),
                true => Err(Violation::Character("access_token")),
                false => Err(Violation::OtherTokenType),
            }
        });
        match outcome {
            Ok(issued) => Ok(Step::Done(IdentityAssertion { at_resource: self.at_resource, issued })),
            Err(no) => Err(no.reusable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}

/// An identity assertion for the server of a resource. It is no access token, and it goes to that server only.
///
/// It may be used until it expires, each time for a new access token: the resource's server should give no refresh token.
#[must_use = "grant() makes the request that gets the tokens"]
pub struct IdentityAssertion {
    at_resource: Client,
    issued: IssuedToken,
}

impl IdentityAssertion {
    /// The second step: the assertion as a grant at the resource's server (RFC 7523 §2.1). The assertion says what scope and
    /// resource it is for, so the request repeats neither.
    pub fn grant(&self) -> AssertionGrant {
        AssertionGrant {
            asked: Asked::new(self.at_resource.clone()),
            assertion: Assertion::checked_jwt(self.issued.expose_secret()),
        }
    }

    /// The client of the resource's server.
    pub fn client(&self) -> &Client {
        &self.at_resource
    }

    /// When the assertion expires; `None` if the company's server did not say, which does not mean never.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.issued.expires_at()
    }

    /// Whether the assertion has expired at `now`. False if the company's server did not say when it would.
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.issued.is_expired(now)
    }

    /// The scope that the company's server allows.
    pub fn scope(&self) -> &GrantedScope {
        self.issued.scope()
    }

    /// The authorization details that the company's server allows (RFC 9396 §7).
    pub fn authorization_details(&self) -> GrantedDetails {
        self.issued.authorization_details()
    }

    /// The members of the answer that this library does not know, as a value of your type.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.issued.extra()
    }

    /// The assertion's text. Keep it out of logs and URLs.
    pub fn expose_secret(&self) -> &str {
        self.issued.expose_secret()
    }
}

impl fmt::Debug for IdentityAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityAssertion").field("client", &self.at_resource).field("issued", &self.issued).finish()
    }
}
