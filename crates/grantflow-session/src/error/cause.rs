//! What became of a request that brought no tokens.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::{Next, Sent, UnixTime};

use crate::error::SessionError;
use crate::record::{Mark, RecordFault, Verdict};

/// What made a renewal fail: the flow, or the HTTP stack.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Cause {
    /// The flow's error.
    OAuth(grantflow::Error),
    /// The error of the session's [`Source`](crate::Source): it has no exchange now. Also [`RecordFault`](crate::RecordFault)
    /// if the tokens of its exchange belong to another client; then they were not taken.
    Source(Arc<dyn std::error::Error + Send + Sync>),
    /// The HTTP stack's error, if no complete answer came.
    Transport(Arc<dyn std::error::Error + Send + Sync>),
    /// Another process or an earlier run sent the last request. This is what the store says about it.
    Earlier(Earlier),
    /// The server gave a token that was of no use: it was over when it arrived, or the API refused it like the one
    /// before.
    OfNoUse,
    /// Nothing was sent: other sessions of this process got no answer from this token endpoint, and their
    /// [`Breaker`](crate::Breaker) holds requests back.
    HeldBack,
}

/// What the store says about a request that another process or an earlier run sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Earlier {
    at: UnixTime,
    status: Option<u16>,
    refused: bool,
}

impl Earlier {
    pub(crate) fn sent(mark: &Mark) -> Self {
        Self { at: mark.at, status: mark.rest().and_then(|rest| rest.status), refused: false }
    }

    pub(crate) fn refused(verdict: Verdict) -> Self {
        Self { at: verdict.at(), status: verdict.status, refused: true }
    }

    /// When the request was sent, or when its verdict came.
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// The HTTP status of the answer, if one came.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether the answer was a verdict: `invalid_grant`, or a code that a quirk maps to it.
    pub fn is_verdict(&self) -> bool {
        self.refused
    }
}

impl Cause {
    /// The HTTP status of the answer, if one came.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::OAuth(error) => error.status().map(|status| status.as_u16()),
            Self::Earlier(earlier) => earlier.status,
            Self::Source(error) => match of_source(error) {
                OfSource::Flow(error) => error.status().map(|status| status.as_u16()),
                OfSource::Session(error) => error.cause().and_then(Self::status),
                OfSource::Other => None,
            },
            Self::Transport(_) | Self::OfNoUse | Self::HeldBack => None,
        }
    }

    /// How long the server wants no request, if it said so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::OAuth(error) => error.answer().and_then(|answer| answer.retry_after()),
            Self::Source(error) => match of_source(error) {
                OfSource::Flow(error) => error.answer().and_then(|answer| answer.retry_after()),
                OfSource::Session(error) => error.cause().and_then(Self::retry_after),
                OfSource::Other => None,
            },
            _ => None,
        }
    }

    /// What to do about it.
    pub(crate) fn next(&self) -> Next {
        match self {
            Self::OAuth(error) => error.next(),
            Self::Source(error) => match of_source(error) {
                OfSource::Flow(error) => error.next(),
                OfSource::Session(error) => error.next(),
                OfSource::Other if error.is::<RecordFault>() => Next::FixConfiguration,
                OfSource::Other => Next::RetryLater(None),
            },
            _ => Next::RetryLater(None),
        }
    }

    /// Whether a token answer was read and refused: the same request would bring the same answer.
    pub(crate) fn is_refused_answer(&self) -> bool {
        matches!(self, Self::OAuth(error) if error.answer_refused())
    }

    /// Status and code of a refusal. `None` for anything else.
    pub(crate) fn words(&self) -> Option<(u16, String)> {
        let Self::OAuth(error @ (grantflow::Error::Refused(_) | grantflow::Error::Protocol(_))) = self else {
            return None;
        };
        Some((self.status()?, error.code().map_or_else(String::new, |code| format!("{code:?}"))))
    }
}

/// An error of a source, if this workspace knows it.
enum OfSource<'a> {
    Flow(&'a grantflow::Error),
    Session(&'a SessionError),
    Other,
}

fn of_source<'a>(error: &'a Arc<dyn std::error::Error + Send + Sync>) -> OfSource<'a> {
    let error: &'a (dyn std::error::Error + 'static) = &**error;
    match (error.downcast_ref(), error.downcast_ref()) {
        (Some(error), _) => OfSource::Flow(error),
        (None, Some(error)) => OfSource::Session(error),
        (None, None) => OfSource::Other,
    }
}

impl fmt::Display for Earlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.refused, self.status) {
            (true, _) => write!(f, "the authorization server refused: invalid_grant")?,
            (false, Some(_)) => write!(f, "the answer to an earlier request proves nothing")?,
            (false, None) => write!(f, "no answer to an earlier request is known")?,
        }
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        write!(f, ", at {}", self.at)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OAuth(error) => error.fmt(f),
            Self::Transport(error) | Self::Source(error) => error.fmt(f),
            Self::Earlier(earlier) => earlier.fmt(f),
            Self::OfNoUse => f.write_str(
                "the server gave a token that was of no use: it was over when it arrived, or the API refused it like the one \
                 before; check `expires_in`, the audience and the scope",
            ),
            Self::HeldBack => f.write_str(
                "nothing was sent: other sessions of this process got no answer from the token endpoint, and their breaker is open",
            ),
        }
    }
}

impl std::error::Error for Cause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // `Display` has shown the error itself, so this is the source below it.
        match self {
            Self::OAuth(error) => error.source(),
            Self::Transport(error) | Self::Source(error) => error.source(),
            Self::Earlier(_) | Self::OfNoUse | Self::HeldBack => None,
        }
    }
}

/// No complete answer came: whether the request may have been sent, and the HTTP stack's error.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "the code that carries requests makes it")]
pub struct Unanswered {
    /// Whether the request may have been sent. If unknown, [`Sent::MaybeSent`].
    pub sent: Sent,
    /// Why no answer came. It must print no secret.
    pub cause: Arc<dyn std::error::Error + Send + Sync>,
}
