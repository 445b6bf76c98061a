//! An error, and what is left of the grant.

use core::fmt;

use crate::error::Error;

/// What is left of a grant after a failure: whether the same exchange may be sent again, and with what risk.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "sending it again is impossible, harmless or a risk")]
pub enum Left<X> {
    /// Nothing: it was used up, refused, or has expired. Start the flow again.
    Spent,
    /// All of it: the same exchange may be sent again without harm. Either nothing has used it, or using it twice does
    /// no harm: client credentials, metadata.
    ///
    /// This does not prove that nothing was sent. Only [`Sent::NotSent`](crate::Sent::NotSent) does.
    Intact(Box<X>),
    /// Not known: the server may have used it before the answer was lost, and sending it again may do harm.
    ///
    /// Allowed next: read the store again, because another process may have newer tokens; then at most one retry, never
    /// at the same time as another. A server may take the retry of a used grant for theft and revoke the whole family.
    Unknown(Box<X>),
}

impl<X> Left<X> {
    /// The same for another exchange: for an exchange that wraps another one, or that returns what it was made from.
    pub fn map<Y>(self, to: impl FnOnce(X) -> Y) -> Left<Y> {
        match self {
            Self::Spent => Left::Spent,
            Self::Intact(exchange) => Left::Intact(Box::new(to(*exchange))),
            Self::Unknown(exchange) => Left::Unknown(Box::new(to(*exchange))),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Spent => "the grant is spent: start again",
            Self::Intact(_) => "the grant is intact: the request may be sent again without harm",
            Self::Unknown(_) => "the grant may have been used: read your store again before one retry",
        }
    }
}

/// An error, and what is left of the grant.
///
/// `?` turns it into its plain error, for callers that do not resume. Your own flow or adapter makes one with
/// [`spent`](Self::spent), [`intact`](Self::intact) or [`unknown`](Self::unknown).
#[must_use = "a failure may hold the grant"]
pub struct Failure<X, E = Error> {
    /// What went wrong.
    pub error: E,
    /// What is left of the grant.
    pub left: Left<X>,
}

impl<X, E> Failure<X, E> {
    /// An error that leaves nothing: the grant was used up, refused, or has expired. See [`Left::Spent`].
    pub fn spent(error: E) -> Self {
        Self { error, left: Left::Spent }
    }

    /// An error after which this exchange may be sent again without harm. See [`Left::Intact`].
    pub fn intact(error: E, exchange: X) -> Self {
        Self { error, left: Left::Intact(Box::new(exchange)) }
    }

    /// An error after which the server may have used this exchange. See [`Left::Unknown`].
    pub fn unknown(error: E, exchange: X) -> Self {
        Self { error, left: Left::Unknown(Box::new(exchange)) }
    }

    /// Only the error; what is left of the grant is dropped.
    pub fn into_error(self) -> E {
        self.error
    }

    /// The same failure with another error type.
    pub fn map_error<F>(self, to: impl FnOnce(E) -> F) -> Failure<X, F> {
        Failure { error: to(self.error), left: self.left }
    }

    /// The same failure of another exchange: [`Left::map`].
    pub fn map_left<Y>(self, to: impl FnOnce(X) -> Y) -> Failure<Y, E> {
        Failure { error: self.error, left: self.left.map(to) }
    }
}

impl<X> From<Failure<X>> for Error {
    fn from(failure: Failure<X>) -> Self {
        failure.error
    }
}

impl<X, E: fmt::Debug> fmt::Debug for Failure<X, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure {{ error: {:?}, left: {} }}", self.error, self.left.hint())
    }
}

impl<X, E: fmt::Display> fmt::Display for Failure<X, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.error, self.left.hint())
    }
}

impl<X, E: std::error::Error> std::error::Error for Failure<X, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` has shown the error itself, so this is the source below it.
        self.error.source()
    }
}
