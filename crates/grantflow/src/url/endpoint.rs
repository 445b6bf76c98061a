//! Endpoints of an authorization server.

use core::fmt;
use std::sync::Arc;

use http::Uri;

use super::{Origin, check_web_url, same_url, url_fault};
use crate::error::{Error, UrlFault, UrlRole};

/// An endpoint of an authorization server: `https`, or `http` on loopback or to a host that [`PlainHttp`] names; without
/// fragment or user information (RFC 6749 §3.1, §3.2; OAuth 2.1 §1.5). Its query is kept.
///
/// [`PlainHttp`]: super::PlainHttp
#[derive(Clone)]
pub(crate) struct Endpoint {
    text: Arc<str>,
    uri: Uri,
}

impl Endpoint {
    pub(crate) fn new(text: &str, role: UrlRole, plain: &[Origin]) -> Result<Self, Error> {
        let uri = check_web_url(text, role, plain)?;
        // An endpoint is given to programs that open it, so a shell must see nothing but a word. Brackets belong to the
        // host, around an IPv6 address.
        let host_len =
            uri.scheme_str().map_or(0, str::len) + "://".len() + uri.authority().map_or(0, |a| a.as_str().len());
        let after_host = text.get(host_len..).unwrap_or_default();
        if text.contains(['!', '$', '\'', '(', ')', '*', ';']) || after_host.contains(['[', ']']) {
            return Err(url_fault(role, UrlFault::ShellCharacter));
        }
        // The first clone of a parsed `Uri` moves its text behind a shared pointer; this does it once instead of in
        // each request.
        let uri = uri.clone();
        Ok(Self { text: text.into(), uri })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The endpoint's query, empty if it has none.
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Whether `other` is this endpoint, perhaps with another spelling (RFC 3986 §6.2.2, §6.2.3).
    pub(crate) fn is(&self, other: &str) -> bool {
        same_url(&self.text, other)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query can hold a key of the caller, so only the place of the endpoint is shown.
        f.write_str(self.text.split('?').next().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MAX_URL, fault};
    use super::*;

    #[test]
    fn endpoints_are_https_or_loopback() {
        let endpoint = |text| Endpoint::new(text, UrlRole::Token, &[]);
        for good in [
            "https://a.example/t",
            "https://a.example",
            "https://a.example:8443/t?x=1",
            "http://127.0.0.1:1/t",
            "http://[::1]/t",
            "http://localhost/t",
            "http://LOCALHOST:80/t",
            "HTTP://LocalHost/t",
            "http://127.9.9.9/t",
        ] {
            assert_eq!(endpoint(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", UrlFault::Empty),
            ("/token", UrlFault::Relative),
            ("token", UrlFault::Relative),
            ("localhost:8080/t", UrlFault::Relative),
            ("https:/a.example/t", UrlFault::Relative),
            ("https:///t", UrlFault::NoHost),
            ("https://:443/t", UrlFault::NoHost),
            ("https://a.example/t#f", UrlFault::Fragment),
            ("http://a.example/t", UrlFault::Insecure),
            ("http://localhost.evil.example/t", UrlFault::Insecure),
            ("http://app.localhost/t", UrlFault::Insecure),
            ("http://localhost./t", UrlFault::Insecure),
            ("http://localhost@evil.example/t", UrlFault::UserInfo),
            ("http://2130706433/t", UrlFault::Insecure),
            ("http://0177.0.0.1/t", UrlFault::Insecure),
            ("http://169.254.169.254/t", UrlFault::Insecure),
            ("http://[::ffff:127.0.0.1]/t", UrlFault::Insecure),
            ("ftp://a.example/t", UrlFault::Scheme),
            ("https://user:pw@a.example/t", UrlFault::UserInfo),
            ("https://a.example:99999/t", UrlFault::Malformed),
            ("https://a.example:/t", UrlFault::Malformed),
            ("https://a.example/ t", UrlFault::Character),
            ("https://a.example/`id`", UrlFault::Character),
            ("https://a.example/\"", UrlFault::Character),
            ("https://a.example/\r\n", UrlFault::Character),
            ("https://é.example/", UrlFault::Character),
            ("https://a.example/$(id)", UrlFault::ShellCharacter),
            ("https://a.example/'x'", UrlFault::ShellCharacter),
            ("https://a.example/t;id", UrlFault::ShellCharacter),
            ("https://a.example/t?x=*", UrlFault::ShellCharacter),
            ("https://a.example/t!1", UrlFault::ShellCharacter),
            ("https://a.example/t?x=[a]", UrlFault::ShellCharacter),
        ] {
            assert_eq!(fault(endpoint(bad)), why, "{bad:?}");
        }
        assert_eq!(fault(endpoint(&format!("https://a.example/{}", "x".repeat(MAX_URL)))), UrlFault::TooLong);
    }
}
