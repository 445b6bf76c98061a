//! Changing a registration (RFC 7592 §2.2).

use core::fmt;

use http::{Method, Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::managed::Managed;
use super::registered::Registered;
use super::request::not_done;
use crate::answer::registration::{self, Metadata};
use crate::call;
use crate::client::ClientMetadata;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::{ClientMetadataFault, Error, Misuse, UrlRole};
use crate::wire::object::{Extra, pairs, write_pairs};

/// Members that only a server gives. They are never removed by name.
const GIVEN: [&str; 6] = [
    "client_id",
    "client_secret",
    "client_id_issued_at",
    "client_secret_expires_at",
    "registration_access_token",
    "registration_client_uri",
];

/// A change of a registration. It gives the [`Registered`] client with what the server registered: **store it again**,
/// because the server may have given new credentials, and may have registered something else.
///
/// A server replaces all that it has by what it gets (RFC 7592 §2.2), so the request has every member of the server's last
/// answer, with the changes in their places.
///
/// What a failure leaves: **Intact**, if the server refused, or the request was certainly not sent; nothing has changed.
/// **Unknown**, if the answer was lost or proves nothing: the server may have made the change, and may have given a new
/// secret and a new access token with the lost answer. [`into_registered`](Self::into_registered) gives the client as it
/// was; [`read`](Registered::read) it before the next change.
#[must_use = "run it, or take the registration back with into_registered()"]
pub struct RegistrationUpdate {
    managed: Managed,
    changes: ClientMetadata,
    removed: Vec<Box<str>>,
    without_secret: bool,
}

impl Registered {
    /// Changes the members that are set in `changes` (RFC 7592 §2.2). All others stay as the server registered them.
    ///
    /// # Errors
    /// [`Misuse::Registration`] if the server gave no place or no token for it, or a place at another origin;
    /// [`Misuse::ClientMetadata`] if the changes contradict each other. The registration is still intact.
    pub fn update(self, changes: ClientMetadata) -> Result<RegistrationUpdate, Failure<Self>> {
        if let Err(error) = changes.check_types() {
            return Err(Failure::intact(error, self));
        }
        Managed::new(self).map(|managed| RegistrationUpdate {
            managed,
            changes,
            removed: Vec::new(),
            without_secret: false,
        })
    }
}

impl RegistrationUpdate {
    /// Leaves this member out of the request, so that the server removes it, or takes its default: `logo_uri`,
    /// `client_name#ja`.
    ///
    /// # Errors
    /// [`Misuse::ClientMetadata`] for a member that only a server gives, with the update still intact.
    pub fn remove(mut self, member: &str) -> Result<Self, Failure<Self>> {
        if GIVEN.contains(&member) {
            return Err(Failure::intact(Error::Misuse(Misuse::ClientMetadata(ClientMetadataFault::Reserved)), self));
        }
        self.removed.push(member.into());
        Ok(self)
    }

    /// Leaves `client_secret` out of the request. RFC 7592 §2.2 lets a client send the one that it has, or none, and some
    /// servers take only one of the two: oidc-provider wants it, and Ory Hydra refuses it with 403. The secret stays as it
    /// is, unless the server's answer has another one.
    pub fn without_secret(mut self) -> Self {
        self.without_secret = true;
        self
    }

    /// The registered client as it was.
    pub fn into_registered(self) -> Registered {
        self.managed.registered
    }

    /// The members of the request; without the credentials, the metadata that it asks for.
    fn body(&self, credentials: bool) -> Zeroizing<String> {
        let registered = &self.managed.registered;
        let text = |text: &str| Zeroizing::new(serde_json::to_string(text).unwrap_or_default());
        let client_id = text(&registered.client_id);
        // A client without a method of this kind has no secret, even if there was one before.
        let is_public = registered.token_endpoint_auth_method() == Some("none");
        let secret = registered
            .secret
            .as_ref()
            .filter(|_| !is_public && !self.without_secret)
            .map(|secret| text(secret.expose()));
        // Language tags have no case (RFC 5646 §2.1.1).
        let is_same = |a: &str, b: &str| a == b || a.contains('#') && a.eq_ignore_ascii_case(b);
        let removed = |name: &str| self.removed.iter().any(|removed| is_same(removed, name));
        let mut changes = self.changes.members(true);
        // It also has members that follow from others, such as `application_type`.
        changes.retain(|(name, _)| !removed(name));
        let before = pairs(registered.metadata.all.text()).unwrap_or_default();
        let count = |name: &str| before.iter().filter(|(known, _)| **known == *name).count();
        let changed = |name: &str| changes.iter().any(|(known, _)| is_same(known, name));
        // Each of the two takes the place of the other.
        let replaced = |name: &str| match name {
            "jwks" => changed("jwks_uri"),
            "jwks_uri" => changed("jwks"),
            name => changed(name),
        };
        let stays = |name: &str| {
            let gone = removed(name) || GIVEN.contains(&name);
            count(name) == 1 && !gone && !replaced(name)
        };
        let kept = before.iter().map(|(name, json)| (&**name, *json)).filter(|(name, _)| stays(name));
        let own = [("client_id", client_id.as_str())].into_iter();
        let own = own.chain(secret.as_ref().map(|secret| ("client_secret", secret.as_str())));
        let own = own.filter(|_| credentials);
        let all: Vec<(&str, &str)> =
            own.chain(kept).chain(changes.iter().map(|(name, json)| (&**name, json.as_str()))).collect();
        write_pairs(all.iter().copied())
    }
}

impl fmt::Debug for RegistrationUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistrationUpdate")
            .field("registered", &self.managed.registered)
            .field("changes", &self.changes)
            .field("removed", &self.removed)
            .field("without_secret", &self.without_secret)
            .finish()
    }
}

impl Exchange for RegistrationUpdate {
    type Output = Registered;

    fn request(&self, _env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        Ok(self.managed.request(Method::PUT, Some(self.body(true))))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let (role, ok) = (UrlRole::ClientConfiguration, StatusCode::OK);
        let own_id = Some(&*self.managed.registered.client_id);
        match call::object(role, env.now, ok, None, &response, |members| registration::read(members, own_id)) {
            Ok(mut answer) => {
                // It says nothing about the metadata: the server took what was sent.
                if answer.metadata.all.text().is_empty() {
                    let sent = core::mem::take(&mut *self.body(false));
                    answer.metadata = Metadata::read(Extra::json(sent)).0;
                }
                let by_default = self.removed.iter().any(|name| &**name == "token_endpoint_auth_method");
                let mut registered = self.managed.registered;
                if by_default {
                    registered.metadata.token_endpoint_auth_method = None;
                    registered.asked.auth_method = None;
                }
                Ok(Step::Done(registered.told(answer, Some(&self.changes))))
            }
            Err(no) => Err(not_done(no, self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
