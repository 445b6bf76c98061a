//! What is left after an answer that grants nothing, and after a missing answer.

use crate::contract::{Exchange, Failure, Sent};
use crate::error::verdict::Meaning;
use crate::error::{Error, ErrorCode};
use crate::value::secret::RefreshToken;

/// An answer that gives no tokens: why, and what it means for the grant. Your own flow makes its [`Failure`] from it
/// with [`single_use`](Self::single_use), [`reusable`](Self::reusable) or [`replayable`](Self::replayable).
#[derive(Debug)]
#[must_use = "it says what is left of the grant"]
pub struct NotGranted {
    pub(crate) error: Error,
    pub(crate) meaning: Meaning,
    /// The refresh token of a token answer that was refused because of another member.
    pub(crate) rescued: Option<RefreshToken>,
}

impl NotGranted {
    #[inline]
    pub(super) fn new(error: Error, meaning: Meaning) -> Self {
        Self { error, meaning, rescued: None }
    }

    /// Whether the server says that the person has not decided yet (RFC 8628 §3.5).
    pub(crate) fn is_undecided(&self) -> bool {
        self.meaning == Meaning::NotProcessed
            && matches!(self.error.code(), Some(ErrorCode::AuthorizationPending | ErrorCode::SlowDown))
    }

    /// Why there are no tokens.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Only the error.
    pub fn into_error(self) -> Error {
        self.error
    }

    /// What it means for the grant.
    pub fn meaning(&self) -> Meaning {
        self.meaning
    }

    /// The failure of a grant that a server may burn with any refusal, such as an authorization code, by the table at
    /// [`Meaning`].
    pub fn single_use<X: Exchange>(self, exchange: X) -> Failure<X> {
        match self.meaning {
            Meaning::Over | Meaning::RequestRefused => Failure::spent(self.error),
            Meaning::NotProcessed => Failure::intact(self.error, exchange),
            Meaning::Nothing => Failure::unknown(self.error, exchange),
        }
    }

    /// What is left of a request that no refusal uses up, and that may do harm if it is sent twice: all of it, unless the
    /// answer proves nothing.
    pub(crate) fn harmful_twice<X: Exchange>(self, exchange: X) -> Failure<X> {
        match self.meaning {
            Meaning::Nothing => Failure::unknown(self.error, exchange),
            Meaning::Over | Meaning::RequestRefused | Meaning::NotProcessed => Failure::intact(self.error, exchange),
        }
    }

    /// The failure of a grant that a refusal of the request does not burn, such as a refresh token or an assertion, by the
    /// table at [`Meaning`].
    pub fn reusable<X: Exchange>(self, exchange: X) -> Failure<X> {
        match self.meaning {
            Meaning::Over => Failure::spent(self.error),
            Meaning::RequestRefused | Meaning::NotProcessed => Failure::intact(self.error, exchange),
            Meaning::Nothing => Failure::unknown(self.error, exchange),
        }
    }

    /// What is left of a request that does no harm if it is sent twice: all of it.
    #[inline]
    pub fn replayable<X: Exchange>(self, exchange: X) -> Failure<X> {
        Failure::intact(self.error, exchange)
    }
}

/// What is left of a single-use grant when no answer came.
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

/// What is left of a code after polling: all of it if the server refused the client, else it is unknown.
pub(crate) fn unless_sure<X: Exchange>(error: Error, exchange: X) -> Failure<X> {
    let refused = matches!(&error, Error::Refused(refused) if refused.meaning() != Meaning::Nothing);
    if refused { Failure::intact(error, exchange) } else { Failure::unknown(error, exchange) }
}
