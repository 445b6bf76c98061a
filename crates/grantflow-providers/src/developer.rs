//! Code, infrastructure and tools for developers.

use grantflow::{ErrorCode, Message, Quirk, Server};

use crate::error::Error;
use crate::input::{Input, Kind};
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] = &[
    GITHUB,
    GITLAB,
    GITLAB_SELF_MANAGED,
    BITBUCKET,
    ATLASSIAN,
    LINEAR,
    FIGMA,
    HUGGING_FACE,
    DIGITALOCEAN,
    HEROKU,
    LINODE,
    DNSIMPLE,
    STACK_EXCHANGE,
];

/// GitHub, for OAuth apps and GitHub Apps. [`GITHUB`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn github() -> Result<Server, Error> {
    GITHUB.server(&[])
}

/// The data of [`github()`].
pub const GITHUB: Preset = Preset {
    id: "github",
    name: "GitHub",
    documentation: "https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps",
    authorization: Some("https://github.com/login/oauth/authorize"),
    token: "https://github.com/login/oauth/access_token",
    device_authorization: Some("https://github.com/login/device/code"),
    authentication: &[Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    quirks: || {
        vec![
            Quirk::AnswerScopeSeparator(','),
            Quirk::error_code(Message::TokenAnswer, None, "bad_refresh_token", ErrorCode::InvalidGrant),
            Quirk::error_code(Message::TokenAnswer, None, "bad_verification_code", ErrorCode::InvalidGrant),
        ]
    },
    api: &["https://api.github.com", "https://uploads.github.com"],
    notes: &[
        "Its way of revoking is not that of RFC 7009.",
        "Only the device flow works without a secret.",
        "Its word incorrect_client_credentials is not mapped: users also get it for a refresh token that was used already.",
    ],
    ..Preset::STANDARD
};

/// GitLab.com. [`gitlab_self_managed`] is for an installation. [`GITLAB`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn gitlab() -> Result<Server, Error> {
    GITLAB.server(&[])
}

/// The data of [`gitlab()`].
pub const GITLAB: Preset = Preset {
    id: "gitlab",
    name: "GitLab.com",
    documentation: "https://docs.gitlab.com/api/oauth2/",
    issuer: Some("https://gitlab.com"),
    authorization: Some("https://gitlab.com/oauth/authorize"),
    token: "https://gitlab.com/oauth/token",
    device_authorization: Some("https://gitlab.com/oauth/authorize_device"),
    introspection: Some("https://gitlab.com/oauth/introspect"),
    revocation: Some("https://gitlab.com/oauth/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://gitlab.com"],
    ..Preset::STANDARD
};

/// An installation of GitLab, by its URL. [`gitlab`] is for GitLab.com. [`GITLAB_SELF_MANAGED`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn gitlab_self_managed(base: &str) -> Result<Server, Error> {
    GITLAB_SELF_MANAGED.server(&[base])
}

/// The data of [`gitlab_self_managed()`].
pub const GITLAB_SELF_MANAGED: Preset = Preset {
    id: "gitlab_self_managed",
    name: "GitLab (self-managed)",
    documentation: "https://docs.gitlab.com/api/oauth2/",
    inputs: &[Input::new("base", Kind::Base, "https://gitlab.example.com")],
    issuer: Some("{base}"),
    authorization: Some("{base}/oauth/authorize"),
    token: "{base}/oauth/token",
    device_authorization: Some("{base}/oauth/authorize_device"),
    introspection: Some("{base}/oauth/introspect"),
    revocation: Some("{base}/oauth/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["{base}"],
    ..Preset::STANDARD
};

/// Bitbucket. [`BITBUCKET`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn bitbucket() -> Result<Server, Error> {
    BITBUCKET.server(&[])
}

/// The data of [`bitbucket()`].
pub const BITBUCKET: Preset = Preset {
    id: "bitbucket",
    name: "Bitbucket",
    documentation: "https://support.atlassian.com/bitbucket-cloud/docs/use-oauth-on-bitbucket-cloud/",
    answer: Evidence::Recorded,
    error: Evidence::Unknown,
    authorization: Some("https://bitbucket.org/site/oauth2/authorize"),
    token: "https://bitbucket.org/site/oauth2/access_token",
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost],
    quirks: || vec![Quirk::renamed(Message::TokenAnswer, "scope", "scopes")],
    api: &["https://api.bitbucket.org"],
    ..Preset::STANDARD
};

/// Jira and Confluence in the cloud of Atlassian. [`ATLASSIAN`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn atlassian() -> Result<Server, Error> {
    ATLASSIAN.server(&[])
}

/// The data of [`atlassian()`].
pub const ATLASSIAN: Preset = Preset {
    id: "atlassian",
    name: "Atlassian",
    documentation: "https://developer.atlassian.com/cloud/jira/platform/oauth-2-3lo-apps/",
    answer: Evidence::Unknown,
    authorization: Some("https://auth.atlassian.com/authorize"),
    authorization_query: Some("audience=api.atlassian.com&prompt=consent"),
    token: "https://auth.atlassian.com/oauth/token",
    api: &["https://api.atlassian.com"],
    notes: &[
        "A refresh token needs the scope offline_access.",
        "Users report 403 with unauthorized_client for a dead refresh token. A standard code keeps its meaning here: give Quirk::ErrorCode yourself, which is a door.",
    ],
    ..Preset::STANDARD
};

/// Linear. [`LINEAR`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn linear() -> Result<Server, Error> {
    LINEAR.server(&[])
}

/// The data of [`linear()`].
pub const LINEAR: Preset = Preset {
    id: "linear",
    name: "Linear",
    documentation: "https://linear.app/developers/oauth-2-0-authentication",
    authorization: Some("https://linear.app/oauth/authorize"),
    token: "https://api.linear.app/oauth/token",
    revocation: Some("https://api.linear.app/oauth/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::ScopeSeparator(','), Quirk::ScopeList],
    api: &["https://api.linear.app"],
    ..Preset::STANDARD
};

/// Figma. [`FIGMA`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn figma() -> Result<Server, Error> {
    FIGMA.server(&[])
}

/// The data of [`figma()`].
pub const FIGMA: Preset = Preset {
    id: "figma",
    name: "Figma",
    documentation: "https://developers.figma.com/docs/rest-api/authentication/",
    error: Evidence::Unknown,
    authorization: Some("https://www.figma.com/oauth"),
    token: "https://api.figma.com/v1/oauth/token",
    authentication: &[Authentication::SecretBasic],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::RefreshEndpoint("https://api.figma.com/v1/oauth/refresh".to_owned())],
    api: &["https://api.figma.com"],
    ..Preset::STANDARD
};

/// Hugging Face. [`HUGGING_FACE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn hugging_face() -> Result<Server, Error> {
    HUGGING_FACE.server(&[])
}

/// The data of [`hugging_face()`].
pub const HUGGING_FACE: Preset = Preset {
    id: "hugging_face",
    name: "Hugging Face",
    documentation: "https://huggingface.co/docs/hub/oauth",
    issuer: Some("https://huggingface.co"),
    authorization: Some("https://huggingface.co/oauth/authorize"),
    token: "https://huggingface.co/oauth/token",
    device_authorization: Some("https://huggingface.co/oauth/device"),
    authentication: &[Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://huggingface.co"],
    ..Preset::STANDARD
};

/// DigitalOcean. [`DIGITALOCEAN`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn digitalocean() -> Result<Server, Error> {
    DIGITALOCEAN.server(&[])
}

/// The data of [`digitalocean()`].
pub const DIGITALOCEAN: Preset = Preset {
    id: "digitalocean",
    name: "DigitalOcean",
    documentation: "https://docs.digitalocean.com/reference/api/oauth/",
    error: Evidence::Unknown,
    authorization: Some("https://cloud.digitalocean.com/v1/oauth/authorize"),
    token: "https://cloud.digitalocean.com/v1/oauth/token",
    revocation: Some("https://cloud.digitalocean.com/v1/oauth/revoke"),
    api: &["https://api.digitalocean.com"],
    ..Preset::STANDARD
};

/// Heroku. [`HEROKU`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn heroku() -> Result<Server, Error> {
    HEROKU.server(&[])
}

/// The data of [`heroku()`].
pub const HEROKU: Preset = Preset {
    id: "heroku",
    name: "Heroku",
    documentation: "https://devcenter.heroku.com/articles/oauth",
    answer: Evidence::Unknown,
    error: Evidence::Unknown,
    authorization: Some("https://id.heroku.com/oauth/authorize"),
    token: "https://id.heroku.com/oauth/token",
    api: &["https://api.heroku.com"],
    notes: &["The documented token request has no client_id; this library sends it."],
    ..Preset::STANDARD
};

/// Linode. [`LINODE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn linode() -> Result<Server, Error> {
    LINODE.server(&[])
}

/// The data of [`linode()`].
pub const LINODE: Preset = Preset {
    id: "linode",
    name: "Linode",
    documentation: "https://techdocs.akamai.com/linode-api/reference/get-started#oauth",
    error: Evidence::Unknown,
    authorization: Some("https://login.linode.com/oauth/authorize"),
    token: "https://login.linode.com/oauth/token",
    api: &["https://api.linode.com"],
    ..Preset::STANDARD
};

/// DNSimple. [`DNSIMPLE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn dnsimple() -> Result<Server, Error> {
    DNSIMPLE.server(&[])
}

/// The data of [`dnsimple()`].
pub const DNSIMPLE: Preset = Preset {
    id: "dnsimple",
    name: "DNSimple",
    documentation: "https://developer.dnsimple.com/v2/oauth/",
    answer: Evidence::Recorded,
    authorization: Some("https://dnsimple.com/oauth/authorize"),
    token: "https://api.dnsimple.com/v2/oauth/access_token",
    authentication: &[Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::NullIsAbsent],
    api: &["https://api.dnsimple.com"],
    notes: &["The token request has to repeat state: read it from the callback, and give it to CodeExchange::param."],
    ..Preset::STANDARD
};

/// Stack Exchange. [`STACK_EXCHANGE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn stack_exchange() -> Result<Server, Error> {
    STACK_EXCHANGE.server(&[])
}

/// The data of [`stack_exchange()`].
pub const STACK_EXCHANGE: Preset = Preset {
    id: "stack_exchange",
    name: "Stack Exchange",
    documentation: "https://api.stackexchange.com/docs/authentication",
    error: Evidence::Unknown,
    authorization: Some("https://stackoverflow.com/oauth"),
    token: "https://stackoverflow.com/oauth/access_token",
    quirks: || {
        vec![
            Quirk::FormEncodedAnswer,
            Quirk::MissingTokenType,
            Quirk::ScopeSeparator(','),
            Quirk::renamed(Message::TokenAnswer, "expires_in", "expires"),
        ]
    },
    api: &["https://api.stackexchange.com"],
    notes: &["Its API takes the token in the query."],
    ..Preset::STANDARD
};
