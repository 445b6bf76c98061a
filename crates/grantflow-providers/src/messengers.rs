//! Messengers.

use grantflow::{ErrorCode, Message, Quirk, Server};

use crate::error::Error;
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] = &[DISCORD, SLACK, SLACK_USER, WECHAT, LINE];

/// Discord. [`DISCORD`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn discord() -> Result<Server, Error> {
    DISCORD.server(&[])
}

/// The data of [`discord()`].
pub const DISCORD: Preset = Preset {
    id: "discord",
    name: "Discord",
    documentation: "https://docs.discord.com/developers/topics/oauth2",
    authorization: Some("https://discord.com/oauth2/authorize"),
    token: "https://discord.com/api/oauth2/token",
    revocation: Some("https://discord.com/api/oauth2/token/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://discord.com"],
    ..Preset::STANDARD
};

/// Slack, for the token of an application's bot. [`slack_user`] gives the token of the person. [`SLACK`] has its data and
/// its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn slack() -> Result<Server, Error> {
    SLACK.server(&[])
}

/// The data of [`slack()`].
pub const SLACK: Preset = Preset {
    id: "slack",
    name: "Slack (bot)",
    documentation: "https://docs.slack.dev/authentication/installing-with-oauth",
    authorization: Some("https://slack.com/oauth/v2/authorize"),
    token: "https://slack.com/api/oauth.v2.access",
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost],
    quirks: || {
        vec![
            Quirk::TokenType("bot".to_owned()),
            Quirk::ScopeSeparator(','),
            Quirk::error_code(Message::TokenAnswer, None, "invalid_code", ErrorCode::InvalidGrant),
            Quirk::error_code(Message::TokenAnswer, None, "bad_client_secret", ErrorCode::InvalidClient),
            Quirk::error_code(Message::TokenAnswer, None, "invalid_client_id", ErrorCode::InvalidClient),
        ]
    },
    api: &["https://slack.com"],
    notes: &[
        "Its way of revoking is not that of RFC 7009.",
        "Slack documents PKCE for applications that turn it on in their settings.",
    ],
    ..Preset::STANDARD
};

/// Slack, for the token of the person. The requested scope is Slack's `user_scope`. [`slack`] gives the token of the bot.
/// [`SLACK_USER`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn slack_user() -> Result<Server, Error> {
    SLACK_USER.server(&[])
}

/// The data of [`slack_user()`].
pub const SLACK_USER: Preset = Preset {
    id: "slack_user",
    name: "Slack (user)",
    documentation: "https://docs.slack.dev/authentication/installing-with-oauth",
    authorization: Some("https://slack.com/oauth/v2/authorize"),
    token: "https://slack.com/api/oauth.v2.access",
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost],
    quirks: || {
        vec![
            Quirk::token_path(&["authed_user"]),
            Quirk::TokenType("user".to_owned()),
            Quirk::renamed(Message::AuthorizationRequest, "scope", "user_scope"),
            Quirk::ScopeSeparator(','),
            Quirk::error_code(Message::TokenAnswer, None, "invalid_code", ErrorCode::InvalidGrant),
            Quirk::error_code(Message::TokenAnswer, None, "bad_client_secret", ErrorCode::InvalidClient),
            Quirk::error_code(Message::TokenAnswer, None, "invalid_client_id", ErrorCode::InvalidClient),
        ]
    },
    api: &["https://slack.com"],
    notes: &[
        "Its way of revoking is not that of RFC 7009.",
        "If the application rotates tokens, a refresh is answered at the top instead of in authed_user, which this preset refuses.",
    ],
    ..Preset::STANDARD
};

/// WeChat. [`WECHAT`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn wechat() -> Result<Server, Error> {
    WECHAT.server(&[])
}

/// The data of [`wechat()`].
pub const WECHAT: Preset = Preset {
    id: "wechat",
    name: "WeChat",
    documentation: "https://developers.weixin.qq.com/doc/oplatform/Website_App/WeChat_Login/Wechat_Login.html",
    authorization: Some("https://open.weixin.qq.com/connect/qrconnect"),
    token: "https://api.weixin.qq.com/sns/oauth2/access_token",
    quirks: || {
        vec![
            Quirk::MissingTokenType,
            Quirk::ScopeSeparator(','),
            Quirk::renamed(Message::AuthorizationRequest, "client_id", "appid"),
            Quirk::renamed(Message::TokenRequest, "client_id", "appid"),
            Quirk::renamed(Message::TokenRequest, "client_secret", "secret"),
            Quirk::error_path("errcode", Some("0")),
            Quirk::error_code(Message::TokenAnswer, None, "40029", ErrorCode::InvalidGrant),
            Quirk::RefreshEndpoint("https://api.weixin.qq.com/sns/oauth2/refresh_token".to_owned()),
        ]
    },
    api: &["https://api.weixin.qq.com"],
    notes: &[
        "The documented authorization URL ends in #wechat_redirect: append it to the URL of the redirect.",
        "The documentation requests tokens by GET; public clients use POST, as this library does.",
        "Its API takes the token in the query.",
    ],
    ..Preset::STANDARD
};

/// LINE. [`LINE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn line() -> Result<Server, Error> {
    LINE.server(&[])
}

/// The data of [`line()`].
pub const LINE: Preset = Preset {
    id: "line",
    name: "LINE",
    documentation: "https://developers.line.biz/en/reference/line-login/",
    error: Evidence::Unknown,
    issuer: Some("https://access.line.me"),
    authorization: Some("https://access.line.me/oauth2/v2.1/authorize"),
    token: "https://api.line.me/oauth2/v2.1/token",
    revocation: Some("https://api.line.me/oauth2/v2.1/revoke"),
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::renamed(Message::RevocationRequest, "token", "access_token")],
    api: &["https://api.line.me"],
    ..Preset::STANDARD
};
