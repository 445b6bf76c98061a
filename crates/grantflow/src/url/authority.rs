//! Hosts and ports (RFC 3986 §3.2), parsed here because `http::Uri` accepts `:+443`, `[zzz]` and `a..b`.

use core::net::{Ipv4Addr, Ipv6Addr};

/// A host that can be resolved, and a port that can be connected to, without user information.
pub(super) struct Authority<'a> {
    pub(super) host: &'a str,
    /// `None` if no port is written; the scheme's default then counts.
    pub(super) port: Option<u16>,
}

impl<'a> Authority<'a> {
    pub(super) fn of(text: &'a str) -> Option<Self> {
        // The colons of an IPv6 address are in brackets.
        let end_of_address = text.rfind(']').map_or(0, |at| at + 1);
        let colon = text.get(end_of_address..)?.find(':').map(|at| end_of_address + at);
        let (host, port) = match colon.and_then(|at| text.split_at_checked(at)) {
            Some((host, port)) => (host, Some(self::port(port.get(1..)?)?)),
            None => (text, None),
        };
        is_host(host).then_some(Self { host, port })
    }
}

/// RFC 3986 §3.2.3. No connection to port 0 is possible.
fn port(digits: &str) -> Option<u16> {
    let number = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?;
    number.filter(|port| *port != 0)
}

/// An IPv6 address in brackets, or a name of letters, digits, `-` and `_` (RFC 1123 §2.1, and other names in DNS),
/// including IPv4 addresses.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        return address.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok());
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// This machine: `127.0.0.0/8`, `[::1]`, or `localhost` in any case.
pub(super) fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host == "[::1]"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// [`is_loopback`], or a name below `localhost`. **For a redirect only**: a browser keeps such a name on its own
/// machine, but a resolver may ask DNS for it (RFC 6761 §6.3).
pub(super) fn is_loopback_in_a_browser(host: &str) -> bool {
    const BELOW: &str = ".localhost";
    let end = host.len().checked_sub(BELOW.len()).filter(|at| *at > 0);
    is_loopback(host) || end.and_then(|at| host.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(BELOW))
}

/// Whether a browser may take this host for its own machine, in any spelling. For a check that needs another machine:
/// in doubt, this is true.
pub(super) fn may_be_this_machine(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_here = |address: Ipv4Addr| address.is_loopback() || address.is_unspecified();
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok_and(|address| {
            address.is_loopback() || address.is_unspecified() || address.to_ipv4_mapped().is_some_and(is_here)
        });
    }
    is_loopback_in_a_browser(host) || is_numeric(host) && host.parse().map_or(true, is_here)
}

/// Whether any reader may take this host for an address, in any spelling.
pub(super) fn may_be_an_address(host: &str) -> bool {
    host.starts_with('[') || is_numeric(host.strip_suffix('.').unwrap_or(host))
}

/// Browsers read `127.1`, `2130706433` and `0x7f.0.0.1` as addresses, because the last part is a number.
fn is_numeric(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") || last.starts_with("0X")
}
