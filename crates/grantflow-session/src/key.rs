//! Under which name a grant is kept.

use core::fmt;
use std::sync::Arc;

/// The name of one grant in a store: one per person and server, say `"ada@trackmania"`. It is printed; put no secret in it.
///
/// One to 128 of the characters `A-Z a-z 0-9 . _ @ + -`, the first no dot: every store can use it as it is, and no file
/// name leads anywhere else.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Arc<str>);

/// A name that no store could keep a grant under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is 1 to 128 of the characters A-Z a-z 0-9 . _ @ + - and does not begin with a dot")]
#[non_exhaustive]
pub struct InvalidKey;

impl Key {
    /// The longest that a key may be, in bytes.
    pub const MAX: usize = 128;

    /// A key of this name.
    ///
    /// # Errors
    /// [`InvalidKey`].
    ///
    /// ```
    /// assert!(grantflow_session::Key::new("ada@trackmania").is_ok());
    /// assert!(grantflow_session::Key::new("../../etc/passwd").is_err());
    /// ```
    pub fn new(name: &str) -> Result<Self, InvalidKey> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"._@+-".contains(&b);
        if name.is_empty() || name.len() > Self::MAX || name.starts_with('.') || !name.bytes().all(plain) {
            return Err(InvalidKey);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

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
    use super::*;

    #[test]
    fn what_leads_out_of_a_folder_is_no_key() {
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a\0", "ä", "a b", &"k".repeat(129)] {
            assert_eq!(Key::new(bad), Err(InvalidKey), "{bad:?}");
        }
        for good in ["a", "a..b", "ada@trackmania", "-", &"k".repeat(128)] {
            assert_eq!(Key::new(good).unwrap().as_str(), good);
        }
    }
}
