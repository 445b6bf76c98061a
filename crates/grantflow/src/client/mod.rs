//! Clients: an identity at one server, with one way to prove it, or none.

use core::fmt;
use std::sync::Arc;

use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::{Error, Misuse};
use crate::server::Message;
use crate::server::Server;
use crate::server::fields::{self, Field, Params};
use crate::url::Endpoint;
use crate::value::secret::ClientSecret;
use crate::wire::basic;

/// A client of a server, public or confidential. Cheap to clone.
///
/// Flows take `impl Into<Client>`: a reference to any of the three client types.
#[derive(Clone)]
pub struct Client(Arc<Registration>);

/// A client without credentials: an app on a person's device (RFC 6749 §2.1). It proves itself by PKCE alone.
#[derive(Clone, Debug)]
pub struct PublicClient(Client);

/// A client with a secret, which authenticates at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Debug)]
pub struct ConfidentialClient(Client);

/// A client id that still lacks a way to authenticate: choose exactly one.
#[must_use = "choose how the client authenticates: public(), secret_post(..) or secret_basic(..)"]
#[derive(Debug)]
pub struct ClientBuilder<'s> {
    server: &'s Server,
    id: &'s str,
}

impl Server {
    /// The client that this server knows by `id`.
    pub fn client<'s>(&'s self, id: &'s str) -> ClientBuilder<'s> {
        ClientBuilder { server: self, id }
    }
}

impl ClientBuilder<'_> {
    /// A client without credentials: `client_id` goes into the body (RFC 6749 §3.2.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`]; [`Misuse::Quirk`] if the server has [`Quirk::RefusesPkce`](crate::Quirk::RefusesPkce):
    /// PKCE is all that protects the code of a client without a secret.
    pub fn public(self) -> Result<PublicClient, Error> {
        self.needs_pkce()?.register(Auth::None).map(PublicClient)
    }

    /// A client without credentials that says so in the `Authorization` header, with an empty secret. A door, for servers
    /// that want the header of clients that have no secret: Reddit, for its installed apps.
    ///
    /// **It proves nothing**, though it looks as if it did; so it is a [`PublicClient`], and PKCE is what protects it.
    ///
    /// # Errors
    /// As [`public`](Self::public), and [`Misuse::Quirk`] as [`secret_basic`](Self::secret_basic).
    pub fn empty_secret_basic(self) -> Result<PublicClient, Error> {
        let client = self.needs_pkce()?;
        let header = client.basic("")?;
        client.register(Auth::Basic(header)).map(PublicClient)
    }

    /// A client that sends its secret in the body: `client_secret_post` (RFC 6749 §2.3.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`], [`Misuse::EmptyClientSecret`].
    pub fn secret_post(self, secret: impl Into<ClientSecret>) -> Result<ConfidentialClient, Error> {
        let secret = not_empty(secret.into())?;
        self.register(Auth::Post(secret)).map(ConfidentialClient)
    }

    /// A client that sends its secret in the `Authorization` header: `client_secret_basic` (RFC 6749 §2.3.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`], [`Misuse::EmptyClientSecret`]; [`Misuse::Quirk`] if the server has
    /// [`Quirk::UnencodedBasic`](crate::Quirk::UnencodedBasic) and id or secret cannot be sent that way.
    pub fn secret_basic(self, secret: impl Into<ClientSecret>) -> Result<ConfidentialClient, Error> {
        let header = self.basic(not_empty(secret.into())?.expose())?;
        self.register(Auth::Basic(header)).map(ConfidentialClient)
    }

    fn basic(&self, secret: &str) -> Result<HeaderValue, Error> {
        basic::header(self.id, secret, self.server.quirks().unencoded_basic).ok_or(Error::Misuse(Misuse::Quirk(
            "unencoded Basic credentials allow no colon in the id and no control characters",
        )))
    }

    fn needs_pkce(self) -> Result<Self, Error> {
        if self.server.quirks().refuses_pkce {
            return Err(Error::Misuse(Misuse::Quirk(
                "at a server that refuses PKCE a client needs a secret: nothing else protects its codes (RFC 9700 §2.1.1)",
            )));
        }
        Ok(self)
    }

    fn register(self, auth: Auth) -> Result<Client, Error> {
        if self.id.is_empty() {
            return Err(Error::Misuse(Misuse::EmptyClientId));
        }
        let start =
            self.server.authorization_endpoint().map(|endpoint| start_of_request(self.server, endpoint, self.id));
        let body_tail = end_of_body(self.server, self.id, &auth);
        Ok(Client(Arc::new(Registration {
            server: self.server.clone(),
            id: self.id.into(),
            auth,
            body_tail,
            authorization_start: start.map(String::into),
        })))
    }
}

fn not_empty(secret: ClientSecret) -> Result<ClientSecret, Error> {
    if secret.expose().is_empty() { Err(Error::Misuse(Misuse::EmptyClientSecret)) } else { Ok(secret) }
}

/// What every authorization request of a client begins with: written once, copied for each.
fn start_of_request(server: &Server, endpoint: &Endpoint, id: &str) -> String {
    let joint = match endpoint.as_str().split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, query)) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    let mut fields = String::new();
    let own = [Field::plain("response_type", "code"), Field::new("client_id", id)];
    fields::append(&mut fields, server.quirks(), Message::AuthorizationRequest, own.into_iter(), &Params::default());
    format!("{}{joint}{fields}", endpoint.as_str())
}

/// What every token request of a client ends with: nothing, if it authenticates in the header alone.
fn end_of_body(server: &Server, id: &str, auth: &Auth) -> Zeroizing<String> {
    let id = Field::new("client_id", id);
    let fields = match auth {
        Auth::None => vec![id],
        Auth::Post(secret) => vec![id, Field::new("client_secret", secret.expose())],
        Auth::Basic(_) if server.quirks().client_id_beside_basic => vec![id],
        Auth::Basic(_) => Vec::new(),
    };
    let (quirks, none) = (server.quirks(), Params::default());
    // Of its full size from the start, so that no part of the secret stays behind in a buffer that was too small.
    let mut tail = Zeroizing::new(String::with_capacity(fields::len(
        quirks,
        Message::TokenRequest,
        fields.iter().copied(),
        &none,
    )));
    fields::append(&mut tail, quirks, Message::TokenRequest, fields.into_iter(), &none);
    tail
}

/// What a client is to the flows.
pub(crate) struct Registration {
    pub(crate) server: Server,
    pub(crate) id: Box<str>,
    pub(crate) auth: Auth,
    /// The form-encoded parameters that authenticate the client.
    pub(crate) body_tail: Zeroizing<String>,
    /// The authorization endpoint, up to and with `client_id`.
    pub(crate) authorization_start: Option<Box<str>>,
}

impl Registration {
    /// Whether a stored state names this client.
    pub(crate) fn is(&self, issuer: Option<&str>, client_id: &str, token_endpoint: &str) -> bool {
        *self.id == *client_id && self.server.is(issuer, token_endpoint)
    }

    /// Whether stored tokens name this client, now or before its server moved.
    pub(crate) fn is_or_was(&self, issuer: Option<&str>, client_id: &str, token_endpoint: &str) -> bool {
        *self.id == *client_id && self.server.is_or_was(issuer, token_endpoint)
    }
}

/// One way to authenticate, by construction.
pub(crate) enum Auth {
    None,
    Post(ClientSecret),
    Basic(HeaderValue),
}

impl Client {
    pub(crate) fn registration(&self) -> &Registration {
        &self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let auth = match self.0.auth {
            Auth::None => "none",
            Auth::Post(_) => "client_secret_post",
            Auth::Basic(_) => "client_secret_basic",
        };
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

impl From<&ConfidentialClient> for Client {
    fn from(client: &ConfidentialClient) -> Self {
        client.0.clone()
    }
}
