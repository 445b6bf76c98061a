//! What can go wrong.

use grantflow::{Failure, Sent};
use grantflow_async::Interrupted;
use grantflow_transport::BodyError;
use http::StatusCode;

pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

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

/// What went wrong: in the flow, or in the HTTP stack.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flow failed: see [`grantflow::Error::next`] for what to do.
    #[error(transparent)]
    OAuth(#[from] grantflow::Error),
    /// The exchange was not run: an earlier run of it was dropped, or has ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The service or the body of its answer failed, with this error.
    #[error(transparent)]
    Transport(Box<dyn std::error::Error + Send + Sync>),
    /// The agent's deadline passed.
    #[error("no complete answer came before the deadline")]
    TimedOut,
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

impl Error {
    /// The error for a body that could not be read, of an answer with this status.
    pub(crate) fn of_body(error: BodyError, status: StatusCode) -> Self {
        match error {
            BodyError::TooLarge { limit } => Self::BodyTooLarge { status, limit },
            _ => Self::Undecodable { status },
        }
    }
}

impl<X> From<Failure<X, Error>> for Error {
    fn from(failure: Failure<X, Error>) -> Self {
        failure.into_error()
    }
}
