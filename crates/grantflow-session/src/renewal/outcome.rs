//! How a renewal ends.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Tokens, UnixTime};

use super::Plan;
use crate::error::{Cause, SessionError};
use crate::fresh::FreshToken;
use crate::record::{Record, RecordFault, TokenId};
use crate::store::{Revision, StoreError};

/// How a renewal ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// There is a token, and it is durable.
    Fresh {
        /// The token.
        token: FreshToken,
        /// Where it came from.
        source: Source,
        /// What the store holds.
        stored: Stored,
    },
    /// The grant is out of the store.
    Forgotten,
    /// The renewal failed, and the grant is as it was.
    NotRenewed {
        /// What went wrong.
        cause: Cause,
        /// How long the server wants to be left alone, if it said.
        retry_after: Option<Duration>,
        /// Whether a request may have left.
        sent: bool,
        /// The access token that came and is of no use: it is not to be taken out of the store.
        useless: Option<FreshToken>,
    },
    /// Nobody knows whether the refresh token is spent. The store says so.
    InDoubt(Doubt),
    /// A look into the store found nothing that will do.
    NothingNew,
    /// The tokens were renewed, and the store failed to take them.
    NotStored {
        /// What went wrong.
        error: Arc<StoreError>,
        /// The tokens: see [`Renewal::save`](super::Renewal::save).
        unsaved: Unsaved,
    },
    /// There is no token, for another reason.
    Failed(SessionError),
}

/// Nobody knows whether a refresh token is spent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Doubt {
    /// What became of the last request.
    pub cause: Cause,
    /// When the first request left.
    pub since: UnixTime,
    /// How many may have left.
    pub sent: u32,
    /// From when on another may leave: after the pause, and when the access token is over, if its end is known.
    pub retry_at: UnixTime,
    /// There is an access token that is good: until it is over, or an API refuses it, nothing is sent.
    pub waits_for_the_end: bool,
    /// When the pause ends.
    pub pause_ends: UnixTime,
    /// Whether the server said how long it wants to be left alone.
    pub told: bool,
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The server's answer.
    Server,
    /// The store: another process had renewed it, or it was there from before.
    Store,
    /// A login.
    Login,
}

/// What was written to the store, for an observer.
#[derive(Clone)]
pub struct Stored(pub(super) Record);

impl Stored {
    /// The tokens in the form that can be stored elsewhere. **It holds them in plain text.**
    ///
    /// # Errors
    /// [`RecordFault`] if they cannot be read back.
    pub fn expose_tokens(&self) -> Result<grantflow::StoredTokens, RecordFault> {
        self.0.stored_tokens()
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stored([redacted])")
    }
}

/// Tokens that are not stored, of a login or a renewal: the only copy there is.
#[derive(Clone)]
#[must_use = "these tokens are nowhere else"]
pub struct Unsaved {
    pub(super) record: Record,
    /// The tokens that were renewed for these; `None` for a login's.
    pub(super) base: Option<TokenId>,
    /// The grant that a login replaces.
    pub(super) replaces: Option<u64>,
    /// The entry that was there.
    pub(super) expected: Option<Revision>,
}

impl Unsaved {
    /// The tokens of a login.
    ///
    /// # Errors
    /// [`RecordFault::OtherClient`] if they belong to another client than the plan's.
    pub(crate) fn login(plan: &Plan, tokens: Tokens) -> Result<Self, RecordFault> {
        let record = Record::login(tokens)?;
        record.tokens(&plan.client)?;
        Ok(Self { record, base: None, replaces: None, expected: None })
    }

    /// Whether they are a login's, and not a renewal's of what was there.
    pub(crate) fn is_login(&self) -> bool {
        self.record.id.grant != 0 && self.base.is_none()
    }

    /// The tokens in the form that can be stored elsewhere. **It holds them in plain text.**
    ///
    /// # Errors
    /// [`RecordFault`] if they cannot be read back.
    pub fn expose_tokens(&self) -> Result<grantflow::StoredTokens, RecordFault> {
        self.record.stored_tokens()
    }
}

impl fmt::Debug for Unsaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unsaved([redacted])")
    }
}
