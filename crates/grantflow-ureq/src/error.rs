//! What can go wrong.

use grantflow::{Failure, Sent};
use grantflow_transport::BodyError;
use http::StatusCode;

/// No complete answer came.
#[derive(Debug, thiserror::Error)]
#[error("{error}; the request {sent}")]
#[non_exhaustive]
pub struct SendError {
    /// Whether the request may have been sent.
    pub sent: Sent,
    /// Why no answer came.
    pub error: Error,
}

/// What went wrong: in the flow, or in the HTTP stack. ureq's errors are shown without their URL, because its query may
/// hold secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flow failed: see [`grantflow::Error::next`] for what to do.
    #[error(transparent)]
    OAuth(#[from] grantflow::Error),
    /// The HTTP stack failed.
    #[error(transparent)]
    Transport(ureq::Error),
    /// The answer's body is larger than the agent's limit.
    #[error("the answer (HTTP {status}) is larger than {limit} bytes", status = .status.as_u16())]
    BodyTooLarge {
        /// The answer's status.
        status: StatusCode,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The answer's body is compressed, and cannot be decompressed: it was cut or damaged. Feature `gzip`.
    #[error("the answer (HTTP {status}) is compressed, and was cut or damaged", status = .status.as_u16())]
    Undecodable {
        /// The answer's status.
        status: StatusCode,
    },
}

impl<X> From<Failure<X, Error>> for Error {
    fn from(failure: Failure<X, Error>) -> Self {
        failure.into_error()
    }
}

/// The error of a ureq error.
pub(crate) fn transport(error: ureq::Error) -> Error {
    Error::Transport(without_url(error))
}

/// The same error without a URL. Two of ureq's errors show a whole URL, and its query may hold secrets. The errors of
/// this crate have no URL; use this function for requests that you send by ureq directly.
///
/// ```
/// let error = ureq::Error::RequireHttpsOnly("http://api.example/?key=s3cret".to_owned());
/// assert!(!grantflow_ureq::without_url(error).to_string().contains("s3cret"));
/// ```
pub fn without_url(error: ureq::Error) -> ureq::Error {
    let blank = || "[not shown]".to_owned();
    match error {
        ureq::Error::BadUri(_) => ureq::Error::BadUri(blank()),
        ureq::Error::RequireHttpsOnly(_) => ureq::Error::RequireHttpsOnly(blank()),
        other => other,
    }
}

/// Why a body was not read to its end.
pub(crate) enum NotWhole {
    Stack(ureq::Error),
    Body(BodyError),
}

impl NotWhole {
    /// The error for an answer with this status.
    pub(crate) fn with(self, status: StatusCode) -> Error {
        match self {
            Self::Stack(ureq::Error::BodyExceedsLimit(limit)) => Error::BodyTooLarge { status, limit },
            Self::Stack(error) => transport(error),
            Self::Body(BodyError::TooLarge { limit }) => Error::BodyTooLarge { status, limit },
            Self::Body(_) => Error::Undecodable { status },
        }
    }
}

impl From<ureq::Error> for NotWhole {
    fn from(error: ureq::Error) -> Self {
        Self::Stack(error)
    }
}

impl From<BodyError> for NotWhole {
    fn from(error: BodyError) -> Self {
        Self::Body(error)
    }
}
