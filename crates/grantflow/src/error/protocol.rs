//! An answer that breaks the protocol.

use core::fmt;

use super::verdict::{self, Content};
use super::{Answer, Document, Mismatch, Next, UrlRole, Violation};

/// The members of a token answer (RFC 6749 §5.1, §5.2): a body with one of these names was meant to be one.
const TOKEN_ANSWER: [&str; 9] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "id_token",
    "error",
    "error_description",
    "error_uri",
];

/// The server's answer breaks the protocol.
#[derive(Debug, Clone)]
pub struct ProtocolError {
    pub(crate) violation: Violation,
    pub(crate) answer: Answer,
    /// Whether the body ends before the message does.
    pub(crate) cut: bool,
    /// Whether it is a 2xx that has an `access_token` or a `refresh_token`.
    pub(crate) token_answer: bool,
    /// Only for a metadata document.
    pub(crate) document: Option<Box<Document>>,
}

impl ProtocolError {
    /// The kind of violation.
    pub fn violation(&self) -> Violation {
        self.violation
    }

    /// The described and the requested issuer or resource, if the two differ: [`Violation::OtherIssuer`],
    /// [`Violation::OtherResource`].
    pub fn mismatch(&self) -> Option<&Mismatch> {
        self.document.as_ref()?.mismatch.as_ref()
    }

    /// The verb for the answer as a whole. A missing document does not break the protocol.
    pub(super) fn how(&self) -> &'static str {
        if self.document.is_some() { "cannot be used" } else { "broke the protocol" }
    }

    pub(super) fn next(&self) -> Next {
        let content = if self.cut { Content::Cut } else { Content::Other };
        verdict::meaning(verdict::Purpose::Other, self.answer.status, self.answer.retry_after, content).1
    }

    /// Whether another server seems to have answered.
    fn is_elsewhere(&self) -> bool {
        let body = self.answer.body.trim_ascii();
        match (self.violation, self.answer.status.as_u16()) {
            (Violation::NotJson { .. }, _) => body.starts_with(b"<"),
            (Violation::UnexpectedStatus, 401) => false,
            (Violation::UnexpectedStatus, 403 | 405 | 501)
                if matches!(self.answer.endpoint, UrlRole::Registration | UrlRole::ClientConfiguration) =>
            {
                false
            }
            (Violation::UnexpectedStatus, 403) => !body.is_empty(),
            (violation, _) => matches!(violation, Violation::Redirect | Violation::UnexpectedStatus),
        }
    }

    /// What to try, if the violation alone does not say it.
    fn hint(&self) -> Option<&'static str> {
        let body = self.answer.body.trim_ascii();
        // Quirks change how a token answer is read, and the names in a device answer and in the answer to a backchannel
        // authentication request. Elsewhere they would not help.
        let at_token = self.answer.endpoint == UrlRole::Token;
        let can_rename = at_token
            || matches!(self.answer.endpoint, UrlRole::DeviceAuthorization | UrlRole::BackchannelAuthentication);
        match (self.violation, self.answer.status.as_u16()) {
            (Violation::NotJson { .. }, _) if body.starts_with(b"\xef\xbb\xbf") => {
                Some("; it starts with a byte order mark, which JSON on the network must not have (RFC 8259 §8.1)")
            }
            (Violation::NotJson { .. }, _) if body.starts_with(b"<") => Some("; it looks like HTML or XML"),
            (Violation::NotJson { .. }, _) if at_token && is_form(body) => {
                Some("; it is form-encoded: see `Quirk::FormEncodedAnswer`")
            }
            (Violation::UnexpectedStatus, 400 | 401 | 403) if at_token && body.starts_with(b"{") => {
                Some("; if the body states an error in another place, see `Quirk::ErrorPath`")
            }
            (Violation::Missing("access_token"), _) if holds(body, "access_token") => {
                Some("; there is one further inside: see `Quirk::TokenPath`")
            }
            (Violation::Missing("access_token"), _)
                if ["AccessToken", "accesstoken", "token"].iter().any(|name| holds(body, name)) =>
            {
                Some("; there is a token under another name: see `Quirk::RenamedParameter`")
            }
            (Violation::Missing(member), _) if can_rename && holds(body, &camel_case(member)) => {
                Some("; it is there under another name: see `Quirk::RenamedParameter`")
            }
            // No member of a token answer and no `error`: some servers state errors elsewhere, with 200.
            (Violation::Missing("access_token"), _)
                if !TOKEN_ANSWER.iter().any(|member| holds(body, member)) && body.len() > "{}".len() =>
            {
                Some("; if the body states an error in another place, see `Quirk::ErrorPath`")
            }
            (Violation::UnknownTokenType, _) if holds(body, "N_A") => Some(
                "; N_A says that the issued token is no access token: only a token exchange takes it (RFC 8693 §2.2.1)",
            ),
            (Violation::WrongType("error"), _) if !at_token => None,
            (Violation::UnexpectedStatus, 405 | 501) if self.answer.endpoint == UrlRole::ClientConfiguration => {
                Some("; the server does not let a client do this with its registration")
            }
            _ => self.violation.hint(),
        }
    }
}

/// Whether a JSON text contains this name.
fn holds(body: &[u8], name: &str) -> bool {
    let quoted = format!("\"{name}\"");
    body.windows(quoted.len()).any(|window| window == quoted.as_bytes())
}

/// `accessToken` for `access_token`.
fn camel_case(member: &str) -> String {
    let mut name = String::new();
    for (at, word) in member.split('_').enumerate() {
        let (first, rest) = word.split_at_checked(usize::from(at > 0)).unwrap_or_default();
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

/// Whether it looks like a token endpoint's form: a known name, and `=`.
fn is_form(body: &[u8]) -> bool {
    body.split(|b| *b == b'&').any(|pair| {
        let name = pair.split(|b| *b == b'=').next().filter(|name| name.len() < pair.len());
        name.and_then(|name| core::str::from_utf8(name).ok()).is_some_and(|name| TOKEN_ANSWER.contains(&name))
    })
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.answer.status.as_u16();
        let nothing = self.answer.body.trim_ascii().is_empty();
        if let Some(mismatch) = self.mismatch() {
            return write!(f, "{mismatch} (HTTP {status})");
        }
        match (self.violation, status) {
            (Violation::UnexpectedStatus, 401 | 403) if self.answer.endpoint == UrlRole::Registration => f.write_str(
                "it registers only clients with an initial access token that it knows; get one from its operator",
            )?,
            (Violation::UnexpectedStatus, 401 | 403) if self.answer.endpoint == UrlRole::ClientConfiguration => f
                .write_str(
                    "the registration access token is not valid here any more, or the client is gone; read your store again, \
                     and if there is no newer token, register anew",
                )?,
            (Violation::UnexpectedStatus, 401) => f.write_str(
                "it asks the client to authenticate and states no OAuth error; check the client's id, secret and way to \
                 authenticate",
            )?,
            (Violation::UnexpectedStatus, 403) if nothing => f.write_str(
                "it denies access and states no OAuth error; check the client's id, secret and way to authenticate",
            )?,
            (violation, _) => write!(f, "{violation}{}", self.hint().unwrap_or_default())?,
        }
        if let Some(document) = &self.document {
            let is_last = |number| number + 1 == document.asked.len();
            for (number, url) in document.asked.iter().enumerate() {
                match self.violation {
                    Violation::NoDocument if number == 0 => write!(f, " at {url}")?,
                    Violation::NoDocument => write!(f, " nor at {url}")?,
                    // The last document is the one that was read, or could not be read.
                    _ if is_last(number) => write!(f, "; the document asked for is {url}")?,
                    _ => {}
                }
            }
        } else if self.is_elsewhere() {
            let joint = if matches!(self.violation, Violation::NotJson { .. }) { ':' } else { ';' };
            write!(f, "{joint} check the {}'s URL", self.answer.endpoint.name())?;
        }
        write!(f, " (HTTP {status})")
    }
}
