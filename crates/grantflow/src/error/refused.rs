//! An answer with an error code.

use core::fmt;

use super::verdict::{self, Meaning};
use super::{Answer, ErrorCode, ErrorResponse, Next, UrlRole};

/// An answer with an error code (RFC 6749 §5.2).
#[derive(Debug, Clone)]
pub struct Refused {
    pub(crate) response: ErrorResponse,
    pub(crate) answer: Answer,
}

impl Refused {
    /// Code, description and URI.
    pub fn response(&self) -> &ErrorResponse {
        &self.response
    }

    /// What to do about the error.
    pub fn next(&self) -> Next {
        self.response.next()
    }

    /// What the answer says about the grant.
    pub fn meaning(&self) -> Meaning {
        self.answer.meaning
    }

    /// Whether it is the server's verdict: its status is 400, 401, 403 or a 2xx, and its code is one that an RFC registers for
    /// token answers, or that [`Quirk::ErrorCode`](crate::Quirk::ErrorCode) maps to one. Anything else, such as a
    /// framework's 404 with `{"error":"Not Found"}`, says nothing about the grant.
    pub fn is_verdict(&self) -> bool {
        matches!(self.answer.meaning, Meaning::Over | Meaning::RequestRefused)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, status, next) = (self.response.code(), self.answer.status, self.next());
        let (who, number) = (self.answer.who(), status.as_u16());
        match (self.answer.meaning, code) {
            (Meaning::Over | Meaning::RequestRefused | Meaning::NotProcessed, _) => {
                write!(f, "{who} refused: {code} (HTTP {number}); {next}")
            }
            (Meaning::Nothing, ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)
                if verdict::is_spoken(status) =>
            {
                write!(f, "{who} could not answer: {code} (HTTP {number}); {next}")
            }
            // Only token answers have codes that a quirk maps.
            (Meaning::Nothing, _) if verdict::is_spoken(status) && self.answer.endpoint != UrlRole::Token => write!(
                f,
                "{who} refused: {code} (HTTP {number}), which proves nothing because no RFC defines it for this answer; {next}"
            ),
            (Meaning::Nothing, _) if verdict::is_spoken(status) => write!(
                f,
                "{who} refused: {code} (HTTP {number}), which says nothing about the grant because no \
                 RFC defines it for this answer; if the server documents it, see `Quirk::ErrorCode`; {next}"
            ),
            (Meaning::Nothing, _) if matches!(next, Next::RetryLater(_)) => {
                write!(f, "{who} is not available: {code} (HTTP {number}) is no verdict; {next}")
            }
            (Meaning::Nothing, _) => write!(
                f,
                "the answer is not the {endpoint}'s: {code} (HTTP {number}) is no verdict; check the {endpoint}'s URL; {next}",
                endpoint = self.answer.endpoint.name()
            ),
        }
    }
}
