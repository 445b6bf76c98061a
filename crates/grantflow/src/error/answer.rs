//! What is kept of the answer behind an error, bounded and redacted.

use core::fmt;
use core::time::Duration;

use http::{HeaderMap, StatusCode, header};
use zeroize::Zeroizing;

use super::Next;

/// What came back over HTTP, as far as it is kept: status, `Retry-After`, `WWW-Authenticate`, and the start of the body.
#[derive(Clone)]
pub struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    challenge: Option<Box<Zeroizing<Vec<u8>>>>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// How much of a body is kept.
    pub(crate) const KEPT: usize = 8 * 1024;
    /// How much of a challenge is kept.
    const KEPT_CHALLENGE: usize = 1024;

    pub(crate) fn new(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let kept = body.get(..Self::KEPT).unwrap_or(body);
        Self { status, retry_after, challenge: None, body: Zeroizing::new(kept.to_vec()) }
    }

    #[cold]
    pub(crate) fn challenged(mut self, headers: &HeaderMap) -> Self {
        self.challenge = headers.get(header::WWW_AUTHENTICATE).map(|challenge| {
            let challenge = challenge.as_bytes();
            let kept = challenge.get(..Self::KEPT_CHALLENGE).unwrap_or(challenge);
            Box::new(Zeroizing::new(kept.to_vec()))
        });
        self
    }

    /// What the status alone says about asking again.
    pub(super) fn next(&self) -> Next {
        match self.status.as_u16() {
            501 | 505 => Next::FixConfiguration,
            _ => Next::RetryLater(self.retry_after),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// `Retry-After` (RFC 9110 §10.2.3) as a wait from now: never negative, at most 24 hours.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The first 1 KiB of the first `WWW-Authenticate` of a 401 (RFC 9110 §11.6.1, RFC 6749 §5.2), as they came: how the
    /// server wants the client to authenticate. It can quote what was sent: escape it before it is shown.
    pub fn untrusted_challenge(&self) -> Option<&[u8]> {
        self.challenge.as_ref().map(|challenge| challenge.as_slice())
    }

    /// The first 8 KiB of the body, as they came. They can hold secrets: servers quote requests.
    pub fn untrusted_body(&self) -> &[u8] {
        &self.body
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Answer {{ status: {}, retry_after: {:?}, challenge: {:?}, body: [{} bytes] }}",
            self.status.as_u16(),
            self.retry_after,
            self.challenge.as_ref().map(|challenge| challenge.len()),
            self.body.len()
        )
    }
}
