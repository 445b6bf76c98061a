//! The MCP server, as a resource that takes tokens: its URL, its identifier, and the requests that are its own.

use core::fmt;

use grantflow::ResourceDiscovery;
use http::Uri;

use crate::error::{Error, NotCovered};

/// An MCP server, as a protected resource (RFC 9728 §1.2): its URL, and which guards are lowered for it.
///
/// Plain data. [`first_contact`](Self::first_contact) and [`refused`](Self::refused) begin the way to a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Resource {
    /// The URL as the caller wrote it.
    url: Box<str>,
    /// The identifier that the metadata must have, in canonical form.
    identifier: Box<str>,
    pub(crate) doors: Doors,
}

/// Guards that the caller has lowered by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doors {
    pub(crate) metadata_at_any_origin: bool,
    pub(crate) origin_as_issuer: bool,
    pub(crate) default_endpoints: bool,
    pub(crate) token_at_whole_origin: bool,
}

impl Resource {
    /// The MCP server at this URL: the one to which messages are sent.
    ///
    /// Its identifier is the URL in canonical form: scheme and host in lower case, without the scheme's default port,
    /// and without the slash after the host that URL libraries add. Any other slash was written by someone, and stays.
    ///
    /// # Errors
    /// [`Error::OAuth`] with [`Misuse::Url`](grantflow::Misuse::Url) if it is not an `https` URL (or `http` on
    /// loopback), or has a fragment or user information.
    pub fn new(url: &str) -> Result<Self, Error> {
        let identifier = canonical(url);
        // The core's checks of a resource's URL.
        let _ = ResourceDiscovery::new(url)?;
        let _ = ResourceDiscovery::new(&identifier)?;
        Ok(Self { url: url.into(), identifier: identifier.into(), doors: Doors::default() })
    }

    /// The resource's identifier, if it is shorter than the URL of its messages: `https://mcp.example` for the server at
    /// `https://mcp.example/v1/mcp`. Its metadata must then name this identifier.
    ///
    /// # Errors
    /// The errors of [`new`](Self::new); [`Error::NotCovered`] if the URL is not below the identifier.
    pub fn identified_as(mut self, identifier: &str) -> Result<Self, Error> {
        let of = Self::new(identifier)?;
        let own: Uri = self.url.parse().map_err(|_| Error::NotCovered(NotCovered::NoOrigin))?;
        of.covers(&own)?;
        self.identifier = of.identifier;
        Ok(self)
    }

    /// A door, for a server whose challenge names metadata at another origin.
    ///
    /// **A party that answers for the resource then chooses a host that this program asks**: see
    /// [`ResourceDiscovery::challenged_to_any_origin`].
    #[must_use]
    pub fn allow_metadata_at_any_origin(mut self) -> Self {
        self.doors.metadata_at_any_origin = true;
        self
    }

    /// A door, for servers of the revision 2025-03-26: if the resource has no metadata at all, its origin is the issuer
    /// of its authorization server.
    ///
    /// **Nothing then says that the resource trusts this authorization server**: a host that several parties share
    /// gives them all one issuer. It does not count where a challenge names metadata, or where there is a document.
    #[must_use]
    pub fn allow_origin_as_issuer(mut self) -> Self {
        self.doors.origin_as_issuer = true;
        self
    }

    /// A door, for servers of the revision 2025-03-26: like [`allow_origin_as_issuer`](Self::allow_origin_as_issuer),
    /// and if this issuer has no metadata either, its endpoints are `/authorize`, `/token` and `/register` at the origin.
    ///
    /// **Nothing then announces PKCE**, so a server that ignores it gives its codes to anyone who steals them. The challenge
    /// is sent all the same.
    #[must_use]
    pub fn allow_default_endpoints(mut self) -> Self {
        self.doors.origin_as_issuer = true;
        self.doors.default_endpoints = true;
        self
    }

    /// A door, for servers of the older transport (HTTP with SSE), which name a second URL for messages: the token goes
    /// to every path of the resource's origin.
    ///
    /// **Other programs at that origin then get the token too.**
    #[must_use]
    pub fn allow_token_at_whole_origin(mut self) -> Self {
        self.doors.token_at_whole_origin = true;
        self
    }

    /// The URL as the caller wrote it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The identifier that the resource's metadata must have. What the metadata has is sent, byte for byte.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        split(&self.identifier).0
    }

    /// Whether a request to this URI is a request to this resource: it has the same origin, and its path is the
    /// resource's path or is below it, segment by segment. If the resource has a query, the request has each of its
    /// parameters.
    ///
    /// # Errors
    /// [`Error::NotCovered`].
    pub fn covers(&self, uri: &Uri) -> Result<(), Error> {
        covers(&self.identifier, uri, self.doors.token_at_whole_origin).map_err(Error::NotCovered)
    }

    /// Whether a document's identifier means this resource: the same URL in canonical form (RFC 3986 §6.2.2.1, §6.2.3).
    pub(crate) fn is(&self, identifier: &str) -> bool {
        canonical(identifier) == *self.identifier
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query can hold a key.
        let identifier = self.identifier.split('?').next().unwrap_or_default();
        f.debug_struct("Resource").field("identifier", &identifier).field("doors", &self.doors).finish_non_exhaustive()
    }
}

/// Scheme, host and port of an absolute URL, and the rest.
fn split(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |at| at + "://".len());
    let end = url.get(authority..).and_then(|rest| rest.find(['/', '?'])).map_or(url.len(), |at| authority + at);
    url.split_at_checked(end).unwrap_or((url, ""))
}

/// The canonical form of a URL: scheme and host in lower case, without the default port and without a bare slash.
pub(crate) fn canonical(url: &str) -> String {
    let (origin, rest) = split(url);
    let mut text = canonical_origin(origin);
    if rest != "/" {
        text.push_str(rest);
    }
    text
}

fn canonical_origin(origin: &str) -> String {
    let mut origin = origin.to_ascii_lowercase();
    let default = if origin.starts_with("https:") { 443 } else { 80 };
    let port = origin.rfind(':').filter(|at| *at > "https:".len() && !origin.ends_with(']'));
    if let Some(at) = port
        && origin.get(at + 1..).is_some_and(|port| port.parse() == Ok(default))
    {
        origin.truncate(at);
    }
    origin
}

fn covers(identifier: &str, uri: &Uri, whole_origin: bool) -> Result<(), NotCovered> {
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err(NotCovered::NoOrigin) };
    let (origin, rest) = split(identifier);
    if canonical_origin(&format!("{scheme}://{authority}")) != origin {
        return Err(NotCovered::OtherOrigin);
    }
    if whole_origin {
        return Ok(());
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !is_at_or_below(path, uri.path()) {
        return Err(NotCovered::OtherPath);
    }
    if has_query(query, uri.query().unwrap_or_default()) { Ok(()) } else { Err(NotCovered::OtherQuery) }
}

fn is_at_or_below(path: &str, requested: &str) -> bool {
    let Some(below) = requested.strip_prefix(path) else {
        // The URL of a whole host has no path, and a request for it has one.
        return matches!((path, requested), ("" | "/", "" | "/"));
    };
    let is_segment = below.is_empty() || path.is_empty() || path.ends_with('/') || below.starts_with('/');
    // A server may take each of these for a way up.
    is_segment && !goes_up(below)
}

fn goes_up(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    if ["%2f", "%5c", "\\"].iter().any(|slash| path.contains(slash)) {
        return true;
    }
    // Java's servers drop the parameters of a segment first: `..;a` is `..`.
    let name = |segment: &str| segment.split(';').next().unwrap_or_default().replace("%2e", ".");
    path.split('/').any(|segment| matches!(&*name(segment), "." | ".."))
}

/// Whether each parameter of `own` is in `requested`, and no other of the same name.
fn has_query(own: &str, requested: &str) -> bool {
    let name = |part: &str| part.split('=').next().unwrap_or_default().to_owned();
    let parts = |query: &str| query.split('&').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (own, requested) = (parts(own), parts(requested));
    own.iter().all(|part| {
        let same =
            |parts: &[String]| parts.iter().filter(|other| name(other) == name(part)).cloned().collect::<Vec<_>>();
        same(&own) == same(&requested)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identifier_is_the_url_without_what_nobody_wrote() {
        for (url, identifier) in [
            ("https://mcp.example", "https://mcp.example"),
            ("https://mcp.example/", "https://mcp.example"),
            ("HTTPS://MCP.Example:443/Mcp", "https://mcp.example/Mcp"),
            ("https://mcp.example:0443/mcp/", "https://mcp.example/mcp/"),
            ("https://mcp.example:8443/mcp", "https://mcp.example:8443/mcp"),
            ("https://mcp.example:80/mcp", "https://mcp.example:80/mcp"),
            ("http://127.0.0.1:80/mcp", "http://127.0.0.1/mcp"),
            ("http://[::1]/mcp", "http://[::1]/mcp"),
            ("http://[::1]:80/mcp", "http://[::1]/mcp"),
            ("https://mcp.example/mcp?tenant=A", "https://mcp.example/mcp?tenant=A"),
            ("https://mcp.example/?tenant=A", "https://mcp.example/?tenant=A"),
            ("https://mcp.example//", "https://mcp.example//"),
        ] {
            let resource = Resource::new(url).unwrap();
            assert_eq!((resource.identifier(), resource.url()), (identifier, url));
            assert!(resource.is(url) && resource.is(identifier), "{url}");
        }
        for bad in ["http://mcp.example", "https://mcp.example/#f", "https://u@mcp.example", "/mcp", "", "mcp.example"]
        {
            assert!(Resource::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_request_is_the_resources_own_by_origin_and_path() {
        let resource = Resource::new("https://mcp.example/v1/mcp").unwrap();
        for own in
            ["https://mcp.example/v1/mcp", "https://MCP.example:443/v1/mcp?x=1", "https://mcp.example/v1/mcp/a/b"]
        {
            assert!(resource.covers(&own.parse().unwrap()).is_ok(), "{own}");
        }
        for (other, why) in [
            ("https://mcp.example/v1/mcp2", NotCovered::OtherPath),
            ("https://mcp.example/v1", NotCovered::OtherPath),
            ("https://mcp.example/", NotCovered::OtherPath),
            ("https://mcp.example/v1/MCP", NotCovered::OtherPath),
            ("https://mcp.example/v1/mcp/../admin", NotCovered::OtherPath),
            ("https://mcp.example/v1/mcp/%2e%2E/admin", NotCovered::OtherPath),
            ("https://mcp.example/v1/mcp/.%2e", NotCovered::OtherPath),
            ("https://mcp.example/v1/mcp/..%2fadmin", NotCovered::OtherPath),
            ("https://mcp.example/v1/mcp/..%5Cadmin", NotCovered::OtherPath),
            ("https://mcp.example:444/v1/mcp", NotCovered::OtherOrigin),
            ("http://mcp.example/v1/mcp", NotCovered::OtherOrigin),
            ("https://mcp.example.evil.example/v1/mcp", NotCovered::OtherOrigin),
            ("https://mcp.example@evil.example/v1/mcp", NotCovered::OtherOrigin),
            ("/v1/mcp", NotCovered::NoOrigin),
        ] {
            let error = resource.covers(&other.parse().unwrap()).unwrap_err();
            assert!(matches!(error, Error::NotCovered(found) if found == why), "{other}: {error}");
        }
        let whole = resource.allow_token_at_whole_origin();
        assert!(whole.covers(&"https://mcp.example/messages?id=7".parse().unwrap()).is_ok());
        assert!(whole.covers(&"https://other.example/v1/mcp".parse().unwrap()).is_err());
        let host = Resource::new("https://mcp.example").unwrap();
        for own in ["https://mcp.example", "https://mcp.example/", "https://mcp.example/any"] {
            assert!(host.covers(&own.parse().unwrap()).is_ok(), "{own}");
        }
        let slash = Resource::new("https://mcp.example/mcp/").unwrap();
        assert!(slash.covers(&"https://mcp.example/mcp/x".parse().unwrap()).is_ok());
        assert!(slash.covers(&"https://mcp.example/mcp".parse().unwrap()).is_err());
    }

    #[test]
    fn a_resources_query_belongs_to_it() {
        let resource = Resource::new("https://mcp.example/mcp?tenant=a&v=2").unwrap();
        for own in ["?tenant=a&v=2", "?x=1&v=2&tenant=a"] {
            assert!(resource.covers(&format!("https://mcp.example/mcp{own}").parse().unwrap()).is_ok(), "{own}");
        }
        for other in
            ["", "?tenant=b&v=2", "?tenant=a", "?tenant=a&tenant=b&v=2", "?tenant=a&tenant=a&v=2", "?TENANT=a&v=2"]
        {
            assert!(resource.covers(&format!("https://mcp.example/mcp{other}").parse().unwrap()).is_err(), "{other}");
        }
    }

    #[test]
    fn an_identifier_can_be_the_start_of_the_url() {
        let resource = Resource::new("https://mcp.example/v1/mcp").unwrap();
        for start in ["https://mcp.example", "https://MCP.example/v1", "https://mcp.example/v1/mcp"] {
            assert_eq!(resource.clone().identified_as(start).unwrap().identifier(), canonical(start));
        }
        for other in
            ["https://mcp.example/v", "https://other.example", "https://mcp.example/v1/mcp/x", "http://mcp.example"]
        {
            assert!(resource.clone().identified_as(other).is_err(), "{other}");
        }
    }
}
