//! What a client says about itself when it registers, or in its metadata document (RFC 7591 §2).

use core::fmt;

use serde::Serialize;
use zeroize::Zeroizing;

use crate::error::Error;
#[cfg(doc)]
use crate::error::Misuse;
use crate::scope::Scope;
use crate::url::{RedirectUri, check_client_keys, check_client_page};
use crate::wire::object::write_pairs;

mod checks;
mod written;

use checks::{Fault, fault};

/// What kind of program a client is (OpenID Connect Dynamic Client Registration §2). Servers allow different redirect URIs
/// to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApplicationType {
    /// On a person's device: its redirect URIs are on loopback, or have a private-use scheme.
    Native,
    /// On a web server: its redirect URIs are `https`.
    Web,
}

impl ApplicationType {
    fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Web => "web",
        }
    }
}

/// What a client says about itself (RFC 7591 §2), to [register](crate::Registration) it or to write its
/// [metadata document](crate::ClientIdDocument).
///
/// What is not set is not sent, and the server then chooses, except:
/// - `application_type` follows from the redirect URIs: `native` if one is on loopback or has a private-use scheme, else
///   `web`;
/// - `response_types` is the empty list for `grant_types` without `authorization_code` (RFC 7591 §2.1).
///
/// A registration for the implicit grant or the password grant cannot be written.
///
/// ```
/// use grantflow::ClientMetadata;
///
/// let metadata = ClientMetadata::new()
///     .client_name("Club Manager")?
///     .client_name_in("ja", "クラブ")?
///     .redirect_uri("http://127.0.0.1/callback")?
///     .grant_types(&["authorization_code", "refresh_token"])?
///     .token_endpoint_auth_method("none")?
///     .scope("clubs offline_access")?;
/// assert!(metadata.to_json().contains(r#""application_type":"native""#));
/// # Ok::<(), grantflow::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ClientMetadata {
    redirect_uris: Vec<RedirectUri>,
    auth_method: Option<Box<str>>,
    grant_types: Option<Vec<Box<str>>>,
    response_types: Option<Vec<Box<str>>>,
    application_type: Option<ApplicationType>,
    /// All other members, each with its JSON text.
    others: Members,
}

/// Names, each with the JSON text of its value.
pub(crate) type Members = Vec<(Box<str>, Zeroizing<String>)>;

impl ClientMetadata {
    /// Metadata without a member.
    pub fn new() -> Self {
        Self::default()
    }

    /// A redirect URI: a [`RedirectUri`], or its text. May be called more than once.
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`RedirectUri::new`].
    pub fn redirect_uri<R>(mut self, redirect_uri: R) -> Result<Self, Error>
    where
        R: TryInto<RedirectUri>,
        Error: From<R::Error>,
    {
        let redirect_uri = redirect_uri.try_into()?;
        if !self.redirect_uris.contains(&redirect_uri) {
            self.redirect_uris.push(redirect_uri);
        }
        Ok(self)
    }

    /// How the client authenticates: `none`, `client_secret_basic`, `client_secret_post`. Without it, a server takes
    /// `client_secret_basic` (RFC 7591 §2). Another method can be registered for another program:
    /// [`Registered::client`](crate::Registered::client) refuses it.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if it is empty, or not printable ASCII.
    pub fn token_endpoint_auth_method(mut self, method: &str) -> Result<Self, Error> {
        self.auth_method = Some(checks::word("token_endpoint_auth_method", method)?);
        Ok(self)
    }

    /// The grants that the client uses: `authorization_code`, `refresh_token`, `client_credentials`,
    /// `urn:ietf:params:oauth:grant-type:device_code`. Without it, `authorization_code` (RFC 7591 §2): name
    /// `refresh_token` too, if the client wants refresh tokens.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] for `implicit` and `password` in any case, and for a text that is no grant type.
    pub fn grant_types(mut self, grant_types: &[&str]) -> Result<Self, Error> {
        self.grant_types = Some(checks::grant_types(grant_types)?);
        Ok(self)
    }

    /// The response types that the client uses. This library only uses `code`, which is also what a server takes without
    /// this member.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] for one with `token` or `id_token` in it, in any case: they are the implicit grant.
    pub fn response_types(mut self, response_types: &[&str]) -> Result<Self, Error> {
        self.response_types = Some(checks::response_types(response_types)?);
        Ok(self)
    }

    /// The kind of program, if it is not the one that follows from the redirect URIs.
    #[must_use]
    pub fn application_type(mut self, kind: ApplicationType) -> Self {
        self.application_type = Some(kind);
        self
    }

    /// The name that people see when they are asked.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if it is blank.
    pub fn client_name(self, name: &str) -> Result<Self, Error> {
        self.text("client_name", name)
    }

    /// The name in a language (RFC 7591 §2.2): `client_name#ja`.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if it is blank, or the language is no language tag.
    pub fn client_name_in(self, language: &str, name: &str) -> Result<Self, Error> {
        self.translated("client_name", language, name)
    }

    /// The client's home page: `https` or `http`.
    ///
    /// # Errors
    /// [`Misuse::Url`].
    pub fn client_uri(self, url: &str) -> Result<Self, Error> {
        self.page("client_uri", url)
    }

    /// An image that people see when they are asked: `https` or `http`.
    ///
    /// # Errors
    /// [`Misuse::Url`].
    pub fn logo_uri(self, url: &str) -> Result<Self, Error> {
        self.page("logo_uri", url)
    }

    /// The client's terms of service: `https` or `http`.
    ///
    /// # Errors
    /// [`Misuse::Url`].
    pub fn tos_uri(self, url: &str) -> Result<Self, Error> {
        self.page("tos_uri", url)
    }

    /// What the client does with data: `https` or `http`.
    ///
    /// # Errors
    /// [`Misuse::Url`].
    pub fn policy_uri(self, url: &str) -> Result<Self, Error> {
        self.page("policy_uri", url)
    }

    /// A member in a language (RFC 7591 §2.2): `client_name`, `client_uri`, `logo_uri`, `tos_uri` or `policy_uri`.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] for another member, or a language that is no language tag; the errors of the member.
    pub fn translated(mut self, member: &str, language: &str, value: &str) -> Result<Self, Error> {
        let member = checks::translatable(member, language)?;
        if member != "client_name" {
            check_client_page(value)?;
        } else if value.trim().is_empty() {
            return Err(fault(Fault::Value("client_name")));
        }
        // Language tags have no case (RFC 5646 §2.1.1).
        let name = format!("{member}#{language}");
        self.others.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.set(&name, value)
    }

    /// The scope that the client may ask for: a [`Scope`], or tokens separated by spaces. Without it, the server chooses.
    ///
    /// # Errors
    /// [`Misuse::Scope`].
    pub fn scope<S>(self, scope: S) -> Result<Self, Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        let scope: Scope = scope.try_into()?;
        self.set("scope", scope.as_str())
    }

    /// How to reach the people behind the client: e-mail addresses, usually.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if one of them is blank.
    pub fn contacts(self, contacts: &[&str]) -> Result<Self, Error> {
        if contacts.iter().any(|contact| contact.trim().is_empty()) {
            return Err(fault(Fault::Value("contacts")));
        }
        self.set("contacts", contacts)
    }

    /// Where the client's public keys are (RFC 7517 §5): `https`.
    ///
    /// # Errors
    /// [`Misuse::Url`]; [`Misuse::ClientMetadata`] beside [`jwks`](Self::jwks).
    pub fn jwks_uri(self, url: &str) -> Result<Self, Error> {
        check_client_keys(url)?;
        if self.has("jwks") {
            return Err(fault(Fault::TwoKeySets));
        }
        self.set("jwks_uri", url)
    }

    /// The client's public keys (RFC 7517 §5): a value that serializes to an object with a list `keys`.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] beside [`jwks_uri`](Self::jwks_uri), for another shape, and for a private or a
    /// symmetric key.
    pub fn jwks<K: Serialize + ?Sized>(mut self, keys: &K) -> Result<Self, Error> {
        if self.has("jwks_uri") {
            return Err(fault(Fault::TwoKeySets));
        }
        let json = checks::json(keys)?;
        checks::key_set(&json)?;
        self.put("jwks", json);
        Ok(self)
    }

    /// Which software the client is, the same for every copy of it.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if it is blank.
    pub fn software_id(self, id: &str) -> Result<Self, Error> {
        self.text("software_id", id)
    }

    /// The version of the software.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if it is blank.
    pub fn software_version(self, version: &str) -> Result<Self, Error> {
        self.text("software_version", version)
    }

    /// A signed statement about the software (RFC 7591 §2.3): a JWT. What it says counts more than the other members.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] if it is empty, or not printable ASCII.
    pub fn software_statement(self, jwt: &str) -> Result<Self, Error> {
        let jwt = checks::word("software_statement", jwt)?;
        self.set("software_statement", &*jwt)
    }

    /// Any other member, with any value that JSON has: `default_max_age`, `require_pushed_authorization_requests`.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] for a member that has a method here, or that only a server gives
    /// (`client_id`, `client_secret`, `registration_access_token` and the like), in any case and language, and for a value
    /// that cannot be written as JSON.
    pub fn member<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Result<Self, Error> {
        checks::free_name(name)?;
        let json = checks::json(value)?;
        self.put(name, json);
        Ok(self)
    }

    /// The redirect URIs.
    pub fn redirect_uris(&self) -> &[RedirectUri] {
        &self.redirect_uris
    }

    /// The metadata as a JSON object, as it is sent. **It holds the software statement**, if there is one.
    pub fn to_json(&self) -> String {
        let members = self.members(false);
        core::mem::take(&mut *write_pairs(members.iter().map(|(name, json)| (&**name, json.as_str()))))
    }

    fn text(self, member: &'static str, value: &str) -> Result<Self, Error> {
        if value.trim().is_empty() {
            return Err(fault(Fault::Value(member)));
        }
        self.set(member, value)
    }

    fn page(self, member: &str, url: &str) -> Result<Self, Error> {
        check_client_page(url)?;
        self.set(member, url)
    }

    fn set<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Result<Self, Error> {
        let json = checks::json(value)?;
        self.put(name, json);
        Ok(self)
    }

    fn put(&mut self, name: &str, json: Zeroizing<String>) {
        match self.others.iter_mut().find(|(known, _)| **known == *name) {
            Some((_, old)) => *old = json,
            None => self.others.push((name.into(), json)),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.others.iter().any(|(known, _)| **known == *name)
    }
}

impl fmt::Debug for ClientMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value can be a credential, such as a software statement.
        let members = self.members(false);
        f.debug_list().entries(members.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests;
