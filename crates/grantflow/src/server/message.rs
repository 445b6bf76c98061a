//! The messages of the protocol, and the names that have a meaning in each.

/// A message of the protocol in which a parameter can have another name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message {
    /// The authorization request (RFC 6749 §4.1.1): `client_key` for TikTok, `appid` for WeChat,
    /// `application_id` for Amazon Selling Partner.
    AuthorizationRequest,
    /// The authorization response (RFC 6749 §4.1.2): `spapi_oauth_code` for Amazon Selling Partner.
    Callback,
    /// The token request (RFC 6749 §4.1.3): `client_key` for TikTok, `auth_code` for its business API, `secret` for WeChat.
    TokenRequest,
    /// The token answer (RFC 6749 §5.1): `accessToken` for PlentyMarkets, `expires` for Stack Exchange and Facebook's old API,
    /// `permissions` for Instagram.
    TokenAnswer,
}

impl Message {
    /// The names that have a meaning there. On requests, no caller may give them as extra parameters.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::AuthorizationRequest => &[
                "response_type",
                "client_id",
                "redirect_uri",
                "scope",
                "state",
                "code_challenge",
                "code_challenge_method",
                "response_mode",
                "resource",
                "request",
                "request_uri",
                "client_secret",
            ],
            Self::Callback => &["code", "state", "iss", "error", "error_description", "error_uri"],
            Self::TokenRequest => &[
                "grant_type",
                "client_id",
                "client_secret",
                "code",
                "redirect_uri",
                "code_verifier",
                "refresh_token",
                "scope",
                "resource",
                "client_assertion",
                "client_assertion_type",
                "assertion",
                "device_code",
                "username",
                "password",
            ],
            Self::TokenAnswer => &[
                "access_token",
                "token_type",
                "expires_in",
                "refresh_token",
                "scope",
                "id_token",
                "error",
                "error_description",
                "error_uri",
            ],
        }
    }
}

/// What no quirk renames, in no message. No server is known that does, and a guard that waits for a name that nobody sends
/// is no guard.
pub(super) const NEVER_RENAMED: [&str; 5] =
    ["code_challenge", "code_challenge_method", "code_verifier", "iss", "error"];

/// What a callback must not have (RFC 6749 §4.2.2, OpenID Connect Core §3.3.2.5, JARM §2): a parameter that is called so is
/// refused, so none is read under such a name.
pub(crate) const FRONT_CHANNEL: [&str; 4] = ["access_token", "id_token", "token_type", "response"];
