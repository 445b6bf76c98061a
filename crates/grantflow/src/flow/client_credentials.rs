//! The client credentials grant (RFC 6749 §4.4): a program acts for itself.
//!
//! ```text
//! ClientCredentials ──run──▶ Tokens      RFC 6749 §4.4.2, §4.4.3
//! ```
//!
//! ```
//! use grantflow::{ClientCredentials, Env, Exchange, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::confidential("robot", "s3cret").scope("clubs"));
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//!
//! let server = Server::with_token_endpoint(&provider.token_url())?;
//! let client = server.client("robot").secret_basic("s3cret")?;
//!
//! let exchange = ClientCredentials::new(&client).scope("clubs")?;
//! let response = provider.handle(&exchange.request(&mut env)?);
//! let Step::Done(tokens) = exchange.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! assert!(tokens.refresh_token().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use http::{Request, Response};

use crate::call::{self, Asked, Grant};
use crate::client::{Client, ConfidentialClient};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::Error;
use crate::scope::Scope;
use crate::server::fields::Field;
use crate::token::Tokens;
use crate::wire::object::Optional;

/// A request for a token of the client itself. Only a confidential client can make one (RFC 6749 §4.4).
///
/// It is `Clone`, and every failure leaves it intact: there is no grant to lose, and a program may always ask again.
#[derive(Clone, Debug)]
#[must_use = "run it to get a token"]
pub struct ClientCredentials {
    asked: Asked,
}

impl ClientCredentials {
    /// A request by this client.
    pub fn new(client: &ConfidentialClient) -> Self {
        Self { asked: Asked::new(client) }
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        &self.asked.client
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. Without one, the server
    /// chooses.
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
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter).
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

    /// An extra parameter of the token request: `audience`.
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

impl Exchange for ClientCredentials {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let own = [Field::plain("grant_type", "client_credentials")];
        self.asked.with(&own, |fields| call::token_request(self.asked.data(), env, fields, &self.asked.extra))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let outcome = call::token_answer(self.asked.data(), env.now, Grant::Other, &response, |mut answer| {
            // RFC 6749 §4.4.3 gives none here: the client's credentials get the next token.
            answer.refresh_token = Optional::Absent;
            let Asked { client, scope, resources, .. } = &self.asked;
            Ok(Tokens::new(client.clone(), answer, scope.clone(), resources.clone(), env.now))
        });
        match outcome {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) => Err(Failure::intact(no.error, self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(Failure::intact(Error::NoAnswer(sent), self))
    }
}
