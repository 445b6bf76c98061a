//! Whether an answer that grants nothing is the authorization server's verdict. One function decides what the answer
//! means for the grant and what to do next, so the two cannot contradict each other.

use core::time::Duration;

use http::StatusCode;

use super::{ErrorCode, Next, UrlRole};

/// What an answer that grants nothing says about the grant.
///
/// A verdict needs a status that servers use for errors (400, 401, 403 or a 2xx) and a code that an RFC registers for
/// this message, or that a quirk maps to one. What is left depends on the grant:
///
/// | meaning | a grant that is used once (a code) | one that may be used again (a refresh token) |
/// |---|---|---|
/// | [`Over`](Self::Over) | [`Spent`](crate::Left::Spent) | `Spent` |
/// | [`RequestRefused`](Self::RequestRefused) | `Spent` | [`Intact`](crate::Left::Intact) |
/// | [`NotProcessed`](Self::NotProcessed) | `Intact` | `Intact` |
/// | [`Nothing`](Self::Nothing) | [`Unknown`](crate::Left::Unknown) | `Unknown` |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Meaning {
    /// The server's verdict on the grant: it is over (`invalid_grant`, RFC 6749 §5.2).
    Over,
    /// The server's verdict on the request, such as `invalid_client`. A server may burn a code with it; it says nothing about
    /// a refresh token.
    RequestRefused,
    /// The server has not looked at the grant: 429, 503 with `Retry-After`, or `use_dpop_nonce` (RFC 9449 §8).
    NotProcessed,
    /// No verdict. A proxy's 502 or a framework's 404 can follow a grant that the server has used.
    Nothing,
}

/// The purpose of a request. It decides which codes are a verdict: those that an RFC registers for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A token, by a grant (RFC 6749 §5.2).
    Token,
    /// A token, requested repeatedly until a person has decided (RFC 8628 §3.5).
    Poll,
    /// The same for a backchannel authentication request (OpenID CIBA §11, §12).
    BackchannelPoll,
    /// A backchannel authentication request: the server asks a person (OpenID CIBA §13).
    Backchannel,
    /// A registration, or the management of one: the server may have made a client, or changed it (RFC 7591, RFC 7592).
    Registration,
    /// Anything else, at an endpoint without a grant at stake.
    Other,
}

impl Purpose {
    fn is_a_poll(self) -> bool {
        matches!(self, Self::Poll | Self::BackchannelPoll)
    }

    /// The purpose of a request to an endpoint other than the token endpoint.
    pub(crate) fn at(endpoint: UrlRole) -> Self {
        match endpoint {
            UrlRole::BackchannelAuthentication => Self::Backchannel,
            UrlRole::Registration | UrlRole::ClientConfiguration => Self::Registration,
            _ => Self::Other,
        }
    }
}

/// The content of the body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'c> {
    /// An error code.
    Code(&'c ErrorCode),
    /// Nothing, or the start of something: the rest was lost.
    Cut,
    /// Anything else.
    Other,
}

/// Whether a token endpoint uses this status for errors: RFC 6749 §5.2 has 400 and 401; servers use 403
/// and 2xx as well.
#[inline]
pub(crate) fn is_spoken(status: StatusCode) -> bool {
    status.is_success() || matches!(status.as_u16(), 400 | 401 | 403)
}

/// What an answer that grants nothing means, and what to do next.
///
/// A verdict needs a status that such servers use and a code that an RFC registers for this answer, or that a quirk of
/// the server maps to one. If no grant can be lost, any code is one.
#[inline]
pub(crate) fn meaning(
    purpose: Purpose,
    status: StatusCode,
    retry_after: Option<Duration>,
    content: Content<'_>,
) -> (Meaning, Next) {
    let later = Next::RetryLater(retry_after);
    match (status.as_u16(), content) {
        (429, _) => (Meaning::NotProcessed, later),
        (503, _) if retry_after.is_some() => (Meaning::NotProcessed, later),
        // The person has not decided yet (RFC 8628 §3.5). It ends nothing, so it counts with every status: Google's is 428.
        (_, Content::Code(ErrorCode::AuthorizationPending | ErrorCode::SlowDown)) if purpose.is_a_poll() => {
            (Meaning::NotProcessed, later)
        }
        (_, Content::Code(code)) if is_spoken(status) => match code {
            ErrorCode::InvalidGrant => (Meaning::Over, Next::Reauthorize),
            ErrorCode::ExpiredToken if purpose.is_a_poll() => (Meaning::Over, Next::Reauthorize),
            ErrorCode::TransactionFailed if purpose == Purpose::BackchannelPoll => (Meaning::Over, Next::Reauthorize),
            // Nobody is asked at these endpoints: it is the token that is not good enough.
            ErrorCode::AccessDenied if purpose == Purpose::Registration => {
                (Meaning::RequestRefused, Next::FixConfiguration)
            }
            // RFC 8628 §3.5 registers it for token answers.
            ErrorCode::AccessDenied => (Meaning::RequestRefused, Next::Reauthorize),
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidClient
            | ErrorCode::UnauthorizedClient
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget
            | ErrorCode::InvalidAuthorizationDetails
            | ErrorCode::InvalidDpopProof => (Meaning::RequestRefused, Next::FixConfiguration),
            // OpenID CIBA §13: the server has asked nobody.
            ErrorCode::ExpiredLoginHintToken
            | ErrorCode::UnknownUserId
            | ErrorCode::MissingUserCode
            | ErrorCode::InvalidUserCode
            | ErrorCode::InvalidBindingMessage
                if purpose == Purpose::Backchannel =>
            {
                (Meaning::RequestRefused, Next::FixCaller)
            }
            // RFC 7591 §3.2.2, and RFC 6750 §3.1 for the token with which a client registers or manages itself.
            ErrorCode::InvalidRedirectUri
            | ErrorCode::InvalidClientMetadata
            | ErrorCode::InvalidSoftwareStatement
            | ErrorCode::UnapprovedSoftwareStatement
            | ErrorCode::InvalidToken
            | ErrorCode::InsufficientScope
                if purpose == Purpose::Registration =>
            {
                (Meaning::RequestRefused, Next::FixConfiguration)
            }
            // RFC 9449 §8: the server wants a proof with a nonce before it looks at the grant.
            ErrorCode::UseDpopNonce => (Meaning::NotProcessed, Next::FixConfiguration),
            // Registered for the authorization response only, but also used here: it describes the server's state.
            ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => (Meaning::Nothing, later),
            _ if purpose == Purpose::Other => (Meaning::RequestRefused, Next::FixConfiguration),
            _ => (Meaning::Nothing, Next::FixConfiguration),
        },
        (200..=299, Content::Cut) => (Meaning::Nothing, later),
        // Too slow, at the wrong server of an address, or too early: RFC 9110 §15.5.9, §15.5.20, RFC 8470 §5.2.
        (408 | 421 | 425, _) => (Meaning::Nothing, later),
        (501 | 505, _) => (Meaning::Nothing, Next::FixConfiguration),
        // A status outside of 100 to 599 counts as a server error (RFC 9110 §15).
        (500.., _) => (Meaning::Nothing, later),
        _ => (Meaning::Nothing, Next::FixConfiguration),
    }
}
