//! When two URIs are the same (RFC 3986 §6.2.2, §6.2.3): scheme and host in any case, percent-escapes in any case,
//! unreserved characters escaped or not, the scheme's default port written or not, no path for `/`.
//!
//! Only for comparison: a URI is sent as it was given. Dot segments are not removed, and `%2F` is not `/`, because both
//! change what a path means to some servers.

/// A URI without its fragment, split as it is written.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) scheme: &'a str,
    /// The part after `//`, up to the path, including user information.
    pub(crate) authority: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    /// `None` for a relative reference.
    pub(crate) fn of(text: &'a str) -> Option<Self> {
        let (place, query) = text.split_once('?').map_or((text, None), |(place, query)| (place, Some(query)));
        let (scheme, rest) = place.split_once(':').filter(|(scheme, _)| is_scheme(scheme))?;
        let Some(rest) = rest.strip_prefix("//") else {
            return Some(Self { scheme, authority: None, path: rest, query });
        };
        let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, ""));
        Some(Self { scheme, authority: Some(authority), path, query })
    }

    /// Whether the scheme is `https` or `http`.
    pub(crate) fn is_web(&self) -> bool {
        !self.own_port().is_empty()
    }

    fn own_port(&self) -> &'static str {
        if self.scheme.eq_ignore_ascii_case("https") {
            "443"
        } else if self.scheme.eq_ignore_ascii_case("http") {
            "80"
        } else {
            ""
        }
    }

    /// Whether scheme, host and port are the same.
    pub(crate) fn has_origin_of(&self, other: &Parts<'_>) -> bool {
        let same_authority = match (self.authority, other.authority) {
            (Some(ours), Some(theirs)) => {
                ours == theirs || {
                    let ((our_host, our_port), (their_host, their_port)) = (host_and_port(ours), host_and_port(theirs));
                    let own_port = self.own_port();
                    same_host(our_host, their_host) && or(our_port, own_port) == or(their_port, own_port)
                }
            }
            (None, None) => true,
            _ => false,
        };
        self.scheme.eq_ignore_ascii_case(other.scheme) && same_authority
    }

    /// Whether the path is the same. Below an authority, an empty path is the path `/`.
    pub(crate) fn has_path_of(&self, other: &Parts<'_>) -> bool {
        same_text(self.rooted_path(), other.rooted_path())
    }

    fn rooted_path(&self) -> &'a str {
        if self.path.is_empty() && self.authority.is_some() { "/" } else { self.path }
    }
}

/// Whether two URIs are the same, in this sense. A relative reference equals only itself.
pub(crate) fn same_url(a: &str, b: &str) -> bool {
    let same = |a: Parts<'_>, b: Parts<'_>| {
        let same_query = match (a.query, b.query) {
            (Some(a), Some(b)) => same_text(a, b),
            (None, None) => true,
            _ => false,
        };
        a.has_origin_of(&b) && a.has_path_of(&b) && same_query
    };
    a == b || Parts::of(a).zip(Parts::of(b)).is_some_and(|(a, b)| same(a, b))
}

/// Whether two paths, or two parts of a query, are the same.
pub(crate) fn same_text(a: &str, b: &str) -> bool {
    a == b || units(a).eq(units(b))
}

/// Whether two hosts are the same, in any case (RFC 3986 §6.2.2.1).
fn same_host(a: &str, b: &str) -> bool {
    let lower = |unit| match unit {
        Unit::Character(b) => Unit::Character(b.to_ascii_lowercase()),
        escaped @ Unit::Escaped(_) => escaped,
    };
    units(a).map(lower).eq(units(b).map(lower))
}

fn or<'a>(written: &'a str, default: &'a str) -> &'a str {
    if written.is_empty() { default } else { written }
}

/// The port is empty if none is written, or nothing follows the colon: the two mean the same (RFC 3986 §6.2.3). Zeros
/// before a number do not change it.
fn host_and_port(authority: &str) -> (&str, &str) {
    let (host, port) = authority.rsplit_once(':').filter(|(_, port)| !port.contains(']')).unwrap_or((authority, ""));
    match port.trim_start_matches('0') {
        // Port 0 is not a port, so it is never the scheme's default.
        "" if !port.is_empty() => (host, "0"),
        number => (host, number),
    }
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    let mut letters = text.bytes();
    letters.next().is_some_and(|b| b.is_ascii_alphabetic())
        && letters.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The unit of comparison of a text.
#[derive(PartialEq)]
enum Unit {
    /// A character as it is, or an unreserved one that was escaped. A `%` without an escape is one too.
    Character(u8),
    /// An escape that means something else than its character.
    Escaped(u8),
}

fn units(text: &str) -> impl Iterator<Item = Unit> {
    let mut rest = text.as_bytes();
    core::iter::from_fn(move || {
        let (first, after) = rest.split_first()?;
        if let (b'%', [high, low, after @ ..]) = (first, after)
            && let Some((high, low)) = hex(*high).zip(hex(*low))
        {
            rest = after;
            let byte = high << 4 | low;
            return Some(if is_unreserved(byte) { Unit::Character(byte) } else { Unit::Escaped(byte) });
        }
        rest = after;
        Some(Unit::Character(*first))
    })
}

/// RFC 3986 §2.3.
fn is_unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~')
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_url_are_the_same() {
        let url = "https://app.example/a%2Fb~c?x=%2F&y=~";
        for same in [
            "HTTPS://app.example/a%2Fb~c?x=%2F&y=~",
            "https://APP.Example/a%2Fb~c?x=%2F&y=~",
            "https://app.example:443/a%2Fb~c?x=%2F&y=~",
            "https://app.example:/a%2Fb~c?x=%2F&y=~",
            "https://app.example:00443/a%2Fb~c?x=%2F&y=~",
            "https://app.example/%61%2fb%7Ec?x=%2f&%79=%7e",
            "https://%61pp.example/a%2Fb~c?x=%2F&y=~",
        ] {
            assert!(same_url(url, same) && same_url(same, url), "{same}");
        }
        for other in [
            "http://app.example/a%2Fb~c?x=%2F&y=~",
            "https://app.example:80/a%2Fb~c?x=%2F&y=~",
            "https://app.example:0/a%2Fb~c?x=%2F&y=~",
            "https://app.example:+443/a%2Fb~c?x=%2F&y=~",
            "https://u@app.example/a%2Fb~c?x=%2F&y=~",
            "https://app.example./a%2Fb~c?x=%2F&y=~",
            "https://app.example/a/b~c?x=%2F&y=~",
            "https://app.example/A%2Fb~c?x=%2F&y=~",
            "https://app.example/a%2Fb~c/?x=%2F&y=~",
            "https://app.example/./a%2Fb~c?x=%2F&y=~",
            "https://app.example/a%2Fb~c?x=/&y=~",
            "https://app.example/a%252Fb~c?x=%2F&y=~",
            "https://app.example/a%2Fb~c?y=~&x=%2F",
            "https://app.example/a%2Fb~c",
            "//app.example/a%2Fb~c?x=%2F&y=~",
        ] {
            assert!(!same_url(url, other) && !same_url(other, url), "{other}");
        }
    }

    #[test]
    fn no_path_is_the_root_below_an_authority_only() {
        assert!(same_url("http://a", "http://A:80/") && same_url("app://a", "app://a/"));
        assert!(
            !same_url("app:", "app:/") && !same_url("http://a?", "http://a") && !same_url("http://a", "http://a//")
        );
        assert!(same_url("http://[::1]:80/", "http://[::1]") && !same_url("http://[::1]:1", "http://[::1]"));
    }

    #[test]
    fn a_port_of_an_own_scheme_has_no_default() {
        assert!(same_url("app://a:", "app://a") && !same_url("app://a:80", "app://a") && !same_url("app:a", "app://a"));
    }

    #[test]
    fn a_percent_sign_that_begins_no_escape_is_itself() {
        assert!(same_text("%", "%") && same_text("%4", "%4") && same_text("%zz", "%zz"));
        assert!(!same_text("%", "%25") && !same_text("%zz", "%ZZ") && !same_text("%4", "%04"));
    }
}
