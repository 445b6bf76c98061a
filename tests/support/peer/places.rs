//! Where each server has what.

use super::Kind;

/// The paths of a server. They are below its issuer, except the API's, which is below its origin.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// The authorization endpoint.
    pub authorization: &'static str,
    /// The token endpoint.
    pub token: &'static str,
    /// The device authorization endpoint.
    pub device: &'static str,
    /// The introspection endpoint.
    pub introspection: &'static str,
    /// The revocation endpoint.
    pub revocation: &'static str,
    /// Where authorization requests are pushed.
    pub pushed: &'static str,
    /// The backchannel authentication endpoint.
    pub backchannel: &'static str,
    /// A resource that wants a token.
    pub api: &'static str,
}

/// The path of an endpoint that a server does not have.
pub const NONE: &str = "/there-is-none";

/// The paths of one server.
pub fn of(kind: Kind) -> Places {
    match kind {
        Kind::OidcProvider | Kind::PushingOidcProvider => Places {
            authorization: "/auth",
            token: "/token",
            device: "/device/auth",
            introspection: "/token/introspection",
            revocation: "/token/revocation",
            pushed: "/request",
            backchannel: "/backchannel",
            api: "/me",
        },
        Kind::DjangoOauthToolkit | Kind::StrictDjangoOauthToolkit => Places {
            authorization: "/authorize/",
            token: "/token/",
            device: "/device-authorization/",
            introspection: "/introspect/",
            revocation: "/revoke_token/",
            pushed: NONE,
            backchannel: NONE,
            api: "/api",
        },
        Kind::Authlib => Places {
            authorization: "/authorize",
            token: "/token",
            device: "/device_authorization",
            introspection: "/introspect",
            revocation: "/revoke",
            pushed: NONE,
            backchannel: NONE,
            api: "/api",
        },
        Kind::Zitadel => Places {
            authorization: "/authorize",
            token: "/oauth/token",
            device: "/device_authorization",
            introspection: "/oauth/introspect",
            revocation: "/revoke",
            pushed: NONE,
            backchannel: NONE,
            api: "/userinfo",
        },
        Kind::Idpyoidc => Places {
            authorization: "/authorization",
            token: "/token",
            device: NONE,
            introspection: "/introspection",
            revocation: "/revocation",
            pushed: "/par",
            backchannel: NONE,
            api: "/userinfo",
        },
        Kind::Atproto => Places {
            authorization: "/oauth/authorize",
            token: "/oauth/token",
            device: NONE,
            introspection: NONE,
            revocation: "/oauth/revoke",
            pushed: "/oauth/par",
            backchannel: NONE,
            api: "/api",
        },
        Kind::Hydra | Kind::GracefulHydra => Places {
            authorization: "/oauth2/auth",
            token: "/oauth2/token",
            device: NONE,
            // At its listener for administrators; here the same program passes it on.
            introspection: "/admin/oauth2/introspect",
            revocation: "/oauth2/revoke",
            pushed: NONE,
            backchannel: NONE,
            api: "/userinfo",
        },
        Kind::Spring => Places {
            authorization: "/oauth2/authorize",
            token: "/oauth2/token",
            device: "/oauth2/device_authorization",
            introspection: "/oauth2/introspect",
            revocation: "/oauth2/revoke",
            pushed: "/oauth2/par",
            backchannel: NONE,
            api: "/api",
        },
        Kind::Keycloak | Kind::LenientKeycloak => Places {
            authorization: "/protocol/openid-connect/auth",
            token: "/protocol/openid-connect/token",
            device: "/protocol/openid-connect/auth/device",
            introspection: "/protocol/openid-connect/token/introspect",
            revocation: "/protocol/openid-connect/revoke",
            pushed: "/protocol/openid-connect/ext/par/request",
            backchannel: "/protocol/openid-connect/ext/ciba/auth",
            api: "/protocol/openid-connect/userinfo",
        },
    }
}
