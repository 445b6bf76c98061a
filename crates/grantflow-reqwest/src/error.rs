//! What can go wrong.

use grantflow::{Failure, Sent};
use grantflow_async::Interrupted;
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

/// What went wrong: in the flow, or in the HTTP stack. reqwest's errors are shown without their URL, because its query
/// may hold secrets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The flow failed: see [`grantflow::Error::next`] for what to do.
    #[error(transparent)]
    OAuth(#[from] grantflow::Error),
    /// The exchange was not run: an earlier run of it was dropped, or has ended.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The HTTP stack failed.
    #[error(transparent)]
    Transport(reqwest::Error),
    /// No HTTP client can be made from the settings.
    #[error("no HTTP client can be made from these settings: check the TLS roots, the proxy and the default headers")]
    Settings(#[source] reqwest::Error),
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
    /// The browser followed a redirect, so the answer is not the endpoint's, and the credentials may have gone
    /// elsewhere. In browsers only: elsewhere no redirect is followed.
    #[error("the browser followed a redirect, and the answer (HTTP {status}) comes from another URL: configure the endpoint's final URL", status = .status.as_u16())]
    Redirected {
        /// The answer's status.
        status: StatusCode,
    },
}

impl<X> From<Failure<X, Error>> for Error {
    fn from(failure: Failure<X, Error>) -> Self {
        failure.into_error()
    }
}
