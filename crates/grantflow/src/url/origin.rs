//! The origins to which tokens may go.

use core::fmt;

use http::Uri;

use super::authority::{Authority, is_loopback};
use super::{check_web_parts, check_web_url, has_whole_escapes, url_fault};
use crate::error::{AuthorizeFault, Error, UrlFault, UrlRole};

/// Scheme, host and port.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    https: bool,
    host: Box<str>,
    port: u16,
}

impl Origin {
    /// `https`, or `http` on loopback or to one of `plain`.
    pub(crate) fn new(text: &str, plain: &[Self]) -> Result<Self, Error> {
        Self::read(&check_web_url(text, UrlRole::Origin, plain)?)
    }

    fn read(uri: &Uri) -> Result<Self, Error> {
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(url_fault(UrlRole::Origin, UrlFault::NotAnOrigin));
        }
        Self::of(uri).ok_or(url_fault(UrlRole::Origin, UrlFault::NoHost))
    }

    /// The origin of an absolute `http` or `https` URI. With user information, a person would read another host than
    /// the requested one, so such a URI has no origin; nor has a broken one.
    pub(crate) fn of(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        // With user information, `Authority` finds a host with `@` in it.
        let Authority { host, port } = Authority::of(uri.authority()?.as_str())?;
        if !uri.path_and_query().is_none_or(|rest| has_whole_escapes(rest.as_str())) {
            return None;
        }
        let port = port.unwrap_or(if https { 443 } else { 80 });
        Some(Self { https, host: host.to_ascii_lowercase().into(), port })
    }

    /// `https`, or `http` to this machine.
    fn is_confidential(&self) -> bool {
        self.https || is_loopback(&self.host)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", if self.https { "https" } else { "http" }, self.host, self.port)
    }
}

/// The origins to which a server's tokens may go. By default every origin with a confidential connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reach {
    /// If there are any, no others.
    only: Vec<Origin>,
    /// Origins that plain `http` may reach.
    plain: Vec<Origin>,
}

impl Reach {
    pub(crate) fn over(plain: &PlainHttp) -> Self {
        Self { only: Vec::new(), plain: plain.0.clone() }
    }

    /// The origins that plain `http` may reach.
    pub(crate) fn plain(&self) -> &[Origin] {
        &self.plain
    }

    pub(crate) fn add(&mut self, origin: &str) -> Result<(), Error> {
        self.only.push(Origin::new(origin, &self.plain)?);
        Ok(())
    }

    /// Why a token must not go to this URI; `reach` is `None` for the default.
    pub(crate) fn check(reach: Option<&Self>, uri: &Uri) -> Result<(), AuthorizeFault> {
        let origin = Origin::of(uri).ok_or(AuthorizeFault::NoOrigin)?;
        if !origin.is_confidential() && !reach.is_some_and(|reach| reach.plain.contains(&origin)) {
            return Err(AuthorizeFault::Insecure);
        }
        if reach.is_some_and(|reach| !reach.only.is_empty() && !reach.only.contains(&origin)) {
            return Err(AuthorizeFault::OtherOrigin);
        }
        Ok(())
    }
}

/// Hosts that are reached over plain `http`: a door, for a network of containers, where an authorization server is
/// `http://auth:8080` and TLS ends before it.
///
/// **Anyone who can listen on that network reads the client's credentials, codes and tokens, and anyone who can answer
/// on it hands out tokens.** Each host is opened separately, with its port, and only for the server that is made with
/// this value: for its two endpoints and for its tokens' way to an API
/// ([`Server::token_for`](crate::Server::token_for)). Issuers and redirect URIs need `https` or loopback.
///
/// ```
/// use grantflow::PlainHttp;
///
/// let network = PlainHttp::to("http://auth:8080")?.and_to("http://clubs:3000")?;
/// let server = network.server("https://login.example/authorize", "http://auth:8080/token")?.token_for("http://clubs:3000")?;
/// # let _ = server;
/// assert!(network.server_with_token_endpoint("http://auth/token").is_err(), "another port is another host");
/// # Ok::<(), grantflow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct PlainHttp(Vec<Origin>);

impl PlainHttp {
    /// Opens one host and port: `http://auth:8080`. Without a port, 80.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not `http`, or is more than an origin.
    pub fn to(origin: &str) -> Result<Self, Error> {
        Ok(Self(vec![plain_origin(origin)?]))
    }

    /// Opens another host and port.
    ///
    /// # Errors
    /// The errors of [`PlainHttp::to`].
    pub fn and_to(mut self, origin: &str) -> Result<Self, Error> {
        self.0.push(plain_origin(origin)?);
        Ok(self)
    }
}

fn plain_origin(text: &str) -> Result<Origin, Error> {
    check_web_parts(text, UrlRole::Origin)?;
    let uri: Uri = text.parse().map_err(|_| url_fault(UrlRole::Origin, UrlFault::Malformed))?;
    let origin = Origin::read(&uri)?;
    if origin.https { Err(url_fault(UrlRole::Origin, UrlFault::Scheme)) } else { Ok(origin) }
}

#[cfg(test)]
mod tests {
    use super::super::fault;
    use super::*;

    fn of(uri: &str) -> Option<Origin> {
        Origin::of(&uri.parse().unwrap())
    }

    #[test]
    fn origins_compare_by_scheme_host_and_port() {
        let api = Origin::new("https://API.example", &[]).unwrap();
        for same in ["https://api.example:443/x", "https://api.example", "https://Api.Example/%2f?q"] {
            assert_eq!(Some(&api), of(same).as_ref(), "{same}");
        }
        for other in [
            "http://api.example/x",
            "https://api.example:444/x",
            "https://api.example:80/x",
            "https://api.example.evil/x",
            "https://api.example@evil.example/",
            "https://evil@api.example/",
            "https://api.example@evil.example:443/",
            "https://evil@api.example:443/",
            "https://evil:443@api.example/",
            "https://api.example:99999/",
            "https://api.example:/",
            "https://api.example:+443/",
            "https://api.example/%zz",
        ] {
            assert_ne!(Some(&api), of(other).as_ref(), "{other}");
        }
        assert_eq!(fault(Origin::new("https://api.example/v1", &[])), UrlFault::NotAnOrigin);
    }

    #[test]
    fn user_information_leaves_no_origin() {
        for text in
            ["https://u@a.example", "https://u@a.example:443", "https://u:p@a.example:8443/x", "http://u@127.0.0.1:80"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn each_scheme_has_its_own_port() {
        assert_eq!(of("http://127.0.0.1"), of("http://127.0.0.1:80"));
        assert_eq!(of("https://127.0.0.1"), of("https://127.0.0.1:443"));
        assert_ne!(of("http://127.0.0.1"), of("http://127.0.0.1:443"));
        assert_ne!(of("https://127.0.0.1"), of("https://127.0.0.1:80"));
        assert_eq!(
            format!("{:?} {:?}", of("http://a").unwrap(), of("https://a").unwrap()),
            "http://a:80 https://a:443"
        );
    }

    #[test]
    fn plain_http_is_opened_by_host_and_port() {
        let plain = PlainHttp::to("http://auth:8080").unwrap().and_to("http://API").unwrap();
        let reach = Reach::over(&plain);
        let check = |uri: &str| Reach::check(Some(&reach), &uri.parse().unwrap());
        for good in [
            "http://auth:8080/x",
            "http://AUTH:8080",
            "http://api/",
            "http://api:80/",
            "https://elsewhere.example/",
            "http://127.0.0.1:5/",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [
            "http://auth/x",
            "http://auth:80/x",
            "http://auth:8081/x",
            "http://x.auth:8080/x",
            "http://api:8080/",
            "http://app.localhost/",
        ] {
            assert_eq!(check(bad), Err(AuthorizeFault::Insecure), "{bad}");
        }
        for (bad, why) in [
            ("https://auth:8080", UrlFault::Scheme),
            ("auth:8080", UrlFault::Relative),
            ("http://auth:8080/token", UrlFault::NotAnOrigin),
            ("http://auth:8080?x", UrlFault::NotAnOrigin),
            ("http://u@auth:8080", UrlFault::UserInfo),
            ("http://*", UrlFault::Malformed),
        ] {
            assert_eq!(fault(PlainHttp::to(bad)), why, "{bad}");
        }
    }
}
