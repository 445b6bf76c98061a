//! URLs that are checked once, when they are made: endpoints, redirect URIs, issuers, origins.
//!
//! `http::Uri` drops a `#fragment` without a word and takes relative URIs; `url::Url` rewrites what it is given.
//! So each of these is checked as the text that it is, and kept byte for byte.

use core::fmt;
use std::sync::Arc;

use http::Uri;

use crate::error::{Error, Misuse, UrlFault, UrlRole};
use crate::wire::form;

/// An endpoint of an authorization server: `https`, or `http` on loopback; without fragment or user information
/// (RFC 6749 §3.1, §3.2; OAuth 2.1 §1.5). A query of its own is kept.
#[derive(Clone)]
pub(crate) struct Endpoint {
    text: Arc<str>,
    uri: Uri,
}

impl Endpoint {
    pub(crate) fn new(text: &str, role: UrlRole) -> Result<Self, Error> {
        let uri = check_web_url(text, role)?;
        // An endpoint is handed to programs that open it: nothing in it may be more to a shell than a word is. Brackets
        // are the host's, around an IPv6 address.
        let host_len =
            uri.scheme_str().map_or(0, str::len) + "://".len() + uri.authority().map_or(0, |a| a.as_str().len());
        let after_host = text.get(host_len..).unwrap_or_default();
        if text.contains(['!', '$', '\'', '(', ')', '*', ';']) || after_host.contains(['[', ']']) {
            return Err(url_fault(role, UrlFault::ShellCharacter));
        }
        // The first clone of a parsed `Uri` moves its text behind a shared pointer; do that now, not once a request.
        let uri = uri.clone();
        Ok(Self { text: text.into(), uri })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The endpoint's own query, empty if it has none.
    pub(crate) fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query can hold a key of the caller's: show only where the endpoint is.
        f.write_str(self.text.split('?').next().unwrap_or_default())
    }
}

/// An issuer identifier (RFC 8414 §2): `https` without query and fragment, compared byte for byte (RFC 9207 §2.4).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer(Arc<str>);

impl Issuer {
    /// Checks an issuer identifier. Nothing is normalised: a trailing slash makes another issuer.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an `https` URL (or `http` on loopback), or has a query or a fragment.
    pub fn new(text: &str) -> Result<Self, Error> {
        if text.contains('?') {
            return Err(url_fault(UrlRole::Issuer, UrlFault::Query));
        }
        check_web_url(text, UrlRole::Issuer)?;
        Ok(Self(text.into()))
    }

    /// The identifier, byte for byte as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a token may be sent: scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    https: bool,
    host: Box<str>,
    port: u16,
}

impl Origin {
    pub(crate) fn new(text: &str) -> Result<Self, Error> {
        let uri = check_web_url(text, UrlRole::Origin)?;
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(url_fault(UrlRole::Origin, UrlFault::NotAnOrigin));
        }
        Self::of(&uri).ok_or(url_fault(UrlRole::Origin, UrlFault::NoHost))
    }

    /// The origin of an absolute `http` or `https` URI.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        // A userinfo part would make the host that a person reads another than the one that is asked.
        if authority.as_str().contains('@') {
            return None;
        }
        let port = match authority.port_u16() {
            Some(port) => port,
            // A port that is no number up to 65535 is not the default one.
            None if authority.as_str().len() > authority.host().len() => return None,
            None if https => 443,
            None => 80,
        };
        Some(Self { https, host: authority.host().to_ascii_lowercase().into(), port })
    }

    /// `https`, or `http` to this very machine.
    pub(crate) fn is_confidential(&self) -> bool {
        self.https || is_loopback(&self.host)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.https { "https" } else { "http" }, self.host, self.port)
    }
}

/// A redirect URI (RFC 6749 §3.1.2): absolute, without fragment; `https`, `http` on loopback (RFC 8252 §7.3), or a
/// private-use scheme with a dot in it (RFC 8252 §7.1). Sent and compared byte for byte, never inferred.
#[derive(Clone)]
pub struct RedirectUri(Arc<Parts>);

struct Parts {
    text: Box<str>,
    encoded: Box<str>,
    /// Length of `scheme://authority`, or of `scheme:`.
    origin_len: usize,
}

/// What a redirect endpoint is answered with; a redirect URI's own query may not use these names.
const CALLBACK_NAMES: [&str; 10] = [
    "state",
    "code",
    "iss",
    "error",
    "error_description",
    "error_uri",
    "response",
    "access_token",
    "token_type",
    "id_token",
];

impl RedirectUri {
    /// Checks a redirect URI.
    ///
    /// # Errors
    /// [`Misuse::Url`] for an empty or relative URI, a fragment, `http` off loopback, a scheme that is neither
    /// `http`, `https` nor private-use with a dot (so `javascript:` and `data:` are out), user information, a character
    /// that RFC 3986 does not allow, or a query that uses a name of the authorization response.
    pub fn new(text: &str) -> Result<Self, Error> {
        let fault = |fault| url_fault(UrlRole::Redirect, fault);
        let (scheme, rest) = text.split_once(':').ok_or(fault(UrlFault::Relative))?;
        let origin_len = if matches!(scheme, "http" | "https") {
            let uri = check_web_url(text, UrlRole::Redirect)?;
            let authority = uri.authority().map_or(0, |a| a.as_str().len());
            scheme.len() + "://".len() + authority
        } else {
            check_text(text, UrlRole::Redirect)?;
            if !is_scheme(scheme) || !scheme.contains('.') || rest.is_empty() {
                return Err(fault(UrlFault::Scheme));
            }
            scheme.len() + 1
        };
        let encoded = form::encode(text).into();
        let uri = Self(Arc::new(Parts { text: text.into(), encoded, origin_len }));
        uri.check_query(|name| CALLBACK_NAMES.contains(&name))?;
        Ok(uri)
    }

    /// Refuses an own query with a name that means something in the answer, however it is spelt.
    pub(crate) fn check_query(&self, is_reserved: impl Fn(&str) -> bool) -> Result<(), Error> {
        let (_, query) = self.path_and_query();
        // A name that cannot be read might be any.
        let reserved = form::raw_pairs(query).any(|(name, _)| form::decode(name).is_none_or(|name| is_reserved(&name)));
        if reserved { Err(url_fault(UrlRole::Redirect, UrlFault::ReservedParameter)) } else { Ok(()) }
    }

    /// The URI, byte for byte as it was given.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn encoded(&self) -> &str {
        &self.0.encoded
    }

    /// `scheme://authority`, or `scheme:` of a private-use URI.
    pub(crate) fn origin(&self) -> &str {
        self.0.text.get(..self.0.origin_len).unwrap_or_default()
    }

    /// Path and own query. No path is the path `/` on the web, where requests cannot spell "none".
    pub(crate) fn path_and_query(&self) -> (&str, &str) {
        let rest = self.0.text.get(self.0.origin_len..).unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        (if path.is_empty() { "/" } else { path }, query)
    }
}

impl fmt::Debug for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedirectUri({})", self.0.text)
    }
}

impl PartialEq for RedirectUri {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for RedirectUri {}

impl TryFrom<&str> for RedirectUri {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl TryFrom<&String> for RedirectUri {
    type Error = Error;

    fn try_from(text: &String) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl TryFrom<&RedirectUri> for RedirectUri {
    type Error = Error;

    fn try_from(uri: &RedirectUri) -> Result<Self, Error> {
        Ok(uri.clone())
    }
}

fn url_fault(role: UrlRole, fault: UrlFault) -> Error {
    Error::Misuse(Misuse::Url { role, fault })
}

/// A resource indicator (RFC 8707 §2): an absolute URI of any scheme, without fragment.
pub(crate) fn check_resource(text: &str) -> Result<(), Error> {
    check_text(text, UrlRole::Resource)?;
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) && !rest.is_empty() => Ok(()),
        _ => Err(url_fault(UrlRole::Resource, UrlFault::Relative)),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    let mut letters = text.bytes();
    letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// An absolute `https` URL, or `http` on loopback, of characters that RFC 3986 allows. No fragment, no user information.
pub(crate) fn check_web_url(text: &str, role: UrlRole) -> Result<Uri, Error> {
    let fault = |fault| url_fault(role, fault);
    check_text(text, role)?;
    let uri: Uri = text.parse().map_err(|_| fault(UrlFault::Malformed))?;
    let authority = uri.authority().ok_or(fault(UrlFault::Relative))?;
    if authority.as_str().contains('@') {
        return Err(fault(UrlFault::UserInfo));
    }
    let host = authority.host();
    if host.is_empty() {
        return Err(fault(UrlFault::NoHost));
    }
    // `host:` and ports over 65535 have no port that can be asked.
    if authority.as_str().len() > host.len() && authority.port_u16().is_none() {
        return Err(fault(UrlFault::Malformed));
    }
    match uri.scheme_str() {
        Some("https") => Ok(uri),
        Some("http") if is_loopback(host) => Ok(uri),
        Some("http") => Err(fault(UrlFault::Insecure)),
        Some(_) => Err(fault(UrlFault::Scheme)),
        None => Err(fault(UrlFault::Relative)),
    }
}

/// The checks on the text itself, before any parser can lose something.
fn check_text(text: &str, role: UrlRole) -> Result<(), Error> {
    let fault = |fault| Err(url_fault(role, fault));
    if text.is_empty() {
        return fault(UrlFault::Empty);
    }
    if text.contains('#') {
        return fault(UrlFault::Fragment);
    }
    if text.len() > MAX_URL {
        return fault(UrlFault::TooLong);
    }
    if !text.bytes().all(is_uri_byte) {
        return fault(UrlFault::Character);
    }
    Ok(())
}

/// `http::Uri` stops at 64 KiB; no server takes this much.
const MAX_URL: usize = 8 * 1024;

/// RFC 3986 appendix A: unreserved, reserved and `%`.
fn is_uri_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b)
}

/// This very machine: `127.0.0.0/8`, `[::1]`, or `localhost` spelt just so.
fn is_loopback(host: &str) -> bool {
    if host == "localhost" || host == "[::1]" {
        return true;
    }
    host.parse::<core::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(result: Result<impl fmt::Debug, Error>) -> UrlFault {
        match result.unwrap_err() {
            Error::Misuse(Misuse::Url { fault, .. }) => fault,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn endpoints_are_https_or_loopback() {
        let endpoint = |text| Endpoint::new(text, UrlRole::Token);
        for good in [
            "https://a.example/t",
            "https://a.example",
            "https://a.example:8443/t?x=1",
            "http://127.0.0.1:1/t",
            "http://[::1]/t",
            "http://localhost/t",
            "http://127.9.9.9/t",
        ] {
            assert_eq!(endpoint(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", UrlFault::Empty),
            ("/token", UrlFault::Relative),
            ("token", UrlFault::Relative),
            ("https://a.example/t#f", UrlFault::Fragment),
            ("http://a.example/t", UrlFault::Insecure),
            ("http://localhost.evil.example/t", UrlFault::Insecure),
            ("http://localhost./t", UrlFault::Insecure),
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

    #[test]
    fn redirect_uris_may_be_private_use_but_never_a_script() {
        for good in [
            "https://c.example/cb?x=1",
            "http://127.0.0.1:7777/cb",
            "http://[::1]:9/",
            "com.example.app:/cb",
            "com.example.app://cb",
        ] {
            assert_eq!(RedirectUri::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", UrlFault::Relative),
            ("/cb", UrlFault::Relative),
            ("javascript:alert(1)", UrlFault::Scheme),
            ("data:text/html,x", UrlFault::Scheme),
            ("com.example.app:", UrlFault::Scheme),
            ("1com.example:/cb", UrlFault::Scheme),
            ("http://c.example/cb", UrlFault::Insecure),
            ("https://c.example/cb#f", UrlFault::Fragment),
            ("com.example.app:/cb#f", UrlFault::Fragment),
            ("https://c.example/cb?state=1", UrlFault::ReservedParameter),
            ("https://c.example/cb?st%61te=1", UrlFault::ReservedParameter),
            ("com.example.app:/cb?x=1&%69ss=", UrlFault::ReservedParameter),
            ("https://c.example/cb?token_type=1", UrlFault::ReservedParameter),
            ("https://c.example/cb?%zz=1", UrlFault::ReservedParameter),
        ] {
            assert_eq!(fault(RedirectUri::new(bad)), why, "{bad:?}");
        }
    }

    #[test]
    fn redirect_uris_know_their_parts() {
        let web = RedirectUri::new("https://c.example:8443/cb?x=1").unwrap();
        assert_eq!((web.origin(), web.path_and_query()), ("https://c.example:8443", ("/cb", "x=1")));
        let bare = RedirectUri::new("http://127.0.0.1:80").unwrap();
        assert_eq!((bare.origin(), bare.path_and_query()), ("http://127.0.0.1:80", ("/", "")));
        let app = RedirectUri::new("com.example.app:/cb").unwrap();
        assert_eq!((app.origin(), app.path_and_query()), ("com.example.app:", ("/cb", "")));
    }

    #[test]
    fn issuers_are_kept_byte_for_byte() {
        assert_eq!(Issuer::new("https://A.example:443/x/").unwrap().as_str(), "https://A.example:443/x/");
        assert_ne!(Issuer::new("https://a.example").unwrap(), Issuer::new("https://a.example/").unwrap());
        assert_eq!(fault(Issuer::new("https://a.example/?x")), UrlFault::Query);
    }

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let api = Origin::new("https://API.example").unwrap();
        assert_eq!(Some(api.clone()), Origin::of(&"https://api.example:443/x".parse().unwrap()));
        for other in [
            "http://api.example/x",
            "https://api.example:444/x",
            "https://api.example.evil/x",
            "https://api.example@evil.example/",
            "https://api.example:99999/",
            "https://api.example:/",
        ] {
            assert_ne!(Some(&api), Origin::of(&other.parse().unwrap()).as_ref(), "{other}");
        }
        assert_eq!(fault(Origin::new("https://api.example/v1")), UrlFault::NotAnOrigin);
    }
}
