//! What an answer leaves that gives nothing, and what no answer leaves.

use crate::contract::{Exchange, Failure, Sent};
use crate::error::Error;
use crate::error::verdict::Meaning;
use crate::value::secret::RefreshToken;

/// An answer that gives nothing: why, and what it says about the grant.
pub(crate) struct NotGranted {
    pub(crate) error: Error,
    pub(crate) meaning: Meaning,
    /// A refresh token of a token answer that was refused for another member.
    pub(crate) rescued: Option<RefreshToken>,
}

impl NotGranted {
    pub(super) fn new(error: Error, meaning: Meaning) -> Self {
        Self { error, meaning, rescued: None }
    }

    /// What it leaves of a grant that a server may burn with any refusal: an authorization code, a device code.
    pub(crate) fn single_use<X: Exchange>(self, exchange: X) -> Failure<X> {
        match self.meaning {
            Meaning::Over | Meaning::RequestRefused => Failure::spent(self.error),
            Meaning::NotProcessed => Failure::intact(self.error, exchange),
            Meaning::Nothing => Failure::unknown(self.error, exchange),
        }
    }

    /// What it leaves of a request that does no harm when it is sent twice.
    pub(crate) fn replayable<X: Exchange>(self, exchange: X) -> Failure<X> {
        Failure::intact(self.error, exchange)
    }
}

/// The verdict on a grant that can be used once only, when no answer came.
pub(crate) fn no_answer<X: Exchange>(sent: Sent, exchange: X) -> Failure<X> {
    match sent {
        Sent::NotSent => Failure::intact(Error::NoAnswer(sent), exchange),
        Sent::MaybeSent => Failure::unknown(Error::NoAnswer(sent), exchange),
    }
}

/// The same for a request that does no harm when it is sent twice.
pub(crate) fn no_answer_to_replayable<X: Exchange>(sent: Sent, exchange: X) -> Failure<X> {
    Failure::intact(Error::NoAnswer(sent), exchange)
}
