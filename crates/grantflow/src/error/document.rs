//! What is known of a metadata document that could not be used: its place, and whom it describes.

use core::fmt;

/// What is known of a metadata document that could not be used.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    /// The URLs that were asked, in order. The last one has answered.
    pub(crate) asked: Vec<Shown>,
    pub(crate) mismatch: Option<Mismatch>,
}

/// A text that is printed only if it is a plain URL without a place for a secret: one that parses as an issuer.
#[derive(Clone)]
pub(crate) struct Shown {
    text: Box<str>,
    is_plain: bool,
}

impl Shown {
    pub(crate) fn new(text: &str, is_plain: bool) -> Self {
        Self { text: text.into(), is_plain }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain { f.write_str(&self.text) } else { write!(f, "[{} bytes]", self.text.len()) }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A metadata document that describes another issuer or resource than the requested one (RFC 8414 §3.3, RFC 9728 §3.3).
/// Its content is refused.
///
/// `Display` and `Debug` show a URL only if it parses as an issuer; the methods return all of them.
#[derive(Clone, Debug)]
pub struct Mismatch {
    pub(crate) member: &'static str,
    pub(crate) expected: Shown,
    /// `None` if the caller gave it.
    pub(crate) expected_from: Option<Shown>,
    pub(crate) received: Shown,
    pub(crate) received_from: Shown,
}

impl Mismatch {
    /// The member that differs: `issuer` or `resource`.
    pub fn member(&self) -> &'static str {
        self.member
    }

    /// The required value of the member, byte for byte.
    pub fn expected(&self) -> &str {
        &self.expected.text
    }

    /// The source of the expected value: the URL of the resource metadata that named it; `None` if the caller gave it.
    pub fn expected_from(&self) -> Option<&str> {
        self.expected_from.as_ref().map(|url| &*url.text)
    }

    /// The received value of the member, at most 8 KiB of it. The server wrote it: escape it before you show it.
    pub fn untrusted_received(&self) -> &str {
        &self.received.text
    }

    /// The URL of the document with the received value.
    pub fn received_from(&self) -> &str {
        &self.received_from.text
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { member, expected, expected_from, received, received_from } = self;
        write!(f, "the {member} in the document at {received_from} is {received}, and not {expected}, which ")?;
        match expected_from {
            Some(url) => write!(f, "the document at {url} names")?,
            None => f.write_str("the caller gave")?,
        }
        let (a, b) = (&*expected.text, &*received.text);
        if expected_from.is_some() {
            f.write_str("; they must be identical: tell the resource's operator, or choose another of its servers")?;
        } else if a.strip_suffix('/') == Some(b) || b.strip_suffix('/') == Some(a) {
            f.write_str("; they differ only in the slash at the end: configure it as the document has it")?;
        } else {
            write!(f, "; they must be identical: check the {member} that was configured")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_are_printed() {
        let mismatch = Mismatch {
            member: "issuer",
            expected: Shown::new("https://as.example", true),
            expected_from: None,
            received: Shown::new("s3cret\n", false),
            received_from: Shown::new("https://as.example/.well-known/x", true),
        };
        let shown = format!("{mismatch} {mismatch:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(
            shown.contains("at https://as.example/.well-known/x is [7 bytes], and not https://as.example,"),
            "{shown}"
        );
        assert!(shown.contains("check the issuer that was configured"), "{shown}");
        assert_eq!(mismatch.untrusted_received(), "s3cret\n");
        // Nobody configured an issuer that a resource names.
        let slash = Mismatch {
            expected_from: Some(Shown::new("https://api.example/x", true)),
            received: Shown::new("https://as.example/", true),
            ..mismatch
        };
        let shown = slash.to_string();
        assert!(shown.contains("tell the resource's operator") && !shown.contains("configure"), "{shown}");
    }
}
