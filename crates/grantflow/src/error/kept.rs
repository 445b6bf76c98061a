//! What is kept of the answer behind an error, bounded and redacted.

use core::fmt;
use core::time::Duration;

use http::{HeaderMap, StatusCode, header};
use zeroize::Zeroizing;

use super::UrlRole;
use super::verdict::Meaning;

/// The answer, as far as it is kept: status, `Retry-After`, the start of the body, the `WWW-Authenticate` of a 401, and
/// the `Location` of a redirect.
#[derive(Clone)]
pub struct Answer {
    /// The endpoint of the answer.
    pub(crate) endpoint: UrlRole,
    /// What an error code in it says about a grant. Here it costs no room.
    pub(crate) meaning: Meaning,
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
    /// The lines of `WWW-Authenticate` of a 401 with line breaks between them, or `Location` of a 3xx: no answer needs
    /// both.
    header: Option<Box<Zeroizing<Vec<u8>>>>,
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Answer {
    /// How much of a body is kept.
    pub(crate) const KEPT: usize = 8 * 1024;
    /// How much of a header is kept.
    const KEPT_HEADER: usize = 1024;

    #[inline]
    pub(crate) fn new(endpoint: UrlRole, status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let kept = body.get(..Self::KEPT).unwrap_or(body);
        Self {
            endpoint,
            meaning: Meaning::Nothing,
            status,
            retry_after,
            header: None,
            body: Zeroizing::new(kept.to_vec()),
        }
    }

    #[cold]
    pub(crate) fn keep_header(mut self, headers: &HeaderMap) -> Self {
        let (name, lines) = match self.status {
            StatusCode::UNAUTHORIZED => (header::WWW_AUTHENTICATE, usize::MAX),
            _ => (header::LOCATION, 1),
        };
        let mut kept: Option<Zeroizing<Vec<u8>>> = None;
        for value in headers.get_all(name).iter().take(lines) {
            let kept = match &mut kept {
                Some(kept) => {
                    kept.push(b'\n');
                    kept
                }
                None => kept.insert(Zeroizing::new(Vec::with_capacity(Self::KEPT_HEADER))),
            };
            let left = Self::KEPT_HEADER.saturating_sub(kept.len());
            kept.extend_from_slice(value.as_bytes().get(..left).unwrap_or(value.as_bytes()));
            if kept.len() >= Self::KEPT_HEADER {
                kept.truncate(Self::KEPT_HEADER);
                break;
            }
        }
        self.header = kept.map(Box::new);
        self
    }

    /// Names the endpoint in a sentence.
    pub(super) fn who(&self) -> Who {
        Who(self.endpoint)
    }

    /// The endpoint that was asked.
    pub fn endpoint(&self) -> UrlRole {
        self.endpoint
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// `Retry-After` (RFC 9110 §10.2.3) as a wait from now: never negative, at most 24 hours.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The first `WWW-Authenticate` of a 401 (RFC 9110 §11.6.1, RFC 6749 §5.2), at most 1 KiB of it, as it came: how
    /// the server wants the client to authenticate. It can quote what was sent: escape it before you show it.
    /// [`challenges`](Self::challenges) has all of them, parsed.
    pub fn untrusted_challenge(&self) -> Option<&[u8]> {
        self.challenge_lines().next()
    }

    /// The lines of `WWW-Authenticate` of a 401, 1 KiB of them together.
    pub(crate) fn challenge_lines(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.header.as_ref().filter(|_| self.status == StatusCode::UNAUTHORIZED);
        lines.into_iter().flat_map(|lines| lines.split(|b| *b == b'\n'))
    }

    /// Whether the end of the last line was cut.
    pub(crate) fn challenge_is_cut(&self) -> bool {
        self.header.as_ref().is_some_and(|header| header.len() >= Self::KEPT_HEADER)
    }

    /// The first 1 KiB of the `Location` of a redirect (RFC 9110 §10.2.2), as it came: where the server or a proxy
    /// wanted the request to go. The request did not go there, because it holds credentials. It can quote what was
    /// sent: escape it before you show it, and do not send a person there.
    pub fn untrusted_location(&self) -> Option<&[u8]> {
        let header = self.header.as_ref().filter(|_| self.status.is_redirection());
        header.map(|location| location.as_slice())
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
            "Answer {{ endpoint: {:?}, status: {}, retry_after: {:?}, header: {:?}, body: [{} bytes] }}",
            self.endpoint.name(),
            self.status.as_u16(),
            self.retry_after,
            self.header.as_ref().map(|header| header.len()),
            self.body.len()
        )
    }
}

/// Who answered: at the token endpoint, the authorization server; otherwise the endpoint by its name.
pub(super) struct Who(UrlRole);

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            UrlRole::Token => f.write_str("the authorization server"),
            other => write!(f, "{other}"),
        }
    }
}
