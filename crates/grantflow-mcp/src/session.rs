//! A grant that any number of concurrent calls share, over `grantflow-session`.

use core::fmt;

use grantflow::{Next, UnixTime};
use grantflow_session::{FreshToken, InvalidKey, Key, Outside, Session, SessionError, Store};
use http::{HeaderMap, Request, Response, StatusCode};

use crate::challenged::Challenged;
use crate::connection::Connection;
use crate::demand::{Demand, Operation};
use crate::error::Error;
use crate::grant::Grant;
use crate::login::Login;

/// A grant for a resource that is kept fresh for any number of concurrent calls. Cheap to clone; all clones are one.
///
/// **Concurrent calls cause one refresh**, so a server that rotates refresh tokens sees each of them once. New tokens are
/// stored before any call gets them. The store's entry belongs to the resource, its issuer and the client, so a resource
/// that has moved begins with an empty one.
///
/// The connection is stored apart ([`Connection::to_stored`]): a program restores it at its next start.
///
/// ```
/// use grantflow_mcp::{AuthorizationServer, Called, Credentials, Grant, Operation};
/// # use grantflow_session::{MemoryStore, Outside};
/// # async fn send(_: http::Request<Vec<u8>>) -> Result<http::Response<Vec<u8>>, std::io::Error> { Ok(http::Response::new(Vec::new())) }
/// # async fn example(grant: Grant, store: MemoryStore, outside: impl Outside + 'static) -> Result<(), Box<dyn std::error::Error>> {
/// let session = grant.connection().session("ada", store, outside)?;
/// session.prime(grant).await?;
///
/// // For each tool call, from any number of tasks:
/// let request = || http::Request::post("https://mcp.example/mcp").body(Vec::new()).unwrap_or_default();
/// match session.call(&mut Operation::new(), request, send).await? {
///     Called::Answered(response) => { /* of the tool */ }
///     Called::LogIn(login) => { /* more scope: send the person there, prime the session, call again */ }
///     Called::StartAgain(challenged) => { /* a new login */ }
/// }
/// # Ok(()) }
///
/// // A program without a person asks for a new token whenever one is due.
/// # fn robot(server: AuthorizationServer, credentials: Credentials, store: MemoryStore, outside: impl Outside + 'static)
/// #     -> Result<grantflow_mcp::ResourceSession, Box<dyn std::error::Error>> {
/// let first = server.client_credentials(&credentials)?;
/// let session = first.connection().session("robot", store, outside)?;
/// let session = session.with(|session| {
///     session.source(move |_: &mut grantflow::Env<'_>| Ok(server.client_credentials(&credentials)?.into_exchange()))
/// });
/// # Ok(session) }
/// ```
#[derive(Clone)]
pub struct ResourceSession {
    connection: Connection,
    session: Session,
}

impl Connection {
    /// The session of this account at the resource. `account` tells several grants of one program apart, such as the
    /// person's name; it may be empty.
    ///
    /// # Errors
    /// The errors of [`session_key`](Self::session_key).
    pub fn session(
        &self,
        account: &str,
        store: impl Store + 'static,
        outside: impl Outside + 'static,
    ) -> Result<ResourceSession, InvalidKey> {
        let session = Session::new(self.client(), self.session_key(account)?, store, outside);
        Ok(ResourceSession { connection: self.clone(), session })
    }

    /// The key under which a session keeps this account's grant.
    ///
    /// # Errors
    /// The errors of [`Key::of`].
    pub fn session_key(&self, account: &str) -> Result<Key, InvalidKey> {
        // None of the first three has a line break.
        let owner = [self.resource_identifier(), self.issuer().as_str(), self.client().id(), account];
        Key::of(&owner.join("\n"))
    }
}

impl ResourceSession {
    /// The client at the resource's authorization server.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The session itself: for its policy, its state, and a logout.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The same with another session, such as one with a policy or an observer.
    #[must_use]
    pub fn with(self, change: impl FnOnce(Session) -> Session) -> Self {
        Self { session: change(self.session), ..self }
    }

    /// Stores the grant of a login in place of what is there, and uses it: see [`Session::prime`].
    ///
    /// # Errors
    /// [`ResourceSessionError::Session`] with the errors of [`Session::prime`];
    /// [`ResourceSessionError::Profile`] with [`Error::OtherIssuer`] or [`Error::OtherResource`] if the grant belongs
    /// elsewhere. Then it is not taken.
    pub async fn prime(&self, grant: Grant) -> Result<FreshToken, ResourceSessionError> {
        self.check(&grant)?;
        Ok(self.session.prime(grant.into_tokens()).await?)
    }

    /// Like [`prime`](Self::prime), for blocking code.
    ///
    /// # Errors
    /// The errors of [`prime`](Self::prime).
    pub fn prime_blocking(&self, grant: Grant) -> Result<FreshToken, ResourceSessionError> {
        self.check(&grant)?;
        Ok(self.session.prime_blocking(grant.into_tokens())?)
    }

    fn check(&self, grant: &Grant) -> Result<(), Error> {
        if grant.issuer() != self.connection.issuer() {
            let (of, at) = (grant.issuer().clone(), self.connection.issuer().clone());
            return Err(Error::OtherIssuer { of, at });
        }
        if grant.resource_identifier() == self.connection.resource_identifier() {
            Ok(())
        } else {
            Err(Error::OtherResource)
        }
    }

    /// Puts a token that is valid now into the header of a request to the resource, and of no other request.
    ///
    /// # Errors
    /// [`ResourceSessionError::Profile`] with [`Error::NotCovered`], before a token is asked for;
    /// [`ResourceSessionError::Session`] if there is no token. The request is then unchanged.
    pub async fn authorize<B>(&self, request: &mut Request<B>) -> Result<FreshToken, ResourceSessionError> {
        self.connection.resource().covers(request.uri())?;
        let token = self.session.token().await?;
        token.authorize(request).map_err(Error::from)?;
        Ok(token)
    }

    /// Like [`authorize`](Self::authorize), for blocking code.
    ///
    /// # Errors
    /// The errors of [`authorize`](Self::authorize).
    pub fn authorize_blocking<B>(&self, request: &mut Request<B>) -> Result<FreshToken, ResourceSessionError> {
        self.connection.resource().covers(request.uri())?;
        let token = self.session.token_blocking()?;
        token.authorize(request).map_err(Error::from)?;
        Ok(token)
    }

    /// What the resource's answer to a request with `token` demands: see [`Grant::demand`]. If the token is over, the next
    /// call renews it, once for all that report it.
    ///
    /// # Errors
    /// The errors of [`Grant::demand`].
    pub fn demand(
        &self,
        token: &FreshToken,
        status: StatusCode,
        headers: &HeaderMap,
        operation: &mut Operation,
    ) -> Result<SessionDemand, Error> {
        Ok(match self.connection.demand(token.scope(), true, status, headers, operation)? {
            Demand::Nothing => SessionDemand::Nothing,
            Demand::Refresh { otherwise } => {
                self.session.refused(token);
                SessionDemand::Repeat { otherwise }
            }
            Demand::LogIn(login) => SessionDemand::LogIn(login),
            Demand::StartAgain(challenged) => SessionDemand::StartAgain(challenged),
        })
    }

    /// One call of the resource: puts a token into the request, sends it, and sends it once more with a new token if the
    /// resource refuses the first one.
    ///
    /// `request` makes the request, because it may have to be sent twice; `send` carries it.
    ///
    /// # Errors
    /// [`CallError::Send`] is the error of `send`; [`CallError::Session`] if there is no token now and a login would not
    /// help; [`CallError::Profile`] if the resource refuses for good, or if the request is not one to the resource.
    pub async fn call<B, C, E, F>(
        &self,
        operation: &mut Operation,
        mut request: impl FnMut() -> Request<B>,
        mut send: impl FnMut(Request<B>) -> F,
    ) -> Result<Called<C>, CallError<E>>
    where
        F: Future<Output = Result<Response<C>, E>>,
    {
        let mut otherwise = None;
        loop {
            let mut request = request();
            let token = match self.authorize(&mut request).await {
                Ok(token) => token,
                Err(ResourceSessionError::Profile(error)) => return Err(CallError::Profile(error)),
                Err(ResourceSessionError::Session(error)) => return self.without_token(error, otherwise),
            };
            let answer = send(request).await.map_err(CallError::Send)?;
            let demand = self.demand(&token, answer.status(), answer.headers(), operation);
            match demand.map_err(CallError::Profile)? {
                SessionDemand::Nothing => return Ok(Called::Answered(answer)),
                SessionDemand::Repeat { otherwise: challenged } => otherwise = Some(challenged),
                SessionDemand::LogIn(login) => return Ok(Called::LogIn(login)),
                SessionDemand::StartAgain(challenged) => return Ok(Called::StartAgain(challenged)),
            }
        }
    }

    /// If a login helps, this is the way to it: from the resource's challenge if there was one.
    fn without_token<C, E>(
        &self,
        error: SessionError,
        challenged: Option<Box<Challenged>>,
    ) -> Result<Called<C>, CallError<E>> {
        if error.next() != Next::Reauthorize {
            return Err(CallError::Session(error));
        }
        match challenged {
            Some(challenged) => Ok(Called::StartAgain(challenged)),
            None => Ok(Called::StartAgain(Box::new(self.connection.start_again().map_err(CallError::Profile)?))),
        }
    }

    /// When the current token expires, if there is one and the server said so.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.session.peek()?.expires_at()
    }
}

impl fmt::Debug for ResourceSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceSession").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// What a resource's answer demands of a program with a session.
#[derive(Debug)]
#[must_use = "the operation goes on only if the demand is met"]
#[allow(clippy::exhaustive_enums, reason = "a program must have an answer to every demand")]
pub enum SessionDemand {
    /// Nothing that a token could change: the answer is for the program.
    Nothing,
    /// The token is over: make the request again, with the next token of the session.
    Repeat {
        /// The way to a new grant, if the session's is lost.
        otherwise: Box<Challenged>,
    },
    /// More scope, or another login of the person. [`ResourceSession::prime`] takes the grant.
    LogIn(Box<Login>),
    /// A new grant, from the challenge.
    StartAgain(Box<Challenged>),
}

/// The result of a call.
#[derive(Debug)]
#[must_use = "a call may have ended without an answer of the resource"]
#[allow(clippy::exhaustive_enums, reason = "a program must have an answer to every result")]
pub enum Called<C> {
    /// The resource's answer.
    Answered(Response<C>),
    /// The resource wants more scope, or another login: send the person there, [prime](ResourceSession::prime) the session
    /// with the grant, and call again with the same [`Operation`].
    LogIn(Box<Login>),
    /// There is no grant any more: a new one begins here.
    StartAgain(Box<Challenged>),
}

/// Why a call got no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The caller's own error.
    #[error("the request was not carried")]
    Send(#[source] E),
    /// There is no token now, and a login would not help.
    #[error(transparent)]
    Session(SessionError),
    /// The resource refuses for good, or the request is not one to it.
    #[error(transparent)]
    Profile(Error),
}

/// Why a session of a resource has no token to give.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceSessionError {
    /// The session's error.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The request, or the grant, belongs elsewhere.
    #[error(transparent)]
    Profile(#[from] Error),
}
