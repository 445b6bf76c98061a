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
        from: TokenFrom,
        /// What the store holds.
        stored: Stored,
    },
    /// The grant is removed from the store.
    Forgotten {
        /// What was there, if it could be read: to revoke it at the server.
        taken: Option<Stored>,
    },
    /// The renewal failed, and the grant is as it was.
    NotRenewed {
        /// What went wrong.
        cause: Cause,
        /// How long the server wants no request, if it said so.
        retry_after: Option<Duration>,
        /// Whether a request may have been sent.
        sent: bool,
        /// The access token that came and is of no use. It must not be read from the store again.
        useless: Option<FreshToken>,
    },
    /// The refresh token may be used up, and the store says so.
    InDoubt(Doubt),
    /// The store was read, and has no usable token.
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

/// A refresh token may be used up, because the answers to its requests are missing.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Doubt {
    /// What became of the last request.
    pub cause: Cause,
    /// When the first request was sent.
    pub since: UnixTime,
    /// How many may have been sent.
    pub sent: u32,
    /// From when on another may be sent: after the pause, and after the access token is over, if its end is known.
    pub retry_at: UnixTime,
    /// There is a good access token. Until it is over or an API refuses it, nothing is sent.
    pub waits_for_the_end: bool,
    /// When the pause ends.
    pub pause_ends: UnixTime,
    /// Whether the server asked for the pause.
    pub told: bool,
}

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFrom {
    /// The server's answer.
    Server,
    /// The store: another process had renewed it, or it was stored before.
    Store,
    /// A login.
    Login,
}

/// What was written to the store, for an observer.
#[derive(Clone)]
pub struct Stored(pub(super) Record);

impl Stored {
    /// The tokens in a form that can be stored elsewhere. **It holds them in plain text.**
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

/// Tokens of a login or a renewal that are not stored: the only copy.
#[derive(Clone)]
#[must_use = "these tokens are nowhere else"]
pub struct Unsaved {
    pub(super) record: Record,
    /// The tokens that these replace after a renewal; `None` for a login.
    pub(super) base: Option<TokenId>,
    /// The grant that a login replaces.
    pub(super) replaces: Option<u64>,
    /// The revision of the entry that was there.
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

    /// Whether they come from a login and not from a renewal.
    pub(crate) fn is_login(&self) -> bool {
        self.record.id.grant != 0 && self.base.is_none()
    }

    /// The tokens in a form that can be stored elsewhere. **It holds them in plain text.**
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
