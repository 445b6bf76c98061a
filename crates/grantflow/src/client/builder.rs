//! Making a client: from a server, with exactly one way to authenticate.

use super::auth::{self, Auth};
use super::{Client, ConfidentialClient, PublicClient, UnidentifiedClient};
use crate::error::{Error, Misuse, RegistrationFault};
use crate::server::Server;
use crate::value::secret::ClientSecret;

/// A client id without a way to authenticate yet: choose exactly one.
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

    /// No client: requests to this server have neither a `client_id` nor credentials. For token exchanges and assertion
    /// grants at servers that accept that; see [`UnidentifiedClient`].
    ///
    /// ```
    /// use grantflow::{SecurityToken, Server, TokenExchange};
    ///
    /// let sts = Server::with_token_endpoint("https://sts.example/v1/token")?;
    /// let subject = SecurityToken::jwt("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2NpLmV4YW1wbGUifQ.c2lnbmF0dXJl")?;
    /// let exchange = TokenExchange::new(&sts.unidentified(), subject).audience("//iam.example/pools/ci")?;
    /// # let _ = exchange;
    /// # Ok::<(), grantflow::Error>(())
    /// ```
    pub fn unidentified(&self) -> UnidentifiedClient {
        UnidentifiedClient(Client::new(self.clone(), Box::default(), Auth::Unidentified))
    }
}

impl ClientBuilder<'_> {
    /// A client without credentials: `client_id` goes into the body (RFC 6749 §3.2.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`]; [`Misuse::Quirk`] if the server has
    /// [`Quirk::RefusesPkce`](crate::Quirk::RefusesPkce): only PKCE protects the code of a client without a secret.
    pub fn public(self) -> Result<PublicClient, Error> {
        self.needs_pkce()?.register(Auth::None).map(PublicClient)
    }

    /// A client without credentials that says so in the `Authorization` header, with an empty secret. A door, for
    /// servers that want the header of clients without a secret: Reddit, for its installed apps.
    ///
    /// **It proves nothing**, although it looks like a proof. So it is a [`PublicClient`], and PKCE protects it.
    ///
    /// # Errors
    /// The errors of [`public`](Self::public), and [`Misuse::Quirk`] as for [`secret_basic`](Self::secret_basic).
    pub fn empty_secret_basic(self) -> Result<PublicClient, Error> {
        let client = self.needs_pkce()?;
        let auth = auth::empty_secret(client.server, client.id)?;
        client.register(auth).map(PublicClient)
    }

    /// A client that sends its secret in the body: `client_secret_post` (RFC 6749 §2.3.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`], [`Misuse::EmptyClientSecret`]; [`Misuse::AuthMethod`] if the server announces other methods,
    /// see [`Server::token_endpoint_auth_methods_supported`].
    pub fn secret_post(self, secret: impl Into<ClientSecret>) -> Result<ConfidentialClient, Error> {
        self.server.check_auth_method("client_secret_post")?;
        self.register(auth::post(secret.into())?).map(ConfidentialClient)
    }

    /// A client that sends its secret in the `Authorization` header: `client_secret_basic` (RFC 6749 §2.3.1).
    ///
    /// # Errors
    /// [`Misuse::EmptyClientId`], [`Misuse::EmptyClientSecret`]; [`Misuse::AuthMethod`] as for
    /// [`secret_post`](Self::secret_post); [`Misuse::Quirk`] if the server has
    /// [`Quirk::UnencodedBasic`](crate::Quirk::UnencodedBasic) and id or secret cannot be sent in that way.
    pub fn secret_basic(self, secret: impl Into<ClientSecret>) -> Result<ConfidentialClient, Error> {
        self.server.check_auth_method("client_secret_basic")?;
        let auth = auth::basic(self.server, self.id, secret.into())?;
        self.register(auth).map(ConfidentialClient)
    }

    /// A client as a server registered it (RFC 7591 §3.2.1). The registration says more than the list that the server
    /// announces.
    ///
    /// # Errors
    /// [`Misuse::Registration`] if this library cannot authenticate in this way, or the secret is missing; the errors of
    /// the method.
    pub(crate) fn registered(self, method: &str, secret: Option<ClientSecret>) -> Result<Client, Error> {
        let fault = |fault| Error::Misuse(Misuse::Registration(fault));
        let secret = || secret.ok_or(fault(RegistrationFault::NoSecret));
        match method {
            "none" => self.public().map(|client| client.0),
            "client_secret_post" => self.register(auth::post(secret()?)?),
            "client_secret_basic" => {
                let auth = auth::basic(self.server, self.id, secret()?)?;
                self.register(auth)
            }
            _ => Err(fault(RegistrationFault::AuthMethod)),
        }
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
        Ok(Client::new(self.server.clone(), self.id.into(), auth))
    }
}
