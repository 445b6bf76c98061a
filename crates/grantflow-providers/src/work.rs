//! Documents, projects and sales.

use grantflow::{ErrorCode, Message, Quirk, Server};

use crate::error::Error;
use crate::input::{Input, Kind};
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] = &[
    NOTION,
    ASANA,
    CLICKUP,
    TODOIST,
    ZOOM,
    DROPBOX,
    BOX_COM,
    SALESFORCE,
    HUBSPOT,
    PIPEDRIVE,
    ZOHO,
    ZENDESK,
    MAILCHIMP_ZERO_IS_NEVER,
];

/// Notion. [`NOTION`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn notion() -> Result<Server, Error> {
    NOTION.server(&[])
}

/// The data of [`notion()`].
pub const NOTION: Preset = Preset {
    id: "notion",
    name: "Notion",
    documentation: "https://developers.notion.com/reference/create-a-token",
    error: Evidence::Unknown,
    authorization: Some("https://api.notion.com/v1/oauth/authorize"),
    authorization_query: Some("owner=user"),
    token: "https://api.notion.com/v1/oauth/token",
    authentication: &[Authentication::SecretBasic],
    quirks: || vec![Quirk::JsonRequestBody],
    api: &["https://api.notion.com"],
    notes: &["Each request to the API needs the header Notion-Version."],
    ..Preset::STANDARD
};

/// Asana. [`ASANA`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn asana() -> Result<Server, Error> {
    ASANA.server(&[])
}

/// The data of [`asana()`].
pub const ASANA: Preset = Preset {
    id: "asana",
    name: "Asana",
    documentation: "https://developers.asana.com/docs/oauth",
    error: Evidence::Unknown,
    authorization: Some("https://app.asana.com/-/oauth_authorize"),
    token: "https://app.asana.com/-/oauth_token",
    revocation: Some("https://app.asana.com/-/oauth_revoke"),
    authentication: &[Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://app.asana.com"],
    ..Preset::STANDARD
};

/// ClickUp. [`CLICKUP`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn clickup() -> Result<Server, Error> {
    CLICKUP.server(&[])
}

/// The data of [`clickup()`].
pub const CLICKUP: Preset = Preset {
    id: "clickup",
    name: "ClickUp",
    documentation: "https://developer.clickup.com/docs/authentication",
    answer: Evidence::Unknown,
    error: Evidence::Recorded,
    authorization: Some("https://app.clickup.com/api"),
    token: "https://api.clickup.com/api/v2/oauth/token",
    quirks: || {
        vec![
            Quirk::error_path("ECODE", None),
            Quirk::error_code(Message::TokenAnswer, None, "OAUTH_014", ErrorCode::InvalidGrant),
        ]
    },
    api: &["https://api.clickup.com"],
    ..Preset::STANDARD
};

/// Todoist. [`TODOIST`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn todoist() -> Result<Server, Error> {
    TODOIST.server(&[])
}

/// The data of [`todoist()`].
pub const TODOIST: Preset = Preset {
    id: "todoist",
    name: "Todoist",
    documentation: "https://developer.todoist.com/guides/#oauth",
    authorization: Some("https://todoist.com/oauth/authorize"),
    token: "https://todoist.com/oauth/access_token",
    quirks: || vec![Quirk::ScopeSeparator(',')],
    api: &["https://api.todoist.com"],
    ..Preset::STANDARD
};

/// Zoom. [`ZOOM`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn zoom() -> Result<Server, Error> {
    ZOOM.server(&[])
}

/// The data of [`zoom()`].
pub const ZOOM: Preset = Preset {
    id: "zoom",
    name: "Zoom",
    documentation: "https://developers.zoom.us/docs/integrations/oauth/",
    error: Evidence::Recorded,
    authorization: Some("https://zoom.us/oauth/authorize"),
    token: "https://zoom.us/oauth/token",
    device_authorization: Some("https://zoom.us/oauth/devicecode"),
    revocation: Some("https://zoom.us/oauth/revoke"),
    authentication: &[Authentication::SecretBasic],
    pkce: Pkce::Documented,
    api: &["https://api.zoom.us"],
    notes: &["Server-to-server applications use the grant type account_credentials: Client::token_request."],
    ..Preset::STANDARD
};

/// Dropbox. [`DROPBOX`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn dropbox() -> Result<Server, Error> {
    DROPBOX.server(&[])
}

/// The data of [`dropbox()`].
pub const DROPBOX: Preset = Preset {
    id: "dropbox",
    name: "Dropbox",
    documentation: "https://developers.dropbox.com/oauth-guide",
    error: Evidence::Recorded,
    authorization: Some("https://www.dropbox.com/oauth2/authorize"),
    authorization_query: Some("token_access_type=offline"),
    token: "https://api.dropboxapi.com/oauth2/token",
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://api.dropboxapi.com", "https://content.dropboxapi.com", "https://notify.dropboxapi.com"],
    notes: &["Its way of revoking is not that of RFC 7009."],
    ..Preset::STANDARD
};

/// Box. [`BOX_COM`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn box_com() -> Result<Server, Error> {
    BOX_COM.server(&[])
}

/// The data of [`box_com()`].
pub const BOX_COM: Preset = Preset {
    id: "box_com",
    name: "Box",
    documentation: "https://developer.box.com/reference/post-oauth2-token/",
    authorization: Some("https://account.box.com/api/oauth2/authorize"),
    token: "https://api.box.com/oauth2/token",
    revocation: Some("https://api.box.com/oauth2/revoke"),
    api: &["https://api.box.com", "https://upload.box.com"],
    ..Preset::STANDARD
};

/// Salesforce, by a host: `login.salesforce.com`, `test.salesforce.com`, or the domain of a company under
/// `my.salesforce.com`. [`SALESFORCE`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn salesforce(host: &str) -> Result<Server, Error> {
    SALESFORCE.server(&[host])
}

/// The data of [`salesforce()`].
pub const SALESFORCE: Preset = Preset {
    id: "salesforce",
    name: "Salesforce",
    documentation: "https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_endpoints.htm",
    error: Evidence::Recorded,
    inputs: &[Input::new("host", Kind::HostUnder(&["salesforce.com"]), "login.salesforce.com")],
    issuer: Some("https://{host}"),
    authorization: Some("https://{host}/services/oauth2/authorize"),
    token: "https://{host}/services/oauth2/token",
    introspection: Some("https://{host}/services/oauth2/introspect"),
    revocation: Some("https://{host}/services/oauth2/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    notes: &["The address of the API is in the answer, as instance_url: Tokens::extra. So the origin is not set."],
    ..Preset::STANDARD
};

/// HubSpot. [`HUBSPOT`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn hubspot() -> Result<Server, Error> {
    HUBSPOT.server(&[])
}

/// The data of [`hubspot()`].
pub const HUBSPOT: Preset = Preset {
    id: "hubspot",
    name: "HubSpot",
    documentation: "https://developers.hubspot.com/docs/api-reference/legacy/oauth-v1/guide",
    answer: Evidence::Unknown,
    authorization: Some("https://app.hubspot.com/oauth/authorize"),
    token: "https://api.hubapi.com/oauth/v1/token",
    quirks: || {
        vec![
            Quirk::error_path("status", None),
            Quirk::error_code(Message::TokenAnswer, None, "BAD_REFRESH_TOKEN", ErrorCode::InvalidGrant),
        ]
    },
    api: &["https://api.hubapi.com"],
    ..Preset::STANDARD
};

/// Pipedrive. [`PIPEDRIVE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn pipedrive() -> Result<Server, Error> {
    PIPEDRIVE.server(&[])
}

/// The data of [`pipedrive()`].
pub const PIPEDRIVE: Preset = Preset {
    id: "pipedrive",
    name: "Pipedrive",
    documentation: "https://pipedrive.readme.io/docs/marketplace-oauth-authorization",
    error: Evidence::Unknown,
    authorization: Some("https://oauth.pipedrive.com/oauth/authorize"),
    token: "https://oauth.pipedrive.com/oauth/token",
    revocation: Some("https://oauth.pipedrive.com/oauth/revoke"),
    authentication: &[Authentication::SecretBasic],
    quirks: || vec![Quirk::AnswerScopeSeparator(',')],
    notes: &["The address of the API is in the answer, as api_domain: Tokens::extra. So the origin is not set."],
    ..Preset::STANDARD
};

/// Zoho, by the domain of a data centre: `com`, `eu`, `in`, `com.au`, `jp` or `sa`. [`ZOHO`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn zoho(domain: &str) -> Result<Server, Error> {
    ZOHO.server(&[domain])
}

/// The data of [`zoho()`].
pub const ZOHO: Preset = Preset {
    id: "zoho",
    name: "Zoho",
    documentation: "https://www.zoho.com/accounts/protocol/oauth/web-apps/authorization.html",
    inputs: &[Input::new("domain", Kind::OneOf(&["com", "eu", "in", "com.au", "jp", "sa"]), "com")],
    authorization: Some("https://accounts.zoho.{domain}/oauth/v2/auth"),
    authorization_query: Some("access_type=offline"),
    token: "https://accounts.zoho.{domain}/oauth/v2/token",
    quirks: || {
        vec![
            Quirk::ScopeSeparator(','),
            Quirk::error_code(Message::TokenAnswer, None, "invalid_code", ErrorCode::InvalidGrant),
        ]
    },
    api: &["https://www.zohoapis.{domain}"],
    notes: &[
        "The callback has the data centre of the person, as accounts-server: a login that began at another one has to be started again there.",
        "A second login of the same person brings a refresh token only with the parameter prompt=consent.",
        "Its way of revoking is not that of RFC 7009.",
    ],
    ..Preset::STANDARD
};

/// Zendesk, by the subdomain of a company. [`ZENDESK`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn zendesk(subdomain: &str) -> Result<Server, Error> {
    ZENDESK.server(&[subdomain])
}

/// The data of [`zendesk()`].
pub const ZENDESK: Preset = Preset {
    id: "zendesk",
    name: "Zendesk",
    documentation: "https://developer.zendesk.com/documentation/api-basics/authentication/creating-and-using-oauth-tokens-with-the-api/",
    inputs: &[Input::new("subdomain", Kind::Label, "my-company")],
    authorization: Some("https://{subdomain}.zendesk.com/oauth/authorizations/new"),
    token: "https://{subdomain}.zendesk.com/oauth/tokens",
    authentication: &[Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://{subdomain}.zendesk.com"],
    ..Preset::STANDARD
};

/// Mailchimp. **A lifetime of zero is taken for no end** ([`Quirk::ZeroLifetimeIsNever`]), because Mailchimp's tokens do not
/// expire. [`MAILCHIMP_ZERO_IS_NEVER`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn mailchimp_zero_is_never() -> Result<Server, Error> {
    MAILCHIMP_ZERO_IS_NEVER.server(&[])
}

/// The data of [`mailchimp_zero_is_never()`].
pub const MAILCHIMP_ZERO_IS_NEVER: Preset = Preset {
    id: "mailchimp_zero_is_never",
    name: "Mailchimp",
    documentation: "https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/",
    answer: Evidence::Recorded,
    error: Evidence::Unknown,
    authorization: Some("https://login.mailchimp.com/oauth2/authorize"),
    token: "https://login.mailchimp.com/oauth2/token",
    quirks: || vec![Quirk::MissingTokenType, Quirk::NullIsAbsent, Quirk::ZeroLifetimeIsNever],
    notes: &[
        "The address of the API is found with a GET to https://login.mailchimp.com/oauth2/metadata. So the origin is not set.",
    ],
    ..Preset::STANDARD
};
