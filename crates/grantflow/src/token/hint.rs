//! The type of a token, sent with it so that a server finds it sooner.

/// The type of a token in a question to a server (RFC 7009 §2.1, RFC 7662 §2.1). After a wrong hint the server searches
/// all its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenTypeHint {
    /// `access_token`
    AccessToken,
    /// `refresh_token`
    RefreshToken,
}

impl TokenTypeHint {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
        }
    }
}
