//! Extension grants (RFC 6749 §4.5): a grant that another standard or a server defines.
//!
//! ```text
//! ExtensionGrant ──run──▶ Tokens      RFC 6749 §4.5
//! ```
//!
//! ```
//! use grantflow::{Env, Exchange, ExtensionGrant, Server, Step, UnixTime};
//! # use grantflow_testkit as testkit;
//! # struct NoRandom;
//! # impl grantflow::Entropy for NoRandom {
//! #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
//! # }
//! # let mut provider = testkit::Server::new("https://as.example");
//! # provider.register(testkit::Client::confidential("till", "s3cret").scope("drinks"));
//! # provider.knobs().extension_grant = Some("urn:example:grant-type:voucher".to_owned());
//! # let mut rng = NoRandom;
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
//! let server = Server::with_token_endpoint(&provider.token_url())?;
//! let client = server.client("till").secret_basic("s3cret")?;
//!
//! let grant = ExtensionGrant::new(&client, "urn:example:grant-type:voucher")?.param("voucher", "V-1")?.scope("drinks")?;
//! let response = provider.handle(&grant.request(&mut env)?);
//! let Step::Done(tokens) = grant.respond(&mut env, response)? else { unreachable!("this flow has one step") };
//! assert!(!tokens.bearer()?.expose_secret().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use core::fmt;

use http::{Request, Response};
use zeroize::Zeroizing;

use crate::call::{self, Asked};
use crate::client::Client;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::{Error, Misuse};
use crate::scope::Scope;
use crate::token::Tokens;

/// A grant of another standard, or of one server (RFC 6749 §4.5).
///
/// Nothing is known about it, so it counts as one that is used once, like a code: a refusal leaves nothing, and after a
/// lost answer its state is unknown. [`replayable`](Self::replayable) says that it is not so. A grant that needs checks in
/// its answer, or more than one step, is an [`Exchange`] of your own: see [`Client::token_request`].
#[must_use = "run it to get the tokens"]
pub struct ExtensionGrant {
    asked: Asked,
    grant_type: String,
    /// The grant's own parameters.
    params: Vec<(String, Zeroizing<String>)>,
    replayable: bool,
}

impl ExtensionGrant {
    /// A grant of this type: an absolute URI, or the word that the server has for it.
    ///
    /// # Errors
    /// [`Misuse::GrantType`] if the type is empty, removed (`password`, `implicit`; RFC 9700 §2.1.2, §2.4), or has a flow
    /// here.
    pub fn new(client: impl Into<Client>, grant_type: &str) -> Result<Self, Error> {
        if call::is_refused_grant(grant_type) {
            return Err(Error::Misuse(Misuse::GrantType));
        }
        let grant_type = grant_type.to_owned();
        Ok(Self { asked: Asked::new(client), grant_type, params: Vec::new(), replayable: false })
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        self.asked.client()
    }

    /// A parameter of the grant.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`] for a name that authenticates the client, for
    /// `grant_type`, `scope`, `resource`, `authorization_details`, `username` and `password`, in any case, and for the new
    /// name of a parameter that the server's quirks rename (give the standard name);
    /// [`Misuse::DuplicateParameter`] for one that was given already, or that is in
    /// the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.params.push((name.to_owned(), Zeroizing::new(value.to_owned())));
        self.asked.client().check_fields(&self.fields(), &self.asked)?;
        Ok(self)
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. Without one, the server chooses.
    ///
    /// # Errors
    /// [`Misuse::Scope`].
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
    /// [`Misuse::Url`] if it is not an absolute URI without fragment;
    /// [`Misuse::DuplicateParameter`].
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.asked.resource(resource)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §5, §6). Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server lists the types that it knows, and
    /// one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.asked.authorization_details(details)?;
        Ok(self)
    }

    /// States that the same request may be sent twice without harm, as client credentials may. Every failure then leaves
    /// the grant [`Intact`](crate::Left::Intact), also a lost answer.
    pub fn replayable(mut self) -> Self {
        self.replayable = true;
        self
    }

    fn fields(&self) -> Vec<(&str, &str)> {
        let grant_type = core::iter::once(("grant_type", &*self.grant_type));
        grant_type.chain(self.params.iter().map(|(name, value)| (&**name, value.as_str()))).collect()
    }
}

impl fmt::Debug for ExtensionGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value can be the grant itself.
        let names: Vec<&str> = self.params.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("ExtensionGrant")
            .field("asked", &self.asked)
            .field("grant_type", &self.grant_type)
            .field("params", &names)
            .field("replayable", &self.replayable)
            .finish()
    }
}

impl Exchange for ExtensionGrant {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.asked.client().token_request(env, &self.fields(), &self.asked)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match self.asked.client().token_answer(env.now, &response, &self.asked) {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(no) if self.replayable => Err(no.replayable(self)),
            Err(no) => Err(no.single_use(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(if self.replayable { call::no_answer_to_replayable(sent, self) } else { call::no_answer(sent, self) })
    }
}
