//! Points 6, 7 and 8: the authorization request, and the person's return.

use core::fmt;

use grantflow::{
    Authorization, AuthorizationUrl, Begun, Body, Callback, Env, Error as OAuthError, ErrorResponse, Exchange, Failure,
    Issuer, NotOurs, PendingCallback, PendingKey, PushedAuthorization, RedirectUri, Rejection, Scope, Sent, Step,
    StoredCallback,
};
use http::{Request, Response, Uri};
use serde::{Deserialize, Serialize};

use crate::client::{Clients, allows};
use crate::connection::{Connection, ConnectionBody};
use crate::error::Error;
use crate::exchange::GrantExchange;
use crate::sealed::Sealed;

/// A login that can begin: an authorization request for the resource. Plain data; each [`start`](Self::start) begins a
/// new grant.
///
/// It always names the resource, and asks for the scope that the challenge named, else for every scope of the resource,
/// else for none.
#[derive(Clone)]
#[must_use = "start it, and send the person to the URL"]
pub struct Login {
    connection: Connection,
    authorization: Authorization,
    scope: Option<Scope>,
}

impl Login {
    /// # Errors
    /// [`Error::OAuth`]; [`Error::NoPerson`] if no person is there.
    pub(crate) fn new(connection: Connection, scope: Option<Scope>) -> Result<Self, Error> {
        let mut authorization = connection.authorization().ok_or(Error::NoPerson)??;
        if let Some(scope) = &scope {
            authorization = authorization.scope(scope.clone())?;
        }
        Ok(Self { connection, authorization, scope })
    }

    /// A request that was made for more than an earlier one.
    pub(crate) fn stepped_up(connection: Connection, authorization: Authorization) -> Self {
        Self { connection, authorization, scope: None }
    }

    /// The client at the resource's authorization server, with which the person will log in.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The issuer at which the person will log in.
    pub fn issuer(&self) -> &Issuer {
        self.connection.issuer()
    }

    /// The scope that will be asked for, unless this is a step-up.
    pub fn requested_scope(&self) -> Option<&Scope> {
        self.scope.as_ref()
    }

    /// Asks for this scope instead.
    ///
    /// # Errors
    /// [`Misuse::Scope`](grantflow::Misuse::Scope).
    pub fn scope(self, scope: &str) -> Result<Self, OAuthError> {
        self.asking_for(Scope::new(scope)?)
    }

    fn asking_for(mut self, scope: Scope) -> Result<Self, OAuthError> {
        self.authorization = self.authorization.scope(scope.clone())?;
        self.scope = Some(scope);
        Ok(self)
    }

    /// Asks for `offline_access` too, if the server's `scopes_supported` has it: some servers give a refresh token only
    /// then. Nothing changes if no scope is asked for, because the server would then take it in place of its default.
    ///
    /// # Errors
    /// [`Misuse::Scope`](grantflow::Misuse::Scope).
    pub fn offline_access(self) -> Result<Self, OAuthError> {
        const OFFLINE_ACCESS: &str = "offline_access";
        let supported = self.connection.place.metadata().and_then(|metadata| metadata.scopes_supported());
        let supported = supported.is_some_and(|all| all.iter().any(|scope| scope == OFFLINE_ACCESS));
        match &self.scope {
            Some(scope) if supported && !scope.contains(OFFLINE_ACCESS) => {
                let scope = format!("{} {OFFLINE_ACCESS}", scope.as_str());
                self.asking_for(Scope::untrusted(&scope)?)
            }
            _ => Ok(self),
        }
    }

    /// Returns to another redirect URI: that of a loopback listener with a new port. It must be the one with which the
    /// client was chosen, except for the port of a loopback address (RFC 8252 §7.3).
    ///
    /// # Errors
    /// [`Error::RedirectUri`]; [`Error::OAuth`] with the errors of [`Authorization::redirect_uri`].
    pub fn redirect_uri<R>(self, redirect_uri: R) -> Result<Self, Error>
    where
        R: TryInto<RedirectUri>,
        OAuthError: From<R::Error>,
    {
        self.at(redirect_uri.try_into().map_err(OAuthError::from)?)
    }

    fn at(mut self, redirect_uri: RedirectUri) -> Result<Self, Error> {
        let known = self.connection.redirect_uri.as_ref();
        if !known.is_some_and(|known| allows(known.as_str(), redirect_uri.as_str())) {
            return Err(Error::RedirectUri);
        }
        self.authorization = self.authorization.redirect_uri(redirect_uri)?;
        Ok(self)
    }

    /// An extra parameter of the authorization request: `prompt`, `login_hint`.
    ///
    /// # Errors
    /// The errors of [`Authorization::param`].
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, OAuthError> {
        self.authorization = self.authorization.param(name, value)?;
        Ok(self)
    }

    /// Starts a grant: see [`Authorization::start`]. For a program that meets any server, [`begin`](Self::begin) also
    /// pushes the request where the server demands that.
    ///
    /// # Errors
    /// The errors of [`Authorization::start`].
    pub fn start(&self, env: &mut Env<'_>) -> Result<LoginRedirect, OAuthError> {
        Ok(self.redirect(self.authorization.start(env)?))
    }

    /// Starts a grant as the server demands: see [`Authorization::begin`].
    ///
    /// # Errors
    /// The errors of [`Authorization::begin`].
    pub fn begin(&self, env: &mut Env<'_>) -> Result<LoginBegun, OAuthError> {
        Ok(match self.authorization.begin(env)? {
            Begun::Redirect(redirect) => LoginBegun::Redirect(self.redirect(redirect)),
            Begun::Push(push) => LoginBegun::Push(LoginPush { login: self.clone(), push }),
        })
    }

    fn redirect(&self, redirect: grantflow::Redirect) -> LoginRedirect {
        let grantflow::Redirect { url, pending } = redirect;
        LoginRedirect { url, pending: PendingLogin { connection: self.connection.clone(), pending } }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login")
            .field("connection", &self.connection)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A started login: where to send the person, and what checks their return.
#[must_use = "send the person to `url`, and keep `pending` until they come back"]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers take its fields")]
pub struct LoginRedirect {
    /// The URL to which you send the person.
    pub url: AuthorizationUrl,
    /// The login that waits for their return.
    pub pending: PendingLogin,
}

/// A login, started as the server demands.
#[derive(Debug)]
#[must_use = "send the person away, or push the request first"]
#[allow(clippy::exhaustive_enums, reason = "there are two ways to begin (RFC 6749 §4.1.1, RFC 9126 §2)")]
#[allow(clippy::large_enum_variant, reason = "it is matched at once")]
pub enum LoginBegun {
    /// Send the person to the URL.
    Redirect(LoginRedirect),
    /// The server wants the request first: run it.
    Push(LoginPush),
}

/// An authorization request that is pushed first (RFC 9126 §2). Replayable: every failure leaves it intact.
#[must_use = "run it to get the URL"]
pub struct LoginPush {
    login: Login,
    push: PushedAuthorization,
}

impl Exchange for LoginPush {
    type Output = LoginRedirect;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, OAuthError> {
        self.push.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let Self { login, push } = self;
        match push.respond(env, response) {
            Ok(Step::Done(redirect)) => Ok(Step::Done(login.redirect(redirect))),
            Ok(Step::Again(push)) => Ok(Step::Again(Self { login, push })),
            Err(failure) => Err(failure.map_left(|push| Self { login, push })),
        }
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        let Self { login, push } = self;
        match push.unanswered(env, sent) {
            Ok(Step::Done(redirect)) => Ok(Step::Done(login.redirect(redirect))),
            Ok(Step::Again(push)) => Ok(Step::Again(Self { login, push })),
            Err(failure) => Err(failure.map_left(|push| Self { login, push })),
        }
    }
}

impl fmt::Debug for LoginPush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LoginPush").field(&self.login).finish()
    }
}

/// A login that waits for the person to come back. Not `Clone`: it is received once.
///
/// It recorded the issuer: an `iss` of the callback is compared with it byte for byte, announced or not, and demanded
/// where it is announced, before anything else is looked at (RFC 9207 §2.4).
pub struct PendingLogin {
    connection: Connection,
    pending: PendingCallback,
}

/// The verdict on a request to the redirect URI.
#[must_use = "each verdict needs another reaction: see its variants"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a program that takes a callback must have an answer to every verdict")]
#[allow(clippy::large_enum_variant, reason = "a verdict is matched at once, and a box would cost more than it saves")]
pub enum LoginReturn {
    /// Everything matched: run it to get the grant.
    Granted(GrantExchange),
    /// Everything matched, and the server or the person said no.
    Denied(ErrorResponse),
    /// Not the answer to this request. Nothing is lost: keep waiting.
    Unrelated {
        /// The login, unchanged.
        pending: PendingLogin,
        /// Why it is not ours.
        why: NotOurs,
    },
    /// `state` matched, and the rest is invalid. The login is over: start again.
    Rejected(Rejection),
}

impl PendingLogin {
    /// The key under which to store this login; [`callback_key`](grantflow::callback_key) finds it from a callback.
    pub fn key(&self) -> PendingKey {
        self.pending.key()
    }

    /// The issuer at which the person logs in.
    pub fn issuer(&self) -> &Issuer {
        self.connection.place.issuer()
    }

    /// Takes a request to the redirect URI: see [`PendingCallback::receive`].
    pub fn receive(self, uri: &Uri) -> LoginReturn {
        let Self { connection, pending } = self;
        returned(connection, pending.receive(uri))
    }

    /// Takes a callback as text, also of a private-use scheme: see [`PendingCallback::receive_url`].
    pub fn receive_url(self, url: &str) -> LoginReturn {
        let Self { connection, pending } = self;
        returned(connection, pending.receive_url(url))
    }

    /// Gives the core's pending grant to something that waits for the callback, such as a loopback listener, and takes
    /// its verdict.
    ///
    /// # Errors
    /// Those of `wait`; the login is then over.
    pub fn receive_by<E>(self, wait: impl FnOnce(PendingCallback) -> Result<Callback, E>) -> Result<LoginReturn, E> {
        let Self { connection, pending } = self;
        Ok(returned(connection, wait(pending)?))
    }

    /// The login in a form that can be stored until the person comes back. It holds what was found out, so that the
    /// process that takes the callback asks nothing again.
    #[must_use = "the login is in here"]
    pub fn into_stored(self) -> StoredLogin {
        let Self { connection, pending } = self;
        let place = &connection.place;
        let body = LoginBody { connection: connection.to_body(), callback: pending.into_stored() };
        StoredLogin(Sealed::new(KIND, place.issuer().as_str(), place.resource().identifier(), &body))
    }

    /// Restores a stored login. The client's secret comes from `clients`, where it is kept under the login's issuer.
    ///
    /// # Errors
    /// [`Error::Stored`] if another version wrote it, a byte of it was changed, or its client is not in `clients` any
    /// more; [`Error::OAuth`] if the client is another one.
    pub fn from_stored(stored: StoredLogin, clients: &Clients) -> Result<Self, Error> {
        let LoginBody { connection, callback } = stored.0.open(KIND)?;
        stored.0.check_owner(&connection.place)?;
        let connection = Connection::from_body(&connection, clients)?;
        let pending = PendingCallback::from_stored(callback, &connection.client)?;
        Ok(Self { connection, pending })
    }
}

impl fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The pending grant prints its resources, which may have a query.
        f.debug_struct("PendingLogin").field("connection", &self.connection).finish_non_exhaustive()
    }
}

fn returned(connection: Connection, callback: Callback) -> LoginReturn {
    match callback {
        Callback::Granted(exchange) => LoginReturn::Granted(GrantExchange::new(connection, exchange)),
        Callback::Denied(refusal) => LoginReturn::Denied(refusal),
        Callback::Unrelated { pending, why } => {
            LoginReturn::Unrelated { pending: PendingLogin { connection, pending }, why }
        }
        Callback::Rejected(rejection) => LoginReturn::Rejected(rejection),
    }
}

const KIND: &str = "login";

/// A login in a form that can be stored. **It holds `state` and the PKCE verifier in plain text.** The client's
/// credentials are not in it.
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredLogin(Sealed);

#[derive(Serialize, Deserialize)]
struct LoginBody {
    connection: ConnectionBody,
    callback: StoredCallback,
}

impl StoredLogin {
    /// The issuer to which it is bound.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The identifier of its resource.
    pub fn resource(&self) -> &str {
        &self.0.resource
    }
}
