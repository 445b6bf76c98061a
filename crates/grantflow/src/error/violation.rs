//! The ways in which an answer can break the protocol.

use core::fmt;

use super::UrlFault;

/// How an answer breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The body is not JSON. Where it stops being JSON, counted from 1.
    NotJson {
        /// The line.
        line: usize,
        /// The column, in bytes.
        column: usize,
    },
    /// The body is not form-encoded, or not UTF-8 once decoded.
    NotForm,
    /// The body is empty.
    EmptyBody,
    /// The body is compressed (`Content-Encoding`, or the first bytes of gzip), though the request asked for no encoding.
    Compressed,
    /// The body is JSON, but not an object.
    NotAnObject,
    /// The body is larger than 1 MiB.
    TooLarge,
    /// A redirect (RFC 9110 §15.4), which is never followed: it would take the credentials elsewhere.
    Redirect,
    /// A status that neither grants nor refuses, and no OAuth error in the body.
    UnexpectedStatus,
    /// The member of this name must be there and is not.
    Missing(&'static str),
    /// A member is the empty string.
    Empty(&'static str),
    /// A member has another type than it must have, or a value out of its range.
    WrongType(&'static str),
    /// A member holds a character that it must not hold.
    Character(&'static str),
    /// A member is there twice.
    Duplicate(&'static str),
    /// Both a token and an error.
    TokenAndError,
    /// A token type that this library does not understand (RFC 6749 §7.1).
    UnknownTokenType,
    /// The configured [`Quirk::TokenPath`](crate::Quirk::TokenPath) leads nowhere.
    TokenPath,
    /// There is no metadata document at any place where it was looked for: each answered with a 4xx.
    NoDocument,
    /// A member is a URL that cannot be what it is given as.
    Url {
        /// The member.
        member: &'static str,
        /// What is wrong with the URL.
        fault: UrlFault,
    },
    /// A metadata document of another issuer (RFC 8414 §3.3, OpenID Connect Discovery §4.3).
    OtherIssuer,
    /// A metadata document of another resource (RFC 9728 §3.3).
    OtherResource,
}

impl Violation {
    /// The quirk that would read it.
    pub(crate) fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Missing("token_type") | Self::Empty("token_type") => {
                "; if the server leaves it out for Bearer tokens, see `Quirk::MissingTokenType`"
            }
            Self::UnknownTokenType => "; if the server documents it as a word for Bearer, see `Quirk::TokenType`",
            Self::WrongType("error") => {
                "; if the code lies inside it, see `Quirk::ErrorPath`, and for `null` beside a token `Quirk::NullIsAbsent`"
            }
            Self::TokenAndError => {
                "; if the error says that there is none, see `Quirk::NullIsAbsent` and `Quirk::ErrorPath`"
            }
            Self::WrongType("id_token") => "; for `null` where there is none, see `Quirk::NullIsAbsent`",
            Self::Missing("verification_uri") => "; if the server calls it `verification_url`, see `Quirk::renamed`",
            Self::TokenPath => {
                "; check `Quirk::TokenPath`, and for an error that the body states, see `Quirk::ErrorPath`"
            }
            _ => return None,
        })
    }

    /// The member that is at fault, if it is one.
    pub(crate) fn member(self) -> Option<&'static str> {
        match self {
            Self::Missing(member)
            | Self::Empty(member)
            | Self::WrongType(member)
            | Self::Character(member)
            | Self::Duplicate(member) => Some(member),
            Self::UnknownTokenType => Some("token_type"),
            Self::Url { member, .. } => Some(member),
            Self::OtherIssuer => Some("issuer"),
            Self::OtherResource => Some("resource"),
            _ => None,
        }
    }

    /// Whether an answer tried to state an OAuth error and failed: worth telling on any status.
    pub(crate) fn is_about_the_error(self) -> bool {
        matches!(self, Self::TokenAndError | Self::Empty("error") | Self::WrongType("error") | Self::Duplicate("error"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { line, column } => write!(f, "the body stops being JSON at line {line}, column {column}"),
            Self::NotForm => f.write_str("the body is not form-encoded UTF-8"),
            Self::EmptyBody => f.write_str("the body is empty"),
            Self::Compressed => f.write_str(
                "the body is compressed, though the request asked for no encoding; the adapter's feature `gzip` undoes gzip",
            ),
            Self::NotAnObject => f.write_str("the body is not a JSON object"),
            Self::TooLarge => f.write_str("the body is larger than 1 MiB"),
            Self::Redirect => {
                f.write_str("it answered with a redirect, which is never followed")
            }
            Self::UnexpectedStatus => {
                f.write_str("an unexpected status without an OAuth error")
            }
            Self::Missing(member) => write!(f, "{member} is missing"),
            Self::Empty(member) => write!(f, "{member} is empty"),
            Self::WrongType(member) => write!(f, "{member} has the wrong type or is out of range"),
            Self::Character(member) => write!(f, "{member} holds a character that it must not hold"),
            Self::Duplicate(member) => write!(f, "{member} is there twice"),
            Self::TokenAndError => f.write_str("the answer holds both a token and an error"),
            Self::UnknownTokenType => f.write_str("token_type is none that this library understands (Bearer, DPoP)"),
            Self::TokenPath => f.write_str("the configured token path leads nowhere"),
            Self::NoDocument => f.write_str("there is no document"),
            Self::Url { member, fault } => write!(f, "{member} {fault}"),
            Self::OtherIssuer => f.write_str("the document is another issuer's"),
            Self::OtherResource => f.write_str("the document is another resource's"),
        }
    }
}
