//! A token that may be used now.

use core::fmt;
use std::sync::Arc;

use grantflow::{AccessToken, Client, Error, GrantedScope, Misuse, Tokens, UnixTime, UnverifiedIdToken};
use http::Request;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::policy::Policy;
use crate::record::{Record, RecordFault, TokenId};

/// An access token that was fresh when the session gave it. Cheap to clone; ask the session again before the next request.
#[derive(Clone)]
pub struct FreshToken(Arc<Fresh>);

struct Fresh {
    /// Without the refresh token, which belongs to the session.
    tokens: Tokens,
    /// From when on it is renewed; `None` if its end is not known.
    due: Option<UnixTime>,
    /// When it is over, as the server or the policy says.
    end: Option<UnixTime>,
    id: TokenId,
    /// SHA-256 of the token. It tells tokens apart, and comparing it reveals nothing.
    fingerprint: Fingerprint,
    /// Whether the session can renew it.
    renewable: bool,
}

/// The SHA-256 of an access token.
pub(crate) type Fingerprint = [u8; 32];

/// How far a clock may go back before a token counts as due: after that its end is not known.
const CLOCK_SLIP: core::time::Duration = core::time::Duration::from_secs(300);

impl FreshToken {
    /// The token of a record.
    pub(crate) fn of(record: &Record, client: &Client, policy: &Policy) -> Result<Self, RecordFault> {
        Ok(Self::new(record.tokens(client)?, record.id, policy))
    }

    fn new(tokens: Tokens, id: TokenId, policy: &Policy) -> Self {
        let end = policy.end(tokens.received_at(), tokens.expires_at());
        let fingerprint: Fingerprint = Sha256::digest(text(tokens.access_token())).into();
        // Spreads the renewals of tokens that were issued together. It is taken from the token, so every reader
        // computes the same.
        let dice = fingerprint[0];
        Self(Arc::new(Fresh {
            due: end.map(|end| policy.due(tokens.received_at(), end, dice)),
            end,
            id,
            fingerprint,
            renewable: tokens.refresh_token().is_some(),
            tokens: tokens.without_refresh_token(),
        }))
    }

    /// The access token, by its type.
    pub fn access_token(&self) -> &AccessToken {
        self.0.tokens.access_token()
    }

    /// Puts the token into a request's `Authorization` header: see [`grantflow::BearerToken::authorize`].
    ///
    /// # Errors
    /// As there; and [`Misuse::NotBearer`] for a token that is bound to a key.
    pub fn authorize<B>(&self, request: &mut Request<B>) -> Result<(), Error> {
        match self.0.tokens.access_token() {
            AccessToken::Bearer(token) => token.authorize(request),
            AccessToken::Dpop(_) => Err(Error::Misuse(Misuse::NotBearer)),
        }
    }

    /// What the token covers.
    pub fn scope(&self) -> &GrantedScope {
        self.0.tokens.scope()
    }

    /// The members of its answer that this library does not know: see [`Tokens::extra`].
    ///
    /// # Errors
    /// As there.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.0.tokens.extra()
    }

    /// The ID token of its grant, not verified: see [`Tokens::unverified_id_token`].
    pub fn unverified_id_token(&self) -> Option<&UnverifiedIdToken> {
        self.0.tokens.unverified_id_token()
    }

    /// When the token was received.
    pub fn received_at(&self) -> UnixTime {
        self.0.tokens.received_at()
    }

    /// When the token expires, if the server said so.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.0.tokens.expires_at()
    }

    /// Whether this is the same token as `other`, of the same renewal.
    pub fn is(&self, other: &Self) -> bool {
        self.id() == other.id() && self.0.fingerprint == other.0.fingerprint
    }

    /// Tells the access token from others in any record: a record with a rescued refresh token has the old access
    /// token.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    pub(crate) fn id(&self) -> TokenId {
        self.0.id
    }

    pub(crate) fn is_renewable(&self) -> bool {
        self.0.renewable
    }

    pub(crate) fn is_due(&self, now: UnixTime) -> bool {
        self.0.due.is_some_and(|due| now >= due || now.saturating_add(CLOCK_SLIP) < self.0.tokens.received_at())
    }

    /// When the token is over, if that is known.
    pub(crate) fn end(&self) -> Option<UnixTime> {
        self.0.end
    }

    /// How long the token was good for when it came, if that is known.
    pub(crate) fn lifetime(&self) -> Option<core::time::Duration> {
        self.0.end.map(|end| end.saturating_since(self.0.tokens.received_at()))
    }

    pub(crate) fn is_over(&self, now: UnixTime) -> bool {
        self.0.end.is_some_and(|end| now >= end)
    }
}

fn text(token: &AccessToken) -> &str {
    match token {
        AccessToken::Bearer(token) => token.expose_secret(),
        AccessToken::Dpop(token) => token.expose_secret(),
    }
}

impl fmt::Debug for FreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FreshToken {{ generation: {}, expires_at: {:?}, … }}",
            self.0.id.generation,
            self.0.tokens.expires_at()
        )
    }
}

#[cfg(all(test, not(grantflow_loom)))]
impl FreshToken {
    /// Whether the token still exists anywhere, for a test that has dropped its copy.
    pub(crate) fn watch(&self) -> std::sync::Weak<impl Sized + use<>> {
        Arc::downgrade(&self.0)
    }
}
