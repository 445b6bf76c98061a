//! The checksum of a stored state. It finds damage, not forgery: anyone who can write the store has the grant.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

/// SHA-256 over fields with their lengths, so that no two lists of fields look alike.
pub(crate) struct Checksum(Sha256);

impl Checksum {
    /// A checksum of one kind of state.
    pub(crate) fn new(kind: &str) -> Self {
        Self(Sha256::new()).field(Some(kind))
    }

    #[must_use]
    pub(crate) fn field(mut self, field: Option<&str>) -> Self {
        match field {
            Some(text) => {
                self.0.update((text.len() as u64).to_be_bytes());
                self.0.update(text.as_bytes());
            }
            None => self.0.update(u64::MAX.to_be_bytes()),
        }
        self
    }

    #[must_use]
    pub(crate) fn number(self, number: Option<u64>) -> Self {
        match number {
            Some(number) => self.field(Some(&number.to_string())),
            None => self.field(None),
        }
    }

    #[must_use]
    pub(crate) fn list(self, list: &[String]) -> Self {
        let counted = self.number(Some(list.len() as u64));
        list.iter().fold(counted, |sum, item| sum.field(Some(item)))
    }

    /// The first half of the digest, in base64url.
    pub(crate) fn finish(self) -> String {
        let digest = self.0.finalize();
        Base64UrlUnpadded::encode_string(digest.get(..16).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let sum =
            |fields: &[Option<&str>]| fields.iter().fold(Checksum::new("x"), |sum, field| sum.field(*field)).finish();
        let all = [
            sum(&[Some("ab"), Some("c")]),
            sum(&[Some("a"), Some("bc")]),
            sum(&[Some("abc")]),
            sum(&[Some("abc"), None]),
            sum(&[Some("abc"), Some("")]),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(all.iter().skip(i + 1).all(|b| a != b));
        }
    }
}
