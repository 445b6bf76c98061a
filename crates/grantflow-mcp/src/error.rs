//! What cannot go on, and who has to act.

use core::fmt;

use grantflow::{Issuer, NoStepUp};

/// Why a step of the profile cannot be made. Nothing was sent.
///
/// An exchange fails with the core's [`grantflow::Error`]; this is the error of the steps between two exchanges.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The core's error: a URL, a scope or a stored state that cannot be used, or metadata that demands too much.
    #[error(transparent)]
    OAuth(#[from] grantflow::Error),
    /// The token was not attached, because the request is not a request to its resource.
    #[error("the token was not attached: {0}")]
    NotCovered(NotCovered),
    /// The authorization server does not announce PKCE with `S256`, so its codes may be unprotected.
    #[error(
        "the metadata of {0} does not list S256 in code_challenge_methods_supported, and the Model Context Protocol forbids a \
         login at a server that does not announce PKCE: tell the server's operator"
    )]
    NoPkce(Issuer),
    /// The resource has moved to another authorization server, and its client was registered beforehand at the old one.
    #[error(
        "the resource has moved from the authorization server {from} to {to}; the client that was registered at the first is never \
         used at the second: register a client at {to}, and add its credentials"
    )]
    Moved {
        /// Where the client is registered.
        from: Issuer,
        /// The resource's authorization server now.
        to: Issuer,
    },
    /// The credentials, or the stored state, belong to another issuer.
    #[error(
        "this belongs to the issuer {of}, and not to {at}: credentials and tokens are never used at another issuer"
    )]
    OtherIssuer {
        /// The issuer to which they belong.
        of: Issuer,
        /// The issuer at which they were to be used.
        at: Issuer,
    },
    /// The grant is for another resource.
    #[error("the grant is for another resource: its tokens are never used at this one")]
    OtherResource,
    /// The redirect URI is none of those that the client has registered.
    #[error(
        "the redirect URI is none of those that are registered for this client; scheme, host and path must be identical, and only \
         for the loopback addresses 127.0.0.1 and [::1] may the port be another one (RFC 8252 §7.3): localhost is another host \
         than 127.0.0.1"
    )]
    RedirectUri,
    /// The client's registration names a way to authenticate that this library does not have, or one that needs a secret
    /// where there is none.
    #[error("the client cannot authenticate: {0}")]
    Authentication(AuthenticationFault),
    /// The program's client ID metadata document has no `client_name`.
    #[error(
        "the client ID metadata document has no client_name, which servers show to the person: add it, and publish it again"
    )]
    NoClientName,
    /// There is no further authorization request for this operation.
    #[error(transparent)]
    NoStepUp(#[from] NoStepUp),
    /// The resource refused a new token as well.
    #[error("the resource refuses every token that its authorization server gives: do not repeat the operation")]
    RefusedAgain,
    /// The grant came without a login, so there is no person whom more scope could be asked from.
    #[error(
        "the resource wants more scope than this grant has, and the grant came without a login: its operator has to grant it"
    )]
    NoPerson,
    /// The stored state was refused.
    #[error("the stored state was refused: {0}; start again from the resource's challenge")]
    Stored(StoredFault),
}

/// Why a request is not a request to the resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotCovered {
    /// Its URI is not absolute.
    NoOrigin,
    /// It has another scheme, host or port.
    OtherOrigin,
    /// Its path is neither the resource's path nor below it, or could lead above it.
    OtherPath,
    /// It lacks a parameter of the resource's query, or has another value for it.
    OtherQuery,
}

impl fmt::Display for NotCovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoOrigin => "the request needs an absolute URI",
            Self::OtherOrigin => "the request goes to another origin than its resource",
            Self::OtherPath => {
                "the request's path is not below the resource's; for the older transport with a second URL, see \
                 Resource::allow_token_at_whole_origin"
            }
            Self::OtherQuery => "the request lacks a parameter of the resource's query, or has another value for it",
        })
    }
}

/// Why a client cannot authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthenticationFault {
    /// The registration names another method than `none`, `client_secret_basic` and `client_secret_post`.
    UnknownMethod,
    /// The registration names a method with a secret, and has none.
    NoSecret,
    /// The server announces neither `client_secret_basic` nor `client_secret_post`.
    NoSecretMethod,
    /// The grant is for confidential clients, and this client has no secret.
    Public,
}

impl fmt::Display for AuthenticationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownMethod => {
                "its registration names a method that this library does not have: register it with none, client_secret_basic or \
                 client_secret_post"
            }
            Self::NoSecret => "its registration names a method with a secret, and gives no secret: register it again",
            Self::NoSecretMethod => {
                "it has a secret, and the server announces neither client_secret_basic nor client_secret_post: register it without"
            }
            Self::Public => "it acts for itself, and that needs a secret: register it as a confidential client",
        })
    }
}

/// Why a stored state was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredFault {
    /// A newer version of this library wrote it, or it was not written by this library.
    Version,
    /// A byte of it was changed or lost.
    Damaged,
    /// The credentials of its client are not there any more, or are those of another client.
    NoClient,
}

impl fmt::Display for StoredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "another version wrote it",
            Self::Damaged => "it is damaged",
            Self::NoClient => "the credentials of its client are not known",
        })
    }
}
