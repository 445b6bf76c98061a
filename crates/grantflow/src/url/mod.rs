//! URLs that are checked once, when they are made: endpoints, redirect URIs, issuers, origins, resources.
//!
//! `http::Uri` drops a `#fragment` silently, accepts relative URIs, reads `:+443` as a port and ignores escapes;
//! `url::Url` rewrites its input. So each of these is checked as text, and kept byte for byte.

use http::Uri;

use crate::error::{Error, Misuse, UrlFault, UrlRole};

mod authority;
mod endpoint;
mod equivalent;
mod ground;
mod issuer;
mod origin;
mod redirect;
pub(crate) mod well_known;

pub(crate) use endpoint::Endpoint;
pub(crate) use equivalent::{Parts, same_url};
pub(crate) use ground::{Ground, page};
pub use issuer::Issuer;
pub use origin::PlainHttp;
pub(crate) use origin::{Origin, Reach};
pub use redirect::RedirectUri;

use authority::Authority;

fn url_fault(role: UrlRole, fault: UrlFault) -> Error {
    Error::Misuse(Misuse::Url { role, fault })
}

/// A resource indicator (RFC 8707 §2): an absolute URI of any scheme, without fragment.
pub(crate) fn check_resource(text: &str) -> Result<(), Error> {
    let fault = |fault| url_fault(UrlRole::Resource, fault);
    check_text(text, UrlRole::Resource)?;
    let parts = Parts::of(text).ok_or(fault(UrlFault::Relative))?;
    if text.len() == parts.scheme.len() + 1 {
        return Err(fault(UrlFault::Relative));
    }
    let host_and_port = parts.authority.map(|all| all.rsplit_once('@').map_or(all, |(_, after)| after));
    if host_and_port.is_some_and(|text| !text.is_empty() && Authority::of(text).is_none()) {
        return Err(fault(UrlFault::Malformed));
    }
    if parts.is_web() && host_and_port.is_none_or(str::is_empty) {
        return Err(fault(UrlFault::NoHost));
    }
    Ok(())
}

/// A token type identifier (RFC 8693 §3): an absolute URI of any scheme. WS-Security's token types have fragments.
pub(crate) fn check_token_type(text: &str) -> Result<(), Error> {
    let fault = |fault| url_fault(UrlRole::TokenType, fault);
    let (uri, fragment) = text.split_once('#').unwrap_or((text, ""));
    check_text(uri, UrlRole::TokenType)?;
    if !fragment.is_empty() {
        check_text(fragment, UrlRole::TokenType)?;
    }
    let parts = Parts::of(uri).ok_or(fault(UrlFault::Relative))?;
    if uri.len() == parts.scheme.len() + 1 {
        return Err(fault(UrlFault::Relative));
    }
    if parts.is_web() && parts.authority.is_none_or(str::is_empty) {
        return Err(fault(UrlFault::NoHost));
    }
    Ok(())
}

/// Adds a resource indicator to those of a request. None may be sent twice.
///
/// # Errors
/// [`Misuse::Url`], [`Misuse::DuplicateParameter`].
pub(crate) fn add_resource(resources: &mut Vec<String>, resource: &str) -> Result<(), Error> {
    check_resource(resource)?;
    if resources.iter().any(|known| known == resource) {
        return Err(Error::Misuse(Misuse::DuplicateParameter));
    }
    resources.push(resource.to_owned());
    Ok(())
}

/// A resource whose metadata is requested (RFC 9728 §1.2): the URL of something that exists.
pub(crate) fn check_web_resource(text: &str) -> Result<(), Error> {
    check_web_url(text, UrlRole::Resource, &[]).map(|_| ())
}

/// Whether two absolute URLs have the same scheme, host and port.
pub(crate) fn have_one_origin(a: &str, b: &str) -> bool {
    Parts::of(a).zip(Parts::of(b)).is_some_and(|(a, b)| a.has_origin_of(&b))
}

/// The URL at which a client manages its registration (RFC 7592 §3): only programs request it, so it may have every
/// character that RFC 3986 allows.
pub(crate) fn check_client_configuration(text: &str, plain: &[Origin]) -> Result<Uri, Error> {
    check_web_url(text, UrlRole::ClientConfiguration, plain)
}

/// The place of a client's keys (RFC 7591 §2).
pub(crate) fn check_client_keys(text: &str) -> Result<(), Error> {
    check_web_url(text, UrlRole::ClientKeys, &[]).map(|_| ())
}

/// A page of a client (RFC 7591 §2).
pub(crate) fn check_client_page(text: &str) -> Result<(), Error> {
    page(text).map_err(|fault| url_fault(UrlRole::ClientPage, fault))
}

/// A client id that is a URL (OAuth Client ID Metadata Document §3): `https`, with a path without dot segments, and
/// without user information, query and fragment.
///
/// A query is legal and advised against. A port is allowed.
pub(crate) fn check_client_id(text: &str) -> Result<(), Error> {
    let fault = |fault| Err(url_fault(UrlRole::ClientId, fault));
    check_web_parts(text, UrlRole::ClientId)?;
    let parts = Parts::of(text).ok_or(url_fault(UrlRole::ClientId, UrlFault::Relative))?;
    if !parts.scheme.eq_ignore_ascii_case("https") {
        return fault(UrlFault::Scheme);
    }
    if parts.query.is_some() {
        return fault(UrlFault::Query);
    }
    if matches!(parts.path, "" | "/") {
        return fault(UrlFault::NoPath);
    }
    // Readers of URLs take an escaped dot for a dot.
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if parts.path.split('/').any(is_dots) { fault(UrlFault::DotSegment) } else { Ok(()) }
}

/// A URL that this server had before. It may be `http`, because it is only compared and never requested.
pub(crate) fn check_former(text: &str) -> Result<(), Error> {
    check_web_parts(text, UrlRole::Former).map(|_| ())
}

/// An absolute `https` URL, or `http` on loopback or to a host that is in `plain`. No fragment, no user information.
fn check_web_url(text: &str, role: UrlRole, plain: &[Origin]) -> Result<Uri, Error> {
    let host = check_web_parts(text, role)?;
    let uri: Uri = text.parse().map_err(|_| url_fault(role, UrlFault::Malformed))?;
    let secure = uri.scheme_str() == Some("https") || authority::is_loopback(host);
    if secure || Origin::of(&uri).is_some_and(|origin| plain.contains(&origin)) {
        Ok(uri)
    } else {
        Err(url_fault(role, UrlFault::Insecure))
    }
}

/// The host of an absolute `https` or `http` URL with allowed characters (RFC 3986), without fragment and user
/// information.
fn check_web_parts(text: &str, role: UrlRole) -> Result<&str, Error> {
    let fault = |fault| url_fault(role, fault);
    check_text(text, role)?;
    let parts = Parts::of(text).ok_or(fault(UrlFault::Relative))?;
    let authority = parts.authority.ok_or(fault(UrlFault::Relative))?;
    if authority.contains('@') {
        return Err(fault(UrlFault::UserInfo));
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(fault(UrlFault::NoHost));
    }
    if !parts.is_web() {
        return Err(fault(UrlFault::Scheme));
    }
    Authority::of(authority).map(|authority| authority.host).ok_or(fault(UrlFault::Malformed))
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
    if !has_whole_escapes(text) {
        return fault(UrlFault::Escape);
    }
    Ok(())
}

/// `http::Uri` stops at 64 KiB; no server takes this much.
const MAX_URL: usize = 8 * 1024;

/// RFC 3986 appendix A: unreserved, reserved and `%`.
fn is_uri_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b)
}

/// Whether two hexadecimal digits follow each `%` (RFC 3986 §2.1).
fn has_whole_escapes(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|rest| matches!(rest.as_bytes(), [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()))
}

#[cfg(test)]
fn fault(result: Result<impl core::fmt::Debug, Error>) -> UrlFault {
    match result.unwrap_err() {
        Error::Misuse(Misuse::Url { fault, .. }) => fault,
        other => panic!("{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hosts, ports and escapes that `http::Uri` or another reader may accept.
    const BROKEN: [&str; 22] = [
        "api.example:+443",
        "api.example:-1",
        "api.example:0",
        "api.example:000",
        "api.example:65536",
        "api.example:443a",
        "api.example:1:2",
        "[zzz]",
        "[]",
        "[::1",
        "[::1]x",
        "[::1]:+1",
        "[v1.fe]",
        "[fe80::1%25eth0]",
        "[127.0.0.1]",
        ".example",
        ".",
        "api..example",
        "api.example..",
        "a,b.example",
        "api%2eexample",
        "api.example/%zz",
    ];

    #[test]
    fn a_broken_port_host_or_escape_is_refused_wherever_a_url_is_taken() {
        for broken in BROKEN.into_iter().chain(["api.example/%", "api.example/%4", "api.example/%4g"]) {
            let url = format!("https://{broken}");
            assert!(Endpoint::new(&url, UrlRole::Token, &[]).is_err(), "endpoint {url}");
            assert!(Issuer::new(&url).is_err(), "issuer {url}");
            assert!(RedirectUri::new(&url).is_err(), "redirect {url}");
            assert!(check_resource(&url).is_err(), "resource {url}");
            assert!(check_former(&url).is_err(), "former {url}");
            assert!(Origin::new(&url, &[]).is_err(), "origin {url}");
            assert!(PlainHttp::to(&format!("http://{broken}")).is_err(), "plain {url}");
            if let Ok(uri) = url.parse() {
                assert_eq!(Origin::of(&uri), None, "request to {url}");
            }
            for scheme in ["com.example.app", "api"] {
                assert!(check_resource(&format!("{scheme}://{broken}")).is_err(), "resource {scheme}://{broken}");
            }
            assert!(RedirectUri::new(&format!("com.example.app://{broken}")).is_err(), "redirect {broken}");
            assert!(RedirectUri::with_undotted_scheme(&format!("vscode://{broken}")).is_err(), "redirect {broken}");
        }
        let long = format!("https://{}.example", "a".repeat(64));
        assert_eq!(fault(Issuer::new(&long)), UrlFault::Malformed);
        let long = format!("https://{}example", "a.".repeat(130));
        assert_eq!(fault(Issuer::new(&long)), UrlFault::Malformed);
        assert_eq!(fault(Issuer::new("https://a.example/%zz")), UrlFault::Escape);
    }

    #[test]
    fn hosts_that_exist_are_taken() {
        for host in [
            "a.example",
            "a",
            "A-b_c.example.",
            "a.example:1",
            "a.example:65535",
            "a.example:0443",
            "10.0.0.1",
            "[::1]:8",
            "[2001:DB8::1]",
            "xn--bcher-kva.example",
        ] {
            assert!(Endpoint::new(&format!("https://{host}/t"), UrlRole::Token, &[]).is_ok(), "{host}");
        }
    }

    #[test]
    fn a_resource_is_any_absolute_uri() {
        for good in [
            "https://api.example/v1?x=%2F",
            "urn:example:api",
            "api://0f6c/scope",
            "file:///x",
            "x:y",
            "https://u@a.example",
        ] {
            assert!(check_resource(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("api", UrlFault::Relative),
            ("urn:", UrlFault::Relative),
            ("https:///x", UrlFault::NoHost),
            ("https:x", UrlFault::NoHost),
            ("urn:%zz", UrlFault::Escape),
        ] {
            assert_eq!(fault(check_resource(bad)), why, "{bad}");
        }
    }
}
