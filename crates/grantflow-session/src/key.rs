//! The name of a stored grant.

use core::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// The name of one grant in a store: one for each person and server, for example `"ada@trackmania"`. It is printed, so
/// put no secret in it.
///
/// There are two kinds, and no key of one kind is a key of the other:
///
/// - A **plain name** ([`Key::new`]) has one to 128 of the characters `A-Z a-z 0-9 . _ @ + -` and does not begin with a
///   dot. Every store can use it unchanged, and as a file name it stays in its folder.
/// - A **hashed name** ([`Key::of`]) stands for any text, for example a person's identifier at a server. It is
///   `sha256=` and 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// A text that cannot be a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidKey(Why);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Why {
    #[error(
        "a plain key is 1 to 128 of the characters A-Z a-z 0-9 . _ @ + - and does not begin with a dot; Key::of takes any text"
    )]
    NotPlain,
    #[error(
        "the text of a key is empty, and everyone without a name would share one grant: give the name of the grant's owner"
    )]
    Empty,
}

impl Key {
    /// The greatest length of a plain key, in bytes.
    pub const MAX: usize = 128;

    /// A key with this plain name.
    ///
    /// # Errors
    /// [`InvalidKey`], if the name has other characters, is empty or is longer than [`Key::MAX`]. If some of your names
    /// are refused, use [`Key::of`] for all of them, not only for those: then every person's key is made in one way.
    ///
    /// ```
    /// assert!(grantflow_session::Key::new("ada@trackmania").is_ok());
    /// assert!(grantflow_session::Key::new("../../etc/passwd").is_err());
    /// ```
    pub fn new(name: &str) -> Result<Self, InvalidKey> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
        if name.is_empty() || name.len() > Self::MAX || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(InvalidKey(Why::NotPlain));
        }
        Ok(Self(name.into()))
    }

    /// A key for any text: `auth0|5f7c8ec7c33c6c004bbafe82`, an e-mail address, an issuer and a subject together, of any length
    /// and in any script.
    ///
    /// It is `sha256=` and the SHA-256 of the text's UTF-8 bytes in lower-case hexadecimal: the same in every process,
    /// on every machine and in every version of this library. No two texts with the same hash are known, and no known
    /// method finds two. Two such keys never differ only in case, so each is a different file name on every file
    /// system.
    ///
    /// The text is taken byte for byte: `Ada@example.com` and `ada@example.com` are two people, and so are two
    /// spellings of one `é`. If they are one person to you, normalise the text first. If a text has parts, join them
    /// with a character that no part can contain.
    ///
    /// The hash is printed instead of the text. It does not hide the text: hashing likely texts finds it.
    ///
    /// # Errors
    /// [`InvalidKey`], if the text is empty.
    ///
    /// ```
    /// use grantflow_session::Key;
    ///
    /// let key = Key::of("auth0|ada")?;
    /// assert_eq!(key.as_str(), "sha256=84047e8f9fb03cf801fbbb0e93d1f56b54b10592ceaffaa57cad9547855bbd42");
    /// assert_ne!(key, Key::of("auth0|Ada")?);
    /// # Ok::<(), grantflow_session::InvalidKey>(())
    /// ```
    pub fn of(text: &str) -> Result<Self, InvalidKey> {
        if text.is_empty() {
            return Err(InvalidKey(Why::Empty));
        }
        // No plain name has an equals sign: a person who may choose a name cannot choose the hash of another one.
        let mut name = String::with_capacity(HASHED.len() + 64);
        name.push_str(HASHED);
        for byte in Sha256::digest(text) {
            for digit in [byte >> 4, byte & 15] {
                name.extend(char::from_digit(digit.into(), 16));
            }
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

const HASHED: &str = "sha256=";

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_leads_out_of_a_folder_is_no_key() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0", "ä", "a b", "a=b", &"k".repeat(129)] {
            assert_eq!(Key::new(bad), Err(InvalidKey(Why::NotPlain)), "{bad:?}");
        }
        for good in ["a", "a..b", "ada@trackmania", "-", &"k".repeat(128)] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn any_text_has_a_key_that_never_changes() {
        // By `printf %s TEXT | sha256sum`. Grants are kept under these names: they must be the same in every version.
        for (text, hash) in [
            ("auth0|5f7c8ec7c33c6c004bbafe82", "41aa487887e3c45c19b2448b2f036552f00b2c78e23946d390a7e846f6ad58e1"),
            ("ada@example.com", "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72"),
            ("天", "49da61ceeea2f2714263cb2baf9985b856f7c9ce77a025c5815de59aa4aa6092"),
        ] {
            assert_eq!(Key::of(text).unwrap().as_str(), format!("sha256={hash}"), "{text}");
        }
    }

    #[test]
    fn an_empty_text_is_no_key() {
        assert_eq!(Key::of(""), Err(InvalidKey(Why::Empty)));
        assert!(Key::of("").unwrap_err().to_string().contains("empty"));
    }

    #[test]
    fn different_texts_have_different_keys_in_any_case() {
        let long = "x".repeat(100_000);
        let longer = format!("{long}x");
        let texts =
            ["a", "A", "a ", " a", "a\n", "a\0", "\0", "é", "e\u{301}", "../a", "a/b", ".", "..", &long, &longer];
        let folded: HashSet<_> =
            texts.iter().map(|text| Key::of(text).unwrap().as_str().to_ascii_lowercase()).collect();
        assert_eq!(folded.len(), texts.len());
    }

    proptest! {
        #[test]
        fn no_hashed_key_can_be_given_as_a_plain_name(text in ".+") {
            let key = Key::of(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert!(Key::new(key.as_str()).is_err(), "somebody could choose it as a name");
            prop_assert!(key.as_str().len() <= Key::MAX);
            prop_assert_ne!(Key::of(key.as_str()), Ok(key.clone()), "a hash of a hash is another key");
        }
    }
}
