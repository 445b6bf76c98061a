//! What is wrong with a client's metadata, and with the credentials that a registration gave (RFC 7591, RFC 7592).

use core::fmt;

use super::Shown;

/// Why a client's metadata cannot be used (RFC 7591 §2, OAuth Client ID Metadata Document §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientMetadataFault {
    /// The client uses codes, and has no redirect URI to which they could come.
    NoRedirectUri,
    /// A grant type or response type of the implicit grant or of the password grant, which are removed (RFC 9700 §2.1.2,
    /// §2.4).
    RemovedGrant,
    /// `response_types` has `code` and `grant_types` does not have `authorization_code`, or the other way round.
    ResponseTypes,
    /// This member is empty, or has a character that it must not have.
    Value(&'static str),
    /// Both `jwks` and `jwks_uri`.
    TwoKeySets,
    /// `jwks` is not an object with a list `keys` of objects.
    KeySet,
    /// `jwks` holds a private or a symmetric key.
    PrivateKey,
    /// This member has no translations, or the language is no language tag (RFC 5646).
    Language,
    /// A member that has a method here, or that only a server gives.
    Reserved,
    /// The value cannot be written as JSON.
    NotWritable,
    /// A way to authenticate that needs a secret, in a document that everyone can read.
    SharedSecret,
    /// The document says that its client authenticates in a way that this library cannot do, such as `private_key_jwt`.
    AuthMethod,
    /// The document is larger than 5 KiB.
    TooLong,
}

impl fmt::Display for ClientMetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRedirectUri => f.write_str(
                "the client uses authorization codes and has no redirect URI: give one by redirect_uri, or other grant_types",
            ),
            Self::RemovedGrant => f.write_str(
                "the implicit grant and the password grant are removed from OAuth: leave out implicit, password, token and \
                 id_token",
            ),
            Self::ResponseTypes => f.write_str(
                "response_types and grant_types contradict each other: code belongs to authorization_code (RFC 7591 §2.1)",
            ),
            Self::Value(member) => write!(f, "{member} is empty, or has a character that it must not have"),
            Self::TwoKeySets => f.write_str("jwks and jwks_uri exclude each other: give one of them"),
            Self::KeySet => f.write_str("jwks must be an object with a list `keys` of objects (RFC 7517 §5)"),
            Self::PrivateKey => f.write_str("jwks holds a private or a symmetric key: give the public parts only"),
            Self::Language => f.write_str(
                "only client_name, client_uri, logo_uri, tos_uri and policy_uri have translations, and a language is a tag \
                 such as `ja` or `de-CH` (RFC 7591 §2.2)",
            ),
            Self::Reserved => {
                f.write_str("this member has a method here, or only a server gives it: it cannot be set by its name")
            }
            Self::NotWritable => f.write_str("this value cannot be written as JSON"),
            Self::SharedSecret => f.write_str(
                "a metadata document is public, so its client has no secret: token_endpoint_auth_method must not be one of \
                 the client_secret methods",
            ),
            Self::AuthMethod => f.write_str(
                "the document says that its client authenticates in a way that this library cannot do: only none is possible",
            ),
            Self::TooLong => f.write_str("the document is larger than 5 KiB, and servers read no more: shorten it"),
        }
    }
}

/// Why the credentials of a registration cannot be used in this way. The registration itself is not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistrationFault {
    /// The server registered a way to authenticate that this library cannot do, such as `private_key_jwt`:
    /// [`Registered::token_endpoint_auth_method`](crate::Registered::token_endpoint_auth_method).
    AuthMethod,
    /// The client authenticates with a secret, and the server gave none.
    NoSecret,
    /// The client is registered without credentials (`none`), and a flow needs some.
    Public,
    /// The server gave no `registration_client_uri` or no `registration_access_token` (RFC 7592 §3).
    NotManageable,
    /// `registration_client_uri` is not an `https` URL at the origin of the issuer or of the registration endpoint.
    OtherOrigin,
}

impl fmt::Display for RegistrationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AuthMethod => {
                "the server wants a way to authenticate that this library cannot do; the client is registered: update its \
                 token_endpoint_auth_method, or delete it"
            }
            Self::NoSecret => {
                "the client authenticates with a secret, and the server gave none; the client is registered: update its \
                 token_endpoint_auth_method to none, or delete it"
            }
            Self::Public => {
                "the client is registered without credentials: update its token_endpoint_auth_method, or use client()"
            }
            Self::NotManageable => {
                "the server gave no registration_client_uri or no registration_access_token: it does not let a client \
                 manage its registration"
            }
            Self::OtherOrigin => {
                "the server's registration_client_uri is not at the origin of its issuer or of its registration endpoint: \
                 the registration access token is not sent there"
            }
        })
    }
}

/// Credentials that one issuer gave, and a server of another issuer. They were not sent there.
///
/// `Display` and `Debug` show only issuers that are plain URLs; the methods return both.
#[derive(Clone, Debug)]
pub struct OtherIssuer {
    pub(crate) expected: Shown,
    pub(crate) received: Shown,
}

impl OtherIssuer {
    /// The issuer that gave the credentials.
    pub fn expected(&self) -> &str {
        self.expected.text()
    }

    /// The issuer of the server with which they were to be used.
    pub fn received(&self) -> &str {
        self.received.text()
    }
}

impl fmt::Display for OtherIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, received } = self;
        write!(
            f,
            "the client was registered at {expected}, and the server is {received}: credentials of one issuer are never used \
             at another; register a client there"
        )
    }
}
