//! Why there is no token now.

use std::sync::Arc;

use grantflow::{Next, UnixTime};

use crate::record::{Loss, RecordFault};
use crate::store::StoreError;

mod cannot_block;
mod cause;

pub use cannot_block::CannotBlock;
pub use cause::{Cause, Earlier, Unanswered};

/// Why a session has no token to give. Cheap to clone: all callers that waited for one renewal get the same error.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nothing is stored: no person has logged in yet, or the person has logged out.
    #[error("no tokens are stored: log in first")]
    Empty,
    /// The grant is gone, because the server refused it or because there is no refresh token.
    ///
    /// The store keeps the refresh token: verdicts are sometimes wrong, and
    /// [`Session::retry_lost`](crate::Session::retry_lost) asks once more.
    #[error("{loss}: ask the person to authorize again")]
    Lost {
        /// Why.
        loss: Loss,
        /// The server's verdict, if there was one.
        #[source]
        cause: Option<Cause>,
    },
    /// No answer came that counts, so the refresh token may be used up. It is tried again until the server gives a
    /// verdict. A login also ends the doubt.
    #[error(
        "the refresh token is in doubt {since}: {requests} brought no answer that counts; the next may be sent {retry_at}, and a \
         login ends the doubt",
        since = When("since", *.since), requests = Requests(*.sent), retry_at = When("from", *.retry_at)
    )]
    InDoubt {
        /// What became of the last request.
        #[source]
        cause: Cause,
        /// When the first of the requests was sent.
        since: UnixTime,
        /// How many may have been sent.
        sent: u32,
        /// From when on the session sends another request.
        retry_at: UnixTime,
    },
    /// No answer came that counts, and the policy ([`InDoubt::Once`](crate::InDoubt::Once),
    /// [`InDoubt::Never`](crate::InDoubt::Never)) allows no further request. A session with
    /// [`InDoubt::Heal`](crate::InDoubt::Heal) on the same store continues to ask.
    #[error(
        "the refresh token is in doubt {since}: {requests} brought no answer that counts, and the policy allows no more: ask the \
         person to authorize again",
        since = When("since", *.since), requests = Requests(*.sent)
    )]
    Unknown {
        /// What became of the last request.
        #[source]
        cause: Cause,
        /// When the first of the requests was sent.
        since: UnixTime,
        /// How many may have been sent.
        sent: u32,
    },
    /// The renewal failed, and the grant is as it was. The session sends nothing to the server until `retry_at`.
    #[error("the token was not renewed; the grant is intact, and the next try may be made {}", When("from", *.retry_at))]
    NotRenewed {
        /// What went wrong.
        #[source]
        cause: Cause,
        /// From when on the session tries again.
        retry_at: UnixTime,
    },
    /// The store failed before a request was sent, or when the session looked there for a newer token than the one that
    /// the server refused. The grant is not lost.
    #[error(
        "the token store failed; the grant is not lost, and the store has it unchanged: repair the store and try again"
    )]
    Store(#[source] Arc<StoreError>),
    /// A login or a renewal brought new tokens, and the store failed to take them. The session still has them. It tries
    /// to store them again at the next call, and gives no token before that.
    /// [`Session::unsaved`](crate::Session::unsaved) returns them.
    #[error(
        "there are new tokens, and the store did not take them; the session keeps them and tries again at the next call: repair the store"
    )]
    NotStored(#[source] Arc<StoreError>),
    /// The stored grant was refused. Nothing was sent, and the entry was left as it is. From
    /// [`Session::prime`](crate::Session::prime): the tokens of the login belong to another client, and were not taken.
    #[error("the grant was refused: {0}")]
    Record(RecordFault),
    /// Another process holds the store's lock for longer than the policy waits, or a plug (for example an observer)
    /// asked the session during the work that holds the lock.
    #[error("the lock of this grant is held; nothing was sent: try again later")]
    Busy,
    /// The store's entry changed at every try to write it.
    #[error("another process changed the stored grant again and again: try again later")]
    Contended,
    /// This thread cannot wait for a token, and there is no good one.
    #[error(transparent)]
    CannotBlock(#[from] CannotBlock),
}

impl SessionError {
    /// What to do about the error.
    ///
    /// If a grant is in doubt: wait, unless the last answer says that the settings are wrong. A program may offer a
    /// login meanwhile.
    pub fn next(&self) -> Next {
        match self {
            Self::Empty | Self::Lost { .. } | Self::Unknown { .. } => Next::Reauthorize,
            Self::NotRenewed { cause, .. } => cause.next(),
            Self::InDoubt { cause: Cause::OAuth(error), .. } if error.next() == Next::FixConfiguration => error.next(),
            Self::InDoubt { .. } | Self::Busy | Self::Contended => Next::RetryLater(None),
            Self::Store(_) | Self::NotStored(_) | Self::Record(_) | Self::CannotBlock(_) => Next::FixConfiguration,
        }
    }

    /// What became of the last request, if one was sent and brought no tokens.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Lost { cause, .. } => cause.as_ref(),
            Self::InDoubt { cause, .. } | Self::Unknown { cause, .. } | Self::NotRenewed { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

/// A time in a sentence.
struct When(&'static str, UnixTime);

impl core::fmt::Display for When {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} {}", self.0, self.1)
    }
}

struct Requests(u32);

impl core::fmt::Display for Requests {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            1 => f.write_str("1 request"),
            many => write!(f, "{many} requests"),
        }
    }
}

impl core::fmt::Display for Loss {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Refused => "the server refused the refresh token",
            Self::NoRefreshToken => "the access token is over, and there is no refresh token",
        })
    }
}
