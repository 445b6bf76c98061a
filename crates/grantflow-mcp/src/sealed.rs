//! The frame of what is stored: kind, version, owner, and a checksum over the text of all of it, so that no field can be
//! forgotten.

use core::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, StoredFault};
use crate::place::StoredPlace;

/// A state of one kind. It holds the state in plain text.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct Sealed {
    v: u32,
    kind: String,
    sum: String,
    pub(crate) issuer: String,
    pub(crate) resource: String,
    /// The state as JSON text.
    state: Zeroizing<String>,
}

const VERSION: u32 = 1;

/// Room for almost every state, so that no part of a secret stays behind in a smaller buffer.
const ROOM: usize = 16 * 1024;

impl Sealed {
    pub(crate) fn new(kind: &'static str, issuer: &str, resource: &str, state: &impl Serialize) -> Self {
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        // It fails only for maps whose keys are not texts, which no state has. An empty one is refused when it is read.
        let written = serde_json::to_writer(&mut *text, state);
        let state = if written.is_ok() { core::mem::take(&mut *text) } else { Vec::new() };
        let mut sealed = Self {
            v: VERSION,
            kind: kind.to_owned(),
            sum: String::new(),
            issuer: issuer.to_owned(),
            resource: resource.to_owned(),
            state: Zeroizing::new(String::from_utf8(state).unwrap_or_default()),
        };
        sealed.sum = sealed.checksum();
        sealed
    }

    /// # Errors
    /// [`Error::Stored`].
    pub(crate) fn open<S: DeserializeOwned>(&self, kind: &str) -> Result<S, Error> {
        if self.v != VERSION {
            return Err(Error::Stored(StoredFault::Version));
        }
        if self.kind != kind || self.sum != self.checksum() {
            return Err(Error::Stored(StoredFault::Damaged));
        }
        serde_json::from_str(&self.state).map_err(|_| Error::Stored(StoredFault::Damaged))
    }

    /// # Errors
    /// [`Error::Stored`] if the frame names another owner than the state.
    pub(crate) fn check_owner(&self, place: &StoredPlace) -> Result<(), Error> {
        let same = self.issuer == place.issuer() && self.resource == place.identifier();
        if same { Ok(()) } else { Err(Error::Stored(StoredFault::Damaged)) }
    }

    /// FNV-1a over every field with its length. It finds damage, and proves nothing about who wrote the state.
    fn checksum(&self) -> String {
        let version = self.v.to_string();
        let fields = [&*version, &self.kind, &self.issuer, &self.resource, &self.state];
        let mut sum = 0xcbf2_9ce4_8422_2325_u64;
        for field in fields {
            let length = (field.len() as u64).to_le_bytes();
            for byte in length.iter().chain(field.as_bytes()) {
                sum = (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        format!("{sum:016x}")
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed {{ v: {}, kind: {:?}, issuer: {:?}, … }}", self.v, self.kind, self.issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_byte_anywhere_is_found() {
        let sealed = Sealed::new("test", "https://as.example", "https://mcp.example", &("s3cret", 7));
        let text = serde_json::to_string(&sealed).unwrap();
        let open = |text: &str| serde_json::from_str::<Sealed>(text).unwrap_or_default().open::<(String, u8)>("test");
        assert_eq!(open(&text).unwrap(), ("s3cret".to_owned(), 7));
        for (at, _) in text.char_indices() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(open(&changed).is_err(), "byte {at} was changed: {changed}");
        }
        assert!(sealed.open::<(String, u8)>("other").is_err(), "another kind");
        assert!(!format!("{sealed:?}").contains("s3cret"));
    }
}
