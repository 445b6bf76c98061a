//! The ways in which an answer can break the protocol.

use core::fmt;

use super::UrlFault;

/// How an answer breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// The body is not JSON. The position where it stops being JSON counts from 1.
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
    /// The body is compressed (`Content-Encoding`, or the first bytes of gzip), although the request accepted no
    /// encoding.
    Compressed,
    /// The body is JSON, but not an object.
    NotAnObject,
    /// The body is larger than 1 MiB.
    TooLarge,
    /// A redirect (RFC 9110 §15.4). It is never followed, because the credentials would go elsewhere.
    Redirect,
    /// A status that neither grants nor refuses, and no OAuth error in the body.
    UnexpectedStatus,
    /// A required member of this name is missing.
    Missing(&'static str),
    /// A member is the empty string.
    Empty(&'static str),
    /// A member has a wrong type, or a value out of its range.
    WrongType(&'static str),
    /// A member has a forbidden character.
    Character(&'static str),
    /// A member occurs twice.
    Duplicate(&'static str),
    /// Both a token and an error.
    TokenAndError,
    /// A token type that this library does not understand (RFC 6749 §7.1).
    UnknownTokenType,
    /// A token exchange asked for an access token, and the issued token cannot be used as one (`N_A`, RFC 8693 §2.2.1).
    NotAnAccessToken,
    /// A token exchange asked for a token of one type only, and the issued one has another (RFC 8693 §2.2.1).
    OtherTokenType,
    /// The configured [`Quirk::TokenPath`](crate::Quirk::TokenPath) leads nowhere.
    TokenPath,
    /// No place has a metadata document: each answered with a 4xx.
    NoDocument,
    /// A member is a URL that cannot be used for its purpose.
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
    /// An answer about another client than the one that was asked for (RFC 7592 §3).
    OtherClient,
}

impl Violation {
    /// The quirk that would read the answer.
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

    /// The member with the fault, if it is one.
    pub(crate) fn member(self) -> Option<&'static str> {
        match self {
            Self::Missing(member)
            | Self::Empty(member)
            | Self::WrongType(member)
            | Self::Character(member)
            | Self::Duplicate(member) => Some(member),
            Self::UnknownTokenType | Self::NotAnAccessToken => Some("token_type"),
            Self::OtherTokenType => Some("issued_token_type"),
            Self::Url { member, .. } => Some(member),
            Self::OtherIssuer => Some("issuer"),
            Self::OtherResource => Some("resource"),
            Self::OtherClient => Some("client_id"),
            _ => None,
        }
    }

    /// Whether an answer tried to state an OAuth error and failed: reported for every status.
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
                "the body is compressed, although the request accepted no encoding; the adapter's feature `gzip` undoes gzip",
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
            Self::Character(member) => write!(f, "{member} has a character that it must not have"),
            Self::Duplicate(member) => write!(f, "{member} occurs twice"),
            Self::TokenAndError => f.write_str("the answer holds both a token and an error"),
            Self::UnknownTokenType => f.write_str("token_type is not one that this library understands (Bearer, DPoP)"),
            Self::NotAnAccessToken => {
                f.write_str("the issued token is not an access token (token_type N_A), and only an access token was asked for")
            }
            Self::OtherTokenType => f.write_str("the issued token is of another type than the requested one"),
            Self::TokenPath => f.write_str("the configured token path leads nowhere"),
            Self::NoDocument => f.write_str("there is no document"),
            Self::Url { member, fault } => write!(f, "{member} {fault}"),
            Self::OtherIssuer => f.write_str("the document describes another issuer"),
            Self::OtherResource => f.write_str("the document describes another resource"),
            Self::OtherClient => f.write_str("the answer is about another client"),
        }
    }
}
