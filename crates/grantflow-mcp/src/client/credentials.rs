//! The credentials of a client at one issuer.

use core::fmt;

use grantflow::{Client, ConfidentialClient, Issuer, PublicClient, RedirectUri, Registered, UnixTime};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::redirect;
use crate::error::{AuthenticationFault, Error, StoredFault};
use crate::place::Place;

/// How a program got its client id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ClientKind {
    /// A person registered it before the program ran.
    Beforehand,
    /// It is the URL of the program's metadata document, which is known everywhere.
    Document,
    /// The program registered itself (RFC 7591).
    Registered,
    /// There is none: an assertion is all that the server asks for.
    Unidentified,
}

/// A client's credentials. **They belong to one issuer, and are used nowhere else.**
///
/// `Debug` shows no secret. To store them, store [`Clients`](crate::Clients).
#[derive(Clone)]
pub struct Credentials(pub(super) Entry);

/// The credentials, as they are stored.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) issuer: String,
    pub(super) kind: ClientKind,
    pub(super) client_id: String,
    pub(super) secret: Option<Zeroizing<String>>,
    /// `None`: chosen by what the server announces.
    pub(super) method: Option<String>,
    /// Empty: not known.
    pub(super) redirect_uris: Vec<String>,
    pub(super) secret_expires_at: Option<u64>,
    /// The identifier of the only resource for which they are.
    pub(super) resource: Option<String>,
    /// The whole registration as JSON, if the program registered itself.
    pub(super) registration: Option<Zeroizing<String>>,
}

impl Credentials {
    /// Credentials that a person got from this issuer, without a secret: [`secret`](Self::secret) adds one.
    pub fn beforehand(issuer: &Issuer, client_id: &str) -> Self {
        Self(Entry {
            issuer: issuer.as_str().to_owned(),
            kind: ClientKind::Beforehand,
            client_id: client_id.to_owned(),
            secret: None,
            method: None,
            redirect_uris: Vec::new(),
            secret_expires_at: None,
            resource: None,
            registration: None,
        })
    }

    /// The credentials of a registration that asked for these redirect URIs.
    pub(super) fn registered(registered: Registered, asked: Vec<String>) -> Self {
        let issuer = registered.issuer().as_str().to_owned();
        let client_id = registered.client_id().to_owned();
        // A server that does not say what it registered has registered what was asked for.
        let said = registered.redirect_uris().filter(|uris| !uris.is_empty());
        let redirect_uris = said.map_or(asked, <[String]>::to_vec);
        let secret_expires_at = registered.secret_expires_at().map(UnixTime::as_secs);
        // Texts only, so it can be written.
        let registration = serde_json::to_string(&registered.into_stored()).unwrap_or_default();
        Self(Entry {
            issuer,
            kind: ClientKind::Registered,
            client_id,
            secret: None,
            method: None,
            redirect_uris,
            secret_expires_at,
            resource: None,
            registration: Some(Zeroizing::new(registration)),
        })
    }

    /// # Errors
    /// [`Error::OtherIssuer`]; [`Error::OAuth`].
    pub(super) fn registered_at(&self, place: &Place) -> Result<Option<Registered>, Error> {
        self.check_issuer(place.issuer())?;
        let Some(registration) = &self.0.registration else { return Ok(None) };
        let stored = serde_json::from_str(registration).map_err(|_| Error::Stored(StoredFault::Damaged))?;
        Ok(Some(Registered::from_stored(stored, place.server())?))
    }

    fn check_issuer(&self, at: &Issuer) -> Result<(), Error> {
        if self.0.issuer == at.as_str() {
            return Ok(());
        }
        Err(Error::OtherIssuer { of: Issuer::new(&self.0.issuer)?, at: at.clone() })
    }

    /// The client's secret. How it is sent is chosen by what the server announces: in the header if it lists
    /// `client_secret_basic`, or nothing, else in the body; and not at all if it lists neither and takes public clients.
    #[must_use]
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.0.secret = Some(Zeroizing::new(secret.into()));
        self
    }

    /// The method of client authentication that the registration says (RFC 7591 §2): `none`, `client_secret_basic` or
    /// `client_secret_post`. No other one is then used.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.0.method = Some(method.to_owned());
        self
    }

    /// A redirect URI of the registration. May be called more than once. If any is known, no other is used.
    #[must_use]
    pub fn redirect_uri(mut self, redirect_uri: &RedirectUri) -> Self {
        self.0.redirect_uris.push(redirect_uri.as_str().to_owned());
        self
    }

    /// These credentials are for this resource only, by its identifier. **If the resource moves to another issuer, that
    /// is then an error**, and no other client is used in their place.
    #[must_use]
    pub fn only_for(mut self, resource: &crate::Resource) -> Self {
        self.0.resource = Some(resource.identifier().to_owned());
        self
    }

    /// The issuer to which they belong, byte for byte.
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// How the program got them.
    pub fn kind(&self) -> ClientKind {
        self.0.kind
    }

    /// The client's id.
    pub fn client_id(&self) -> &str {
        &self.0.client_id
    }

    /// Whether the secret is over (RFC 7591 §3.2.1, `client_secret_expires_at`).
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.0.secret_expires_at.is_some_and(|at| at != 0 && at <= now.as_secs())
    }

    /// Whether a login may return to this URI.
    pub(crate) fn allows(&self, redirect_uri: &RedirectUri) -> bool {
        let used = redirect_uri.as_str();
        self.0.redirect_uris.is_empty() || self.0.redirect_uris.iter().any(|known| redirect::allows(known, used))
    }

    /// The client at its issuer.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`]; [`Error::Authentication`]; [`Error::OAuth`].
    pub(crate) fn client(&self, place: &Place) -> Result<Client, Error> {
        if let Some(registered) = self.registered_at(place)? {
            return Ok(registered.client(place.server())?);
        }
        Ok(match self.made(place)? {
            Made::Public(client) => Client::from(&client),
            Made::Confidential(client) => Client::from(&client),
        })
    }

    /// The same, for grants of the client itself.
    ///
    /// # Errors
    /// [`AuthenticationFault::Public`] also.
    pub(crate) fn confidential(&self, place: &Place) -> Result<ConfidentialClient, Error> {
        if let Some(registered) = self.registered_at(place)? {
            return Ok(registered.confidential_client(place.server())?);
        }
        match self.made(place)? {
            Made::Public(_) => Err(Error::Authentication(AuthenticationFault::Public)),
            Made::Confidential(client) => Ok(client),
        }
    }

    fn made(&self, place: &Place) -> Result<Made, Error> {
        self.check_issuer(place.issuer())?;
        let fault = |fault| Err(Error::Authentication(fault));
        let (server, id) = (place.server(), &*self.0.client_id);
        let method = match (self.0.method.as_deref(), &self.0.secret) {
            (Some(method), _) => method,
            (None, None) => "none",
            (None, Some(_)) => match chosen(place.auth_methods()) {
                Some(method) => method,
                None => return fault(AuthenticationFault::NoSecretMethod),
            },
        };
        match (method, &self.0.secret) {
            ("none", _) => Ok(Made::Public(server.client(id).public()?)),
            ("client_secret_basic" | "client_secret_post", None) => fault(AuthenticationFault::NoSecret),
            ("client_secret_basic", Some(secret)) => {
                Ok(Made::Confidential(server.client(id).secret_basic(secret.as_str())?))
            }
            ("client_secret_post", Some(secret)) => {
                Ok(Made::Confidential(server.client(id).secret_post(secret.as_str())?))
            }
            _ => fault(AuthenticationFault::UnknownMethod),
        }
    }
}

enum Made {
    Public(PublicClient),
    Confidential(ConfidentialClient),
}

/// How to send a secret to a server with these methods.
fn chosen(announced: Option<&[String]>) -> Option<&'static str> {
    // RFC 8414 §2: the default of a server that lists none.
    let Some(announced) = announced else { return Some("client_secret_basic") };
    let methods = ["client_secret_basic", "client_secret_post", "none"];
    methods.into_iter().find(|method| announced.iter().any(|known| known == method))
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("issuer", &self.0.issuer)
            .field("kind", &self.0.kind)
            .field("client_id", &self.0.client_id)
            .field("secret", &self.0.secret.as_ref().map(|_| "[redacted]"))
            .finish_non_exhaustive()
    }
}
