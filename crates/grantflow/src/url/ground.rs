//! What a document may name: another party wrote its URLs, and a program is about to request them.

use super::authority::{Authority, is_loopback, may_be_an_address, may_be_this_machine};
use super::{Endpoint, Parts, check_text, check_web_parts, check_web_url};
use crate::error::{Error, Misuse, UrlFault, UrlRole};

/// The configured URL, as far as it decides which discovered URLs are requested. A document on the network must not
/// lead a program to its own machine, or to a machine without a name, such as a cloud's metadata service.
#[derive(Clone, Debug)]
pub(crate) struct Ground {
    host: Box<str>,
    is_loopback: bool,
}

impl Ground {
    /// From a URL that was checked before.
    pub(crate) fn of(configured: &str) -> Self {
        let host = host(configured).unwrap_or_default();
        Self { host: host.to_ascii_lowercase().into(), is_loopback: is_loopback(host) }
    }

    /// An endpoint: `https`, or `http` on loopback if the configured URL is also on loopback.
    ///
    /// # Errors
    /// The fault of the URL.
    pub(crate) fn endpoint(&self, text: &str) -> Result<(), UrlFault> {
        Endpoint::new(text, UrlRole::Metadata, &[]).map_err(fault)?;
        self.place(text)
    }

    /// A URL that only programs request. It may have every character that RFC 3986 allows.
    ///
    /// # Errors
    /// The fault of the URL.
    pub(crate) fn url(&self, text: &str) -> Result<(), UrlFault> {
        check_web_url(text, UrlRole::Metadata, &[]).map_err(fault)?;
        self.place(text)
    }

    fn place(&self, text: &str) -> Result<(), UrlFault> {
        let host = host(text).ok_or(UrlFault::NoHost)?;
        // The configured host is requested in any case, so a document may name it: `https://auth.localhost` behind a
        // developer's proxy.
        let is_configured = host.eq_ignore_ascii_case(&self.host);
        let allowed = if may_be_this_machine(host) { self.is_loopback } else { !may_be_an_address(host) };
        if is_configured || allowed { Ok(()) } else { Err(UrlFault::Address) }
    }
}

/// A page for people: a browser opens it, so it can be anywhere.
///
/// # Errors
/// The fault of the URL.
pub(crate) fn page(text: &str) -> Result<(), UrlFault> {
    let (url, fragment) = text.split_once('#').unwrap_or((text, ""));
    check_web_parts(url, UrlRole::Metadata).map_err(fault)?;
    // An empty one is correct as well.
    if fragment.is_empty() { Ok(()) } else { check_text(fragment, UrlRole::Metadata).map_err(fault) }
}

fn host(url: &str) -> Option<&str> {
    Authority::of(Parts::of(url)?.authority?).map(|authority| authority.host)
}

fn fault(error: Error) -> UrlFault {
    match error {
        Error::Misuse(Misuse::Url { fault, .. }) => fault,
        _ => UrlFault::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_on_the_network_names_no_address_and_not_this_machine() {
        let network = Ground::of("https://as.example");
        for good in ["https://as.example/t", "https://other.example:8443/t?x=1", "https://as.example.:1/t"] {
            assert_eq!(network.endpoint(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("https://127.0.0.1/t", UrlFault::Address),
            ("http://127.0.0.1/t", UrlFault::Address),
            ("http://localhost:1/t", UrlFault::Address),
            ("https://LOCALHOST/t", UrlFault::Address),
            ("https://localhost./t", UrlFault::Address),
            ("https://app.localhost/t", UrlFault::Address),
            ("https://[::1]/t", UrlFault::Address),
            ("https://[::ffff:127.0.0.1]/t", UrlFault::Address),
            ("https://[::ffff:a9fe:a9fe]/t", UrlFault::Address),
            ("https://[fd00::1]/t", UrlFault::Address),
            ("https://0.0.0.0/t", UrlFault::Address),
            ("https://127.1/t", UrlFault::Address),
            ("https://0177.1/t", UrlFault::Address),
            ("https://0x7f.1/t", UrlFault::Address),
            ("https://2130706433/t", UrlFault::Address),
            ("https://2852039166/t", UrlFault::Address),
            ("https://169.254.169.254/latest", UrlFault::Address),
            ("https://169.254.169.254./latest", UrlFault::Address),
            ("https://10.0.0.1/t", UrlFault::Address),
            ("http://as.example/t", UrlFault::Insecure),
            ("http://169.254.169.254/latest", UrlFault::Insecure),
            ("javascript:alert(1)", UrlFault::Relative),
            ("javascript://as.example/%0aalert(1)", UrlFault::Scheme),
            ("data:text/html,x", UrlFault::Character),
            ("file:///etc/passwd", UrlFault::NoHost),
            ("/t", UrlFault::Relative),
            ("", UrlFault::Empty),
            ("https://u@as.example/t", UrlFault::UserInfo),
            ("https://as.example/t#f", UrlFault::Fragment),
            ("https://as.example/$(id)", UrlFault::ShellCharacter),
        ] {
            let found = network.endpoint(bad);
            // Other faults of these two do not matter.
            if !["data:", "javascript:a"].iter().any(|start| bad.starts_with(start)) {
                assert_eq!(found, Err(why), "{bad}");
            }
            assert!(found.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_configured_address_allows_itself_and_loopback_allows_loopback() {
        let address = Ground::of("https://10.0.0.1:8443/issuer");
        assert_eq!(address.endpoint("https://10.0.0.1/t"), Ok(()));
        assert_eq!(address.endpoint("https://10.0.0.2/t"), Err(UrlFault::Address));
        assert_eq!(address.endpoint("https://127.0.0.1/t"), Err(UrlFault::Address));
        for configured in ["http://127.0.0.1:4000", "http://localhost", "https://[::1]:1/x"] {
            let here = Ground::of(configured);
            for good in ["http://127.0.0.1:1/t", "http://[::1]/t", "https://localhost/t", "https://as.example/t"] {
                assert_eq!(here.endpoint(good), Ok(()), "{configured} {good}");
            }
            assert_eq!(here.endpoint("https://169.254.169.254/t"), Err(UrlFault::Address));
            assert_eq!(here.endpoint("http://as.example/t"), Err(UrlFault::Insecure));
        }
    }

    #[test]
    fn a_page_is_a_web_page() {
        for good in [
            "https://as.example/docs#start",
            "https://as.example/docs#",
            "https://as.example/#/docs?x=%20",
            "http://as.example/docs",
            "https://127.0.0.1/",
        ] {
            assert_eq!(page(good), Ok(()), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "docs",
            "",
            "#x",
            "https://as.example/<x>",
            "https://as.example/#<x>",
            "https://as.example/#\"",
            "https://as.example/#%zz",
            "https://as.example/#a#b",
            "mailto:a@as.example",
        ] {
            assert!(page(bad).is_err(), "{bad}");
        }
    }
}
