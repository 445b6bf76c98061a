//! What went wrong, sorted by who has to act: the server said no, the server broke the protocol, the server could not
//! answer, no answer came, or the caller misused a value.
//!
//! `Display` and `Debug` never print what a server wrote, except registered error codes: an answer can quote the
//! request with its secrets. Methods return that text.

use core::fmt;
use core::time::Duration;

use http::StatusCode;

mod backchannel;
mod code;
mod document;
mod faults;
mod kept;
mod misuse;
mod protocol;
mod refused;
mod registration;
pub(crate) mod verdict;
mod violation;

pub use backchannel::BackchannelFault;
pub use code::{ErrorCode, ErrorResponse};
pub use document::Mismatch;
pub(crate) use document::{Document, Shown};
pub use faults::{AuthorizeFault, DetailsFault, DetailsMember, MetadataFault, StoredFault};
pub use kept::Answer;
pub use misuse::{Misuse, UrlFault, UrlRole};
pub use protocol::ProtocolError;
pub use refused::Refused;
pub use registration::{ClientMetadataFault, OtherIssuer, RegistrationFault};
pub use verdict::Meaning;
pub use violation::Violation;

/// Why a step failed, sorted by blame. [`Error::next`] says what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The answer holds an error code (RFC 6749 §5.2). Whether it is the server's verdict depends on the status and on the
    /// code: [`Refused::is_verdict`].
    #[error("{0}")]
    Refused(Box<Refused>),
    /// The server's answer breaks the protocol.
    #[error("{who} {how}: {0}", who = .0.answer.who(), how = .0.how())]
    Protocol(Box<ProtocolError>),
    /// The server, or something before it, could not answer now: a 429, a 5xx, or a status that HTTP does not have,
    /// without an error code.
    #[error("{who} is not available: HTTP {status}", who = .0.who(), status = .0.status.as_u16())]
    Unavailable(Box<Answer>),
    /// No answer came.
    #[error("no answer came, and the request {0}")]
    NoAnswer(Sent),
    /// The time that the server gave for this flow is over, by the caller's clock: a device code or a request has
    /// expired (RFC 8628 §3.2). The server was not asked again; nothing is left of the grant
    /// ([`Left::Spent`](crate::Left::Spent)).
    #[error(
        "the time that the authorization server gave for this flow is over, and no answer that ends it came: start the flow again"
    )]
    Expired,
    /// Credentials of one issuer were to be used at another. Nothing was sent.
    #[error("{0}")]
    OtherIssuer(Box<OtherIssuer>),
    /// The source of entropy failed or repeated itself. Nothing was sent.
    #[error("the source of entropy failed: nothing was sent")]
    Entropy,
    /// The caller gave a value that cannot be used. Nothing was sent.
    #[error("{0}")]
    Misuse(Misuse),
}

impl Error {
    /// What to do about the error.
    pub fn next(&self) -> Next {
        match self {
            Self::Refused(refused) => refused.next(),
            Self::Unavailable(answer) => {
                verdict::meaning(verdict::Purpose::Other, answer.status, answer.retry_after, verdict::Content::Other).1
            }
            Self::Protocol(broken) => broken.next(),
            Self::NoAnswer(_) => Next::RetryLater(None),
            Self::Expired => Next::Reauthorize,
            Self::Misuse(Misuse::TooEarly { rest }) => Next::RetryLater(Some(*rest)),
            Self::OtherIssuer(_) | Self::Entropy | Self::Misuse(_) => Next::FixCaller,
        }
    }

    /// The error code, if the answer holds one. Only a verdict says something about the grant: [`Refused::is_verdict`].
    pub fn code(&self) -> Option<&ErrorCode> {
        match self {
            Self::Refused(refused) => Some(refused.response().code()),
            _ => None,
        }
    }

    /// The HTTP status of the answer, if one came.
    pub fn status(&self) -> Option<StatusCode> {
        self.answer().map(|answer| answer.status)
    }

    /// Whether a token answer came and was refused: a 2xx with a JSON object, or a form, that has an `access_token` or
    /// a `refresh_token`. The server has granted something, and the same request may cost the grant: do not repeat it.
    pub fn answer_refused(&self) -> bool {
        matches!(self, Self::Protocol(broken) if broken.token_answer)
    }

    /// The answer behind the error, if one came.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Refused(refused) => Some(&refused.answer),
            Self::Protocol(broken) => Some(&broken.answer),
            Self::Unavailable(answer) => Some(answer),
            _ => None,
        }
    }
}

impl From<core::convert::Infallible> for Error {
    fn from(never: core::convert::Infallible) -> Self {
        match never {}
    }
}

/// What to do after an error. [`Left`](crate::Left) says what is left of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// Try again later, after this time if the server gave one.
    RetryLater(Option<Duration>),
    /// The grant, or the person's consent, is gone: send the person through the flow again.
    Reauthorize,
    /// The same request will fail again: correct the registration, the credentials or the server's settings.
    FixConfiguration,
    /// The program gave a value that cannot be used: correct the program.
    FixCaller,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RetryLater(Some(after)) => write!(f, "try again in {} s", seconds(*after)),
            Self::RetryLater(None) => f.write_str("try again later"),
            Self::Reauthorize => f.write_str("ask the person to authorize again"),
            Self::FixConfiguration => f.write_str("correct the client's registration or settings"),
            Self::FixCaller => f.write_str("correct the value that was given"),
        }
    }
}

/// Whether a request without an answer may have reached the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "a third answer to \"was it sent?\" does not exist")]
pub enum Sent {
    /// Certainly not: the name was not resolved, the connection refused, the TLS handshake not finished.
    NotSent,
    /// Everything else, and every case of doubt.
    MaybeSent,
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSent => "was not sent",
            Self::MaybeSent => "may have been sent",
        })
    }
}

/// In whole seconds, rounded up, because a wait that is too short is refused again.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0))
}
