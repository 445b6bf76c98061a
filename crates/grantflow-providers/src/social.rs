//! Social networks.

use grantflow::{ErrorCode, Message, Quirk, Server};

use crate::error::Error;
use crate::input::{Input, Kind};
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] =
    &[FACEBOOK, INSTAGRAM, THREADS, LINKEDIN_WITHOUT_PKCE, REDDIT, X, TIKTOK, TIKTOK_BUSINESS, WEIBO, VK, MASTODON];

/// Facebook, with the version of the Graph API that the program uses. [`FACEBOOK`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn facebook(version: &str) -> Result<Server, Error> {
    FACEBOOK.server(&[version])
}

/// The data of [`facebook()`].
pub const FACEBOOK: Preset = Preset {
    id: "facebook",
    name: "Facebook",
    documentation: "https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow",
    inputs: &[Input::new("version", Kind::Segment, "v23.0")],
    authorization: Some("https://www.facebook.com/{version}/dialog/oauth"),
    token: "https://graph.facebook.com/{version}/oauth/access_token",
    quirks: || vec![Quirk::error_path("error.code", None)],
    api: &["https://graph.facebook.com"],
    notes: &[
        "The documentation requests tokens by GET; public clients use POST, as this library does.",
        "There are no refresh tokens: a token is exchanged for one that lives longer (grant type fb_exchange_token).",
    ],
    ..Preset::STANDARD
};

/// Instagram. [`INSTAGRAM`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn instagram() -> Result<Server, Error> {
    INSTAGRAM.server(&[])
}

/// The data of [`instagram()`].
pub const INSTAGRAM: Preset = Preset {
    id: "instagram",
    name: "Instagram",
    documentation: "https://developers.facebook.com/docs/instagram-platform/instagram-api-with-instagram-login/business-login",
    authorization: Some("https://www.instagram.com/oauth/authorize"),
    token: "https://api.instagram.com/oauth/access_token",
    quirks: || {
        vec![
            Quirk::token_path(&["data", "[0]"]),
            Quirk::MissingTokenType,
            Quirk::renamed(Message::TokenAnswer, "scope", "permissions"),
            Quirk::ScopeSeparator(','),
            Quirk::error_path("error_type", None),
        ]
    },
    api: &["https://graph.instagram.com"],
    notes: &[
        "The lifetime is not stated: the documentation says one hour.",
        "A token is renewed by itself, with a GET to https://graph.instagram.com/refresh_access_token, which this library does not send.",
    ],
    ..Preset::STANDARD
};

/// Threads. [`THREADS`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn threads() -> Result<Server, Error> {
    THREADS.server(&[])
}

/// The data of [`threads()`].
pub const THREADS: Preset = Preset {
    id: "threads",
    name: "Threads",
    documentation: "https://developers.facebook.com/docs/threads/get-started/get-access-tokens-and-permissions",
    authorization: Some("https://threads.net/oauth/authorize"),
    token: "https://graph.threads.net/oauth/access_token",
    quirks: || vec![Quirk::MissingTokenType, Quirk::ScopeSeparator(','), Quirk::error_path("error_type", None)],
    api: &["https://graph.threads.net"],
    notes: &[
        "The lifetime is not stated: the documentation says one hour.",
        "A token is renewed by itself, with a GET to https://graph.threads.net/refresh_access_token, which this library does not send.",
    ],
    ..Preset::STANDARD
};

/// LinkedIn, for clients with a secret. **Without PKCE**, because LinkedIn refuses it for them: only the secret protects a
/// stolen code ([`Quirk::RefusesPkce`]). [`LINKEDIN_WITHOUT_PKCE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn linkedin_without_pkce() -> Result<Server, Error> {
    LINKEDIN_WITHOUT_PKCE.server(&[])
}

/// The data of [`linkedin_without_pkce()`].
pub const LINKEDIN_WITHOUT_PKCE: Preset = Preset {
    id: "linkedin_without_pkce",
    name: "LinkedIn",
    documentation: "https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow",
    authorization: Some("https://www.linkedin.com/oauth/v2/authorization"),
    token: "https://www.linkedin.com/oauth/v2/accessToken",
    pkce: Pkce::Refused,
    quirks: || {
        vec![
            Quirk::RefusesPkce,
            Quirk::MissingTokenType,
            Quirk::AnswerScopeSeparator(','),
            Quirk::error_code(Message::Callback, None, "user_cancelled_login", ErrorCode::AccessDenied),
            Quirk::error_code(Message::Callback, None, "user_cancelled_authorize", ErrorCode::AccessDenied),
        ]
    },
    api: &["https://api.linkedin.com"],
    notes: &["Native applications with PKCE have another authorization endpoint and need an agreement with LinkedIn."],
    ..Preset::STANDARD
};

/// Reddit. [`REDDIT`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn reddit() -> Result<Server, Error> {
    REDDIT.server(&[])
}

/// The data of [`reddit()`].
pub const REDDIT: Preset = Preset {
    id: "reddit",
    name: "Reddit",
    documentation: "https://github.com/reddit-archive/reddit/wiki/OAuth2",
    answer: Evidence::Recorded,
    authorization: Some("https://www.reddit.com/api/v1/authorize"),
    authorization_query: Some("duration=permanent"),
    token: "https://www.reddit.com/api/v1/access_token",
    revocation: Some("https://www.reddit.com/api/v1/revoke_token"),
    authentication: &[Authentication::SecretBasic],
    api: &["https://oauth.reddit.com"],
    notes: &[
        "Installed applications have no secret and need ClientBuilder::empty_secret_basic, which is a door.",
        "Each request needs a User-Agent that names the program.",
    ],
    ..Preset::STANDARD
};

/// X (Twitter). [`X`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn x() -> Result<Server, Error> {
    X.server(&[])
}

/// The data of [`x()`].
pub const X: Preset = Preset {
    id: "x",
    name: "X (Twitter)",
    documentation: "https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code",
    answer: Evidence::Unknown,
    error: Evidence::Recorded,
    authorization: Some("https://x.com/i/oauth2/authorize"),
    token: "https://api.x.com/2/oauth2/token",
    revocation: Some("https://api.x.com/2/oauth2/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://api.x.com"],
    notes: &["A refresh token needs the scope offline.access."],
    ..Preset::STANDARD
};

/// TikTok. [`TIKTOK`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn tiktok() -> Result<Server, Error> {
    TIKTOK.server(&[])
}

/// The data of [`tiktok()`].
pub const TIKTOK: Preset = Preset {
    id: "tiktok",
    name: "TikTok",
    documentation: "https://developers.tiktok.com/doc/oauth-user-access-token-management",
    authorization: Some("https://www.tiktok.com/v2/auth/authorize/"),
    token: "https://open.tiktokapis.com/v2/oauth/token/",
    revocation: Some("https://open.tiktokapis.com/v2/oauth/revoke/"),
    quirks: || {
        vec![
            Quirk::ScopeSeparator(','),
            Quirk::renamed(Message::AuthorizationRequest, "client_id", "client_key"),
            Quirk::renamed(Message::TokenRequest, "client_id", "client_key"),
            Quirk::renamed(Message::RevocationRequest, "client_id", "client_key"),
        ]
    },
    api: &["https://open.tiktokapis.com"],
    notes: &[
        "For desktop applications TikTok wants a challenge in hexadecimal, which is not that of RFC 7636: this preset is for web applications.",
    ],
    ..Preset::STANDARD
};

/// TikTok for Business. [`TIKTOK_BUSINESS`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn tiktok_business() -> Result<Server, Error> {
    TIKTOK_BUSINESS.server(&[])
}

/// The data of [`tiktok_business()`].
pub const TIKTOK_BUSINESS: Preset = Preset {
    id: "tiktok_business",
    name: "TikTok for Business",
    documentation: "https://business-api.tiktok.com/portal/docs/obtain-a-short-term-access-token/v1.3",
    answer: Evidence::Recorded,
    error: Evidence::Recorded,
    authorization: Some("https://www.tiktok.com/v2/auth/authorize/"),
    token: "https://business-api.tiktok.com/open_api/v1.3/tt_user/oauth2/token/",
    quirks: || {
        vec![
            Quirk::token_path(&["data"]),
            Quirk::ScopeSeparator(','),
            Quirk::JsonRequestBody,
            Quirk::renamed(Message::AuthorizationRequest, "client_id", "client_key"),
            Quirk::renamed(Message::TokenRequest, "code", "auth_code"),
            Quirk::error_path("code", Some("0")),
            Quirk::error_code(Message::TokenAnswer, None, "40110", ErrorCode::InvalidGrant),
            Quirk::RefreshEndpoint(
                "https://business-api.tiktok.com/open_api/v1.3/tt_user/oauth2/refresh_token/".to_owned(),
            ),
        ]
    },
    api: &["https://business-api.tiktok.com"],
    notes: &["Its API takes the token in the header Access-Token."],
    ..Preset::STANDARD
};

/// Weibo. [`WEIBO`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn weibo() -> Result<Server, Error> {
    WEIBO.server(&[])
}

/// The data of [`weibo()`].
pub const WEIBO: Preset = Preset {
    id: "weibo",
    name: "Weibo",
    documentation: "https://open.weibo.com/wiki/OAuth2/access_token",
    authorization: Some("https://api.weibo.com/oauth2/authorize"),
    token: "https://api.weibo.com/oauth2/access_token",
    quirks: || vec![Quirk::MissingTokenType, Quirk::ScopeSeparator(',')],
    api: &["https://api.weibo.com"],
    notes: &["Its API takes the token in the query."],
    ..Preset::STANDARD
};

/// VK. [`VK`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn vk() -> Result<Server, Error> {
    VK.server(&[])
}

/// The data of [`vk()`].
pub const VK: Preset = Preset {
    id: "vk",
    name: "VK",
    documentation: "https://dev.vk.com/en/api/access-token/authcode-flow-user",
    authorization: Some("https://oauth.vk.com/authorize"),
    authorization_query: Some("v=5.199"),
    token: "https://oauth.vk.com/access_token",
    quirks: || vec![Quirk::MissingTokenType, Quirk::ScopeSeparator(',')],
    api: &["https://api.vk.com"],
    notes: &[
        "This is the older flow at oauth.vk.com. VK ID has other endpoints, and a device_id in its callback that the token request has to repeat.",
    ],
    ..Preset::STANDARD
};

/// A Mastodon server, by its host name. If a person types the name, they choose the server that gets the secret: register a
/// client at each. [`MASTODON`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn mastodon(instance: &str) -> Result<Server, Error> {
    MASTODON.server(&[instance])
}

/// The data of [`mastodon()`].
pub const MASTODON: Preset = Preset {
    id: "mastodon",
    name: "Mastodon",
    documentation: "https://docs.joinmastodon.org/methods/oauth/",
    inputs: &[Input::new("instance", Kind::Host, "mastodon.social")],
    issuer: Some("https://{instance}/"),
    authorization: Some("https://{instance}/oauth/authorize"),
    token: "https://{instance}/oauth/token",
    revocation: Some("https://{instance}/oauth/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://{instance}"],
    ..Preset::STANDARD
};
