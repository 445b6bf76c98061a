//! An HTTP response, before its content is read.

use http::{HeaderMap, Response, StatusCode, header};

use super::not_granted::NotGranted;
use crate::contract::is_interim;
use crate::error::verdict::{self, Meaning, Purpose};
use crate::error::{Answer, Error, ProtocolError, UrlRole, Violation};
use crate::value::time::UnixTime;
use crate::wire::retry_after;

/// The greatest number of bytes of an answer. Adapters stop earlier; this is for stacks that do not.
const MAX_BODY: usize = 1024 * 1024;

/// An HTTP response.
pub(super) struct Received<'r> {
    pub(super) endpoint: UrlRole,
    pub(super) purpose: Purpose,
    pub(super) status: StatusCode,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
    pub(super) now: UnixTime,
}

impl<'r> Received<'r> {
    /// A whole answer that may say something: no interim one, no redirect, no body without end.
    #[inline(always)]
    pub(super) fn new<B: AsRef<[u8]>>(
        endpoint: UrlRole,
        purpose: Purpose,
        now: UnixTime,
        response: &'r Response<B>,
    ) -> Result<Self, NotGranted> {
        if let Some(error) = is_interim(response) {
            return Err(NotGranted::new(error, Meaning::Nothing));
        }
        let (status, headers, body) = (response.status(), response.headers(), response.body().as_ref());
        let received = Self { endpoint, purpose, status, headers, body, now };
        if status.is_redirection() {
            return Err(broken(&received, Violation::Redirect, false));
        }
        if body.len() > MAX_BODY {
            return Err(broken(&received, Violation::TooLarge, false));
        }
        Ok(received)
    }
}

/// A status that neither grants nor states an error.
#[cold]
pub(super) fn unexpected(received: &Received<'_>) -> NotGranted {
    let status = received.status;
    // A status outside of 100 to 599 counts as a server error (RFC 9110 §15).
    if status != StatusCode::TOO_MANY_REQUESTS && status.as_u16() < 500 {
        return broken(received, Violation::UnexpectedStatus, false);
    }
    let answer = kept(received);
    let (meaning, _) = verdict::meaning(received.purpose, status, answer.retry_after, verdict::Content::Other);
    NotGranted::new(Error::Unavailable(Box::new(answer)), meaning)
}

/// An answer that breaks the protocol; `cut` if its body ends before the message does.
#[cold]
pub(super) fn broken(received: &Received<'_>, violation: Violation, cut: bool) -> NotGranted {
    let answer = kept(received);
    let content = if cut { verdict::Content::Cut } else { verdict::Content::Other };
    let (meaning, _) = verdict::meaning(received.purpose, answer.status, answer.retry_after, content);
    let error = ProtocolError { violation, answer, cut, token_answer: false, document: None };
    NotGranted::new(Error::Protocol(Box::new(error)), meaning)
}

/// Whether a body that could not be read is compressed: by its header, or by gzip's first bytes (RFC 1952 §2.3.1).
pub(super) fn is_compressed(received: &Received<'_>, violation: Violation) -> bool {
    let unreadable = matches!(violation, Violation::NotJson { .. } | Violation::NotForm);
    let coded = || {
        let values = received.headers.get_all(header::CONTENT_ENCODING);
        values.iter().flat_map(|value| value.as_bytes().split(|b| *b == b',')).any(|coding| {
            let coding = coding.trim_ascii();
            !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity")
        })
    };
    unreadable && (received.body.starts_with(&[0x1f, 0x8b]) || coded())
}

#[inline]
pub(super) fn kept(&Received { endpoint, status, headers, body, now, .. }: &Received<'_>) -> Answer {
    let retry_after = headers.get(&header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = retry_after.and_then(|text| retry_after::parse(text, now));
    let answer = Answer::new(endpoint, status, retry_after, body);
    // A 401 must have `WWW-Authenticate` (RFC 9110 §11.6.1), and only there it means something to a client.
    let one_counts = status == StatusCode::UNAUTHORIZED || status.is_redirection();
    if one_counts { answer.keep_header(headers) } else { answer }
}
