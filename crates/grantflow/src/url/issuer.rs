//! Issuer identifiers.

use core::fmt;
use std::sync::Arc;

use super::{check_web_url, same_url, url_fault};
use crate::error::{Error, UrlFault, UrlRole};

/// An issuer identifier (RFC 8414 §2): `https` without query and fragment, compared byte for byte (RFC 9207 §2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer(Arc<str>);

impl Issuer {
    /// Checks an issuer identifier. Nothing is normalised: a trailing slash makes another issuer.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an `https` URL (or `http` on loopback), or has a query or a fragment.
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.contains('?') {
            return Err(url_fault(UrlRole::Issuer, UrlFault::Query));
        }
        check_web_url(text, UrlRole::Issuer, &[])?;
        Ok(Self(text.into()))
    }

    /// The identifier, byte for byte as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a stored state means this issuer by `other`: the same URL, perhaps with another spelling (RFC 3986
    /// §6.2.2, §6.2.3). The token endpoint is compared too. An issuer in a server's message is compared byte for byte
    /// instead.
    pub(crate) fn is(&self, other: &str) -> bool {
        same_url(&self.0, other)
    }
}

impl TryFrom<&str> for Issuer {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl TryFrom<String> for Issuer {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        Self::new(&text)
    }
}

impl TryFrom<&String> for Issuer {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl From<&Issuer> for Issuer {
    fn from(issuer: &Issuer) -> Self {
        issuer.clone()
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fault;
    use super::*;

    #[test]
    fn issuers_are_kept_byte_for_byte() {
        assert_eq!(Issuer::new("https://A.example:443/x/").unwrap().as_str(), "https://A.example:443/x/");
        assert_ne!(Issuer::new("https://a.example").unwrap(), Issuer::new("https://a.example/").unwrap());
        assert_ne!(Issuer::new("https://a.example").unwrap(), Issuer::new("https://A.example").unwrap());
        assert_eq!(fault(Issuer::new("https://a.example/?x")), UrlFault::Query);
        assert_eq!(fault(Issuer::new("http://app.localhost")), UrlFault::Insecure);
    }

    #[test]
    fn a_stored_issuer_may_be_spelt_another_way() {
        let issuer = Issuer::new("https://a.example/x").unwrap();
        for same in ["https://a.example/x", "HTTPS://A.Example:443/x", "https://a.example/%78"] {
            assert!(issuer.is(same), "{same}");
        }
        for other in
            ["https://a.example/X", "https://a.example/x/", "https://a.example:444/x", "http://a.example/x", ""]
        {
            assert!(!issuer.is(other), "{other}");
        }
        // An empty path is the path `/`, and no other path is.
        let issuer = Issuer::new("https://a.example").unwrap();
        assert!(issuer.is("https://a.example/") && !issuer.is("https://a.example//"));
    }
}
