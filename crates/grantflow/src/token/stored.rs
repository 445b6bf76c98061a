//! Tokens that outlive the process.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::target::{Parts, Target};
use super::{AccessToken, Tokens, Tolerated};
use crate::answer::token::TokenKind;
use crate::client::Client;
use crate::details::AuthorizationDetails;
use crate::error::{Error, Misuse, StoredFault};
use crate::scope::{GrantedScope, Scope};
use crate::value::secret::{RefreshToken, UnverifiedIdToken};
use crate::value::time::UnixTime;
use crate::wire::checksum::Checksum;
use crate::wire::object::Extra;

/// Tokens in a form that can be stored. **It holds the tokens in plain text**: anyone who reads it has the grant.
///
/// It serializes with serde; its fields are not part of the API. The client's credentials are not in it.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct StoredTokens {
    v: u32,
    sum: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    client_id: String,
    token_endpoint: String,
    token_type: String,
    access_token: Zeroizing<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<Zeroizing<String>>,
    received_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "is_empty")]
    extra: Zeroizing<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    extra_is_form: bool,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    scope_is_unreadable: bool,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    id_token_is_kept: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tolerated: Vec<String>,
    /// A checksum of the three members above and of `sum`; missing if they are empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<String>,
    /// Separate, with another checksum, so that a release that does not know it reads the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<StoredTarget>,
}

/// What a token request narrowed, and what an earlier answer said.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct StoredTarget {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Zeroizing<String>>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    details_are_unreadable: bool,
    sum: String,
}

impl StoredTarget {
    /// `tokens` is the checksum of the tokens to which it belongs.
    fn checksum(&self, tokens: &str) -> String {
        let sum = Checksum::new("tokens, target").field(Some(tokens)).list(&self.resources);
        let sum = sum.field(self.details.as_ref().map(|text| text.as_str()));
        sum.number(self.details_are_unreadable.then_some(1)).finish()
    }

    fn of(target: &Target, tokens: &str) -> Option<Self> {
        let parts = target.parts()?;
        if parts.narrowed.is_empty() && parts.details.is_none() && !parts.details_are_unreadable {
            return None;
        }
        let details = parts.details.as_ref().map(|details| owned(details.as_json()));
        let details_are_unreadable = parts.details_are_unreadable;
        let mut stored =
            Self { resources: parts.narrowed.clone(), details, details_are_unreadable, sum: String::new() };
        stored.sum = stored.checksum(tokens);
        Some(stored)
    }

    /// `None` if it was changed.
    fn read(stored: Option<Self>, resources: Vec<String>, tokens: &str) -> Option<Target> {
        let Some(stored) = stored else { return Some(resources.into()) };
        if stored.sum != stored.checksum(tokens) {
            return None;
        }
        let details = match &stored.details {
            Some(text) => Some(AuthorizationDetails::of_a_server(text)?),
            None => None,
        };
        let details_are_unreadable = stored.details_are_unreadable;
        Some(Target::of(Parts { resources, narrowed: stored.resources, details, details_are_unreadable }))
    }
}

fn is_empty(text: &Zeroizing<String>) -> bool {
    text.is_empty()
}

/// The version that every release of this library reads.
const VERSION: u32 = 1;
/// The version for a scope that cannot be read: a release that knows only the first version would take it for "as
/// requested". The other new members may be lost on such a release, so they do not need a version.
const UNREADABLE_SCOPE: u32 = 2;

impl StoredTokens {
    fn checksum(&self) -> String {
        Checksum::new("tokens")
            .number(Some(self.v.into()))
            .field(self.issuer.as_deref())
            .field(Some(&self.client_id))
            .field(Some(&self.token_endpoint))
            .field(Some(&self.token_type))
            .field(Some(&self.access_token))
            .field(self.refresh_token.as_ref().map(|text| text.as_str()))
            .field(self.id_token.as_ref().map(|text| text.as_str()))
            .number(Some(self.received_at))
            .number(self.expires_at)
            .field(self.requested.as_deref())
            .field(self.granted.as_deref())
            .list(&self.resources)
            .field(Some(&self.extra))
            .number(Some(self.extra_is_form.into()))
            .finish()
    }

    fn more(&self) -> Option<String> {
        if !self.scope_is_unreadable && !self.id_token_is_kept && self.tolerated.is_empty() {
            return None;
        }
        let sum = Checksum::new("tokens, more")
            .field(Some(&self.sum))
            .number(Some(self.scope_is_unreadable.into()))
            .number(Some(self.id_token_is_kept.into()))
            .list(&self.tolerated);
        Some(sum.finish())
    }
}

fn owned(secret: &str) -> Zeroizing<String> {
    Zeroizing::new(secret.to_owned())
}

impl fmt::Debug for StoredTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredTokens {{ v: {}, client_id: {:?}, … }}", self.v, self.client_id)
    }
}

impl Tokens {
    /// The tokens in a form that can be stored, so that another process can use and refresh them.
    #[must_use = "the tokens are in here"]
    pub fn into_stored(self) -> StoredTokens {
        let data = self.client.data();
        let server = &data.server;
        let mut stored = StoredTokens {
            v: if self.scope.unreadable { UNREADABLE_SCOPE } else { VERSION },
            sum: String::new(),
            issuer: server.issuer_identifier().map(|issuer| issuer.as_str().to_owned()),
            client_id: data.id.to_string(),
            token_endpoint: server.token_endpoint().as_str().to_owned(),
            token_type: match self.access.kind() {
                TokenKind::Bearer => "bearer".to_owned(),
                TokenKind::Dpop => "dpop".to_owned(),
            },
            access_token: owned(self.access.expose()),
            refresh_token: self.refresh.as_ref().map(|token| owned(token.expose_secret())),
            id_token: self.id_token.as_ref().map(|token| owned(token.expose_secret())),
            received_at: self.received_at.as_secs(),
            expires_at: self.expires_at.map(UnixTime::as_secs),
            requested: self.scope.requested().map(|scope| scope.as_str().to_owned()),
            granted: self.scope.explicit().map(|scope| scope.as_str().to_owned()),
            resources: self.target.resources().to_vec(),
            extra: owned(self.extra.text()),
            extra_is_form: self.extra.is_form(),
            scope_is_unreadable: self.scope.unreadable,
            id_token_is_kept: self.id_token_is_kept,
            tolerated: self.tolerated.names().iter().map(|name| (*name).to_owned()).collect(),
            more: None,
            target: None,
        };
        stored.sum = stored.checksum();
        stored.more = stored.more();
        stored.target = StoredTarget::of(&self.target, &stored.sum);
        stored
    }

    /// Restores stored tokens for the client to which they were issued.
    ///
    /// Issuer and token endpoint may be spelt differently than when they were stored (RFC 3986 §6.2.2, §6.2.3), an
    /// issuer may have been configured since, and the server may have moved by
    /// [`Server::formerly`](crate::Server::formerly).
    ///
    /// # Errors
    /// [`Misuse::Stored`] if another version wrote them, if a byte of them was changed, or if issuer, client id or
    /// token endpoint are not the client's.
    pub fn from_stored(mut stored: StoredTokens, client: impl Into<Client>) -> Result<Self, Error> {
        let refuse = |fault| Error::Misuse(Misuse::Stored(fault));
        let client = client.into();
        if !matches!(stored.v, VERSION | UNREADABLE_SCOPE) {
            return Err(refuse(StoredFault::Version));
        }
        let right_version = (stored.v == UNREADABLE_SCOPE) == stored.scope_is_unreadable;
        if stored.sum != stored.checksum() || stored.more != stored.more() || !right_version {
            return Err(refuse(StoredFault::Damaged));
        }
        if !client.data().is_or_was(stored.issuer.as_deref(), &stored.client_id, &stored.token_endpoint) {
            return Err(refuse(StoredFault::OtherClient));
        }
        let kind = match stored.token_type.as_str() {
            "bearer" => TokenKind::Bearer,
            "dpop" => TokenKind::Dpop,
            _ => return Err(refuse(StoredFault::Damaged)),
        };
        let scope = |text: &Option<String>| match text {
            Some(text) => Scope::read(text, ' ').map(Some).ok_or(refuse(StoredFault::Damaged)),
            None => Ok(None),
        };
        let resources = core::mem::take(&mut stored.resources);
        let target = StoredTarget::read(stored.target.take(), resources, &stored.sum);
        let target = target.ok_or(refuse(StoredFault::Damaged))?;
        let extra = core::mem::take(&mut *stored.extra);
        Ok(Self {
            access: AccessToken::new(kind, core::mem::take(&mut *stored.access_token), &client),
            refresh: stored.refresh_token.take().map(|mut text| RefreshToken::new(core::mem::take(&mut *text))),
            id_token: stored.id_token.take().map(|mut text| UnverifiedIdToken::new(core::mem::take(&mut *text))),
            received_at: UnixTime::from_secs(stored.received_at),
            expires_at: stored.expires_at.map(UnixTime::from_secs),
            id_token_is_kept: stored.id_token_is_kept,
            scope: GrantedScope {
                requested: scope(&stored.requested)?,
                explicit: scope(&stored.granted)?,
                unreadable: stored.scope_is_unreadable,
            },
            tolerated: Tolerated::named(&stored.tolerated),
            target,
            extra: if stored.extra_is_form { Extra::form(extra) } else { Extra::json(extra) },
            client,
        })
    }
}
