//! An OAuth error as a server states it (RFC 6749 §4.1.2.1 and §5.2), bounded.

use core::fmt;

use super::Next;

/// Code, description and URI of an OAuth error (RFC 6749 §4.1.2.1, §5.2).
#[derive(Clone)]
pub struct ErrorResponse {
    code: ErrorCode,
    next: Next,
    description: Option<Box<str>>,
    uri: Option<Box<str>>,
}

/// The greatest length of a code; a longer one is cut. Registered ones have at most 30 bytes.
const MAX_CODE: usize = 128;
/// The greatest length of a description or URI; a longer one is cut.
const MAX_TEXT: usize = 1024;

impl ErrorResponse {
    #[inline]
    pub(crate) fn new(code: ErrorCode, next: Next, description: Option<&str>, uri: Option<&str>) -> Self {
        Self {
            code,
            next,
            description: description.map(|text| cut(text, MAX_TEXT).into()),
            uri: uri.map(|text| cut(text, MAX_TEXT).into()),
        }
    }

    /// The error of an authorization response (RFC 6749 §4.1.2.1).
    pub(crate) fn of_callback(code: ErrorCode, description: Option<&str>, uri: Option<&str>) -> Self {
        let next = next_after_callback(&code);
        Self::new(code, next, description, uri)
    }

    /// What to do about the error.
    ///
    /// A denied authorization ([`Callback::Denied`](crate::Callback::Denied)) uses up its pending grant, so each of
    /// these needs a new authorization request: [`Next::Reauthorize`] if the person said no or has to take part,
    /// [`Next::RetryLater`] if the server could not answer, else [`Next::FixConfiguration`].
    pub fn next(&self) -> Next {
        self.next
    }

    /// The error code: the server's, or the standard one to which [`Quirk::ErrorCode`](crate::Quirk::ErrorCode) maps
    /// it.
    pub fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// `error_description`, at most 1 KiB of it: text for developers, by the server or by an attacker. It may quote
    /// what was sent, and hold markup and control characters: escape it before you show it.
    pub fn untrusted_description(&self) -> Option<&str> {
        self.description.as_deref()
    }

    /// `error_uri`, at most 1 KiB of it, unchecked: do not send anyone there.
    pub fn untrusted_uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }
}

impl fmt::Debug for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ErrorResponse {{ code: {:?}, description: {}, uri: {} }}",
            self.code,
            Presence(&self.description),
            Presence(&self.uri)
        )
    }
}

/// What to do after an error in an authorization response.
fn next_after_callback(code: &ErrorCode) -> Next {
    match code {
        ErrorCode::AccessDenied
        | ErrorCode::InteractionRequired
        | ErrorCode::LoginRequired
        | ErrorCode::ConsentRequired
        | ErrorCode::AccountSelectionRequired => Next::Reauthorize,
        ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable => Next::RetryLater(None),
        _ => Next::FixConfiguration,
    }
}

/// Prints that there is a text, and not the text.
struct Presence<'a>(&'a Option<Box<str>>);

impl fmt::Display for Presence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(text) => write!(f, "[{} bytes]", text.len()),
            None => f.write_str("none"),
        }
    }
}

/// The longest prefix of at most `limit` bytes that ends between two characters.
#[inline]
fn cut(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// An OAuth error code. The set is open: servers add their own.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `invalid_request` (RFC 6749 §5.2).
    InvalidRequest,
    /// `invalid_client` (RFC 6749 §5.2).
    InvalidClient,
    /// `invalid_grant` (RFC 6749 §5.2).
    InvalidGrant,
    /// `unauthorized_client` (RFC 6749 §5.2).
    UnauthorizedClient,
    /// `unsupported_grant_type` (RFC 6749 §5.2).
    UnsupportedGrantType,
    /// `invalid_scope` (RFC 6749 §5.2).
    InvalidScope,
    /// `access_denied` (RFC 6749 §4.1.2.1).
    AccessDenied,
    /// `unsupported_response_type` (RFC 6749 §4.1.2.1).
    UnsupportedResponseType,
    /// `server_error` (RFC 6749 §4.1.2.1).
    ServerError,
    /// `temporarily_unavailable` (RFC 6749 §4.1.2.1).
    TemporarilyUnavailable,
    /// `invalid_target` (RFC 8707 §2).
    InvalidTarget,
    /// `invalid_authorization_details` (RFC 9396 §5).
    InvalidAuthorizationDetails,
    /// `invalid_dpop_proof` (RFC 9449 §5).
    InvalidDpopProof,
    /// `use_dpop_nonce` (RFC 9449 §8). The server has not looked at the grant.
    UseDpopNonce,
    /// `invalid_token` (RFC 6750 §3.1), from a resource: the access token is over, revoked or malformed.
    InvalidToken,
    /// `insufficient_scope` (RFC 6750 §3.1), from a resource: the request needs a token with more scope.
    InsufficientScope,
    /// `insufficient_user_authentication` (RFC 9470 §3), from a resource: the person has to log in again, or in a
    /// stronger way.
    InsufficientUserAuthentication,
    /// `unmet_authentication_requirements` (OpenID Connect Core Error Code unmet_authentication_requirements 1.0, RFC 9470 §5): the
    /// server cannot log the person in as the request asked.
    UnmetAuthenticationRequirements,
    /// `interaction_required` (OpenID Connect Core §3.1.2.6).
    InteractionRequired,
    /// `login_required` (OpenID Connect Core §3.1.2.6).
    LoginRequired,
    /// `consent_required` (OpenID Connect Core §3.1.2.6).
    ConsentRequired,
    /// `account_selection_required` (OpenID Connect Core §3.1.2.6).
    AccountSelectionRequired,
    /// `authorization_pending` (RFC 8628 §3.5): the person has not decided yet.
    AuthorizationPending,
    /// `slow_down` (RFC 8628 §3.5): the person has not decided yet, and the client asks too often.
    SlowDown,
    /// `expired_token` (RFC 8628 §3.5): the device code has expired.
    ExpiredToken,
    /// `unsupported_token_type` (RFC 7009 §2.2.1).
    UnsupportedTokenType,
    /// `invalid_request_uri` (RFC 9101 §7).
    InvalidRequestUri,
    /// `invalid_request_object` (RFC 9101 §7).
    InvalidRequestObject,
    /// `request_not_supported` (RFC 9101 §7).
    RequestNotSupported,
    /// `request_uri_not_supported` (RFC 9101 §7).
    RequestUriNotSupported,
    /// `expired_login_hint_token` (OpenID CIBA §13).
    ExpiredLoginHintToken,
    /// `unknown_user_id` (OpenID CIBA §13): the hint names no person whom the server knows.
    UnknownUserId,
    /// `missing_user_code` (OpenID CIBA §13): the person's code is needed.
    MissingUserCode,
    /// `invalid_user_code` (OpenID CIBA §13): the person's code is wrong.
    InvalidUserCode,
    /// `invalid_binding_message` (OpenID CIBA §13): the server cannot show this message.
    InvalidBindingMessage,
    /// `transaction_failed` (OpenID CIBA §12): the server could not ask the person.
    TransactionFailed,
    /// `invalid_redirect_uri` (RFC 7591 §3.2.2): the server does not register a redirect URI.
    InvalidRedirectUri,
    /// `invalid_client_metadata` (RFC 7591 §3.2.2): the server does not register another member of the client's metadata.
    InvalidClientMetadata,
    /// `invalid_software_statement` (RFC 7591 §3.2.2).
    InvalidSoftwareStatement,
    /// `unapproved_software_statement` (RFC 7591 §3.2.2): the server does not trust who signed the software statement.
    UnapprovedSoftwareStatement,
    /// Any other code, at most 128 bytes of it. It is never printed, because it may quote what was sent.
    Other(Box<str>),
}

/// Every registered code with its spelling: read and written from this one table.
static CODES: [(&str, ErrorCode); 40] = [
    ("invalid_grant", ErrorCode::InvalidGrant),
    ("invalid_client", ErrorCode::InvalidClient),
    ("invalid_request", ErrorCode::InvalidRequest),
    ("access_denied", ErrorCode::AccessDenied),
    ("invalid_scope", ErrorCode::InvalidScope),
    ("unauthorized_client", ErrorCode::UnauthorizedClient),
    ("unsupported_grant_type", ErrorCode::UnsupportedGrantType),
    ("unsupported_response_type", ErrorCode::UnsupportedResponseType),
    ("server_error", ErrorCode::ServerError),
    ("temporarily_unavailable", ErrorCode::TemporarilyUnavailable),
    ("invalid_target", ErrorCode::InvalidTarget),
    ("invalid_authorization_details", ErrorCode::InvalidAuthorizationDetails),
    ("invalid_dpop_proof", ErrorCode::InvalidDpopProof),
    ("use_dpop_nonce", ErrorCode::UseDpopNonce),
    ("invalid_token", ErrorCode::InvalidToken),
    ("insufficient_scope", ErrorCode::InsufficientScope),
    ("insufficient_user_authentication", ErrorCode::InsufficientUserAuthentication),
    ("unmet_authentication_requirements", ErrorCode::UnmetAuthenticationRequirements),
    ("interaction_required", ErrorCode::InteractionRequired),
    ("login_required", ErrorCode::LoginRequired),
    ("consent_required", ErrorCode::ConsentRequired),
    ("account_selection_required", ErrorCode::AccountSelectionRequired),
    ("authorization_pending", ErrorCode::AuthorizationPending),
    ("slow_down", ErrorCode::SlowDown),
    ("expired_token", ErrorCode::ExpiredToken),
    ("unsupported_token_type", ErrorCode::UnsupportedTokenType),
    ("invalid_request_uri", ErrorCode::InvalidRequestUri),
    ("invalid_request_object", ErrorCode::InvalidRequestObject),
    ("request_not_supported", ErrorCode::RequestNotSupported),
    ("request_uri_not_supported", ErrorCode::RequestUriNotSupported),
    ("expired_login_hint_token", ErrorCode::ExpiredLoginHintToken),
    ("unknown_user_id", ErrorCode::UnknownUserId),
    ("missing_user_code", ErrorCode::MissingUserCode),
    ("invalid_user_code", ErrorCode::InvalidUserCode),
    ("invalid_binding_message", ErrorCode::InvalidBindingMessage),
    ("transaction_failed", ErrorCode::TransactionFailed),
    ("invalid_redirect_uri", ErrorCode::InvalidRedirectUri),
    ("invalid_client_metadata", ErrorCode::InvalidClientMetadata),
    ("invalid_software_statement", ErrorCode::InvalidSoftwareStatement),
    ("unapproved_software_statement", ErrorCode::UnapprovedSoftwareStatement),
];

impl ErrorCode {
    #[inline]
    pub(crate) fn new(text: &str) -> Self {
        match CODES.iter().find(|(spelling, _)| *spelling == text) {
            Some((_, code)) => code.clone(),
            None => Self::Other(cut(text, MAX_CODE).into()),
        }
    }

    /// Whether an RFC registers it for a callback or for any token answer. A server may use another registered word
    /// there with another meaning, and a quirk can then give that meaning.
    pub(crate) fn is_of_grants(&self) -> bool {
        !matches!(
            self,
            Self::Other(_)
                | Self::AuthorizationPending
                | Self::SlowDown
                | Self::ExpiredToken
                | Self::UnsupportedTokenType
                | Self::InvalidToken
                | Self::InsufficientScope
                | Self::InsufficientUserAuthentication
                | Self::UnmetAuthenticationRequirements
                | Self::InvalidRequestUri
                | Self::InvalidRequestObject
                | Self::RequestNotSupported
                | Self::RequestUriNotSupported
                | Self::InvalidRedirectUri
                | Self::InvalidClientMetadata
                | Self::InvalidSoftwareStatement
                | Self::UnapprovedSoftwareStatement
                | Self::ExpiredLoginHintToken
                | Self::UnknownUserId
                | Self::MissingUserCode
                | Self::InvalidUserCode
                | Self::InvalidBindingMessage
                | Self::TransactionFailed
        )
    }

    /// The spelling of the code. A code of [`ErrorCode::Other`] was written by the server: escape it before you show
    /// it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => CODES.iter().find(|(_, code)| code == known).map_or("", |(spelling, _)| spelling),
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other(_) => "an unregistered error code",
            known => known.as_str(),
        })
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => write!(f, "Other([{} bytes])", text.len()),
            known => f.write_str(known.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back() {
        for (spelling, code) in &CODES {
            assert_eq!(ErrorCode::new(spelling), *code);
            assert_eq!(code.as_str(), *spelling);
        }
        assert_eq!(ErrorCode::new("Invalid_grant"), ErrorCode::Other("Invalid_grant".into()));
    }

    #[test]
    fn texts_are_bounded_between_characters() {
        let long = "é".repeat(1_000_000);
        let response = ErrorResponse::of_callback(ErrorCode::new(&long), Some(&long), Some(&long));
        assert_eq!(response.code().as_str().len(), MAX_CODE);
        assert_eq!(response.untrusted_description().unwrap().len(), MAX_TEXT);
        assert_eq!(cut("aé", 2), "a");
    }

    #[test]
    fn what_the_server_wrote_is_not_printed() {
        let response = ErrorResponse::of_callback(ErrorCode::new("s3cret"), Some("s3cret"), Some("s3cret"));
        assert!(!format!("{response:?} {}", response.code()).contains("s3cret"));
    }
}
