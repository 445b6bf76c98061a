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
//! # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
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

use crate::answer::token::TokenAnswer;
use crate::call::{self, Grant, Narrowed};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::{AuthorizationDetails, GrantedDetails};
use crate::error::{Error, Misuse};
use crate::scope::Scope;
use crate::server::Message;
use crate::server::fields::{Field, Params};
use crate::token::{Target, Tokens};
use crate::value::secret::{RefreshToken, UnverifiedIdToken};
use crate::value::time::UnixTime;
use crate::wire::object::Optional;

/// Tokens that will be refreshed. Not `Clone`: a refresh token that rotates is used once.
///
/// What is left of it after a failure:
/// - **Spent**: `invalid_grant`. The refresh token is dead; ask the person again, unless your store holds a newer one.
/// - **Intact**: the request was certainly not sent, the server was too busy to look at it, or it refused for a reason
///   that does not concern the token (`invalid_client`, `invalid_scope`). Correct that, and run it again. Also: the
///   server rotated the token in an answer that is otherwise not usable; then [`is_rescued`](Self::is_rescued) is true.
/// - **Unknown**: the token may have been rotated, and the answer was lost. Read your store again, because another
///   process may have newer tokens; then at most one retry, never at the same time as another: a server may take it for
///   theft and revoke everything.
#[derive(Debug)]
#[must_use = "it holds the tokens: run it, or take them back with into_tokens()"]
pub struct RefreshExchange {
    tokens: Tokens,
    refresh: RefreshToken,
    narrower: Option<Scope>,
    narrowed: Narrowed,
    extra: Params,
    rescued: bool,
}

impl Tokens {
    /// Makes an exchange that refreshes these tokens.
    ///
    /// # Errors
    /// [`Misuse::NoRefreshToken`], with the tokens still intact.
    pub fn refresh(mut self) -> Result<RefreshExchange, Failure<Self>> {
        match self.refresh.take() {
            Some(refresh) => Ok(RefreshExchange {
                tokens: self,
                refresh,
                narrower: None,
                narrowed: Narrowed::default(),
                extra: Params::default(),
                rescued: false,
            }),
            None => Err(Failure::intact(Error::Misuse(Misuse::NoRefreshToken), self)),
        }
    }
}

impl RefreshExchange {
    /// Asks for a part of the granted scope (RFC 6749 §6). Without it, for all of it.
    ///
    /// # Errors
    /// [`Misuse::WiderScope`] if it is not part of the granted scope, as far as that is known; [`Misuse::Scope`]. The
    /// exchange is still intact.
    pub fn scope(mut self, scope: &str) -> Result<Self, Failure<Self>> {
        let quirks = self.tokens.client.data().server.quirks();
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

    /// Asks for a token for this resource only, of those of the grant (RFC 8707 §2.2). May be given more than once. Without
    /// it, for the [resources](Tokens::resources) of the token that it renews.
    ///
    /// # Errors
    /// [`Misuse::WiderResource`] if the grant was requested for others; [`Misuse::Url`]; [`Misuse::DuplicateParameter`]. The
    /// exchange is still intact.
    pub fn resource(mut self, resource: &str) -> Result<Self, Failure<Self>> {
        match self.narrowed.resource(self.tokens.target.resources(), resource) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }

    /// Asks for a token for these authorization details only (RFC 9396 §6). Without it, the server decides by what the
    /// person has granted.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server lists the types that it knows, and one of these is not among them. The
    /// exchange is still intact.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Failure<Self>> {
        match self.narrowed.authorization_details(self.tokens.client.server(), details) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }

    /// An extra parameter of the token request.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`], with the exchange still intact.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Failure<Self>> {
        let server = &self.tokens.client.data().server;
        match server.add_param(Message::TokenRequest, &mut self.extra, name, value) {
            Ok(()) => Ok(self),
            Err(error) => Err(Failure::intact(error, self)),
        }
    }

    /// Whether it holds a refresh token of an answer that was refused because of another member, such as a missing
    /// `token_type`. The server has replaced the old refresh token, so **store this one**
    /// ([`into_tokens`](Self::into_tokens)) before anything else. The error says what to correct; until then, the next
    /// answer will be refused too.
    pub fn is_rescued(&self) -> bool {
        self.rescued
    }

    /// The tokens as they were, with the new refresh token if there is one ([`is_rescued`](Self::is_rescued)). The
    /// access token may still be good; the failure that returned the exchange says whether the refresh token is.
    pub fn into_tokens(self) -> Tokens {
        let mut tokens = self.tokens;
        tokens.refresh = Some(self.refresh);
        tokens
    }

    /// The resources that the request names.
    fn resources(&self) -> &[String] {
        self.narrowed.resources_or(self.tokens.target.of_the_token())
    }

    /// The new tokens: what the server omitted is carried over.
    fn merge(&self, mut answer: TokenAnswer<'_>, now: UnixTime) -> Tokens {
        let old = &self.tokens;
        if matches!(answer.refresh_token, Optional::Blank(_)) {
            answer.refresh_token = Optional::Absent;
        }
        let silent = matches!(answer.scope, Optional::Absent);
        // The granted scope, which could not be read, was requested once.
        let granted = if old.scope.unreadable { old.scope.requested() } else { old.scope.effective() };
        let requested = self.narrower.clone().or_else(|| granted.cloned());
        let target = Target::new(old.target.resources(), self.resources());
        let mut new = Tokens::new(old.client.clone(), answer, requested, target, now);
        if let (None, GrantedDetails::NotSaid) = (self.narrowed.details(), new.authorization_details()) {
            new.target.keep_details(old.authorization_details());
        }
        if new.refresh.is_none() {
            new.refresh = Some(RefreshToken::new(self.refresh.expose_secret().to_owned()));
        }
        if let (None, Some(id_token)) = (&new.id_token, &old.id_token) {
            new.id_token = Some(UnverifiedIdToken::new(id_token.expose_secret().to_owned()));
            new.id_token_is_kept = true;
        }
        // The server said nothing and nothing was requested: the earlier granted scope still applies, in the server's
        // words.
        if silent && self.narrower.is_none() {
            new.scope = old.scope.clone();
        }
        new
    }
}

impl Exchange for RefreshExchange {
    type Output = Tokens;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let data = self.tokens.client.data();
        let own =
            [Field::plain("grant_type", "refresh_token"), Field::new("refresh_token", self.refresh.expose_secret())];
        let (resources, details) = (self.resources(), self.narrowed.details());
        let Some(scope) = &self.narrower else {
            return call::with_target(&own, resources, details, |fields| {
                call::refresh_request(data, env, fields, &self.extra)
            });
        };
        let scope = data.server.quirks().write_scope(scope);
        let [grant_type, refresh_token] = own;
        let own = [grant_type, refresh_token, Field::new("scope", &scope)];
        call::with_target(&own, resources, details, |fields| call::refresh_request(data, env, fields, &self.extra))
    }

    fn respond<B: AsRef<[u8]>>(
        mut self,
        env: &mut Env<'_>,
        response: Response<B>,
    ) -> Result<Step<Self>, Failure<Self>> {
        let data = self.tokens.client.data();
        match call::token_answer(data, env.now, Grant::Refresh, &response, |answer| Ok(self.merge(answer, env.now))) {
            Ok(tokens) => Ok(Step::Done(tokens)),
            Err(mut no) => Err(match no.rescued.take() {
                // RFC 6749 §6: the server has replaced the sent token.
                Some(rescued) => {
                    self.refresh = rescued;
                    self.rescued = true;
                    Failure::intact(no.error, self)
                }
                None => no.reusable(self),
            }),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
