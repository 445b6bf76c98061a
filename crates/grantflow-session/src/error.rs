//! Why there is no token now.

use core::fmt;
use std::sync::Arc;

use grantflow::{Next, Sent, UnixTime};

use crate::record::{Loss, RecordFault};
use crate::store::StoreError;

/// Why a session has no token to give. Cheap to clone: all who waited for one renewal get the same.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nothing is stored: nobody has logged in yet, or somebody has logged out.
    #[error("no tokens are stored: log in first")]
    Empty,
    /// The grant is gone for good.
    #[error("{0}: ask the person to authorize again")]
    Lost(Loss),
    /// The answer to a refresh never came, and the policy's retries are used up. The refresh token may have been rotated
    /// to one that nobody has.
    #[error(
        "the answers to the refresh never came, so the refresh token may be spent: ask the person to authorize again"
    )]
    Unknown,
    /// The renewal failed, and the grant is as it was. Until `retry_at`, the session leaves the server alone.
    #[error("the token was not renewed; the grant is intact, and the next try is at {retry_at}")]
    NotRenewed {
        /// What went wrong.
        #[source]
        cause: Cause,
        /// From when on the session tries again.
        retry_at: UnixTime,
    },
    /// The store failed before a request was sent, or when it was asked whether a sibling has a newer token than the one that
    /// the server refused. Nothing was given up.
    #[error("the token was not renewed, for the store failed; the grant is as the store has it")]
    Store(#[source] Arc<StoreError>),
    /// The tokens were renewed, and the store failed to take the new ones. The session still has them: it tries to store
    /// them again when it is next asked, and gives them to nobody before; [`Session::unsaved`](crate::Session::unsaved) has them.
    #[error("the tokens were renewed and could not be stored; the session still has them, and tries again")]
    NotStored(#[source] Arc<StoreError>),
    /// What is stored was not believed. Nothing was sent, and it was left as it is.
    #[error("the stored grant was refused: {0}")]
    Record(RecordFault),
    /// Another process holds the store's lock for longer than the policy waits.
    #[error("another process holds the lock of this grant; nothing was sent")]
    Busy,
    /// The store's entry changed with every try to write it.
    #[error("the stored grant was changed by somebody else again and again")]
    Contended,
    /// This thread cannot wait for a token, and there is none that is good.
    #[error(transparent)]
    CannotBlock(#[from] crate::outside::CannotBlock),
}

impl SessionError {
    /// What to do about it.
    pub fn next(&self) -> Next {
        match self {
            Self::Empty | Self::Lost(_) | Self::Unknown => Next::Reauthorize,
            Self::NotRenewed { cause: Cause::OAuth(error), .. } => error.next(),
            Self::NotRenewed { .. } | Self::Busy | Self::Contended => Next::RetryLater(None),
            Self::Store(_) | Self::NotStored(_) | Self::Record(_) | Self::CannotBlock(_) => Next::FixConfiguration,
        }
    }
}

/// What made a renewal fail: the flow, or the way to the server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cause {
    /// The flow's error.
    OAuth(grantflow::Error),
    /// The HTTP stack's error, when no whole answer came.
    Transport(Arc<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OAuth(error) => error.fmt(f),
            Self::Transport(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Display has shown the error itself: go on with what is below it.
        match self {
            Self::OAuth(error) => error.source(),
            Self::Transport(error) => error.source(),
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "the server refused the refresh token",
            Self::NoRefreshToken => "the access token is over, and there is no refresh token",
        })
    }
}

/// No whole answer came: whether the request may have been sent, and the HTTP stack's error.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "whoever carries requests makes it")]
pub struct Unanswered {
    /// Whether the request may have been sent. When in doubt, [`Sent::MaybeSent`].
    pub sent: Sent,
    /// Why no answer came. It must print no secret.
    pub cause: Arc<dyn std::error::Error + Send + Sync>,
}
