//! A callback that is ours and invalid.

use core::fmt;

use crate::error::ErrorResponse;

/// Why a callback with the right `state` was refused. The grant is over: `state` is one-time.
#[derive(Clone)]
pub struct Rejection {
    pub(super) reason: RejectionReason,
    pub(super) expected_iss: Option<Box<str>>,
    pub(super) received_iss: Option<Box<str>>,
    pub(super) error: Option<Box<ErrorResponse>>,
}

impl Rejection {
    pub(super) fn new(reason: RejectionReason) -> Self {
        Self { reason, expected_iss: None, received_iss: None, error: None }
    }

    /// Why.
    pub fn reason(&self) -> RejectionReason {
        self.reason
    }

    /// The configured issuer of the client's server, if the issuer is the reason.
    pub fn expected_iss(&self) -> Option<&str> {
        self.expected_iss.as_deref()
    }

    /// The `iss` parameter of the callback, at most 1 KiB of it, if it is the reason. The sender of the callback wrote
    /// it.
    pub fn untrusted_iss(&self) -> Option<&str> {
        self.received_iss.as_deref()
    }

    /// The OAuth error that the callback claims. **It is unknown who wrote it**: the check that would tell has failed
    /// (RFC 9207 §2.4). Use it for a log, not for a decision.
    pub fn untrusted_error(&self) -> Option<&ErrorResponse> {
        self.error.as_deref()
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Rejection {{ reason: {:?}, expected_iss: {:?}, error: {:?} }}",
            self.reason, self.expected_iss, self.error
        )
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the callback was refused: {}", self.reason)?;
        match &self.expected_iss {
            Some(issuer) => write!(f, " (expected {issuer}, from the server's configuration)"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Rejection {}

/// Why a callback with the right `state` was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectionReason {
    /// A parameter other than `state` occurs twice (RFC 6749 §3.1), or is not form-encoded UTF-8, or the code or the
    /// error has a character that is not printable ASCII (RFC 6749 appendix A.7, A.11).
    Malformed,
    /// `iss` is not the server's issuer (RFC 9207 §2.4): another server may have answered.
    WrongIssuer,
    /// `iss` is missing, and this server always sends it (RFC 9207 §2.4).
    MissingIssuer,
    /// It has a token or a response object, which this flow never requests (RFC 9700 §2.1.2).
    FrontChannelToken,
    /// It has neither a code nor an error, or an empty one.
    NoCode,
}

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => {
                "a parameter occurs twice, is not form-encoded UTF-8, or has a character that it must not have"
            }
            Self::WrongIssuer => "iss names another issuer",
            Self::MissingIssuer => "iss is missing, although this server always sends it",
            Self::FrontChannelToken => "it has a token or a response object, which was not requested",
            Self::NoCode => "it has neither a code nor an error",
        })
    }
}
