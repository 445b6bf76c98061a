//! Where each server has what. Paths below its issuer, except the API's, which is below its origin.

use grantflow_tests::support::peer::Kind;

pub(crate) struct Places {
    pub(crate) authorization: &'static str,
    pub(crate) token: &'static str,
    pub(crate) device: &'static str,
    pub(crate) introspection: &'static str,
    pub(crate) revocation: &'static str,
    pub(crate) pushed: &'static str,
    pub(crate) api: &'static str,
}

/// The path of an endpoint that a server does not have.
pub(crate) const NONE: &str = "/there-is-none";

pub(crate) fn of(kind: Kind) -> Places {
    match kind {
        Kind::OidcProvider | Kind::PushingOidcProvider => Places {
            authorization: "/auth",
            token: "/token",
            device: "/device/auth",
            introspection: "/token/introspection",
            revocation: "/token/revocation",
            pushed: "/request",
            api: "/me",
        },
        Kind::DjangoOauthToolkit | Kind::StrictDjangoOauthToolkit => Places {
            authorization: "/authorize/",
            token: "/token/",
            device: "/device-authorization/",
            introspection: "/introspect/",
            revocation: "/revoke_token/",
            pushed: NONE,
            api: "/api",
        },
        Kind::Authlib => Places {
            authorization: "/authorize",
            token: "/token",
            device: "/device_authorization",
            introspection: "/introspect",
            revocation: "/revoke",
            pushed: NONE,
            api: "/api",
        },
        Kind::Zitadel => Places {
            authorization: "/authorize",
            token: "/oauth/token",
            device: "/device_authorization",
            introspection: "/oauth/introspect",
            revocation: "/revoke",
            pushed: NONE,
            api: "/userinfo",
        },
        Kind::Keycloak | Kind::LenientKeycloak => Places {
            authorization: "/protocol/openid-connect/auth",
            token: "/protocol/openid-connect/token",
            device: "/protocol/openid-connect/auth/device",
            introspection: "/protocol/openid-connect/token/introspect",
            revocation: "/protocol/openid-connect/revoke",
            pushed: "/protocol/openid-connect/ext/par/request",
            api: "/protocol/openid-connect/userinfo",
        },
    }
}
