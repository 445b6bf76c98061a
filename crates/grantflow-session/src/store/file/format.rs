//! An entry as text: one line about it, then the unchanged bytes.
//!
//! ```text
//! grantflow-store 1 <revision> <length, or "gone"> <SHA-256 of all the rest, base64url> <key>\n<bytes>
//! ```
//!
//! The sum finds a torn write and a flipped bit; it is not a signature. It includes the key, so that a copied file, or
//! one that a file system takes for another one (`Ada` and `ada`), is not read as another person's grant.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sha2::{Digest as _, Sha256};

use crate::key::Key;
use crate::store::{Entry, Revision, Value};

const NAME: &str = "grantflow-store";
/// The version that is written and read.
const VERSION: &str = "1";
/// The longest first line: a key of 128 characters, two numbers of 20, a sum of 43, and the rest.
pub(in crate::store) const MAX_HEADER: usize = 256;

/// The content under a key: an entry, or the mark of a removed one, which holds its last revision.
pub(in crate::store) struct Kept {
    pub(in crate::store) revision: Revision,
    pub(in crate::store) value: Option<Value>,
}

impl Kept {
    pub(in crate::store) fn into_entry(self) -> Option<Entry> {
        let revision = self.revision;
        self.value.map(|value| Entry { revision, value })
    }
}

/// Why bytes are not an entry.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Damage {
    #[error("it is not an entry of a grantflow store; nothing was read from it: log in again, which replaces it")]
    Foreign,
    #[error(
        "its format version is not 1, so a newer grantflow wrote it: use that version, or log in again, which replaces it"
    )]
    Version,
    #[error(
        "it is damaged (its checksum does not match); nothing was read from it: restore it, or log in again, which replaces it"
    )]
    Damaged,
    #[error("it is the entry of another key; nothing was read from it: log in again, which replaces it")]
    OtherKey,
    #[error(
        "it is the entry of a key that differs only in case, which this file system takes for the same name: use keys of Key::of"
    )]
    OtherCase,
}

/// The first line of an entry, with its line feed. `None` is the mark of a removed entry.
pub(in crate::store) fn header(key: &str, revision: Revision, value: Option<&[u8]>) -> String {
    let length = value.map_or_else(|| "gone".to_owned(), |bytes| bytes.len().to_string());
    let about = format!("{VERSION} {} {length} {key}\n", revision.number());
    let digest = Sha256::new().chain_update(&about).chain_update(value.unwrap_or_default()).finalize();
    let sum = Base64UrlUnpadded::encode_string(&digest);
    format!("{NAME} {VERSION} {} {length} {sum} {key}\n", revision.number())
}

/// Reads an entry. It is accepted only if it is, byte for byte, what would be written for its content.
pub(in crate::store) fn read(key: &Key, bytes: &[u8]) -> Result<Kept, Damage> {
    let mut words = bytes.splitn(3, |&b| b == b' ');
    if words.next() != Some(NAME.as_bytes()) {
        return Err(Damage::Foreign);
    }
    match words.next() {
        Some(version) if version == VERSION.as_bytes() => {}
        Some(version) if !version.is_empty() && version.iter().all(u8::is_ascii_digit) => return Err(Damage::Version),
        _ => return Err(Damage::Damaged),
    }
    let end = bytes.iter().position(|&b| b == b'\n').ok_or(Damage::Damaged)? + 1;
    let (line, rest) = bytes.split_at_checked(end).ok_or(Damage::Damaged)?;
    let line = core::str::from_utf8(line).map_err(|_| Damage::Damaged)?;
    let mut words = line.trim_end_matches('\n').split(' ').skip(2);
    let (Some(revision), Some(length), Some(_sum), Some(whose), None) =
        (words.next(), words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Damage::Damaged);
    };
    let revision = Revision::new(revision.parse().map_err(|_| Damage::Damaged)?);
    let value = (length != "gone").then_some(rest);
    if header(whose, revision, value) != line || (value.is_none() && !rest.is_empty()) {
        return Err(Damage::Damaged);
    }
    if whose != key.as_str() {
        return Err(if whose.eq_ignore_ascii_case(key.as_str()) { Damage::OtherCase } else { Damage::OtherKey });
    }
    Ok(Kept { revision, value: value.map(|bytes| Value::new(bytes.to_vec())) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> Key {
        Key::new("ada@trackmania").unwrap()
    }

    fn written(revision: u64, value: Option<&[u8]>) -> Vec<u8> {
        let mut file = header(key().as_str(), Revision::new(revision), value).into_bytes();
        file.extend_from_slice(value.unwrap_or_default());
        file
    }

    #[test]
    fn the_longest_first_line_fits() {
        let longest = header(&"k".repeat(Key::MAX), Revision::new(u64::MAX), Some(&[0; 1000]));
        assert!(longest.len() + 17 <= MAX_HEADER, "{}", longest.len());
    }

    #[test]
    fn a_removed_entry_keeps_its_revision() {
        let kept = read(&key(), &written(7, None)).unwrap_or_else(|damage| panic!("{damage}"));
        assert_eq!((kept.revision, kept.value.is_none()), (Revision::new(7), true));
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_refused() {
        for file in [written(41, Some(b"{\"tokens\":1}\n")), written(42, None)] {
            for end in 0..file.len() {
                assert!(read(&key(), &file[..end]).is_err(), "cut at {end}");
            }
            for at in 0..file.len() * 8 {
                let mut flipped = file.clone();
                flipped[at / 8] ^= 1 << (at % 8);
                assert!(read(&key(), &flipped).is_err(), "bit {at}");
            }
            assert!(read(&key(), &[&file[..], b"x"].concat()).is_err());
        }
    }

    #[test]
    fn another_version_and_another_key_say_so() {
        let newer = String::from_utf8(written(1, Some(b"x"))).unwrap().replacen(" 1 ", " 2 ", 1);
        assert!(matches!(read(&key(), newer.as_bytes()), Err(Damage::Version)));
        assert!(matches!(read(&key(), b"hello"), Err(Damage::Foreign)));
        assert!(matches!(read(&key(), b""), Err(Damage::Foreign)));
        let ada = Key::new("Ada@trackmania").unwrap();
        assert!(matches!(read(&ada, &written(1, Some(b"x"))), Err(Damage::OtherCase)));
        let bob = Key::new("bob@trackmania").unwrap();
        assert!(matches!(read(&bob, &written(1, Some(b"x"))), Err(Damage::OtherKey)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(revision: u64, bytes: Vec<u8>) {
            let kept = read(&key(), &written(revision, Some(&bytes))).map_err(|damage| TestCaseError::fail(damage.to_string()))?;
            prop_assert_eq!(kept.revision.number(), revision);
            prop_assert_eq!(kept.value.as_ref().map(Value::expose_secret), Some(&bytes[..]));
        }

        #[test]
        fn anything_else_is_refused(bytes: Vec<u8>) {
            prop_assert!(read(&key(), &bytes).is_err());
        }
    }
}
