//! The endpoints: where each is, and which methods it takes.
//!
//! A new endpoint is a variant here with its path, its methods and its name in the metadata; an arm in `Server::route`;
//! a file with what it does, behind `Server::serve_client` where a client posts a form; and what is odd about its
//! answers, in `oddities.rs`.

use http::Method;

/// An endpoint of the [`Server`](crate::Server). [`Server::endpoint_url`](crate::Server::endpoint_url) tells where it
/// is, [`Knobs::omit`](crate::Knobs::omit) takes it away, [`Knobs::misbehave_at`](crate::Knobs::misbehave_at) lets its
/// next answer go wrong, and [`Server::hits_at`](crate::Server::hits_at) tells what was sent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// The authorization endpoint, `GET {base}/oauth/authorize` (RFC 6749 section 3.1).
    Authorization,
    /// The token endpoint, `POST {base}/api/access_token` (RFC 6749 section 3.2).
    Token,
    /// The protected resource, `GET {base}/api/user` (RFC 6750).
    Resource,
    /// The metadata by RFC 8414 section 3.1: `GET /.well-known/oauth-authorization-server`, followed by the issuer's
    /// path.
    ServerMetadata,
    /// The metadata by OpenID Connect Discovery section 4: `GET {base}/.well-known/openid-configuration`. Not there
    /// until [`Knobs::serve`](crate::Knobs::serve).
    OpenidConfiguration,
    /// The OpenID document at the place of RFC 8414 section 5: `GET /.well-known/openid-configuration`,
    /// followed by the issuer's path. Not there until [`Knobs::serve`](crate::Knobs::serve). If the issuer
    /// has no path, this is the place of [`Endpoint::OpenidConfiguration`] too; if both are served, that one answers.
    OpenidConfigurationInserted,
    /// The keys that the OpenID document names, `GET {base}/oauth/jwks`. The set is empty, because this server signs
    /// nothing (RFC 7517 section 5).
    Keys,
    /// The device authorization endpoint, `POST {base}/oauth/device_authorization` (RFC 8628 section 3.1).
    DeviceAuthorization,
    /// The page where the person enters the user code, `{base}/device` (RFC 8628 section 3.3). A browser can use it;
    /// tests call [`Server::approve`](crate::Server::approve).
    Verification,
    /// The introspection endpoint, `POST {base}/oauth/introspect` (RFC 7662 section 2).
    Introspection,
    /// The revocation endpoint, `POST {base}/oauth/revoke` (RFC 7009 section 2).
    Revocation,
    /// The endpoint for pushed authorization requests, `POST {base}/oauth/par` (RFC 9126 section 2).
    PushedAuthorization,
    /// The registration endpoint, `POST {base}/oauth/register` (RFC 7591 section 3).
    Registration,
    /// The client configuration endpoint, `{base}/oauth/client` with the client's id in its query: GET reads, PUT changes
    /// and DELETE ends a registration (RFC 7592 section 2). Taken away, no client gets a token for it.
    ClientConfiguration,
    /// The metadata of the protected resource, `GET /.well-known/oauth-protected-resource` followed by the resource's
    /// path (RFC 9728 section 3.1).
    ResourceMetadata,
    /// The metadata of the whole origin as a resource, `GET /.well-known/oauth-protected-resource`. Some clients ask
    /// for it if the other document is not there. Not there until [`Knobs::serve`](crate::Knobs::serve).
    ResourceMetadataAtRoot,
    /// The backchannel authentication endpoint, `POST {base}/oauth/backchannel` (OpenID CIBA section 7).
    BackchannelAuthentication,
}

/// The path of the protected resource after the issuer's path.
const RESOURCE: &str = "/api/user";
const PROTECTED_RESOURCE: &str = "/.well-known/oauth-protected-resource";
const OPENID: &str = "/.well-known/openid-configuration";

impl Endpoint {
    /// Every endpoint, in the order in which paths are compared.
    pub const ALL: [Endpoint; 17] = [
        Endpoint::Authorization,
        Endpoint::Token,
        Endpoint::Resource,
        Endpoint::ServerMetadata,
        Endpoint::OpenidConfiguration,
        Endpoint::OpenidConfigurationInserted,
        Endpoint::Keys,
        Endpoint::DeviceAuthorization,
        Endpoint::Verification,
        Endpoint::Introspection,
        Endpoint::Revocation,
        Endpoint::PushedAuthorization,
        Endpoint::ResourceMetadata,
        Endpoint::ResourceMetadataAtRoot,
        Endpoint::BackchannelAuthentication,
        Endpoint::Registration,
        Endpoint::ClientConfiguration,
    ];

    /// The path in pieces, where `base` is the issuer's path without a slash at its end.
    pub(crate) fn pieces(self, base: &str) -> [&str; 3] {
        match self {
            Endpoint::Authorization => [base, "/oauth/authorize", ""],
            Endpoint::Token => [base, "/api/access_token", ""],
            Endpoint::Resource => [base, RESOURCE, ""],
            Endpoint::ServerMetadata => ["/.well-known/oauth-authorization-server", base, ""],
            Endpoint::OpenidConfiguration => [base, OPENID, ""],
            Endpoint::OpenidConfigurationInserted => [OPENID, base, ""],
            Endpoint::Keys => [base, "/oauth/jwks", ""],
            Endpoint::DeviceAuthorization => [base, "/oauth/device_authorization", ""],
            Endpoint::Verification => [base, "/device", ""],
            Endpoint::Introspection => [base, "/oauth/introspect", ""],
            Endpoint::Revocation => [base, "/oauth/revoke", ""],
            Endpoint::PushedAuthorization => [base, "/oauth/par", ""],
            Endpoint::Registration => [base, "/oauth/register", ""],
            Endpoint::ClientConfiguration => [base, "/oauth/client", ""],
            Endpoint::ResourceMetadata => [PROTECTED_RESOURCE, base, RESOURCE],
            Endpoint::ResourceMetadataAtRoot => [PROTECTED_RESOURCE, "", ""],
            Endpoint::BackchannelAuthentication => [base, "/oauth/backchannel", ""],
        }
    }

    /// Whether this is the endpoint's path.
    pub(crate) fn is_at(self, base: &str, path: &str) -> bool {
        self.pieces(base).iter().try_fold(path, |rest, piece| rest.strip_prefix(piece)) == Some("")
    }

    /// The methods that the endpoint takes.
    pub(crate) fn methods(self) -> &'static [Method] {
        match self {
            Endpoint::Token
            | Endpoint::DeviceAuthorization
            | Endpoint::Introspection
            | Endpoint::Revocation
            | Endpoint::PushedAuthorization
            | Endpoint::BackchannelAuthentication => &[Method::POST],
            Endpoint::Registration => &[Method::POST],
            Endpoint::ClientConfiguration => &[Method::GET, Method::PUT, Method::DELETE],
            Endpoint::Verification => &[Method::GET, Method::POST],
            _ => &[Method::GET],
        }
    }

    /// The member of the server's metadata that holds the endpoint's URL (RFC 8414 section 2).
    pub(crate) fn member(self) -> Option<&'static str> {
        match self {
            Endpoint::Authorization => Some("authorization_endpoint"),
            Endpoint::Token => Some("token_endpoint"),
            Endpoint::DeviceAuthorization => Some("device_authorization_endpoint"),
            Endpoint::Introspection => Some("introspection_endpoint"),
            Endpoint::Revocation => Some("revocation_endpoint"),
            Endpoint::PushedAuthorization => Some("pushed_authorization_request_endpoint"),
            Endpoint::BackchannelAuthentication => Some("backchannel_authentication_endpoint"),
            Endpoint::Registration => Some("registration_endpoint"),
            _ => None,
        }
    }
}
