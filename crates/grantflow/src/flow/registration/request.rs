//! The registration of a client (RFC 7591 §3).

use core::fmt;

use http::{HeaderValue, Method, Request, Response, StatusCode};

use super::registered::Registered;
use crate::answer::registration;
use crate::call::{self, NotGranted};
use crate::client::ClientMetadata;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, Misuse, UrlRole};
use crate::server::{EndpointKind, Server};
use crate::url::Issuer;

/// A program that registers itself as a client at a server (RFC 7591 §3.1).
///
/// Not `Clone`: each request that the server takes makes another client. What a failure leaves:
/// - **Intact**: the server refused (`invalid_redirect_uri`, `invalid_client_metadata`, a 401), was too busy, or the
///   request was certainly not sent. There is no new client.
/// - **Unknown**: the answer was lost, or proves nothing, such as a proxy's 502 or an answer that was cut. There may be a
///   client that nobody can use. A second registration makes another one.
#[must_use = "run it to register the client"]
pub struct Registration {
    server: Server,
    issuer: Issuer,
    metadata: ClientMetadata,
    initial_access_token: Option<HeaderValue>,
}

impl Registration {
    /// A registration at this server. Its issuer is needed, because the credentials are kept under it. A server from its
    /// metadata has both ([`Discovery`](crate::Discovery)).
    ///
    /// # Errors
    /// [`Misuse::NoEndpoint`] if the server has no registration endpoint; [`Misuse::NoIssuer`]; [`Misuse::ClientMetadata`]
    /// if the metadata contradicts itself, or has no redirect URI for the codes that the client uses.
    pub fn new(server: &Server, metadata: ClientMetadata) -> Result<Self, Error> {
        server.needed(EndpointKind::Registration)?;
        let issuer = server.needed_issuer()?.clone();
        metadata.check()?;
        Ok(Self { server: server.clone(), issuer, metadata, initial_access_token: None })
    }

    /// The token that a server may demand before it registers a client (RFC 7591 §3). Its operator gives it, outside of
    /// this protocol. It is sent to the registration endpoint only.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenCharacter`].
    pub fn initial_access_token(mut self, token: &str) -> Result<Self, Error> {
        if token.trim().is_empty() {
            return Err(Error::Misuse(Misuse::EmptyToken));
        }
        let header = call::bearer(token).filter(|_| token.bytes().all(|b| b.is_ascii_graphic()));
        self.initial_access_token = Some(header.ok_or(Error::Misuse(Misuse::TokenCharacter))?);
        Ok(self)
    }

    /// The metadata, to register it again after a failure with a change.
    pub fn metadata(&self) -> &ClientMetadata {
        &self.metadata
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("issuer", &self.issuer)
            .field("metadata", &self.metadata)
            .field("initial_access_token", &self.initial_access_token.is_some())
            .finish_non_exhaustive()
    }
}

impl Exchange for Registration {
    type Output = Registered;

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let endpoint = self.server.needed(EndpointKind::Registration)?;
        let body = self.metadata.to_json().into();
        Ok(call::json(Method::POST, endpoint.uri(), self.initial_access_token.as_ref(), Some(body)))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        // Some servers answer with 200, and it means nothing else here.
        let success = if response.status() == StatusCode::OK { StatusCode::OK } else { StatusCode::CREATED };
        let answer = call::object(UrlRole::Registration, env.now, success, None, &response, |members| {
            registration::read(members, None)
        });
        match answer {
            Ok(answer) => Ok(Step::Done(Registered::new(self.server, self.issuer, &self.metadata, answer))),
            Err(no) => Err(not_done(no, self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}

/// What is left of a request that makes or changes a client. A server does nothing without the token that it demands by a
/// 401 (RFC 9110 §15.5.2).
pub(super) fn not_done<X: Exchange>(no: NotGranted, exchange: X) -> Failure<X> {
    if no.error().status() == Some(StatusCode::UNAUTHORIZED) {
        no.replayable(exchange)
    } else {
        no.harmful_twice(exchange)
    }
}
