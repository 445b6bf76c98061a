//! A registered client: its credentials, and what the server has registered (RFC 7591 §3.2.1).

use core::fmt;

use serde::de::DeserializeOwned;

use crate::answer::registration::{ClientInformation, Metadata};
use crate::client::sealed::other_issuer;
use crate::client::{Client, ClientMetadata, ConfidentialClient};
use crate::error::{Error, Misuse, RegistrationFault};
use crate::server::Server;
use crate::url::{Issuer, RedirectUri};
use crate::value::secret::{ClientSecret, Secret};
use crate::value::time::UnixTime;

use super::managed::allowed_uri;

/// A registered client. It belongs to the issuer that registered it: no other server gets its credentials.
///
/// **Store it** ([`into_stored`](Self::into_stored)), and store it again after each [`read`](Self::read) and
/// [`update`](Self::update): a server may give a new secret and a new access token with any answer, and the old ones are
/// then over (RFC 7592 §3). Not `Clone`, so that there is no second copy with old credentials.
///
/// A server may register something else than it was asked for. The methods say what it registered; a member that
/// it left out or that cannot be read is `None`.
#[must_use = "store it: without it, nobody can use or delete this client"]
pub struct Registered {
    pub(super) server: Server,
    pub(super) issuer: Issuer,
    pub(super) client_id: Box<str>,
    pub(super) secret: Option<Secret>,
    /// In seconds since 1970; 0 for never.
    pub(super) secret_expires_at: Option<u64>,
    pub(super) issued_at: Option<u64>,
    pub(super) access_token: Option<Secret>,
    /// As the server wrote it. Whether it is requested is decided then.
    pub(super) configuration_uri: Option<Box<str>>,
    pub(super) asked: Asked,
    pub(super) metadata: Metadata,
    pub(super) tolerated: Vec<&'static str>,
}

/// What the client asked for, to compare, and where the server says nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub(super) redirect_uris: Vec<Box<str>>,
    pub(super) auth_method: Option<Box<str>>,
}

impl Asked {
    pub(super) fn of(metadata: &ClientMetadata) -> Self {
        let redirect_uris = metadata.redirect_uris().iter().map(|uri| uri.as_str().into()).collect();
        Self { redirect_uris, auth_method: metadata.auth_method().map(Into::into) }
    }
}

impl Registered {
    pub(super) fn new(server: Server, issuer: Issuer, asked: &ClientMetadata, answer: ClientInformation) -> Self {
        let none = Self {
            client_id: answer.client_id.as_deref().unwrap_or_default().into(),
            server,
            issuer,
            secret: None,
            secret_expires_at: None,
            issued_at: None,
            access_token: None,
            configuration_uri: None,
            asked: Asked::of(asked),
            metadata: Metadata::default(),
            tolerated: Vec::new(),
        };
        none.told(answer, None)
    }

    /// The same client after an answer about it. What the answer leaves out stays as it was; `changes` is what was asked
    /// for.
    pub(super) fn told(mut self, answer: ClientInformation, changes: Option<&ClientMetadata>) -> Self {
        self.tolerated = answer.tolerated;
        let is_new = |secret: &Secret| self.secret.as_ref().is_none_or(|old| old.expose() != secret.expose());
        if answer.client_secret_expires_at.is_some() || answer.client_secret.as_ref().is_some_and(is_new) {
            self.secret_expires_at = answer.client_secret_expires_at;
        }
        self.secret = answer.client_secret.or(self.secret);
        self.issued_at = answer.client_id_issued_at.or(self.issued_at);
        self.access_token = answer.registration_access_token.or(self.access_token);
        if let Some(uri) = answer.registration_client_uri {
            let allowed = allowed_uri(&self.server, &self.issuer, &uri).is_some();
            if !allowed {
                self.tolerated.push("registration_client_uri");
            }
            if allowed || self.configuration_uri.is_none() {
                self.configuration_uri = Some(uri);
            }
        }
        // If the next answer does not name the method, it is still this one.
        let registered = self.metadata.token_endpoint_auth_method.clone();
        if let Some(changes) = changes {
            let asked = Asked::of(changes);
            if !asked.redirect_uris.is_empty() {
                self.asked.redirect_uris = asked.redirect_uris;
            }
            self.asked.auth_method = asked.auth_method.or(registered).or(self.asked.auth_method);
        } else {
            self.asked.auth_method = registered.or(self.asked.auth_method);
        }
        if !answer.metadata.all.text().is_empty() {
            self.metadata = answer.metadata;
        }
        self
    }

    /// The client at this server, which authenticates in the way that was registered: the method that the server returned;
    /// else the one that was asked for; else, with a secret, the one that the server announces, and
    /// `client_secret_basic` if it announces none (RFC 7591 §2); else `none`. A secret is never sent in another way.
    ///
    /// The server may be another value than the one that was registered at, with quirks for example. Its issuer must be
    /// the same.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`], which says both; [`Misuse::NoIssuer`]; [`Misuse::Registration`] if this library cannot
    /// authenticate in the registered way, or the secret is missing; [`Misuse::Quirk`] if a quirk of the server excludes
    /// that way. The registration is still good: it can be [updated](Self::update), or [deleted](Self::delete).
    pub fn client(&self, server: &Server) -> Result<Client, Error> {
        let issuer = server.needed_issuer()?;
        if !issuer.is(self.issuer.as_str()) {
            return Err(other_issuer(self.issuer.as_str(), issuer));
        }
        let secret = self.secret.as_ref().map(|secret| ClientSecret::from(secret.expose()));
        server.client(&self.client_id).registered(self.method(server), secret)
    }

    /// The same client for the flows that need one with a secret: client credentials, introspection.
    ///
    /// # Errors
    /// The errors of [`client`](Self::client); [`Misuse::Registration`] if the client is registered as a public one.
    pub fn confidential_client(&self, server: &Server) -> Result<ConfidentialClient, Error> {
        let public = Error::Misuse(Misuse::Registration(RegistrationFault::Public));
        self.client(server)?.with_a_secret().ok_or(public)
    }

    /// How the client authenticates at this server.
    fn method<'m>(&'m self, server: &Server) -> &'m str {
        // A server that gives a secret has not registered the `none` that was requested.
        let asked = self.asked.auth_method.as_deref().filter(|asked| *asked != "none" || self.secret.is_none());
        if let Some(method) = self.metadata.token_endpoint_auth_method.as_deref().or(asked) {
            return method;
        }
        if self.secret.is_none() {
            return "none";
        }
        let (basic, post) = ("client_secret_basic", "client_secret_post");
        let takes = |method| server.check_auth_method(method).is_ok();
        if takes(post) && !takes(basic) { post } else { basic }
    }

    /// The client's id (RFC 7591 §3.2.1).
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// The issuer that registered the client.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Whether the server gave a secret.
    pub fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// When the secret expires; `None` if never, if there is none, or if the server does not say.
    pub fn secret_expires_at(&self) -> Option<UnixTime> {
        self.secret_expires_at.filter(|seconds| *seconds != 0 && self.secret.is_some()).map(UnixTime::from_secs)
    }

    /// When the server gave the client its id, if it says so.
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at.map(UnixTime::from_secs)
    }

    /// How the client authenticates at the token endpoint, as the server registered it. The server wrote it: escape it
    /// before you show it.
    pub fn token_endpoint_auth_method(&self) -> Option<&str> {
        self.metadata.token_endpoint_auth_method.as_deref()
    }

    /// The redirect URIs that the server registered, as it wrote them.
    pub fn redirect_uris(&self) -> Option<&[String]> {
        self.metadata.redirect_uris.as_deref()
    }

    /// The redirect URIs that were asked for and that the server did not register, or changed. A login with one of them
    /// will be refused. Empty if the server does not say what it registered.
    pub fn dropped_redirect_uris(&self) -> impl Iterator<Item = &str> {
        let registered = self.redirect_uris();
        let asked = self.asked.redirect_uris.iter().map(|uri| &**uri);
        asked.filter(move |uri| registered.is_some_and(|registered| !registered.iter().any(|known| known == uri)))
    }

    /// Whether the server registered this redirect URI, byte for byte; `None` if it does not say what it registered.
    pub fn has_redirect_uri(&self, redirect_uri: &RedirectUri) -> Option<bool> {
        self.redirect_uris().map(|registered| registered.iter().any(|known| known == redirect_uri.as_str()))
    }

    /// The grant types that the server registered.
    pub fn grant_types(&self) -> Option<&[String]> {
        self.metadata.grant_types.as_deref()
    }

    /// The response types that the server registered.
    pub fn response_types(&self) -> Option<&[String]> {
        self.metadata.response_types.as_deref()
    }

    /// The scope that the client may ask for, as the server wrote it.
    pub fn scope(&self) -> Option<&str> {
        self.metadata.scope.as_deref()
    }

    /// The name that the server registered. The server wrote it: escape it before you show it.
    pub fn client_name(&self) -> Option<&str> {
        self.metadata.client_name.as_deref()
    }

    /// All that the server registered, as a value of your type: every member of its last answer except the credentials.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if it does not fit `T`.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.metadata.all.read().ok_or(Error::Misuse(Misuse::Extra))
    }

    /// The names of the members of the last answer that could not be used. Each cost only its own value: the client is
    /// registered all the same. `registration_client_uri` is one of them if it is at another origin than the issuer and
    /// the registration endpoint: the registration access token is not sent there.
    pub fn tolerated(&self) -> &[&'static str] {
        &self.tolerated
    }
}

impl fmt::Debug for Registered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Everything else was written by the server.
        f.debug_struct("Registered")
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("has_secret", &self.secret.is_some())
            .field("secret_expires_at", &self.secret_expires_at())
            .field("is_manageable", &self.is_manageable())
            .finish_non_exhaustive()
    }
}
