//! Games, music and sport.

use grantflow::{ErrorCode, Message, Quirk, Server};

use crate::error::Error;
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] =
    &[TRACKMANIA, TWITCH, SPOTIFY, SOUNDCLOUD, OSU, BATTLE_NET, EVE_ONLINE, STRAVA, FITBIT, COROS, PATREON];

/// Trackmania. [`TRACKMANIA`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn trackmania() -> Result<Server, Error> {
    TRACKMANIA.server(&[])
}

/// The data of [`trackmania()`].
pub const TRACKMANIA: Preset = Preset {
    id: "trackmania",
    name: "Trackmania",
    documentation: "https://api.trackmania.com/doc",
    error: Evidence::Unknown,
    authorization: Some("https://api.trackmania.com/oauth/authorize"),
    token: "https://api.trackmania.com/api/access_token",
    api: &["https://api.trackmania.com"],
    ..Preset::STANDARD
};

/// Twitch. [`TWITCH`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn twitch() -> Result<Server, Error> {
    TWITCH.server(&[])
}

/// The data of [`twitch()`].
pub const TWITCH: Preset = Preset {
    id: "twitch",
    name: "Twitch",
    documentation: "https://dev.twitch.tv/docs/authentication/getting-tokens-oauth/",
    issuer: Some("https://id.twitch.tv/oauth2"),
    authorization: Some("https://id.twitch.tv/oauth2/authorize"),
    token: "https://id.twitch.tv/oauth2/token",
    device_authorization: Some("https://id.twitch.tv/oauth2/device"),
    revocation: Some("https://id.twitch.tv/oauth2/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::Public],
    quirks: || {
        vec![
            Quirk::ScopeList,
            Quirk::error_path("message", None),
            Quirk::error_code(Message::TokenAnswer, None, "Invalid refresh token", ErrorCode::InvalidGrant),
            Quirk::renamed(Message::DeviceAuthorizationRequest, "scope", "scopes"),
        ]
    },
    api: &["https://api.twitch.tv"],
    notes: &[
        "Each request to the API also needs the header Client-Id.",
        "Only the device flow works without a secret.",
    ],
    ..Preset::STANDARD
};

/// Spotify. [`SPOTIFY`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn spotify() -> Result<Server, Error> {
    SPOTIFY.server(&[])
}

/// The data of [`spotify()`].
pub const SPOTIFY: Preset = Preset {
    id: "spotify",
    name: "Spotify",
    documentation: "https://developer.spotify.com/documentation/web-api/tutorials/code-flow",
    authorization: Some("https://accounts.spotify.com/authorize"),
    token: "https://accounts.spotify.com/api/token",
    authentication: &[Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://api.spotify.com"],
    ..Preset::STANDARD
};

/// SoundCloud. [`SOUNDCLOUD`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn soundcloud() -> Result<Server, Error> {
    SOUNDCLOUD.server(&[])
}

/// The data of [`soundcloud()`].
pub const SOUNDCLOUD: Preset = Preset {
    id: "soundcloud",
    name: "SoundCloud",
    documentation: "https://developers.soundcloud.com/docs/api/guide#authentication",
    authorization: Some("https://secure.soundcloud.com/authorize"),
    token: "https://secure.soundcloud.com/oauth/token",
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::error_path("message", None)],
    api: &["https://api.soundcloud.com"],
    notes: &["Its API wants the scheme OAuth instead of Bearer in some places: see its guide."],
    ..Preset::STANDARD
};

/// osu!. [`OSU`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn osu() -> Result<Server, Error> {
    OSU.server(&[])
}

/// The data of [`osu()`].
pub const OSU: Preset = Preset {
    id: "osu",
    name: "osu!",
    documentation: "https://osu.ppy.sh/docs/index.html#authentication",
    error: Evidence::Unknown,
    authorization: Some("https://osu.ppy.sh/oauth/authorize"),
    token: "https://osu.ppy.sh/oauth/token",
    api: &["https://osu.ppy.sh"],
    ..Preset::STANDARD
};

/// Battle.net. [`BATTLE_NET`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn battle_net() -> Result<Server, Error> {
    BATTLE_NET.server(&[])
}

/// The data of [`battle_net()`].
pub const BATTLE_NET: Preset = Preset {
    id: "battle_net",
    name: "Battle.net",
    documentation: "https://develop.battle.net/documentation/guides/using-oauth/authorization-code-flow",
    answer: Evidence::Unknown,
    error: Evidence::Unknown,
    issuer: Some("https://oauth.battle.net"),
    authorization: Some("https://oauth.battle.net/authorize"),
    token: "https://oauth.battle.net/token",
    authentication: &[Authentication::SecretBasic],
    api: &[
        "https://us.api.blizzard.com",
        "https://eu.api.blizzard.com",
        "https://kr.api.blizzard.com",
        "https://tw.api.blizzard.com",
    ],
    notes: &["The servers in China are another provider."],
    ..Preset::STANDARD
};

/// EVE Online. [`EVE_ONLINE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn eve_online() -> Result<Server, Error> {
    EVE_ONLINE.server(&[])
}

/// The data of [`eve_online()`].
pub const EVE_ONLINE: Preset = Preset {
    id: "eve_online",
    name: "EVE Online",
    documentation: "https://developers.eveonline.com/docs/services/sso/",
    answer: Evidence::Unknown,
    error: Evidence::Unknown,
    authorization: Some("https://login.eveonline.com/v2/oauth/authorize"),
    token: "https://login.eveonline.com/v2/oauth/token",
    revocation: Some("https://login.eveonline.com/v2/oauth/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://esi.evetech.net"],
    ..Preset::STANDARD
};

/// Strava. [`STRAVA`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn strava() -> Result<Server, Error> {
    STRAVA.server(&[])
}

/// The data of [`strava()`].
pub const STRAVA: Preset = Preset {
    id: "strava",
    name: "Strava",
    documentation: "https://developers.strava.com/docs/authentication/",
    error: Evidence::Recorded,
    authorization: Some("https://www.strava.com/oauth/authorize"),
    token: "https://www.strava.com/api/v3/oauth/token",
    quirks: || vec![Quirk::ScopeSeparator(','), Quirk::error_path("errors[0].resource", None)],
    api: &["https://www.strava.com"],
    notes: &[
        "Its errors name a resource instead of a code, such as AuthorizationCode. None is mapped: users report that a code is refused once and accepted a moment later.",
    ],
    ..Preset::STANDARD
};

/// Fitbit. [`FITBIT`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn fitbit() -> Result<Server, Error> {
    FITBIT.server(&[])
}

/// The data of [`fitbit()`].
pub const FITBIT: Preset = Preset {
    id: "fitbit",
    name: "Fitbit",
    documentation: "https://dev.fitbit.com/build/reference/web-api/authorization/",
    answer: Evidence::Unknown,
    authorization: Some("https://www.fitbit.com/oauth2/authorize"),
    token: "https://api.fitbit.com/oauth2/token",
    revocation: Some("https://api.fitbit.com/oauth2/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::error_path("errors[0].errorType", None)],
    api: &["https://api.fitbit.com"],
    notes: &["Its introspection endpoint wants an access token of the person, so it is not that of RFC 7662."],
    ..Preset::STANDARD
};

/// COROS. [`COROS`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn coros() -> Result<Server, Error> {
    COROS.server(&[])
}

/// The data of [`coros()`].
pub const COROS: Preset = Preset {
    id: "coros",
    name: "COROS",
    documentation: "https://support.coros.com/hc/en-us/articles/17085887816340",
    answer: Evidence::Unknown,
    error: Evidence::Recorded,
    authorization: Some("https://open.coros.com/oauth2/authorize"),
    token: "https://open.coros.com/oauth2/accesstoken",
    quirks: || {
        vec![
            Quirk::error_path("result", Some("0000")),
            Quirk::RefreshEndpoint("https://open.coros.com/oauth2/refresh-token".to_owned()),
        ]
    },
    api: &["https://open.coros.com"],
    ..Preset::STANDARD
};

/// Patreon. [`PATREON`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn patreon() -> Result<Server, Error> {
    PATREON.server(&[])
}

/// The data of [`patreon()`].
pub const PATREON: Preset = Preset {
    id: "patreon",
    name: "Patreon",
    documentation: "https://docs.patreon.com/#oauth",
    error: Evidence::Unknown,
    authorization: Some("https://www.patreon.com/oauth2/authorize"),
    token: "https://www.patreon.com/api/oauth2/token",
    api: &["https://www.patreon.com"],
    ..Preset::STANDARD
};
