//! Redirect URIs.

use core::fmt;
use core::ops::Range;
use std::sync::Arc;

use super::authority::{Authority, is_loopback_in_a_browser, may_be_this_machine};
use super::equivalent::same_text;
use super::{Parts, check_text, check_web_parts, url_fault};
use crate::error::{Error, UrlFault, UrlRole};
use crate::wire::form;

/// A redirect URI (RFC 6749 §3.1.2): absolute, without fragment; `https`, `http` on loopback (RFC 8252 §7.3), or a
/// private-use scheme with a dot in it (RFC 8252 §7.1). Sent byte for byte, and never inferred; a callback is compared
/// with it by RFC 3986 §6.2.2 and §6.2.3.
///
/// Names below `localhost` (`app.localhost`) count as loopback here, because a browser keeps them on its own machine.
#[derive(Clone)]
pub struct RedirectUri(Arc<Kept>);

struct Kept {
    text: Box<str>,
    encoded: Box<str>,
    /// The position of the path in `text`: after `scheme://authority`, or `scheme:`.
    path: Range<usize>,
    /// `https` to a machine other than the browser's.
    is_remote: bool,
}

/// The parameters of an answer to a redirect URI; its own query may not use these names.
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

/// Schemes that a browser or an operating system acts on, in alphabetical order. A scheme with a dot cannot be one of
/// them.
const TAKEN_SCHEMES: &str = "about android-app applescript blob brave callto chrome chrome-extension \
    chrome-untrusted cid content data dav davs devtools edge facetime facetime-audio feed file filesystem ftp ftps \
    geo git gopher hcp http https imap intent itms itms-apps itms-appss itms-services its jar javascript jnlp \
    jscript ldap ldapi ldaps livescript localhost macappstore magnet mailto market mhtml microsoft-edge mid mk \
    mocha moz-extension nfs nntp onenote opera pop res resource rlogin rtsp safari-extension safari-web-extension \
    search search-ms sftp shell shortcuts sip sips skype smb sms ssh svn tel telnet urn vbs vbscript view-source \
    vivaldi vnc wais webcal ws wss wyciwyg x-help-action";

/// The prefixes of a system's own schemes: Windows' programs, and schemes that any website may register with a browser
/// (`registerProtocolHandler`).
const TAKEN_PREFIXES: [&str; 2] = ["ms-", "web+"];

fn is_taken(scheme: &str) -> bool {
    let begins_with =
        |prefix: &&str| scheme.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    TAKEN_SCHEMES.split_whitespace().any(|taken| scheme.eq_ignore_ascii_case(taken))
        || TAKEN_PREFIXES.iter().any(begins_with)
}

impl RedirectUri {
    /// Checks a redirect URI.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) for an empty or relative URI, a fragment, `http` off loopback, a scheme that
    /// is neither `http`, `https` nor private-use with a dot (so `javascript:` and `data:` are refused), user
    /// information, an impossible host or port, a character or escape that RFC 3986 does not allow, or a query that
    /// uses a name of the authorization response.
    pub fn new(text: &str) -> Result<Self, Error> {
        Self::checked(text, |parts| parts.scheme.contains('.'))
    }

    /// Like [`RedirectUri::new`], and also accepts private-use schemes without a dot:
    /// `vscode://publisher.extension/callback`, `cursor://…`, `msal…://auth`. A door, for servers that have registered
    /// one.
    ///
    /// **No domain name protects such a scheme (RFC 8252 §7.1), so any other program on the machine can claim it and
    /// receive the code.** PKCE prevents that it uses the code; it learns `state`, and the login fails. Schemes that
    /// browsers or operating systems act on are refused in any case: `javascript`, `data`, `file`, `blob`, `about`,
    /// `ws`, `intent` and others; and so is every URI without a `/` after the colon.
    ///
    /// # Errors
    /// The errors of [`RedirectUri::new`].
    pub fn with_undotted_scheme(text: &str) -> Result<Self, Error> {
        Self::checked(text, |parts| {
            parts.scheme.contains('.')
                || !is_taken(parts.scheme) && (parts.authority.is_some() || parts.path.starts_with('/'))
        })
    }

    fn checked(text: &str, is_private_use: impl Fn(&Parts<'_>) -> bool) -> Result<Self, Error> {
        let fault = |fault| url_fault(UrlRole::Redirect, fault);
        let parts = Parts::of(text).ok_or(fault(UrlFault::Relative))?;
        let mut is_remote = false;
        if parts.is_web() {
            let host = check_web_parts(text, UrlRole::Redirect)?;
            is_remote = !may_be_this_machine(host);
            if !is_loopback_in_a_browser(host) && !parts.scheme.eq_ignore_ascii_case("https") {
                return Err(fault(UrlFault::Insecure));
            }
        } else {
            check_text(text, UrlRole::Redirect)?;
            if !is_private_use(&parts) || text.len() == parts.scheme.len() + 1 {
                return Err(fault(UrlFault::Scheme));
            }
            let authority = parts.authority.unwrap_or_default();
            if authority.contains('@') {
                return Err(fault(UrlFault::UserInfo));
            }
            if !authority.is_empty() && Authority::of(authority).is_none() {
                return Err(fault(UrlFault::Malformed));
            }
        }
        let path_at =
            parts.scheme.len() + ":".len() + parts.authority.map_or(0, |authority| "//".len() + authority.len());
        let path = path_at..path_at + parts.path.len();
        let uri = Self(Arc::new(Kept { text: text.into(), encoded: form::encode(text).into(), path, is_remote }));
        uri.check_query(|name| CALLBACK_NAMES.contains(&name))?;
        Ok(uri)
    }

    /// Refuses a query with a name that is known in the answer, in any spelling.
    pub(crate) fn check_query(&self, is_reserved: impl Fn(&str) -> bool) -> Result<(), Error> {
        let query = self.query();
        // A name that cannot be read might be any name.
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

    /// Whether the code comes to a machine other than the person's, in a way that no other program there can claim.
    pub(crate) fn is_remote(&self) -> bool {
        self.0.is_remote
    }

    /// Whether a URI with this scheme and authority has the same origin.
    pub(crate) fn has_origin(&self, scheme: &str, authority: Option<&str>) -> bool {
        self.parts().is_some_and(|own| own.has_origin_of(&Parts { scheme, authority, ..own }))
    }

    /// Whether this is the URI's path.
    pub(crate) fn has_path(&self, path: &str) -> bool {
        self.0.text.get(self.0.path.clone()) == Some(path)
            || self.parts().is_some_and(|own| own.has_path_of(&Parts { path, ..own }))
    }

    /// Whether the URI's query is part of this one: the server adds its answer to it (RFC 6749 §3.1.2).
    pub(crate) fn is_query_in(&self, query: &str) -> bool {
        let own = self.query();
        own.is_empty() || own.split('&').all(|own| query.split('&').any(|part| same_text(own, part)))
    }

    /// Its query, empty if it has none.
    fn query(&self) -> &str {
        self.0.text.get(self.0.path.end + 1..).unwrap_or_default()
    }

    fn parts(&self) -> Option<Parts<'_>> {
        Parts::of(&self.0.text)
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

#[cfg(test)]
mod tests {
    use super::super::fault;
    use super::*;

    #[test]
    fn redirect_uris_may_be_private_use_but_never_a_script() {
        for good in [
            "https://c.example/cb?x=1",
            "HTTPS://C.example/cb",
            "http://127.0.0.1:7777/cb",
            "http://[::1]:9/",
            "http://LOCALHOST:1/cb",
            "http://app.localhost:3000/cb",
            "http://a.b.LocalHost/",
            "com.example.app:/cb",
            "com.example.app:cb",
            "com.example.app://cb",
            "com.example.app:///cb",
        ] {
            assert_eq!(RedirectUri::new(good).unwrap().as_str(), good);
        }
        for (bad, why) in [
            ("", UrlFault::Relative),
            ("/cb", UrlFault::Relative),
            ("javascript:alert(1)", UrlFault::Scheme),
            ("data:text/html,x", UrlFault::Scheme),
            ("vscode://publisher.extension/cb", UrlFault::Scheme),
            ("com.example.app:", UrlFault::Scheme),
            ("1com.example:/cb", UrlFault::Relative),
            ("http://c.example/cb", UrlFault::Insecure),
            ("http://evil-localhost/cb", UrlFault::Insecure),
            ("http://.localhost/cb", UrlFault::Malformed),
            ("http://app.localhost.evil.example/cb", UrlFault::Insecure),
            ("https://c.example/cb#f", UrlFault::Fragment),
            ("https://u@c.example/cb", UrlFault::UserInfo),
            ("com.example.app://u@c/cb", UrlFault::UserInfo),
            ("com.example.app:/cb#f", UrlFault::Fragment),
            ("https://c.example/cb?state=1", UrlFault::ReservedParameter),
            ("https://c.example/cb?st%61te=1", UrlFault::ReservedParameter),
            ("com.example.app:/cb?x=1&%69ss=", UrlFault::ReservedParameter),
            ("https://c.example/cb?token_type=1", UrlFault::ReservedParameter),
            ("https://c.example/cb?%ff=1", UrlFault::ReservedParameter),
            ("https://c.example/cb?%zz=1", UrlFault::Escape),
        ] {
            assert_eq!(fault(RedirectUri::new(bad)), why, "{bad:?}");
        }
    }

    #[test]
    fn a_scheme_without_a_dot_is_taken_by_name_only_and_never_one_with_a_meaning() {
        for good in [
            "vscode://publisher.extension/cb",
            "cursor://anysphere.cursor-retrieval/oauth",
            "msal0f6c2b1e-7b0e-4f6c-9d2a-1f1d0a3c9b11://auth",
            "app:/cb",
            "com.example.app:cb",
            "https://c.example/cb",
        ] {
            assert_eq!(RedirectUri::with_undotted_scheme(good).unwrap().as_str(), good);
        }
        let listed = TAKEN_SCHEMES.split_whitespace().filter(|scheme| !matches!(*scheme, "http" | "https"));
        for taken in listed.chain(["ms-word", "ms-excel", "ms-msdt", "ms-settings", "web+coffee"]) {
            for bad in [format!("{taken}://x/cb"), format!("{}:/cb", taken.to_uppercase()), format!("{taken}:x")] {
                assert_eq!(fault(RedirectUri::with_undotted_scheme(&bad)), UrlFault::Scheme, "{bad}");
                assert_eq!(fault(RedirectUri::new(&bad)), UrlFault::Scheme, "{bad}");
            }
        }
        for (bad, why) in [
            ("HTTP://app.example/cb", UrlFault::Insecure),
            ("app:8080/cb", UrlFault::Scheme),
            ("app:cb", UrlFault::Scheme),
            ("app:", UrlFault::Scheme),
            ("vscode://x/cb#f", UrlFault::Fragment),
            ("vscode://x/cb?code=1", UrlFault::ReservedParameter),
            ("vscode://u@x/cb", UrlFault::UserInfo),
        ] {
            assert_eq!(fault(RedirectUri::with_undotted_scheme(bad)), why, "{bad}");
        }
    }

    #[test]
    fn only_https_to_another_machine_is_remote() {
        for (uri, expected) in [
            ("https://c.example/cb", true),
            ("https://localhost/cb", false),
            ("https://app.LOCALHOST/cb", false),
            ("https://127.0.0.1/cb", false),
            ("http://[::1]/cb", false),
            ("com.example.app:/cb", false),
            // Names that browsers, or the systems below them, also take for this machine.
            ("https://localhost./cb", false),
            ("https://app.localhost./cb", false),
            ("https://0.0.0.0/cb", false),
            ("https://[::]/cb", false),
            ("https://[::ffff:127.0.0.1]/cb", false),
            ("https://[0:0:0:0:0:0:0:1]/cb", false),
            ("https://127.1/cb", false),
            ("https://2130706433/cb", false),
            ("https://0x7f.0.0.1/cb", false),
            ("https://127.0.0.1./cb", false),
            ("https://192.168.0.1/cb", true),
            ("https://[2001:db8::1]/cb", true),
            ("https://1.example/cb", true),
            ("https://0xa.example/cb", true),
        ] {
            assert_eq!(RedirectUri::new(uri).unwrap().is_remote(), expected, "{uri}");
        }
    }

    #[test]
    fn redirect_uris_know_their_parts() {
        for (uri, scheme, authority, path) in [
            ("https://c.example:8443/cb?x=1", "https", Some("c.example:8443"), "/cb"),
            ("http://127.0.0.1:80", "http", Some("127.0.0.1"), "/"),
            ("com.example.app:/cb", "com.example.app", None, "/cb"),
            ("com.example.app://Host", "COM.example.app", Some("hOST"), "/"),
        ] {
            let uri = RedirectUri::new(uri).unwrap();
            assert!(uri.has_origin(scheme, authority) && uri.has_path(path), "{uri:?}");
            assert!(!uri.has_origin("https", Some("c.example")) && !uri.has_path("/other"), "{uri:?}");
        }
    }
}
