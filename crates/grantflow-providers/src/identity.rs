//! Providers of identity, and servers that companies run for theirs.

use grantflow::{Message, Quirk, Server};

use crate::error::Error;
use crate::input::{Input, Kind};
use crate::preset::{Authentication, Evidence, Pkce, Preset};

/// The presets of this file.
pub(crate) const ALL: &[Preset] =
    &[GOOGLE, MICROSOFT_ENTRA, APPLE, AUTH0, OKTA, KEYCLOAK, AMAZON_COGNITO, YAHOO, ORCID, AZURE_AD_B2C];

/// Google. [`GOOGLE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn google() -> Result<Server, Error> {
    GOOGLE.server(&[])
}

/// The data of [`google()`].
pub const GOOGLE: Preset = Preset {
    id: "google",
    name: "Google",
    documentation: "https://developers.google.com/identity/protocols/oauth2/web-server",
    issuer: Some("https://accounts.google.com"),
    authorization: Some("https://accounts.google.com/o/oauth2/v2/auth"),
    authorization_query: Some("access_type=offline"),
    token: "https://oauth2.googleapis.com/token",
    device_authorization: Some("https://oauth2.googleapis.com/device/code"),
    revocation: Some("https://oauth2.googleapis.com/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::renamed(Message::DeviceAuthorizationAnswer, "verification_uri", "verification_url")],
    api: &[
        "https://www.googleapis.com",
        "https://openidconnect.googleapis.com",
        "https://people.googleapis.com",
        "https://gmail.googleapis.com",
        "https://sheets.googleapis.com",
        "https://docs.googleapis.com",
    ],
    notes: &[
        "Each of its APIs has an origin: add others with Server::token_for.",
        "A second login of the same person brings a refresh token only with the parameter prompt=consent.",
    ],
    ..Preset::STANDARD
};

/// Microsoft Entra ID, by a tenant: its id, one of its domains, `common`, `organizations` or `consumers`.
/// [`MICROSOFT_ENTRA`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn microsoft_entra(tenant: &str) -> Result<Server, Error> {
    MICROSOFT_ENTRA.server(&[tenant])
}

/// The data of [`microsoft_entra()`].
pub const MICROSOFT_ENTRA: Preset = Preset {
    id: "microsoft_entra",
    name: "Microsoft Entra ID",
    documentation: "https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-auth-code-flow",
    inputs: &[Input::new("tenant", Kind::Segment, "72f988bf-86f1-41af-91ab-2d7cd011db47")],
    authorization: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize"),
    token: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
    device_authorization: Some("https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    api: &["https://graph.microsoft.com"],
    notes: &[
        "A refresh token needs the scope offline_access.",
        "The issuer is not set: for a domain or common it has the id of another tenant than the one given. Discovery finds the issuer of one tenant.",
        "Certificates instead of secrets are not possible here.",
    ],
    ..Preset::STANDARD
};

/// Sign in with Apple. The client secret is a JWT that the program signs with its key, for six months at most; this library
/// does not sign it. [`APPLE`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn apple() -> Result<Server, Error> {
    APPLE.server(&[])
}

/// The data of [`apple()`].
pub const APPLE: Preset = Preset {
    id: "apple",
    name: "Apple",
    documentation: "https://developer.apple.com/documentation/signinwithapplerestapi",
    issuer: Some("https://appleid.apple.com"),
    authorization: Some("https://appleid.apple.com/auth/authorize"),
    token: "https://appleid.apple.com/auth/token",
    revocation: Some("https://appleid.apple.com/auth/revoke"),
    api: &["https://appleid.apple.com"],
    notes: &[
        "With a scope, Apple answers by form post only: Authorization::response_mode(ResponseMode::FormPost).",
        "The form has a member user, with the name, the first time only: read it from the request before the callback is received.",
    ],
    ..Preset::STANDARD
};

/// Auth0, by the domain of a tenant: its own or a custom one. [`AUTH0`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn auth0(domain: &str) -> Result<Server, Error> {
    AUTH0.server(&[domain])
}

/// The data of [`auth0()`].
pub const AUTH0: Preset = Preset {
    id: "auth0",
    name: "Auth0",
    documentation: "https://auth0.com/docs/api/authentication",
    inputs: &[Input::new("domain", Kind::Host, "my-tenant.eu.auth0.com")],
    issuer: Some("https://{domain}/"),
    authorization: Some("https://{domain}/authorize"),
    token: "https://{domain}/oauth/token",
    device_authorization: Some("https://{domain}/oauth/device/code"),
    pushed_authorization_request: Some("https://{domain}/oauth/par"),
    revocation: Some("https://{domain}/oauth/revoke"),
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    notes: &[
        "The origin of the API is not known: add it with Server::token_for.",
        "An API is chosen with the parameter audience of the authorization request. A refresh token needs the scope offline_access.",
    ],
    ..Preset::STANDARD
};

/// Okta, by the domain of an organization and the id of one of its custom authorization servers, such as `default`. [`OKTA`]
/// has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn okta(domain: &str, server: &str) -> Result<Server, Error> {
    OKTA.server(&[domain, server])
}

/// The data of [`okta()`].
pub const OKTA: Preset = Preset {
    id: "okta",
    name: "Okta",
    documentation: "https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/",
    inputs: &[Input::new("domain", Kind::Host, "dev-1234.okta.com"), Input::new("server", Kind::Segment, "default")],
    issuer: Some("https://{domain}/oauth2/{server}"),
    authorization: Some("https://{domain}/oauth2/{server}/v1/authorize"),
    token: "https://{domain}/oauth2/{server}/v1/token",
    device_authorization: Some("https://{domain}/oauth2/{server}/v1/device/authorize"),
    pushed_authorization_request: Some("https://{domain}/oauth2/{server}/v1/par"),
    introspection: Some("https://{domain}/oauth2/{server}/v1/introspect"),
    revocation: Some("https://{domain}/oauth2/{server}/v1/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    notes: &[
        "The origin of the API is not known: add it with Server::token_for.",
        "A refresh token needs the scope offline_access.",
    ],
    ..Preset::STANDARD
};

/// Keycloak, by the URL of the installation and the name of a realm. Versions before 17 have `/auth` at the end of the URL.
/// [`KEYCLOAK`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn keycloak(base: &str, realm: &str) -> Result<Server, Error> {
    KEYCLOAK.server(&[base, realm])
}

/// The data of [`keycloak()`].
pub const KEYCLOAK: Preset = Preset {
    id: "keycloak",
    name: "Keycloak",
    documentation: "https://www.keycloak.org/securing-apps/oidc-layers",
    answer: Evidence::Server,
    error: Evidence::Server,
    inputs: &[
        Input::new("base", Kind::Base, "https://sso.example.com"),
        Input::new("realm", Kind::Segment, "my-realm"),
    ],
    issuer: Some("{base}/realms/{realm}"),
    authorization: Some("{base}/realms/{realm}/protocol/openid-connect/auth"),
    token: "{base}/realms/{realm}/protocol/openid-connect/token",
    device_authorization: Some("{base}/realms/{realm}/protocol/openid-connect/auth/device"),
    pushed_authorization_request: Some("{base}/realms/{realm}/protocol/openid-connect/ext/par/request"),
    introspection: Some("{base}/realms/{realm}/protocol/openid-connect/token/introspect"),
    revocation: Some("{base}/realms/{realm}/protocol/openid-connect/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    notes: &["The origin of the API is not known: add it with Server::token_for."],
    ..Preset::STANDARD
};

/// Amazon Cognito, by the domain of a user pool. [`AMAZON_COGNITO`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn amazon_cognito(domain: &str) -> Result<Server, Error> {
    AMAZON_COGNITO.server(&[domain])
}

/// The data of [`amazon_cognito()`].
pub const AMAZON_COGNITO: Preset = Preset {
    id: "amazon_cognito",
    name: "Amazon Cognito",
    documentation: "https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html",
    inputs: &[Input::new("domain", Kind::Host, "my-pool.auth.eu-central-1.amazoncognito.com")],
    authorization: Some("https://{domain}/oauth2/authorize"),
    token: "https://{domain}/oauth2/token",
    revocation: Some("https://{domain}/oauth2/revoke"),
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost, Authentication::Public],
    pkce: Pkce::Documented,
    quirks: || vec![Quirk::UnencodedBasic],
    notes: &[
        "The issuer is at another host, with the id of the user pool: set it with Server::issuer.",
        "The origin of the API is not known: add it with Server::token_for.",
    ],
    ..Preset::STANDARD
};

/// Yahoo. [`YAHOO`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn yahoo() -> Result<Server, Error> {
    YAHOO.server(&[])
}

/// The data of [`yahoo()`].
pub const YAHOO: Preset = Preset {
    id: "yahoo",
    name: "Yahoo",
    documentation: "https://developer.yahoo.com/oauth2/guide/flows_authcode/",
    answer: Evidence::Unknown,
    error: Evidence::Unknown,
    issuer: Some("https://api.login.yahoo.com"),
    authorization: Some("https://api.login.yahoo.com/oauth2/request_auth"),
    token: "https://api.login.yahoo.com/oauth2/get_token",
    authentication: &[Authentication::SecretBasic, Authentication::SecretPost],
    api: &["https://api.login.yahoo.com"],
    notes: &["Each of its APIs has an origin: add it with Server::token_for."],
    ..Preset::STANDARD
};

/// ORCID. [`ORCID`] has its data and its notes.
///
/// # Errors
/// As [`Preset::server`].
pub fn orcid() -> Result<Server, Error> {
    ORCID.server(&[])
}

/// The data of [`orcid()`].
pub const ORCID: Preset = Preset {
    id: "orcid",
    name: "ORCID",
    documentation: "https://info.orcid.org/documentation/api-tutorials/api-tutorial-get-and-authenticated-orcid-id/",
    error: Evidence::Unknown,
    issuer: Some("https://orcid.org"),
    authorization: Some("https://orcid.org/oauth/authorize"),
    token: "https://orcid.org/oauth/token",
    revocation: Some("https://orcid.org/oauth/revoke"),
    api: &["https://orcid.org", "https://api.orcid.org", "https://pub.orcid.org"],
    ..Preset::STANDARD
};

/// Azure AD B2C, by the name of a tenant and one of its user flows or policies. [`AZURE_AD_B2C`] has its data and its notes.
///
/// # Errors
/// [`Error::Input`] if a value is not what its input accepts.
pub fn azure_ad_b2c(tenant: &str, policy: &str) -> Result<Server, Error> {
    AZURE_AD_B2C.server(&[tenant, policy])
}

/// The data of [`azure_ad_b2c()`].
pub const AZURE_AD_B2C: Preset = Preset {
    id: "azure_ad_b2c",
    name: "Azure AD B2C",
    documentation: "https://learn.microsoft.com/en-us/azure/active-directory-b2c/authorization-code-flow",
    inputs: &[Input::new("tenant", Kind::Label, "contoso"), Input::new("policy", Kind::Segment, "B2C_1_sign_in")],
    authorization: Some("https://{tenant}.b2clogin.com/{tenant}.onmicrosoft.com/{policy}/oauth2/v2.0/authorize"),
    token: "https://{tenant}.b2clogin.com/{tenant}.onmicrosoft.com/{policy}/oauth2/v2.0/token",
    authentication: &[Authentication::SecretPost, Authentication::SecretBasic, Authentication::Public],
    pkce: Pkce::Documented,
    notes: &[
        "The issuer is not set: it has the id of the tenant instead of the name.",
        "The origin of the API is not known: add it with Server::token_for.",
    ],
    ..Preset::STANDARD
};
