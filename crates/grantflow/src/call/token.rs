//! The token endpoint's answer (RFC 6749 §5.1, §5.2), and what it means for a grant.

use http::Response;

use super::not_granted::NotGranted;
use super::received::{Received, broken, is_compressed, kept, unexpected};
use crate::answer::token::{self, Content, Kind, Member, Rules, StatedError, TokenAnswer, Unread};
use crate::client::ClientData;
use crate::error::verdict::{self, Purpose};
use crate::error::{Error, ErrorResponse, Refused, UrlRole, Violation};
use crate::server::{Message, Quirks};
use crate::value::secret::RefreshToken;
use crate::value::time::UnixTime;
use crate::wire::object::Table as _;

/// The grant of a token request, as far as it changes the meaning of an error code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// A refresh token (RFC 6749 §6).
    Refresh,
    /// A code with which the client polls until the person has decided (RFC 8628 §3.4).
    Poll,
    /// An `auth_req_id`, with which the client polls until the person has decided (OpenID CIBA §10.1).
    BackchannelPoll,
    /// Anything else.
    Other,
}

/// Reads a token endpoint's answer (RFC 6749 §5.1, §5.2). `build` makes the flow's output from the checked members.
#[inline]
pub(crate) fn token_answer<B: AsRef<[u8]>, K: Kind, T>(
    client: &ClientData,
    now: UnixTime,
    grant: Grant,
    response: &Response<B>,
    build: impl FnOnce(TokenAnswer<'_, K>) -> Result<T, Violation>,
) -> Result<T, NotGranted> {
    let purpose = match grant {
        Grant::Poll => Purpose::Poll,
        Grant::BackchannelPoll => Purpose::BackchannelPoll,
        Grant::Refresh | Grant::Other => Purpose::Token,
    };
    let received = &Received::new(UrlRole::Token, purpose, now, response)?;
    let (status, body) = (received.status, received.body);
    let quirks = client.server.quirks();
    let renamed = |name: &str| Member::named(quirks.standard(Message::TokenAnswer, name)?);
    let rules = Rules::of(quirks, &renamed);
    match token::read(body, &rules) {
        Ok(Content::Token(answer)) if status.is_success() => {
            build(answer).map_err(|violation| unusable(received, Unread { holds_token: true, ..violation.into() }))
        }
        Ok(Content::Token(_)) => Err(unexpected(received)),
        Ok(Content::Error(stated)) => Err(refused(quirks, grant, received, &stated)),
        Err(unread) => Err(match token::error_in_unread(body, &rules, unread) {
            Ok(stated) => refused(quirks, grant, received, &stated),
            Err(unread) => unreadable(received, unread),
        }),
    }
}

#[inline(always)]
fn refused(quirks: &Quirks, grant: Grant, received: &Received<'_>, stated: &StatedError<'_>) -> NotGranted {
    let mut answer = kept(received);
    let code = quirks.error_code(Message::TokenAnswer, grant == Grant::Refresh, Some(received.status), &stated.code);
    let (meaning, next) =
        verdict::meaning(received.purpose, received.status, answer.retry_after, verdict::Content::Code(&code));
    answer.meaning = meaning;
    let response = ErrorResponse::new(code, next, stated.description.as_deref(), stated.uri.as_deref());
    NotGranted::new(Error::Refused(Box::new(Refused { response, answer })), meaning)
}

#[cold]
fn unreadable(received: &Received<'_>, unread: Unread<'_>) -> NotGranted {
    let status = received.status;
    if verdict::is_spoken(status) && is_compressed(received, unread.violation) {
        broken(received, Violation::Compressed, false)
    } else if status.is_success() || verdict::is_spoken(status) && unread.violation.is_about_the_error() {
        unusable(received, unread)
    } else {
        unexpected(received)
    }
}

#[cold]
fn unusable(received: &Received<'_>, unread: Unread<'_>) -> NotGranted {
    let success = received.status.is_success();
    let rescued = unread.refresh_token.filter(|_| success).map(|text| RefreshToken::new(text.into_owned()));
    let mut no = broken(received, unread.violation, unread.cut);
    if let Error::Protocol(error) = &mut no.error {
        error.token_answer = unread.holds_token && success;
    }
    no.rescued = rescued;
    no
}
