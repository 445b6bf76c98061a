//! URLs: an accepted URL satisfies its rules, and equal spellings are told from different URLs.

use http::Uri;

use crate::error::UrlRole;
use crate::url::{Endpoint, Origin, Parts, check_former, check_resource, same_url};
use crate::{Issuer, PlainHttp, RedirectUri};

/// Up to three URLs, one on each line: each is given to every type of URL, and all are compared with each other.
pub fn url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let urls: Vec<&str> = text.split('\n').take(3).collect();
    for url in &urls {
        taken(url);
        respelt(url);
        as_a_request(url);
    }
    an_equivalence(&urls);
}

/// Each type keeps an accepted URL as it is, and the URL satisfies the rules of its type.
fn taken(text: &str) {
    let endpoint = Endpoint::new(text, UrlRole::Token, &[]);
    if let Ok(endpoint) = &endpoint {
        assert_eq!(endpoint.as_str(), text);
        sound(text);
        encrypted_or_loopback(text, false);
        assert!(!text.contains(['!', '$', '\'', '(', ')', '*', ';']), "a shell acts on {text}");
    }
    let issuer = Issuer::new(text);
    if let Ok(issuer) = &issuer {
        assert_eq!(issuer.as_str(), text);
        sound(text);
        encrypted_or_loopback(text, false);
        assert!(!text.contains('?'), "an issuer with a query: {text}");
    }
    if let Ok(origin) = Origin::new(text, &[]) {
        sound(text);
        encrypted_or_loopback(text, false);
        let (_, _, path, query) = naive(text).expect("it was taken");
        assert!(matches!(path, "" | "/") && query.is_none(), "more than an origin: {text}");
        // The printed form is an origin, and the same one.
        let printed = format!("{origin:?}");
        assert_eq!(Origin::new(&printed, &[]).ok().as_ref(), Some(&origin), "{text} is {printed}");
    }
    if PlainHttp::to(text).is_ok() {
        sound(text);
        assert!(text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("http:")), "not http: {text}");
    }
    if check_former(text).is_ok() {
        sound(text);
    }
    if check_resource(text).is_ok() {
        in_characters(text);
        assert!(naive(text).is_some(), "relative: {text}");
    }
    let strict = RedirectUri::new(text);
    if let Ok(uri) = &strict {
        assert_eq!(uri.as_str(), text);
        let (scheme, ..) = naive(text).expect("it was taken");
        if is_web(scheme) {
            sound(text);
            encrypted_or_loopback(text, true);
        } else {
            in_characters(text);
            assert!(scheme.contains('.'), "a scheme without a dot: {text}");
        }
    }
    match RedirectUri::with_undotted_scheme(text) {
        Ok(uri) => {
            assert_eq!(uri.as_str(), text);
            let (scheme, ..) = naive(text).expect("it was taken");
            let scheme = scheme.to_ascii_lowercase();
            for never in ["javascript", "data", "file", "blob", "about", "ws", "wss", "ftp", "vbscript", "view-source"]
            {
                assert_ne!(scheme, never, "{text}");
            }
        }
        // The door only accepts more.
        Err(_) => assert!(strict.is_err(), "refused by the door alone: {text}"),
    }
    // A parser that refuses everything is safe and useless.
    if plainly_good(text) {
        assert!(endpoint.is_ok() && issuer.is_ok() && strict.is_ok() && check_former(text).is_ok(), "refused: {text}");
    }
}

/// A request's URI has the same origin as the text, or none.
fn as_a_request(text: &str) {
    let Ok(uri) = text.parse::<Uri>() else { return };
    let Some(origin) = Origin::of(&uri) else {
        assert!(!plainly_good(text), "no origin: {text}");
        return;
    };
    let (scheme, authority, ..) = naive(text).expect("it has an origin");
    let authority = authority.expect("it has an origin").split(['?', '#']).next().unwrap_or_default();
    assert!(!authority.contains('@'), "an origin with user information: {text}");
    let (host, port) = naive_host_and_port(authority);
    let default = if scheme.eq_ignore_ascii_case("https") { 443 } else { 80 };
    let port = if port.is_empty() { default } else { port.parse::<u16>().expect("a port") };
    assert_ne!(port, 0, "{text}");
    assert_eq!(
        format!("{origin:?}"),
        format!("{}://{}:{port}", scheme.to_ascii_lowercase(), host.to_ascii_lowercase())
    );
}

/// An equivalence: reflexive, symmetric, transitive; and equal pairs are equal in an independent normal form.
fn an_equivalence(urls: &[&str]) {
    for a in urls {
        assert!(same_url(a, a), "{a} is not itself");
        for b in urls {
            let same = same_url(a, b);
            assert_eq!(same, same_url(b, a), "{a} and {b} one way only");
            if let Some((ours, theirs)) = normal(a).zip(normal(b)) {
                assert_eq!(same, ours == theirs, "{a} and {b}: {ours} and {theirs}");
            }
            for c in urls {
                assert!(!(same && same_url(b, c)) || same_url(a, c), "{a}, {b}, {c}");
            }
        }
    }
}

/// Spellings that RFC 3986 makes equal, made by hand.
fn respelt(text: &str) {
    if !plainly_good(text) {
        return;
    }
    let (scheme, authority, path, query) = naive(text).expect("it is good");
    let authority = authority.expect("it is good");
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let default = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    let capitals = format!("{}://{}{path}{query}", scheme.to_ascii_uppercase(), authority.to_ascii_uppercase());
    assert!(same_url(text, &capitals), "{text} and {capitals}");
    if naive_host_and_port(authority).1.is_empty() {
        let with_port = format!("{scheme}://{authority}{default}{path}{query}");
        assert!(same_url(text, &with_port), "{text} and {with_port}");
        let other = format!("{scheme}://{authority}:1{path}{query}");
        assert!(!same_url(text, &other), "{text} and {other}");
    }
    let escaped: String = path.chars().map(|c| if c == 'a' { "%61".to_owned() } else { c.to_string() }).collect();
    let escaped = format!("{scheme}://{authority}{escaped}{query}");
    assert!(same_url(text, &escaped), "{text} and {escaped}");
    let longer = format!("{scheme}://{authority}{path}/x{query}");
    assert!(!same_url(text, &longer), "{text} and {longer}");
    let slash_escaped = format!("{scheme}://{authority}{}{query}", path.replace('/', "%2F"));
    assert_eq!(same_url(text, &slash_escaped), !path.contains('/'), "{text} and {slash_escaped}");
}

/// A web URL that every type accepts: letters and digits only.
fn plainly_good(text: &str) -> bool {
    let Some((scheme, Some(host), path, None)) = naive(text) else { return false };
    scheme == "https"
        && text.len() < 100
        // RFC 1035 §2.3.4: a label has 63 bytes at most.
        && host.split('.').all(|label| {
            (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric())
        })
        && path.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/')
}

/// The rules for every URL that is requested or compared.
fn sound(text: &str) {
    in_characters(text);
    let (scheme, authority, ..) = naive(text).expect("an absolute URL");
    assert!(is_web(scheme), "{text}");
    let authority = authority.expect("an authority");
    assert!(!authority.contains('@'), "user information: {text}");
    let (host, port) = naive_host_and_port(authority);
    assert!(!host.is_empty() && !host.starts_with('.') && !host.contains(".."), "host: {text}");
    assert!(port.is_empty() || port.parse::<u16>().is_ok_and(|port| port != 0), "port: {text}");
    assert!(port.bytes().all(|b| b.is_ascii_digit()), "port: {text}");
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').expect("a closing bracket");
        assert!(address.parse::<core::net::Ipv6Addr>().is_ok(), "address: {text}");
    }
}

/// RFC 3986 appendix A, without fragment.
fn in_characters(text: &str) {
    assert!(text.is_ascii() && !text.contains(['#', ' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}']), "{text:?}");
    assert!(!text.contains(|c: char| c.is_control()), "{text:?}");
    for (at, _) in text.match_indices('%') {
        let digits = text.get(at + 1..at + 3).unwrap_or_default();
        assert!(digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_hexdigit()), "escape: {text}");
    }
}

fn encrypted_or_loopback(text: &str, in_a_browser: bool) {
    let (scheme, authority, ..) = naive(text).expect("an absolute URL");
    let host = naive_host_and_port(authority.unwrap_or_default()).0.to_ascii_lowercase();
    let this_machine = host == "localhost"
        || host == "[::1]"
        || host.starts_with("127.") && host.parse::<core::net::Ipv4Addr>().is_ok()
        || in_a_browser && host.ends_with(".localhost");
    assert!(scheme.eq_ignore_ascii_case("https") || this_machine, "plain http: {text}");
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Scheme, authority, path and query, parsed in a slow way, for the oracle.
fn naive(text: &str) -> Option<(&str, Option<&str>, &str, Option<&str>)> {
    let (before, query) = match text.find('?') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let colon = before.find(':')?;
    let scheme = &before[..colon];
    let good = !scheme.is_empty()
        && scheme.as_bytes()[0].is_ascii_alphabetic()
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !good {
        return None;
    }
    let rest = &before[colon + 1..];
    if !rest.starts_with("//") {
        return Some((scheme, None, rest, query));
    }
    let rest = &rest[2..];
    let slash = rest.find('/').unwrap_or(rest.len());
    Some((scheme, Some(&rest[..slash]), &rest[slash..], query))
}

fn naive_host_and_port(authority: &str) -> (&str, &str) {
    let after_address = authority.rfind(']').map_or(0, |at| at + 1);
    match authority[after_address..].rfind(':') {
        Some(at) => (&authority[..after_address + at], &authority[after_address + at + 1..]),
        None => (authority, ""),
    }
}

/// A normal form by RFC 3986 §6.2.2 and §6.2.3, without removing dot segments; `None` if there is none.
fn normal(text: &str) -> Option<String> {
    let (scheme, authority, path, query) = naive(text)?;
    if text.contains(['#', '@']) || Parts::of(text).is_none() || text.contains(']') {
        return None;
    }
    let scheme = scheme.to_ascii_lowercase();
    let authority = match authority {
        None => None,
        Some(authority) => {
            let (host, port) = naive_host_and_port(authority);
            // No normal form for a host with escapes, or for a port that is not a number.
            if host.contains(['%', ':']) || !port.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            let number = port.trim_start_matches('0');
            let port = if number.is_empty() && !port.is_empty() { "0" } else { number };
            let is_default = matches!((scheme.as_str(), port), ("https", "443") | ("http", "80"));
            let port = if is_default || port.is_empty() { String::new() } else { format!(":{port}") };
            Some(format!("{}{port}", host.to_ascii_lowercase()))
        }
    };
    let path = match (&authority, path) {
        (Some(_), "") => "/",
        _ => path,
    };
    let query = query.map(|query| format!("?{}", normal_text(query))).unwrap_or_default();
    let authority = authority.map(|authority| format!("//{authority}")).unwrap_or_default();
    Some(format!("{scheme}:{authority}{}{query}", normal_text(path)))
}

/// Escapes of unreserved characters undone, the others in capitals; a `%` without an escape stays.
fn normal_text(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut at = 0;
    while at < bytes.len() {
        let digits = text.get(at + 1..at + 3).filter(|two| two.bytes().all(|b| b.is_ascii_hexdigit()));
        match (bytes[at], digits) {
            (b'%', Some(digits)) => {
                let byte = u8::from_str_radix(digits, 16).expect("two digits");
                if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                    out.push(char::from(byte));
                } else {
                    out += &format!("%{byte:02X}");
                }
                at += 3;
            }
            (byte, _) => {
                // Bytes beyond ASCII cannot be confused with an escape, so their form does not matter.
                out.push(char::from(byte));
                at += 1;
            }
        }
    }
    out
}
