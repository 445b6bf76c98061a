//! Clients: an identity at one server, with one way to prove it, or none.

use core::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::{Error, Misuse};
use crate::server::fields::{self, Field, Params};
use crate::server::{Message, Server};
use crate::url::Endpoint;

mod auth;
mod builder;
mod document;
mod metadata;
pub(crate) mod sealed;

pub(crate) use auth::Auth;
pub use builder::ClientBuilder;
pub use document::ClientIdDocument;
pub use metadata::{ApplicationType, ClientMetadata};

/// A client of a server, public or confidential. Cheap to clone.
///
/// Flows take `impl Into<Client>`: a reference to any of the client types.
#[derive(Clone)]
pub struct Client(Arc<ClientData>);

/// A client without credentials: an app on a person's device (RFC 6749 §2.1). Only PKCE protects it.
#[derive(Clone, Debug)]
pub struct PublicClient(Client);

/// A client with a secret, which authenticates at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Debug)]
pub struct ConfidentialClient(Client);

/// No client at all: nothing in its requests names one. Some servers accept an assertion or a subject token as it is
/// (RFC 7521 §4.1, RFC 8693 §2.1): workload identity federation, for one.
///
/// **Anyone who steals such a token can use it in the same way**, because nothing else is asked for. Flows that must name
/// a client refuse it: [`Misuse::EmptyClientId`](crate::Misuse::EmptyClientId).
#[derive(Clone, Debug)]
pub struct UnidentifiedClient(Client);

/// The common start of a client's authorization requests: written once, copied for each.
fn start_of_request(server: &Server, endpoint: &Endpoint, id: &str) -> String {
    let own = [Field::plain("response_type", "code"), Field::new("client_id", id)];
    authorization_url(server, endpoint, &own)
}

/// The authorization endpoint with these parameters after its query.
pub(crate) fn authorization_url(server: &Server, endpoint: &Endpoint, own: &[Field<'_>]) -> String {
    let joint = match endpoint.as_str().split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    let mut fields = String::new();
    let (on, none) = (Message::AuthorizationRequest, Params::default());
    fields::append(&mut fields, server.quirks(), on, own.iter().copied(), &none);
    format!("{}{joint}{fields}", endpoint.as_str())
}

/// The common end of a client's token requests: empty, if it authenticates in the header only.
fn end_of_body(server: &Server, id: &str, auth: &Auth) -> Zeroizing<String> {
    let (quirks, on, none) = (server.quirks(), Message::TokenRequest, Params::default());
    let fields = auth.fields(id, quirks);
    // Allocated in full size, so that no part of the secret stays behind in a smaller buffer.
    let mut tail = Zeroizing::new(String::with_capacity(fields::len(quirks, on, fields.clone(), &none)));
    fields::append(&mut tail, quirks, on, fields, &none);
    tail
}

/// A client, as the flows see it.
pub(crate) struct ClientData {
    pub(crate) server: Server,
    pub(crate) id: Box<str>,
    pub(crate) auth: Auth,
    /// The form-encoded parameters that authenticate the client in a token request, the most frequent request.
    pub(crate) body_tail: Zeroizing<String>,
    /// The authorization endpoint, up to and including `client_id`.
    pub(crate) authorization_start: Option<Box<str>>,
}

impl ClientData {
    /// Whether a stored state names this client.
    pub(crate) fn is(&self, issuer: Option<&str>, client_id: &str, token_endpoint: &str) -> bool {
        *self.id == *client_id && self.server.is(issuer, token_endpoint)
    }

    /// Whether stored tokens name this client, now or before its server moved.
    pub(crate) fn is_or_was(&self, issuer: Option<&str>, client_id: &str, token_endpoint: &str) -> bool {
        *self.id == *client_id && self.server.is_or_was(issuer, token_endpoint)
    }
}

impl Client {
    fn new(server: Server, id: Box<str>, auth: Auth) -> Self {
        let identified = !matches!(auth, Auth::Unidentified);
        let endpoint = server.authorization_endpoint().filter(|_| identified);
        let start = endpoint.map(|endpoint| start_of_request(&server, endpoint, &id));
        let body_tail = end_of_body(&server, &id, &auth);
        let authorization_start = start.map(String::into);
        Self(Arc::new(ClientData { server, id, auth, body_tail, authorization_start }))
    }

    /// The client's id (RFC 6749 §2.2). Empty for an [`UnidentifiedClient`].
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The client's server.
    pub fn server(&self) -> &Server {
        &self.0.server
    }

    pub(crate) fn data(&self) -> &ClientData {
        &self.0
    }

    /// The same client, if it authenticates with a secret.
    pub(crate) fn with_a_secret(self) -> Option<ConfidentialClient> {
        match self.0.auth {
            Auth::Post(_) | Auth::Basic(_) => Some(ConfidentialClient(self)),
            _ => None,
        }
    }

    /// Refuses a client that a request could not name.
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`].
    pub(crate) fn identified(&self) -> Result<(), Error> {
        match self.0.auth {
            Auth::Unidentified => Err(Error::Misuse(Misuse::EmptyClientId)),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = self.0.auth.method();
        write!(
            f,
            "Client {{ id: {:?}, auth: {auth}, token_endpoint: {:?} }}",
            self.0.id,
            self.0.server.token_endpoint()
        )
    }
}

impl From<&Client> for Client {
    fn from(client: &Client) -> Self {
        client.clone()
    }
}

impl From<&PublicClient> for Client {
    fn from(client: &PublicClient) -> Self {
        client.0.clone()
    }
}

impl From<&UnidentifiedClient> for Client {
    fn from(client: &UnidentifiedClient) -> Self {
        client.0.clone()
    }
}

impl From<&ConfidentialClient> for Client {
    fn from(client: &ConfidentialClient) -> Self {
        client.0.clone()
    }
}
