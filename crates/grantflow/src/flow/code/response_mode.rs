//! How an authorization response comes back.

/// How the server should return its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of the redirect URI (RFC 6749 §4.1.2).
    #[default]
    Query,
    /// In the body of a POST to the redirect URI (OAuth 2.0 Form Post Response Mode).
    FormPost,
}
