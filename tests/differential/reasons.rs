//! The written list of reasons for which our reader and that of `oauth2` 5.0.0 differ.

use super::compare::{Case, Outcome};
use super::shape::{Value, is_a_tree};

/// How two readings differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// We read tokens, they do not.
    OnlyWeGrant,
    /// They read tokens, we do not.
    OnlyTheyGrant,
    /// We read an error code, they do not.
    OnlyWeReadTheError,
    /// They read an error code, we do not.
    OnlyTheyReadTheError,
    /// Both read an error code, and not the same one.
    Code,
    /// Both read tokens with another lifetime.
    ExpiresIn,
    /// Both read tokens with another refresh token.
    RefreshToken,
    /// Both read tokens with another scope.
    Scope,
}

/// Why they differ. Each explains one kind of difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// A success with another status than 200: RFC 6749 §5.1 says 200, and some servers answer 201. They take it for an
    /// error.
    OtherSuccess,
    /// A token answer whose content type is not JSON, or holds a byte that is not ASCII. Servers write tokens under any type
    /// or none; we ignore it.
    ContentType,
    /// `expires_in` is digits in a text, a fraction, negative, or no number. An optional member that cannot be read costs
    /// its own value here, and the whole answer there.
    LifetimeType,
    /// `refresh_token` or `scope` is of another type. The same.
    OptionalType,
    /// A member that nobody knows cannot be held as a tree: a number out of range, half a surrogate, or too many levels.
    /// We keep unknown members as they are written; they build a tree of all of them.
    UnknownMember,
    /// An `error` beside a token. RFC 6749 has no such answer, and it is refused here.
    ErrorBesideToken,
    /// `id_token`, `error_description` or `error_uri` twice. We know these names, and JSON readers differ on which one
    /// counts.
    DoubledMember,
    /// An access token that is empty or holds characters that RFC 6749 appendix A.12 does not allow.
    AccessTokenCharacters,
    /// A token type that nobody here can use (RFC 6749 §7.1: a client must not use such a token).
    TokenType,
    /// Bytes after the JSON object. They do not read to the end of the body.
    TrailingBytes,
    /// An error with status 200. They read errors only under another status.
    ErrorWith200,
    /// An error under a redirect or an interim status. We take no word from an answer that is not the endpoint's.
    ErrorInPassing,
    /// An error beside a token, under an error's status. It is refused here.
    TokenBesideError,
    /// An empty error code (RFC 6749 appendix A.7 demands a character).
    EmptyCode,
    /// A list in the place of the error object: serde's derive accepts one for a struct.
    ListForObject,
    /// Bytes after the error object.
    TrailingBytesAfterError,
    /// `error_description` or `error_uri` is of another type, or there twice. A description never costs the error that it
    /// explains.
    Commentary,
    /// A control character in a text, where JSON allows none. Servers write descriptions with line breaks, and the error
    /// still counts here.
    ControlCharacter,
    /// A text that is not UTF-8. The same, for descriptions in another encoding.
    Encoding,
    /// An error code of more than 128 bytes. It is cut here, so that every error is bounded.
    LongCode,
    /// A refresh token that is empty, or holds characters that RFC 6749 appendix A.17 does not allow: none.
    RefreshTokenCharacters,
    /// A scope with characters that RFC 6749 §3.3 does not allow. It counts as one that cannot be read.
    ScopeCharacters,
}

/// What a token answer's reader there knows.
const THEIR_MEMBERS: [&str; 5] = ["access_token", "token_type", "expires_in", "refresh_token", "scope"];

const COMMENTARY: [&str; 2] = ["error_description", "error_uri"];

/// A code is cut after so many bytes.
const MAX_CODE: usize = 128;

impl Reason {
    pub const ALL: [Self; 22] = [
        Self::OtherSuccess,
        Self::ContentType,
        Self::LifetimeType,
        Self::OptionalType,
        Self::UnknownMember,
        Self::ErrorBesideToken,
        Self::DoubledMember,
        Self::AccessTokenCharacters,
        Self::TokenType,
        Self::TrailingBytes,
        Self::ErrorWith200,
        Self::ErrorInPassing,
        Self::TokenBesideError,
        Self::EmptyCode,
        Self::ListForObject,
        Self::TrailingBytesAfterError,
        Self::Commentary,
        Self::ControlCharacter,
        Self::Encoding,
        Self::LongCode,
        Self::RefreshTokenCharacters,
        Self::ScopeCharacters,
    ];

    /// The one kind of difference that it explains.
    pub fn explains(self) -> Difference {
        match self {
            Self::OtherSuccess | Self::ContentType | Self::LifetimeType | Self::OptionalType | Self::UnknownMember => {
                Difference::OnlyWeGrant
            }
            Self::ErrorBesideToken
            | Self::DoubledMember
            | Self::AccessTokenCharacters
            | Self::TokenType
            | Self::TrailingBytes => Difference::OnlyTheyGrant,
            Self::ErrorWith200 | Self::Commentary | Self::ControlCharacter | Self::Encoding => {
                Difference::OnlyWeReadTheError
            }
            Self::ErrorInPassing
            | Self::TokenBesideError
            | Self::EmptyCode
            | Self::ListForObject
            | Self::TrailingBytesAfterError => Difference::OnlyTheyReadTheError,
            Self::LongCode => Difference::Code,
            Self::RefreshTokenCharacters => Difference::RefreshToken,
            Self::ScopeCharacters => Difference::Scope,
        }
    }

    /// Whether the answer has what the reason is about.
    pub fn applies(self, case: &Case<'_>) -> bool {
        let (status, shape) = (case.input.status, &case.shape);
        let is_text_or_none = |name| matches!(shape.value(name), Value::Absent | Value::Null | Value::Text(_));
        match self {
            Self::OtherSuccess => status.is_success() && status.as_u16() != 200,
            Self::ContentType => {
                let is_json = |text: &str| {
                    let readable = text.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~'));
                    readable && text.to_lowercase().starts_with("application/json")
                };
                status.as_u16() == 200 && case.input.content_type.is_some_and(|text| !is_json(text))
            }
            Self::LifetimeType => !matches!(shape.value("expires_in"), Value::Absent | Value::Null | Value::Whole(_)),
            Self::OptionalType => !is_text_or_none("refresh_token") || !is_text_or_none("scope"),
            Self::UnknownMember => shape.others(&THEIR_MEMBERS).any(|value| !is_a_tree(value)),
            Self::ErrorBesideToken => shape.value("error") != Value::Absent,
            Self::DoubledMember => shape.is_doubled("id_token") || COMMENTARY.iter().any(|name| shape.is_doubled(name)),
            Self::AccessTokenCharacters => shape.text("access_token").is_some_and(|text| !is_visible(&text)),
            Self::TokenType => shape
                .text("token_type")
                .is_some_and(|text| !text.eq_ignore_ascii_case("bearer") && !text.eq_ignore_ascii_case("dpop")),
            Self::TrailingBytes => shape.trailing,
            Self::ErrorWith200 => status.as_u16() == 200,
            Self::ErrorInPassing => status.is_redirection() || status.is_informational(),
            Self::TokenBesideError => {
                let is_there = |name| {
                    !matches!(shape.value(name), Value::Absent | Value::Null)
                        && shape.text(name).is_none_or(|text| !text.is_empty())
                };
                is_there("access_token") || is_there("refresh_token")
            }
            Self::EmptyCode => shape.text("error").is_some_and(|text| text.is_empty()),
            Self::ListForObject => shape.is_list,
            Self::TrailingBytesAfterError => shape.trailing,
            Self::Commentary => COMMENTARY.iter().any(|name| !is_text_or_none(name) || shape.is_doubled(name)),
            Self::ControlCharacter => shape.control && shape.members.is_none(),
            Self::Encoding => !shape.is_utf8,
            Self::LongCode => shape.text("error").is_some_and(|text| text.len() > MAX_CODE),
            Self::RefreshTokenCharacters => shape.text("refresh_token").is_some_and(|text| !is_visible(&text)),
            Self::ScopeCharacters => shape.text("scope").is_some_and(|text| !text.bytes().all(is_scope)),
        }
    }

    /// What the reason says of the answer. It must be true wherever the reason applies, so that it explains no more than it
    /// says.
    pub fn holds(self, case: &Case<'_>) -> bool {
        match self.explains() {
            Difference::OnlyWeGrant => !case.theirs.is_tokens(),
            Difference::OnlyTheyGrant => !case.ours.is_tokens(),
            // They skip the values of unknown members without looking at their bytes.
            Difference::OnlyWeReadTheError => self == Self::Encoding || !case.theirs.is_refused(),
            Difference::OnlyTheyReadTheError => !case.ours.is_refused(),
            Difference::Code => match (&case.ours, &case.theirs) {
                (Outcome::Refused(ours), Outcome::Refused(theirs)) => {
                    ours.len() <= MAX_CODE && ours != theirs && theirs.starts_with(ours.as_str())
                }
                _ => true,
            },
            Difference::RefreshToken => match (&case.ours, &case.theirs) {
                (Outcome::Tokens(ours), _) => ours.refresh_token.is_none(),
                _ => true,
            },
            Difference::Scope => match (&case.ours, &case.theirs) {
                (Outcome::Tokens(ours), _) => ours.scope.is_none(),
                _ => true,
            },
            Difference::ExpiresIn => false,
        }
    }
}

/// Printable ASCII, and not blanks alone.
fn is_visible(text: &str) -> bool {
    text.bytes().all(|b| (b' '..=b'~').contains(&b)) && text.bytes().any(|b| b != b' ')
}

/// A character of a scope, or the space between two (RFC 6749 §3.3).
fn is_scope(b: u8) -> bool {
    matches!(b, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~')
}
