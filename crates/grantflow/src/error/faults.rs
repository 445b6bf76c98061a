//! What is wrong with a value that is neither a URL nor a parameter.

use core::fmt;

/// What is wrong with authorization details.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetailsFault {
    /// The values cannot be written as JSON.
    NotWritable,
    /// The text is not a JSON list.
    NotAList,
    /// The list is empty.
    Empty,
    /// One of them is not an object.
    NotAnObject,
    /// One of them has no `type`, or one that is empty or not a text.
    NoType,
    /// A common member occurs twice, or its value has another type than RFC 9396 §2.2 gives it.
    Member(DetailsMember),
    /// The text is longer than 64 KiB.
    TooLong,
    /// The server lists the types that it knows (`authorization_details_types_supported`), and one of these is not
    /// among them.
    NotSupported,
}

/// A common member of authorization details (RFC 9396 §2, §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DetailsMember {
    /// What the other members mean.
    Type,
    /// Where the resource is.
    Locations,
    /// What may be done there.
    Actions,
    /// Which kinds of data are requested.
    Datatypes,
    /// One resource at the API.
    Identifier,
    /// The kinds or levels of privilege.
    Privileges,
}

impl DetailsMember {
    /// Its name in the JSON object.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Locations => "locations",
            Self::Actions => "actions",
            Self::Datatypes => "datatypes",
            Self::Identifier => "identifier",
            Self::Privileges => "privileges",
        }
    }
}

impl fmt::Display for DetailsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotWritable => "cannot be written as JSON: check the keys of their maps",
            Self::NotAList => "are not a JSON list: give a list, also for a single one",
            Self::Empty => "are an empty list: leave them out",
            Self::NotAnObject => "hold something other than an object",
            Self::NoType => "have no type: each of them needs a type that is a text",
            Self::Member(member) => {
                return write!(
                    f,
                    "have a member {} that occurs twice, or whose value has another type than RFC 9396 gives it",
                    member.as_str()
                );
            }
            Self::TooLong => "are longer than 64 KiB",
            Self::NotSupported => {
                "have a type that the server does not list in authorization_details_types_supported: choose one that it \
                 lists, or give its list by Server::authorization_details_types_supported"
            }
        })
    }
}

/// Why metadata cannot be used although the document is correct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataFault {
    /// The server has no token endpoint.
    NoTokenEndpoint,
    /// The server lists PKCE methods without `S256` (`code_challenge_methods_supported`, RFC 8414 §2).
    NoS256,
    /// Every authorization request must be a signed request object (`require_signed_request_object`, RFC 9101 §10.5).
    SignedRequestObject,
    /// Every access token must be bound to a key by DPoP (`dpop_bound_access_tokens`, RFC 9449 §5.2;
    /// `dpop_bound_access_tokens_required` of a resource, RFC 9728 §2).
    Dpop,
    /// The resource does not name this authorization server (`authorization_servers`, RFC 9728 §2).
    UnlistedServer,
    /// No kind of document was named.
    NothingToAsk,
    /// The door for Entra ID's tenants was opened for an issuer other than the one of all tenants.
    NoTenants,
    /// The server lists its response modes without `form_post` (`response_modes_supported`, RFC 8414 §2).
    NoFormPost,
}

impl fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTokenEndpoint => "it has no token_endpoint: this server gives no tokens",
            Self::NoS256 => {
                "code_challenge_methods_supported does not list S256, and this library sends no other PKCE challenge"
            }
            Self::SignedRequestObject => {
                "require_signed_request_object demands signed authorization requests, which this library cannot make"
            }
            Self::Dpop => "it demands access tokens that are bound to a key by DPoP, which this library cannot ask for",
            Self::UnlistedServer => {
                "its authorization_servers do not name this one: choose one that they name, or ask Discovery::new for a \
                 server that you trust by yourself"
            }
            Self::NothingToAsk => "no kind of document was named to look for: name at least one",
            Self::NoTenants => {
                "its issuer's path does not begin with common or organizations, so it stands for one tenant: leave out \
                 entra_tenants"
            }
            Self::NoFormPost => {
                "response_modes_supported does not list form_post: leave out response_mode, so that the answer comes in the query"
            }
        })
    }
}

/// Why a stored state was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredFault {
    /// A newer version of this library wrote it, or it was not written by this library.
    Version,
    /// Its checksum does not match: a byte was changed or lost.
    Damaged,
    /// It belongs to another client, issuer or token endpoint.
    OtherClient,
}

impl fmt::Display for StoredFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "another version wrote it; start the flow again",
            Self::Damaged => "it is damaged; start the flow again",
            Self::OtherClient => {
                "it belongs to another client or server; restore it with the client and server with which it was started"
            }
        })
    }
}

/// Why a token was not attached to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthorizeFault {
    /// The request has no absolute `http` or `https` URI, or one with user information or with an impossible host, port
    /// or escape.
    NoOrigin,
    /// There is no access token yet, only a refresh token.
    NoToken,
    /// The request would be sent unencrypted, off loopback.
    Insecure,
    /// The request has an `Authorization` header already.
    AlreadyAuthorized,
    /// The request's origin is not one of those to which the token is bound.
    OtherOrigin,
    /// The token has characters that the header cannot hold (RFC 6750 §2.1).
    NotAHeader,
}

impl fmt::Display for AuthorizeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoOrigin => {
                "the request needs an absolute http or https URI, without user information and without mistakes"
            }
            Self::NoToken => "there is no access token yet; refresh first",
            Self::Insecure => "the request would go out over http, off loopback",
            Self::AlreadyAuthorized => "the request has an Authorization header already",
            Self::OtherOrigin => "the request goes to an origin that the token is not for",
            Self::NotAHeader => "the token holds characters that no header may hold",
        })
    }
}
