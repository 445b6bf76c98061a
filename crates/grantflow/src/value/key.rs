//! The keys under which waiting grants are stored.

use core::fmt;

use sha2::{Digest as _, Sha256};

use super::secret::encode_32;

/// The key of a stored grant that waits: a hash of the `state` of a pending callback, or of the `auth_req_id` of a
/// backchannel grant. So a store's keys reveal nothing.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PendingKey([u8; 43]);

impl PendingKey {
    pub(crate) fn of(text: &str) -> Self {
        Self(encode_32(&Sha256::digest(text).into()))
    }

    /// 43 characters of base64url.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl AsRef<str> for PendingKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for PendingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for PendingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PendingKey({})", self.as_str())
    }
}
