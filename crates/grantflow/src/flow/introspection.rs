//! Token introspection (RFC 7662): a protected resource asks the server about a token.
//!
//! ```text
//! Introspection ──run──▶ Introspected::Active(ActiveToken)      RFC 7662 §2
//!                   └──▶ Introspected::Inactive
//! ```
//!
//! ```
//! use grantflow::{Env, Exchange, Introspected, Introspection, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::confidential("api", "s3cret").scope("clubs"));
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//!
//! let server = Server::with_token_endpoint(&provider.token_url())?
//!     .introspection_endpoint(&provider.endpoint_url(testkit::Endpoint::Introspection))?;
//! let api = server.client("api").secret_basic("s3cret")?;
//! # let grant = grantflow::ClientCredentials::new(&api).scope("clubs")?;
//! # let response = provider.handle(&grant.request(&mut env)?);
//! # let Step::Done(tokens) = grant.respond(&mut env, response)? else { unreachable!() };
//! # let token = tokens.bearer()?.expose_secret().to_owned();
//!
//! // A request came with this token. What may it do?
//! let question = Introspection::new(&api, &token)?;
//! let response = provider.handle(&question.request(&mut env)?);
//! let Step::Done(introspected) = question.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! match introspected {
//!     Introspected::Active(token) => assert!(token.scope().is_some_and(|scope| scope.contains("clubs"))),
//!     Introspected::Inactive => panic!("nothing but that it is worth nothing"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::answer::introspection::{self, Described};
use crate::call;
use crate::client::{Client, ConfidentialClient};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::{Error, Misuse, UrlRole};
use crate::scope::Scope;
use crate::server::fields::{Field, Params};
use crate::server::{EndpointKind, Message};
use crate::token::TokenTypeHint;
use crate::value::secret::Secret;
use crate::value::time::UnixTime;

/// A question to the server about one token (RFC 7662 §2.1). The client stands for a protected resource and
/// authenticates, so that an attacker cannot test tokens; a public client cannot ask.
///
/// It is `Clone`, and every failure leaves it intact: asking twice does no harm.
#[derive(Clone)]
#[must_use = "run it to get the answer"]
pub struct Introspection {
    client: Client,
    token: Secret,
    hint: Option<TokenTypeHint>,
    extra: Params,
}

impl Introspection {
    /// A question about the token of a request to this resource.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::NoEndpoint`] if the server has no introspection endpoint.
    pub fn new(client: &ConfidentialClient, token: &str) -> Result<Self, Error> {
        let client = Client::from(client);
        client.server().needed(EndpointKind::Introspection)?;
        if token.is_empty() {
            return Err(Error::Misuse(Misuse::EmptyToken));
        }
        Ok(Self { client, token: Secret::new(token.to_owned()), hint: None, extra: Params::default() })
    }

    /// The type of the token, if it is known. Without it, the server searches all its tokens.
    pub fn hint(mut self, hint: TokenTypeHint) -> Self {
        self.hint = Some(hint);
        self
    }

    /// An extra parameter of the introspection request.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`].
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.client.server().add_param(Message::IntrospectionRequest, &mut self.extra, name, value)?;
        Ok(self)
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection").field("client", &self.client).field("hint", &self.hint).finish_non_exhaustive()
    }
}

impl Exchange for Introspection {
    type Output = Introspected;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let token = Field::new("token", self.token.expose());
        let hint = self.hint.map(|hint| Field::plain("token_type_hint", hint.as_str()));
        let fields: Vec<Field<'_>> = core::iter::once(token).chain(hint).collect();
        let (to, on) = (EndpointKind::Introspection, Message::IntrospectionRequest);
        call::post(self.client.data(), env, to, on, &fields, &self.extra)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let quirks = self.client.server().quirks();
        let (role, ok) = (UrlRole::Introspection, StatusCode::OK);
        let described =
            call::object(role, env.now, ok, None, &response, |mut members| introspection::read(&mut members, quirks));
        match described {
            Ok(Some(described)) => Ok(Step::Done(Introspected::Active(Box::new(ActiveToken(described))))),
            Ok(None) => Ok(Step::Done(Introspected::Inactive)),
            Err(no) => Err(no.replayable(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer_to_replayable(sent, self))
    }
}

/// What the server says about a token (RFC 7662 §2.2). About an inactive token there is nothing to read.
#[must_use = "an inactive token opens nothing"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a resource accepts a request, or refuses it")]
pub enum Introspected {
    /// The token is active: this server has issued it, it has not expired, and it was not revoked.
    Active(Box<ActiveToken>),
    /// The token is not valid: expired, revoked, invented, or not for this resource.
    Inactive,
}

impl Introspected {
    /// The description of the token, if it is active.
    pub fn active(&self) -> Option<&ActiveToken> {
        match self {
            Self::Active(token) => Some(token),
            Self::Inactive => None,
        }
    }
}

/// What a server says about an active token (RFC 7662 §2.2). The caller has to check whether the token is for **this**
/// resource: [`is_for`](Self::is_for).
pub struct ActiveToken(Described);

impl ActiveToken {
    /// What the token covers; `None` if the server does not say, which does not mean everything.
    pub fn scope(&self) -> Option<&Scope> {
        self.0.scope.as_ref()
    }

    /// `client_id`: the client to which the token was issued.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// `username`: the name, for people, of the person who granted the token. To identify the person, use
    /// [`subject`](Self::subject).
    pub fn username(&self) -> Option<&str> {
        self.0.username.as_deref()
    }

    /// `token_type`, as the server writes it (RFC 6749 §5.1).
    pub fn token_type(&self) -> Option<&str> {
        self.0.token_type.as_deref()
    }

    /// `exp`: when the token expires. An answer may be cached until then at most (RFC 7662 §4).
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.0.expires_at.map(UnixTime::from_secs)
    }

    /// `iat`: when the token was issued.
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.0.issued_at.map(UnixTime::from_secs)
    }

    /// `nbf`: the token must not be used before.
    pub fn not_before(&self) -> Option<UnixTime> {
        self.0.not_before.map(UnixTime::from_secs)
    }

    /// `sub`: the person or the client for whom the token stands, by an identifier of the server.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// `aud`: the resources for which the token is valid, one or many. Empty if the server does not say.
    pub fn audience(&self) -> &[String] {
        &self.0.audience
    }

    /// Whether the server says that the token is for this resource: `aud` names it, byte for byte (RFC 9700 §2.3).
    pub fn is_for(&self, resource: &str) -> bool {
        self.0.audience.iter().any(|audience| audience == resource)
    }

    /// `iss`: who issued the token.
    pub fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// `jti`: the identifier of the token.
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.as_deref()
    }

    /// `authorization_details`: what the token covers in finer detail than its scope (RFC 9396 §9.2); `None` if the server
    /// does not say.
    pub fn authorization_details(&self) -> Option<&AuthorizationDetails> {
        self.0.details.as_ref()
    }

    /// The members of the answer that this library does not know, as a value of your type: `cnf`, `acr`, `auth_time`.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.0.extra.read().ok_or(Error::Misuse(Misuse::Extra))
    }
}

impl fmt::Debug for ActiveToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The server's text is not printed: it describes a person.
        let said = &self.0;
        f.debug_struct("ActiveToken")
            .field("scope", &said.scope)
            .field("expires_at", &said.expires_at)
            .field("audience", &said.audience.len())
            .finish_non_exhaustive()
    }
}
