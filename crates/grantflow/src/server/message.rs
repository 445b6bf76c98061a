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
    /// The device authorization request (RFC 8628 §3.1).
    DeviceAuthorizationRequest,
    /// The device authorization response (RFC 8628 §3.2): `verification_url` for Google.
    DeviceAuthorizationAnswer,
    /// The pushed authorization request (RFC 9126 §2.1).
    PushedAuthorizationRequest,
    /// The introspection request (RFC 7662 §2.1).
    IntrospectionRequest,
    /// The revocation request (RFC 7009 §2.1).
    RevocationRequest,
    /// The backchannel authentication request (OpenID CIBA §7.1).
    BackchannelAuthenticationRequest,
    /// The answer to a backchannel authentication request (OpenID CIBA §7.3).
    BackchannelAuthenticationAnswer,
    /// The registration request (RFC 7591 §3.1), a JSON object. None of its members can be renamed.
    RegistrationRequest,
}

/// The parameters that authenticate a client (RFC 6749 §2.3.1, RFC 7521 §4.2), in every request by one.
pub(crate) const CLIENT: [&str; 4] = ["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// One row for each message, in the order of [`Message`]: its known names, beside those of [`CLIENT`] if a client
/// authenticates.
const ROWS: [(Message, bool, &[&str]); 12] = [
    (
        Message::AuthorizationRequest,
        false,
        &[
            "response_type",
            "client_id",
            "redirect_uri",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "response_mode",
            "resource",
            "authorization_details",
            "request",
            "request_uri",
            "client_secret",
            "client_assertion",
            "client_assertion_type",
        ],
    ),
    (Message::Callback, false, &["code", "state", "iss", "error", "error_description", "error_uri"]),
    (
        Message::TokenRequest,
        true,
        &[
            "grant_type",
            "code",
            "redirect_uri",
            "code_verifier",
            "refresh_token",
            "scope",
            "resource",
            "authorization_details",
            "assertion",
            "device_code",
            "auth_req_id",
            "username",
            "password",
            "subject_token",
            "subject_token_type",
            "actor_token",
            "actor_token_type",
            "requested_token_type",
        ],
    ),
    (
        Message::TokenAnswer,
        false,
        &[
            "access_token",
            "token_type",
            "expires_in",
            "refresh_token",
            "scope",
            "id_token",
            "error",
            "error_description",
            "error_uri",
            "issued_token_type",
        ],
    ),
    (Message::DeviceAuthorizationRequest, true, &["scope", "resource", "authorization_details"]),
    (
        Message::DeviceAuthorizationAnswer,
        false,
        &["device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"],
    ),
    (
        Message::PushedAuthorizationRequest,
        true,
        &[
            "response_type",
            "redirect_uri",
            "scope",
            "state",
            "code_challenge",
            "code_challenge_method",
            "response_mode",
            "resource",
            "authorization_details",
            "request",
            "request_uri",
        ],
    ),
    (Message::IntrospectionRequest, true, &["token", "token_type_hint"]),
    (Message::RevocationRequest, true, &["token", "token_type_hint"]),
    (
        Message::BackchannelAuthenticationRequest,
        true,
        &[
            "scope",
            "client_notification_token",
            "acr_values",
            "login_hint_token",
            "id_token_hint",
            "login_hint",
            "binding_message",
            "user_code",
            "requested_expiry",
            "resource",
            "authorization_details",
            "request",
        ],
    ),
    (Message::BackchannelAuthenticationAnswer, false, &["auth_req_id", "expires_in", "interval"]),
    (Message::RegistrationRequest, false, &[]),
];

impl Message {
    fn row(self) -> (bool, &'static [&'static str]) {
        ROWS.get(self as usize).map_or((false, &[]), |(_, by_a_client, names)| (*by_a_client, names))
    }

    /// The names that are known there. On requests, no caller may give them as extra parameters.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let (by_a_client, names) = self.row();
        let client: &[&str] = if by_a_client { &CLIENT } else { &[] };
        names.iter().chain(client).copied()
    }
}

/// A parameter of a token exchange (RFC 8693 §2.1) that callers give to other grants: it has a setter in one flow, and is
/// an extra parameter in the others. A quirk can rename it.
pub(crate) const AUDIENCE: &str = "audience";

/// Names that no quirk can change, in any message. No server is known that changes them, and a check for a name that is
/// never sent would be useless.
pub(super) const NEVER_RENAMED: [&str; 5] =
    ["code_challenge", "code_challenge_method", "code_verifier", "iss", "error"];

/// Names that a callback must not have (RFC 6749 §4.2.2, OpenID Connect Core §3.3.2.5, JARM §2): such a parameter is
/// refused, so no parameter is read under such a name.
pub(crate) const FRONT_CHANNEL: [&str; 4] = ["access_token", "id_token", "token_type", "response"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_in_its_place() {
        for (at, (message, ..)) in ROWS.iter().enumerate() {
            assert_eq!(*message as usize, at);
        }
    }
}
