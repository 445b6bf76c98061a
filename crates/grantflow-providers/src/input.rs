//! What a caller gives to a preset, and the check that it stays in its place in the URL.

use crate::error::Error;

/// What the caller has to give: a tenant, a shop, a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Input {
    /// Its name: `tenant`.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// An example.
    pub example: &'static str,
}

/// What the value of an [`Input`] may be. A value can never change the host that its preset names, or leave its part of the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One label of a host name under the provider's domain: 1 to 63 letters, digits and hyphens, without a hyphen at either end.
    Label,
    /// A whole host name: labels with dots between them, without a port, and no IP address.
    Host,
    /// A host name under one of these domains, which belong to the provider.
    HostUnder(&'static [&'static str]),
    /// One segment of a path: 1 to 128 letters, digits and `-._`, and neither `.` nor `..`.
    Segment,
    /// The URL of an installation, without a slash at its end: `https://sso.example/auth`. The caller chooses the host, which
    /// the core checks: `https`, or `http` on loopback.
    Base,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Input {
    pub(crate) const fn new(name: &'static str, kind: Kind, example: &'static str) -> Self {
        Self { name, kind, example }
    }

    pub(crate) fn check(&self, preset: &'static str, value: &str) -> Result<(), Error> {
        let fits = match self.kind {
            Kind::Label => is_label(value),
            Kind::Host => is_host(value),
            Kind::HostUnder(domains) => is_host(value) && domains.iter().any(|domain| is_under(value, domain)),
            Kind::Segment => is_segment(value),
            Kind::Base => is_base(value),
            Kind::OneOf(words) => words.contains(&value),
        };
        if fits { Ok(()) } else { Err(Error::Input { preset, input: *self }) }
    }
}

impl Kind {
    /// What is expected, as the end of a sentence.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Label => "one label of a host name: letters, digits and hyphens, at most 63".to_owned(),
            Self::Host => "a host name alone, without scheme, port and path".to_owned(),
            Self::HostUnder(domains) => format!("a host name under {}", domains.join(" or ")),
            Self::Segment => "one segment of a path: letters, digits, and -._".to_owned(),
            Self::Base => "an https URL without query, fragment and slash at its end".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

fn is_label(value: &str) -> bool {
    (1..=63).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !value.starts_with('-')
        && !value.ends_with('-')
}

fn is_host(value: &str) -> bool {
    // The last label of a host name has a letter: else it is an address.
    let last = value.rsplit('.').next().unwrap_or_default();
    value.len() <= 253
        && value.contains('.')
        && value.split('.').all(is_label)
        && last.bytes().any(|byte| byte.is_ascii_alphabetic())
        && !last.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("0x"))
}

fn is_under(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn is_segment(value: &str) -> bool {
    (1..=128).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && !matches!(value, "." | "..")
}

fn is_base(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        rest.split('/').all(|part| !matches!(part, "" | "." | ".."))
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/[]".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_label() {
        for good in ["a", "my-shop", "A1", "xn--bcher-kva", &"a".repeat(63)] {
            assert!(is_label(good), "{good}");
        }
        for bad in
            ["", "-a", "a-", "a.b", "a/b", "a@b", "a:1", "a?b", "a#b", "a b", "ä", "a\n", "a\\", "%61", &"a".repeat(64)]
        {
            assert!(!is_label(bad), "{bad}");
        }
    }

    #[test]
    fn a_host_is_a_name() {
        for good in ["a.example", "login.my-company.example", "a.b.c.xn--p1ai"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "localhost",
            "127.0.0.1",
            "1.2.3",
            "a.0x7f",
            "a..b",
            ".a.b",
            "a.b.",
            "a.b/c",
            "a.b:8443",
            "u@a.b",
            "https://a.b",
            "a.b?c",
            "a.b#c",
            "a.b\\c",
            "[::1]",
            "a b.c",
            "ä.example",
            "a.example\n",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn a_host_under_a_domain_is_really_under_it() {
        for (host, fits) in [
            ("login.salesforce.com", true),
            ("my-company.my.salesforce.com", true),
            ("salesforce.com", false),
            ("evilsalesforce.com", false),
            ("salesforce.com.evil.example", false),
            ("login.salesforce.com:8443", false),
            ("evil.example/.salesforce.com", false),
            ("u@login.salesforce.com", false),
        ] {
            let input = Input::new("host", Kind::HostUnder(&["salesforce.com"]), "login.salesforce.com");
            assert_eq!(input.check("salesforce", host).is_ok(), fits, "{host}");
        }
    }

    #[test]
    fn a_segment_is_one_segment() {
        for good in ["common", "72f988bf-86f1-41af-91ab-2d7cd011db47", "contoso.onmicrosoft.com", "my_realm", "..."] {
            assert!(is_segment(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a?b", "a#b", "%2e", "a b", "a;b", "a\\b", "a@b", "ä", &"a".repeat(129)] {
            assert!(!is_segment(bad), "{bad}");
        }
    }

    #[test]
    fn a_base_is_a_url_without_query() {
        for good in ["https://a.example", "https://a.example:8443/auth", "http://localhost:8080", "http://[::1]:80/x"] {
            assert!(is_base(good), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://a.example/",
            "https://a.example?x",
            "https://a.example#x",
            "https://u@a.example",
            "https://a.example/../b",
            "https://a.example//b",
            "https://a.example/%2e",
            "https://a.example\\b",
            "https://",
            "https:///a",
        ] {
            assert!(!is_base(bad), "{bad}");
        }
    }
}
