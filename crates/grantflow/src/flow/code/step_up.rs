//! A new authorization request, if an API wants more than a token gives (RFC 6750 §3.1, RFC 9470).
//!
//! ```text
//! 401 or 403 ──StepUp::of──▶ StepUp
//!                              │
//!            Authorization ──step_up──▶ Authorization      asks for more, RFC 6749 §4.1.1, RFC 9470 §4
//!                              │
//!                              └──────▶ NoStepUp           final: say so, and do not ask the API again
//! ```

use core::fmt;
use core::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};

use super::Authorization;
use crate::error::{Error, ErrorCode};
use crate::scope::{GrantedScope, Scope};
use crate::server::Message;
use crate::wire::challenge::{Challenge, Challenges, TokenChallenge};

/// What an API asks for beyond a token: more scope (`insufficient_scope`, RFC 6750 §3.1), or another or newer login of
/// the person (`insufficient_user_authentication`, RFC 9470 §3). [`Authorization::step_up`] makes an authorization
/// request from it.
///
/// `Debug` shows no text of the API.
///
/// From end to end, against the testkit's server:
///
/// ```
/// use grantflow::{Authorization, NoStepUp, Server, StepUp, StepUpAttempts};
/// # use grantflow::{Callback, Env, Exchange, Redirect, Step, Tokens, UnixTime};
/// # use grantflow_testkit as testkit;
/// # let mut provider = testkit::Server::new("https://as.example");
/// # provider.register(testkit::Client::confidential("my-id", "my-secret").redirect_uri("https://app.example/cb").scope("read write"));
/// # struct Dice(u8);
/// # impl grantflow::Entropy for Dice {
/// #     fn fill(&mut self, bytes: &mut [u8]) -> Result<(), grantflow::EntropyFailed> {
/// #         for b in bytes { self.0 = self.0.wrapping_mul(7).wrapping_add(3); *b = self.0; }
/// #         Ok(())
/// #     }
/// # }
/// # let mut rng = Dice(1);
/// # let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
/// # // Start, the person's visit, receive, and the code exchange.
/// # let mut login = |provider: &mut testkit::Server, authorization: &Authorization| -> Result<Tokens, Box<dyn std::error::Error>> {
/// #     let Redirect { url, pending } = authorization.start(&mut env)?;
/// #     let request = provider.visit(url.as_str())?.request()?;
/// #     let Callback::Granted(exchange) = pending.receive(request.uri()) else { panic!("not granted") };
/// #     let response = provider.handle(&exchange.request(&mut env)?);
/// #     let Step::Done(tokens) = exchange.respond(&mut env, response)? else { unreachable!("this flow has one step") };
/// #     Ok(tokens)
/// # };
/// # let call = |provider: &mut testkit::Server, tokens: &Tokens| -> Result<http::Response<Vec<u8>>, Box<dyn std::error::Error>> {
/// #     let mut request = http::Request::get("https://as.example/api/user").body(Vec::new())?;
/// #     tokens.bearer()?.authorize(&mut request)?;
/// #     Ok(provider.handle(&request))
/// # };
/// // An API that wants `write`, and a login of the kind `gold`.
/// provider.knobs().required_scope = Some("write".to_owned());
/// provider.knobs().required_acr_values = vec!["gold".to_owned()];
///
/// let server = Server::new(&provider.authorize_url(), &provider.token_url())?;
/// let client = server.client("my-id").secret_post("my-secret")?;
/// let mut authorization = Authorization::new(&client, "https://app.example/cb")?.scope("read")?;
/// let mut tokens = login(&mut provider, &authorization)?;
///
/// // One operation: as many logins as it needs, and an end to it.
/// let mut attempts = StepUpAttempts::new();
/// let response = loop {
///     let response = call(&mut provider, &tokens)?;
///     let Some(step_up) = StepUp::of(response.status(), response.headers()) else { break response };
///     authorization = authorization.step_up(&step_up, tokens.scope(), &mut attempts)?;
///     tokens = login(&mut provider, &authorization)?;
/// };
/// assert_eq!(response.status(), 200);
/// assert_eq!(tokens.scope().effective().map(|scope| scope.as_str()), Some("read write"));
/// assert_eq!(attempts.made(), 1);
///
/// // If the API demands again what it has received, there is no new request.
/// let again = http::HeaderMap::from_iter([(
///     http::header::WWW_AUTHENTICATE,
///     "Bearer error=\"insufficient_scope\", scope=\"write\"".parse()?,
/// )]);
/// let step_up = StepUp::of(http::StatusCode::FORBIDDEN, &again).ok_or("no step-up")?;
/// let end = authorization.step_up(&step_up, tokens.scope(), &mut attempts);
/// assert!(matches!(end, Err(NoStepUp::NothingNew)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct StepUp {
    reason: ErrorCode,
    scope: Option<Scope>,
    acr_values: Option<Box<str>>,
    max_age: Option<Duration>,
}

/// Longer texts make URLs that servers refuse.
const MAX_TEXT: usize = 4 * 1024;

impl StepUp {
    /// What an API's answer asks for. It needs the status and the headers only, so any HTTP stack is suitable.
    ///
    /// `None` unless the status is 401 or 403 and a Bearer or DPoP challenge has one of the two codes. RFC 6750 uses
    /// 403 for the first and RFC 9470 uses 401 for the second; servers mix them up, and the code decides. A 401 with
    /// `invalid_token` or without a code is no step-up: refresh the token, or authorize for the first time.
    ///
    /// A broken challenge counts if no complete one says it: the request goes to the authorization server and to the
    /// person, and they decide. A `scope` or an `acr_values` of more than 4 KiB is ignored.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Option<Self> {
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return None;
        }
        let challenges = Challenges::of(headers);
        let broken = challenges.with_broken().filter(|challenge| challenge.is_broken());
        let mut tokens = challenges.iter().chain(broken).filter_map(|c: &Challenge| c.bearer().or_else(|| c.dpop()));
        tokens.find_map(|token| Self::of_challenge(&token))
    }

    fn of_challenge(token: &TokenChallenge<'_>) -> Option<Self> {
        let reason = token.error()?;
        if !matches!(reason, ErrorCode::InsufficientScope | ErrorCode::InsufficientUserAuthentication) {
            return None;
        }
        let acr_values = token.untrusted_acr_values().map(|text| text.trim_matches(' '));
        let acr_values = acr_values.filter(|text| !text.is_empty() && text.len() <= MAX_TEXT);
        Some(Self {
            reason,
            scope: token.scope().filter(|scope| scope.as_str().len() <= MAX_TEXT),
            acr_values: acr_values.map(Into::into),
            max_age: token.max_age(),
        })
    }

    /// [`ErrorCode::InsufficientScope`] or [`ErrorCode::InsufficientUserAuthentication`].
    pub fn reason(&self) -> &ErrorCode {
        &self.reason
    }

    /// The scope that the API names, if it names one.
    pub fn scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// The authentication context classes that the API names, separated by spaces, the best one first (RFC 9470 §3).
    /// Escape them before you show them.
    pub fn untrusted_acr_values(&self) -> Option<&str> {
        self.acr_values.as_deref()
    }

    /// The greatest age of the person's login (RFC 9470 §3).
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }
}

impl fmt::Debug for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StepUp {{ reason: {}, scope: {:?}, acr_values: {}, max_age: {:?} }}",
            self.reason,
            self.scope,
            if self.acr_values.is_some() { "[redacted]" } else { "None" },
            self.max_age
        )
    }
}

/// How often one operation has been authorized again, and for what. **One value for each operation** of the program, such as an upload
/// or a call of the API, for as long as it lasts: it ends a loop in which an API refuses every token.
///
/// A web application stores it with the pending grant while the person is away. It serializes with serde; its fields
/// are not part of the API. It holds no secret, but texts of the API.
#[derive(Clone, Serialize, Deserialize)]
pub struct StepUpAttempts {
    limit: u8,
    made: u8,
    /// The scopes that this operation has requested.
    scope: Option<String>,
    /// Only the last one counts.
    acr_values: Vec<String>,
    max_age: Option<u64>,
}

impl StepUpAttempts {
    /// None made, three allowed.
    pub fn new() -> Self {
        Self::up_to(3)
    }

    /// None made, and this many allowed. With zero, no step-up is made.
    pub fn up_to(limit: u8) -> Self {
        Self { limit, made: 0, scope: None, acr_values: Vec::new(), max_age: None }
    }

    /// How many have been made.
    pub fn made(&self) -> u8 {
        self.made
    }

    /// How many are left.
    pub fn left(&self) -> u8 {
        self.limit.saturating_sub(self.made)
    }

    fn scope(&self) -> Option<Scope> {
        self.scope.as_deref().and_then(|text| Scope::read(text, ' '))
    }
}

impl Default for StepUpAttempts {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for StepUpAttempts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepUpAttempts {{ made: {}, limit: {} }}", self.made, self.limit)
    }
}

/// Why there is no new authorization request. It is final for this operation: asking the API or the person again
/// changes nothing.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum NoStepUp {
    /// The API names neither a scope nor a sufficient login, or nothing that can be read.
    #[error(
        "the API wants more than this token gives, and names neither a scope nor a sufficient login: look into its \
         documentation, and authorize for what it says"
    )]
    NothingNamed,
    /// The API asks for a scope that the token has, or for something that this operation has requested before.
    #[error("the API asks for nothing new: it refuses this operation to this person or client")]
    NothingNew,
    /// The operation was authorized again as often as allowed.
    #[error("this operation was authorized again as often as allowed, and the API still wants more: do not repeat it")]
    TooOften,
    /// The authorization request cannot hold what the API asks for.
    #[error("the authorization request cannot hold what the API asks for")]
    Request(#[source] Error),
}

impl Authorization {
    /// The authorization request for a token with what the API wants. It asks for the scope of this request and of the
    /// grant together with the scope that the API names, and takes over `acr_values` and `max_age` (RFC 9470 §4);
    /// resources, redirect URI and all other parameters stay. `granted` is [`Tokens::scope`](crate::Tokens::scope) of
    /// the refused token.
    ///
    /// The `acr_values` of the request are replaced. Of two values for `max_age` the shorter one counts. Requests of
    /// earlier attempts of the operation are repeated, so this may be called on the first request of the operation or
    /// on that of the last attempt.
    ///
    /// A `prompt=none` stays too, and then the server cannot ask the person.
    ///
    /// If neither this request nor the grant has a known scope, the new request has only the API's scope. A server that
    /// would have given more by default then gives less: name the scopes that you need.
    ///
    /// ```
    /// use grantflow::{Authorization, NoStepUp, StepUp, StepUpAttempts};
    /// # use grantflow::{Server, Tokens};
    /// # fn example(authorization: Authorization, tokens: Tokens, response: http::Response<()>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut attempts = StepUpAttempts::new(); // one for the whole operation
    /// if let Some(step_up) = StepUp::of(response.status(), response.headers()) {
    ///     match authorization.step_up(&step_up, tokens.scope(), &mut attempts) {
    ///         Ok(authorization) => { /* send the person away with it, then try the operation again */ }
    ///         Err(final_word) => return Err(final_word.into()),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`NoStepUp`]. Then `attempts` is unchanged.
    pub fn step_up(
        &self,
        step_up: &StepUp,
        granted: &GrantedScope,
        attempts: &mut StepUpAttempts,
    ) -> Result<Self, NoStepUp> {
        let server = &self.client.data().server;
        // A server that separates scopes by commas also does so in challenges.
        let named = step_up.scope.clone().and_then(|scope| server.quirks().tokens_of(scope).ok());
        let StepUp { acr_values, max_age, .. } = step_up;
        let max_age = max_age.map(|age| age.as_secs());
        if named.is_none() && acr_values.is_none() && max_age.is_none() {
            return Err(NoStepUp::NothingNamed);
        }

        let before = attempts.scope();
        let asked = united([self.scope.as_ref(), granted.requested(), before.as_ref()]);
        // A scope that was requested and not granted may be requested once more: the person may decide otherwise now.
        let has = match granted.effective() {
            Some(effective) => united([Some(effective), before.as_ref()]),
            None => asked.clone(),
        };
        let more_scope = named.as_ref().is_some_and(|named| !has.as_ref().is_some_and(|has| named.is_subset_of(has)));
        let other_login =
            acr_values.as_deref().is_some_and(|named| !attempts.acr_values.iter().any(|known| known == named));
        let newer_login = max_age.is_some_and(|age| attempts.max_age.is_none_or(|before| age < before));
        if !(more_scope || other_login || newer_login) {
            return Err(NoStepUp::NothingNew);
        }
        if attempts.left() == 0 {
            return Err(NoStepUp::TooOften);
        }

        let mut next = self.clone();
        next.scope = united([asked.as_ref(), granted.explicit(), named.as_ref()]);
        let acr_values = acr_values.as_deref().or(attempts.acr_values.last().map(String::as_str)).map(str::to_owned);
        if let Some(acr_values) = &acr_values {
            next.replace_param("acr_values", acr_values)?;
        }
        let max_age = [max_age, attempts.max_age].into_iter().flatten().min();
        if let Some(max_age) = max_age {
            let own = self.extra.get("max_age").and_then(|text| text.parse().ok());
            next.replace_param("max_age", &own.map_or(max_age, |own: u64| own.min(max_age)).to_string())?;
        }

        attempts.made += 1;
        attempts.scope = next.scope.as_ref().map(|scope| scope.as_str().to_owned());
        if let Some(acr_values) = acr_values {
            attempts.acr_values.retain(|known| *known != acr_values);
            attempts.acr_values.push(acr_values);
        }
        attempts.max_age = max_age;
        Ok(next)
    }

    fn replace_param(&mut self, name: &str, value: &str) -> Result<(), NoStepUp> {
        self.extra.remove(name);
        let server = &self.client.data().server;
        server.add_param(Message::AuthorizationRequest, &mut self.extra, name, value).map_err(NoStepUp::Request)
    }
}

fn united<const N: usize>(scopes: [Option<&Scope>; N]) -> Option<Scope> {
    scopes
        .into_iter()
        .flatten()
        .fold(None, |all: Option<Scope>, scope| Some(all.map_or_else(|| scope.clone(), |all| all.union(scope))))
}
