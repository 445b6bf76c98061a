//! The clients that the server knows.

use crate::hit::ClientAuth;

/// How a client may get tokens: the `grant_type` values of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// `authorization_code`, RFC 6749 section 4.1.
    AuthorizationCode,
    /// `refresh_token`, RFC 6749 section 6.
    RefreshToken,
    /// `client_credentials`, RFC 6749 section 4.4.
    ClientCredentials,
    /// `urn:ietf:params:oauth:grant-type:device_code`, RFC 8628 section 3.4.
    DeviceCode,
    /// `urn:openid:params:grant-type:ciba`, OpenID CIBA section 10.1.
    Backchannel,
    /// `urn:ietf:params:oauth:grant-type:token-exchange`, RFC 8693.
    TokenExchange,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer` and `…:saml2-bearer`, RFC 7523 and RFC 7522 section 2.1.
    Assertion,
    /// The grant of [`Knobs::extension_grant`](crate::Knobs::extension_grant), RFC 6749 section 4.5.
    Extension,
}

/// A registered client (RFC 6749 section 2).
///
/// ```
/// use grantflow_testkit::Client;
///
/// let app = Client::public("app").redirect_uri("http://127.0.0.1/callback").scope("read write");
/// let service = Client::confidential("service", "s3cret");
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) scope: Option<String>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) ping: Option<String>,
    /// How the client must authenticate, if it registered itself; otherwise every way is good.
    pub(crate) auth: Option<ClientAuth>,
}

impl Client {
    /// A client without a secret. It may use the code, device and refresh grants.
    pub fn public(id: &str) -> Client {
        Client {
            id: id.to_owned(),
            secret: None,
            redirect_uris: Vec::new(),
            scope: None,
            grants: vec![Grant::AuthorizationCode, Grant::RefreshToken, Grant::DeviceCode],
            ping: None,
            auth: None,
        }
    }

    /// A client with a secret. It may use all grants.
    pub fn confidential(id: &str, secret: &str) -> Client {
        let mut client = Client::public(id);
        client.secret = Some(secret.to_owned());
        client.grants.extend([Grant::ClientCredentials, Grant::Backchannel]);
        client.grants.extend([Grant::TokenExchange, Grant::Assertion, Grant::Extension]);
        client
    }

    /// A request that names no client (RFC 7521 section 4.1, RFC 8693 section 2.1).
    pub(crate) fn unidentified() -> Client {
        Client::public("").grants(&[Grant::TokenExchange, Grant::Assertion, Grant::Extension])
    }

    /// Adds a redirect URI; call it again to add more.
    ///
    /// A request's redirect URI must be one of them, byte for byte. The port may differ if the scheme is `http` and the
    /// host is `127.0.0.1` or `[::1]` (RFC 8252 section 7.3).
    pub fn redirect_uri(mut self, uri: &str) -> Client {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// Registers the client for ping: where the server sends its notifications
    /// (`backchannel_client_notification_endpoint`, OpenID CIBA section 4). Without it, the client polls.
    pub fn ping_at(mut self, url: &str) -> Client {
        self.ping = Some(url.to_owned());
        self
    }

    /// The scopes that the client may ask for, separated by spaces. A client that asks for none gets all of them.
    ///
    /// Without this call every scope is allowed, and a client that asks for none gets none.
    pub fn scope(mut self, scope: &str) -> Client {
        self.scope = Some(scope.to_owned());
        self
    }

    /// Replaces the grants that the client may use. Without [`Grant::RefreshToken`] it gets no refresh tokens.
    pub fn grants(mut self, grants: &[Grant]) -> Client {
        self.grants = grants.to_vec();
        self
    }

    /// The scope to grant, or `None` if the client asks for more than it may have, or if its scope is malformed.
    pub(crate) fn allowed_scope(&self, asked: Option<&str>) -> Option<String> {
        match (asked, &self.scope) {
            (None, allowed) => Some(allowed.clone().unwrap_or_default()),
            (Some(asked), None) => is_scope(asked).then(|| asked.to_owned()),
            (Some(asked), Some(allowed)) => is_subset(asked, allowed).then(|| asked.to_owned()),
        }
    }

    /// Whether the redirect URI is registered.
    pub(crate) fn may_redirect_to(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|registered| {
            registered == uri || matches!((without_port(registered), without_port(uri)), (Some(a), Some(b)) if a == b)
        })
    }
}

/// Host and remainder of an `http` URI with a loopback address for a host; its port may differ from run to run.
fn without_port(uri: &str) -> Option<(&str, &str)> {
    let rest = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"].into_iter().find(|host| rest.starts_with(host))?;
    let rest = rest.strip_prefix(host)?;
    let rest = match rest.strip_prefix(':') {
        Some(port) => {
            let rest = port.trim_start_matches(|c: char| c.is_ascii_digit());
            // The URI must have a port that a socket can have, or the match would let `:99999` through.
            port.strip_suffix(rest)?.parse::<u16>().ok()?;
            rest
        }
        None => rest,
    };
    // What follows must begin a path or a query: `127.0.0.1.evil.example` and `127.0.0.1@evil.example` are other hosts.
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((host, rest))
}

/// The syntax of RFC 6749 section 3.3: tokens of printable ASCII without quote and backslash, one space between them.
pub(crate) fn is_scope(scope: &str) -> bool {
    scope
        .split(' ')
        .all(|token| !token.is_empty() && token.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)))
}

/// Whether each of `small`'s scope tokens is in `large`.
pub(crate) fn is_subset(small: &str, large: &str) -> bool {
    small.split(' ').all(|token| large.split(' ').any(|other| other == token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_redirects_may_use_any_port() {
        let client = Client::public("app")
            .redirect_uri("http://127.0.0.1/cb")
            .redirect_uri("http://[::1]:80/cb?a=b")
            .redirect_uri("http://localhost:80/cb")
            .redirect_uri("https://app.example/cb");
        for good in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:5/cb",
            "http://[::1]/cb?a=b",
            "http://[::1]:65535/cb?a=b",
            "http://localhost:80/cb",
            "https://app.example/cb",
        ] {
            assert!(client.may_redirect_to(good), "{good}");
        }
        for bad in [
            "http://127.0.0.1:5/cb/",
            "http://127.0.0.1:5/cb?x",
            "http://127.0.0.1:65536/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:5x/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://127.0.0.1@evil.example/cb",
            "https://127.0.0.1:5/cb",
            "http://[::1]:5/cb",
            "http://localhost:81/cb",
            "https://app.example:444/cb",
            "https://APP.example/cb",
            "",
        ] {
            assert!(!client.may_redirect_to(bad), "{bad}");
        }
    }

    #[test]
    fn scopes_are_checked() {
        let client = Client::public("app").scope("read write");
        assert_eq!(client.allowed_scope(None).as_deref(), Some("read write"));
        assert_eq!(client.allowed_scope(Some("write")).as_deref(), Some("write"));
        for bad in ["admin", "read admin", "", "read  write", " read", "re\"ad", "rea\\d", "réad"] {
            assert_eq!(client.allowed_scope(Some(bad)), None, "{bad:?}");
        }
        let any = Client::public("app");
        assert_eq!(any.allowed_scope(None).as_deref(), Some(""));
        assert_eq!(any.allowed_scope(Some("x y")).as_deref(), Some("x y"));
    }
}
