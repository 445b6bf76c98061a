//! Token type identifiers (RFC 8693 §3).

use core::fmt;
use std::borrow::Cow;

use crate::error::Error;
use crate::url::check_token_type;

/// What a security token is, by a URI (RFC 8693 §3). It says nothing about how a token is used at an API: that is
/// `token_type`.
///
/// Two identifiers are equal if they are the same byte for byte. `Debug` prints the known ones only, because a server writes
/// the others.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TokenTypeIdentifier(Cow<'static, str>);

impl TokenTypeIdentifier {
    /// An access token of the server that is asked, opaque to the client.
    pub const ACCESS_TOKEN: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:access_token"));
    /// A refresh token of the server that is asked.
    pub const REFRESH_TOKEN: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:refresh_token"));
    /// An ID token (OpenID Connect Core §2).
    pub const ID_TOKEN: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:id_token"));
    /// A JWT (RFC 7519), for one that is an authorization grant at another server (RFC 7523 §2.1).
    pub const JWT: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:jwt"));
    /// A SAML 1.1 assertion, in base64url.
    pub const SAML1: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:saml1"));
    /// A SAML 2.0 assertion, in base64url.
    pub const SAML2: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:saml2"));
    /// An identity assertion for another server (draft-ietf-oauth-identity-assertion-authz-grant).
    pub const ID_JAG: Self = Self(Cow::Borrowed("urn:ietf:params:oauth:token-type:id-jag"));

    const KNOWN: [Self; 7] =
        [Self::ACCESS_TOKEN, Self::REFRESH_TOKEN, Self::ID_TOKEN, Self::JWT, Self::SAML1, Self::SAML2, Self::ID_JAG];

    /// An identifier of a server or of another standard: any absolute URI.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an absolute URI.
    pub fn new(uri: &str) -> Result<Self, Error> {
        check_token_type(uri)?;
        Ok(Self::KNOWN.into_iter().find(|known| known.as_str() == uri).unwrap_or(Self(Cow::Owned(uri.to_owned()))))
    }

    /// The URI.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for TokenTypeIdentifier {
    type Error = Error;

    fn try_from(uri: &str) -> Result<Self, Error> {
        Self::new(uri)
    }
}

impl From<&TokenTypeIdentifier> for TokenTypeIdentifier {
    fn from(identifier: &TokenTypeIdentifier) -> Self {
        identifier.clone()
    }
}

impl fmt::Debug for TokenTypeIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cow::Borrowed(known) => write!(f, "TokenTypeIdentifier({known})"),
            Cow::Owned(other) => write!(f, "TokenTypeIdentifier([{} bytes])", other.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Misuse, UrlFault, UrlRole};

    #[test]
    fn any_absolute_uri_is_an_identifier() {
        for good in [
            "urn:ietf:params:oauth:token-type:txn_token",
            "urn:x",
            "https://as.example/types/voucher?v=1",
            "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV2.0",
        ] {
            assert_eq!(TokenTypeIdentifier::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", UrlFault::Empty),
            ("access_token", UrlFault::Relative),
            ("token-type:", UrlFault::Relative),
            ("urn:a b", UrlFault::Character),
            ("urn:a\n", UrlFault::Character),
            ("urn:%zz", UrlFault::Escape),
            ("urn:a#b#c", UrlFault::Fragment),
            ("#x", UrlFault::Empty),
            ("https://", UrlFault::NoHost),
        ] {
            let Error::Misuse(Misuse::Url { role: UrlRole::TokenType, fault }) =
                TokenTypeIdentifier::new(bad).unwrap_err()
            else {
                panic!("{bad}")
            };
            assert_eq!(fault, why, "{bad}");
        }
    }

    #[test]
    fn a_known_identifier_is_printed_and_another_is_not() {
        let known = TokenTypeIdentifier::new("urn:ietf:params:oauth:token-type:jwt").unwrap();
        assert_eq!(known, TokenTypeIdentifier::JWT);
        assert_eq!(format!("{known:?}"), "TokenTypeIdentifier(urn:ietf:params:oauth:token-type:jwt)");
        assert_eq!(format!("{:?}", TokenTypeIdentifier::new("urn:secret").unwrap()), "TokenTypeIdentifier([10 bytes])");
    }
}
