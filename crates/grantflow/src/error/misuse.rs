//! Values that cannot be used: the caller has to correct them.

use core::fmt;
use core::time::Duration;

use super::faults::{AuthorizeFault, DetailsFault, MetadataFault, StoredFault};
use super::{BackchannelFault, ClientMetadataFault, RegistrationFault, seconds};

/// A value that cannot be used: the caller has to correct it. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A URL that cannot be used for its purpose.
    #[error("{role} {fault}")]
    Url {
        /// The purpose of the URL.
        role: UrlRole,
        /// What is wrong with it.
        fault: UrlFault,
    },
    /// An empty client id.
    #[error("the client id is empty: give the one that the server registered")]
    EmptyClientId,
    /// An empty client secret.
    #[error("the client secret is empty: a client without one is public()")]
    EmptyClientSecret,
    /// A token from elsewhere that is empty or blank.
    #[error("the token is empty: give the one that the server issued")]
    EmptyToken,
    /// A token from elsewhere that has a character outside RFC 6749 appendices A.12 and A.17.
    #[error(
        "the token holds something other than printable ASCII: give it as the server issued it, without line breaks"
    )]
    TokenCharacter,
    /// A grant type that no [`ExtensionGrant`](crate::ExtensionGrant) has.
    #[error(
        "this grant type is no extension grant: it is empty, it was removed (password, implicit), or this library has a flow for it"
    )]
    GrantType,
    /// A token that does not have the form of its type: not base64url, not XML.
    #[error("the token does not have the form of its type: {0}")]
    TokenForm(&'static str),
    /// A token exchange issued no access token, and tokens were taken from it.
    #[error("the issued token is not an access token: it can be a subject token or an assertion, not a Bearer token")]
    NotAnAccessToken,
    /// A token exchange issued an access token, and another kind of token was taken from it.
    #[error("the issued token is an access token: take it with into_tokens()")]
    AnAccessToken,
    /// The issued token is not of a type that an assertion grant can send (RFC 7523 §2.1, RFC 7522 §2.1).
    #[error(
        "the issued token is neither a JWT nor a SAML 2.0 assertion by its type: if it is one, make an `Assertion` of its text"
    )]
    NotAnAssertion,
    /// An empty `audience` (RFC 8693 §2.1).
    #[error("the audience is empty: give the name that the server documents")]
    EmptyAudience,
    /// The server was made without an issuer identifier. This flow has to name it, or keeps credentials under it.
    #[error("this server has no issuer: give it by Server::issuer, or make the server from its metadata")]
    NoIssuer,
    /// These tokens were made from a refresh token alone.
    #[error("there is no access token yet: these tokens were made from a refresh token; refresh them first")]
    NoAccessToken,
    /// A scope that is empty or has a character outside RFC 6749 appendix A.4.
    #[error("the scope must be tokens of printable ASCII without quotes and backslashes, separated by spaces")]
    Scope,
    /// A refresh may ask for part of the granted scope, never for more (RFC 6749 §6).
    #[error("the scope of a refresh must be part of the scope that was granted")]
    WiderScope,
    /// An extra parameter's name is empty, or is one that the flow sets itself; or a
    /// [`token_request`](crate::Client::token_request) has no `grant_type`, or one that is not built in this way.
    #[error(
        "this parameter cannot be given: its name is empty or set by the flow itself, or grant_type is missing or not allowed here"
    )]
    ReservedParameter,
    /// An extra parameter was given twice, or is in the endpoint's own query already (RFC 6749 §3.1).
    #[error("this parameter was given already, or is in the endpoint's own query: no parameter may be sent twice")]
    DuplicateParameter,
    /// The server was made without an authorization endpoint.
    #[error("this server has no authorization endpoint: make it with Server::new")]
    NoAuthorizationEndpoint,
    /// The server was made without the endpoint that this flow asks.
    #[error("this server has no {name}: give it to the `Server`, or make the server from its metadata", name = .0.name())]
    NoEndpoint(UrlRole),
    /// The server does not say that it takes the URL of a metadata document as a client id.
    #[error(
        "the server does not say in client_id_metadata_document_supported that it takes the URL of a document as a client \
         id: register a client there, or say by Server::client_id_metadata_document_supported that it does"
    )]
    NoClientIdDocuments,
    /// A client's metadata cannot be used.
    #[error("the client metadata cannot be used: {0}")]
    ClientMetadata(ClientMetadataFault),
    /// The credentials of a registration cannot be used in this way.
    #[error("the registered client cannot be used in this way: {0}")]
    Registration(RegistrationFault),
    /// The server's metadata, or a resource's, demands something that this library cannot do, or lacks something that a
    /// flow needs.
    #[error("the metadata cannot be used: {0}")]
    Metadata(MetadataFault),
    /// The server announces the ways in which clients authenticate, and this is none of them.
    #[error(
        "the server announces in token_endpoint_auth_methods_supported that it does not take {0}: choose a method that it \
         lists, or give its list by Server::token_endpoint_auth_methods_supported"
    )]
    AuthMethod(&'static str),
    /// The server accepts pushed authorization requests only (RFC 9126 §5).
    #[error("this server accepts pushed authorization requests only: use begin() or push()")]
    NeedsPush,
    /// The answer held no refresh token, so there is nothing to refresh with.
    #[error("these tokens came without a refresh token: authorize again when they expire")]
    NoRefreshToken,
    /// The given response is an interim one (1xx), not the answer.
    #[error("an interim (1xx) response was given: wait for the final one")]
    InterimResponse,
    /// The next request comes before its time: more than a second of [`Exchange::rest`](crate::Exchange::rest) is left.
    /// Nothing was sent.
    #[error("it is too early for the next request: wait {} s, then ask for it again", seconds(*.rest))]
    TooEarly {
        /// How long to wait.
        rest: Duration,
    },
    /// A quirk that contradicts the protocol or another quirk.
    #[error("this quirk cannot be used: {0}")]
    Quirk(&'static str),
    /// A stored state that cannot be restored.
    #[error("the stored state was refused: {0}")]
    Stored(StoredFault),
    /// The access token is bound to a key, so it cannot be used as a Bearer token (RFC 9449 §7.1).
    #[error("the access token is bound to a key and cannot be used as a Bearer token")]
    NotBearer,
    /// The token would go to a place where it must not go.
    #[error("the token was not attached: {0}")]
    Authorize(AuthorizeFault),
    /// A parameter of a backchannel authentication request that cannot be used, or that the server does not take.
    #[error("the backchannel authentication request cannot be made: {0}")]
    Backchannel(BackchannelFault),
    /// Authorization details that cannot be sent (RFC 9396 §2).
    #[error("the authorization details {0}")]
    AuthorizationDetails(DetailsFault),
    /// A resource that the grant does not have (RFC 8707 §2.2).
    #[error("the grant was not requested for this resource: name one of those that the authorization request named")]
    WiderResource,
    /// The unknown members of the answer do not fit the requested type.
    #[error("the unknown members of the answer do not fit the requested type: check its fields")]
    Extra,
}

/// The purpose of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlRole {
    /// The authorization endpoint (RFC 6749 §3.1).
    Authorization,
    /// The token endpoint (RFC 6749 §3.2).
    Token,
    /// The device authorization endpoint (RFC 8628 §3.1).
    DeviceAuthorization,
    /// The pushed authorization request endpoint (RFC 9126 §2).
    PushedAuthorizationRequest,
    /// The introspection endpoint (RFC 7662 §2).
    Introspection,
    /// The revocation endpoint (RFC 7009 §2).
    Revocation,
    /// The backchannel authentication endpoint (OpenID CIBA §7).
    BackchannelAuthentication,
    /// The registration endpoint (RFC 7591 §3).
    Registration,
    /// The client configuration endpoint (RFC 7592 §2), which a server names in `registration_client_uri`.
    ClientConfiguration,
    /// A client id that is the URL of the client's metadata (OAuth Client ID Metadata Document §3).
    ClientId,
    /// A page of the client: its home page, logo, terms or policy (RFC 7591 §2).
    ClientPage,
    /// The place of the client's keys, `jwks_uri` (RFC 7591 §2).
    ClientKeys,
    /// The document with the authorization server's metadata (RFC 8414 §3, OpenID Connect Discovery §4).
    Metadata,
    /// The document with a protected resource's metadata (RFC 9728 §3).
    ResourceMetadata,
    /// The page where a person enters a user code (RFC 8628 §3.2).
    Verification,
    /// The redirect URI (RFC 6749 §3.1.2).
    Redirect,
    /// The issuer identifier (RFC 8414 §2).
    Issuer,
    /// An origin to which tokens may be sent.
    Origin,
    /// A resource indicator (RFC 8707 §2).
    Resource,
    /// A token type identifier (RFC 8693 §3).
    TokenType,
    /// A token endpoint or an issuer that the server had before it moved.
    Former,
}

impl UrlRole {
    /// The name without an article.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Authorization => "authorization endpoint",
            Self::Token => "token endpoint",
            Self::DeviceAuthorization => "device authorization endpoint",
            Self::PushedAuthorizationRequest => "pushed authorization request endpoint",
            Self::Introspection => "introspection endpoint",
            Self::Revocation => "revocation endpoint",
            Self::BackchannelAuthentication => "backchannel authentication endpoint",
            Self::Registration => "registration endpoint",
            Self::ClientConfiguration => "client configuration endpoint",
            Self::ClientId => "client id",
            Self::ClientPage => "client's page",
            Self::ClientKeys => "client's jwks_uri",
            Self::Metadata => "server metadata",
            Self::ResourceMetadata => "resource metadata",
            Self::Verification => "verification URI",
            Self::Redirect => "redirect URI",
            Self::Issuer => "issuer",
            Self::Origin => "origin",
            Self::Resource => "resource indicator",
            Self::TokenType => "token type identifier",
            Self::Former => "former endpoint or issuer",
        }
    }
}

impl fmt::Display for UrlRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {}", self.name())
    }
}

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UrlFault {
    /// It is empty.
    Empty,
    /// It is not absolute.
    Relative,
    /// It cannot be parsed: its host is neither a name nor an address, or its port is not in 1 to 65535.
    Malformed,
    /// It has a fragment.
    Fragment,
    /// It has a query.
    Query,
    /// It has user information before the host.
    UserInfo,
    /// It has no host.
    NoHost,
    /// It is `http` and not on loopback.
    Insecure,
    /// Its scheme is not allowed.
    Scheme,
    /// It holds a character that RFC 3986 does not allow.
    Character,
    /// Two hexadecimal digits do not follow one of its `%`.
    Escape,
    /// It is longer than 8 KiB.
    TooLong,
    /// Its query uses a reserved name.
    ReservedParameter,
    /// Its query uses a name twice.
    RepeatedParameter,
    /// It holds a character that a shell acts on.
    ShellCharacter,
    /// It has a path or a query, and only scheme, host and port are allowed.
    NotAnOrigin,
    /// A document names this machine, or an address other than the configured one. A document on the network must not
    /// lead a program there.
    Address,
    /// A resource names metadata of another origin than its own.
    OtherOrigin,
    /// It has no path, or only `/`.
    NoPath,
    /// Its path has a segment `.` or `..`.
    DotSegment,
}

impl fmt::Display for UrlFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::Relative => "is not absolute: write it with its scheme and host",
            Self::Malformed => "is not a valid URL: check its host and port",
            Self::Fragment => "has a fragment: leave out the # and what follows",
            Self::Query => "has a query: leave out the ? and what follows",
            Self::UserInfo => "has user information before its host: leave it out",
            Self::NoHost => "has no host",
            Self::Insecure => "is http: and not on loopback: use https",
            Self::Scheme => "has a scheme that is not allowed here",
            Self::Character => "holds a character that no URL may hold: percent-encode it",
            Self::Escape => "has a % without two hexadecimal digits after it: write %25 for the sign itself",
            Self::TooLong => "is longer than 8 KiB",
            Self::ReservedParameter => "has a query that uses a name that the protocol reserves",
            Self::RepeatedParameter => "has a query that uses a name twice: no parameter may be sent twice",
            Self::ShellCharacter => "holds a character that a shell acts on: percent-encode it",
            Self::NotAnOrigin => "is more than an origin: give only scheme, host and port",
            Self::Address => {
                "names this machine or an address, though the configured URL does not: a document must use the host's name"
            }
            Self::OtherOrigin => "is at another origin than the resource",
            Self::NoPath => "has no path: give the document a path at its host",
            Self::DotSegment => "has a path with . or .. in it: write the path that is meant",
        })
    }
}
