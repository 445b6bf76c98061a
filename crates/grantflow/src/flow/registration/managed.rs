//! Where a client manages its registration, and with what (RFC 7592 §2).

use http::{HeaderValue, Method, Request, Uri};
use zeroize::Zeroizing;

use super::registered::Registered;
use crate::call;
use crate::contract::{Body, Failure};
use crate::error::{Error, Misuse, RegistrationFault};
use crate::server::{EndpointKind, Server};
use crate::url::{Issuer, check_client_configuration, have_one_origin};

/// The `registration_client_uri` of this server, if the registration access token may go there: `https` (or loopback), at
/// the origin of the issuer or of the registration endpoint. A server that names another origin, by mistake or because
/// someone else wrote its answer, would get a token that is good for changing and deleting the client.
pub(super) fn allowed_uri(server: &Server, issuer: &Issuer, uri: &str) -> Option<Uri> {
    let checked = check_client_configuration(uri, server.plain_hosts()).ok()?;
    let at_issuer = have_one_origin(uri, issuer.as_str());
    let at_endpoint =
        server.needed(EndpointKind::Registration).is_ok_and(|endpoint| have_one_origin(uri, endpoint.as_str()));
    (at_issuer || at_endpoint).then_some(checked)
}

/// A registered client with its way to the client configuration endpoint.
pub(super) struct Managed {
    pub(super) registered: Registered,
    uri: Uri,
    token: HeaderValue,
}

impl Managed {
    /// # Errors
    /// [`Misuse::Registration`], with the registration still intact.
    pub(super) fn new(registered: Registered) -> Result<Self, Failure<Registered>> {
        match registered.way() {
            Ok((uri, token)) => Ok(Self { registered, uri, token }),
            Err(fault) => Err(Failure::intact(Error::Misuse(Misuse::Registration(fault)), registered)),
        }
    }

    pub(super) fn request(&self, method: Method, body: Option<Zeroizing<String>>) -> Request<Body> {
        call::json(method, &self.uri, Some(&self.token), body)
    }
}

impl Registered {
    /// Whether the server lets the client read, change and delete its registration (RFC 7592), at a place to which the
    /// registration access token may go.
    pub fn is_manageable(&self) -> bool {
        self.way().is_ok()
    }

    fn way(&self) -> Result<(Uri, HeaderValue), RegistrationFault> {
        let (Some(uri), Some(token)) = (&self.configuration_uri, &self.access_token) else {
            return Err(RegistrationFault::NotManageable);
        };
        let uri = allowed_uri(&self.server, &self.issuer, uri).ok_or(RegistrationFault::OtherOrigin)?;
        Ok((uri, call::bearer(token.expose()).ok_or(RegistrationFault::NotManageable)?))
    }
}
