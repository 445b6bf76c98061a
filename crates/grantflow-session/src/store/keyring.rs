//! Grants in the system's keyring, for programs that people run on their own machine.

use core::fmt;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use keyring_core::{CredentialStore, Entry as Credential, Error as KeyringError};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use self::elsewhere::elsewhere;
use self::fault::Fault;
use crate::key::Key;
use crate::store::file::folder::{Folder, Kind};
use crate::store::file::format::{self, Damage, Kept};
use crate::store::file::{FolderRules, found, revision_after};
use crate::store::{Entry, Later, Lock, Revision, Store, StoreError, Swap, Value};

mod elsewhere;
mod fault;

/// Keeps grants in the system's keyring: macOS' Keychain, Windows' Credential Manager, elsewhere the Secret Service
/// (GNOME Keyring, KeePassXC, KDE Wallet). Feature `keyring`.
///
/// A keyring has neither a lock nor a compare-and-swap, so both come from lock files in a folder that the caller names.
/// Every program that shares the grants must name the same folder. The folder has no token. It holds `<key>.lock` and
/// `<key>.swap` like a [`FileStore`](crate::FileStore), and `<key>.gone` with the last revision of a removed entry. The
/// entry is an item of the keyring under the service's name, with the key as its user. A change of that item without
/// the lock (by a person or another program) is seen as a change or as damage, and is not prevented.
///
/// A change is as durable as the keyring makes it: some keep their items in memory until the machine restarts.
///
/// **Keyrings are small.** Windows accepts 2,560 bytes an item, and Linux' own (keyutils) 20,000 for all items of a
/// user. A grant that is too large is refused with an error that says so, and the old entry stays. An access token that
/// is a JWT with many claims does not fit into Windows' keyring; keep such grants in a [`FileStore`](crate::FileStore).
///
/// A keyring may ask the person for a password, and that can take any time. So every `load` and `compare_and_swap`
/// works in a separate thread and blocks no thread of an executor. If its future is dropped, it still runs to its end.
pub struct KeyringStore(Arc<Inner>);

struct Inner {
    keyring: Arc<CredentialStore>,
    service: String,
    folder: Folder,
}

impl KeyringStore {
    /// A store in this system's keyring, under the name `service` (for example the program's), with its locks in the
    /// folder `locks`. The folder has to satisfy the rules of [`FileStore::open`](crate::FileStore::open).
    ///
    /// It does not touch the process-wide default store of the `keyring` crates.
    ///
    /// # Errors
    /// If there is no keyring (a server without a session bus, a system without one), and the errors of
    /// `FileStore::open`.
    pub fn open(service: &str, locks: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(service, locks, FolderRules::strict())
    }

    /// Like [`open`](KeyringStore::open), with other rules for the folder. Every rule that is not strict lowers a guard
    /// and has its price.
    ///
    /// # Errors
    /// The errors of [`open`](KeyringStore::open), except for what the rules allow.
    pub fn open_with(service: &str, locks: impl AsRef<Path>, rules: FolderRules) -> Result<Self, StoreError> {
        // In a separate thread, because the Secret Service's client must not be started in a thread of an async
        // runtime.
        let keyring = thread::scope(|scope| scope.spawn(system).join());
        let keyring = keyring.unwrap_or_else(|_| Err(Fault::Broken));
        let keyring = keyring.map_err(|fault| StoreError::new("open the system's keyring", fault))?;
        Self::of(keyring, service, locks.as_ref(), rules)
    }

    /// Like [`open`](KeyringStore::open), in any store of the `keyring-core` family: Linux' keyutils, Android's, a
    /// database, a mock.
    ///
    /// # Errors
    /// The errors of `FileStore::open`.
    pub fn open_in(keyring: Arc<CredentialStore>, service: &str, locks: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::of(keyring, service, locks.as_ref(), FolderRules::strict())
    }

    fn of(keyring: Arc<CredentialStore>, service: &str, locks: &Path, rules: FolderRules) -> Result<Self, StoreError> {
        let folder =
            Folder::open(locks, rules).map_err(|fault| StoreError::new("open the folder of its locks", fault))?;
        Ok(Self(Arc::new(Inner { keyring, service: service.to_owned(), folder })))
    }
}

#[cfg(target_os = "macos")]
fn system() -> Result<Arc<CredentialStore>, Fault> {
    let store = apple_native_keyring_store::keychain::Store::new().map_err(|error| Fault::of(&error, 0))?;
    Ok(store)
}

#[cfg(target_os = "windows")]
fn system() -> Result<Arc<CredentialStore>, Fault> {
    let store = windows_native_keyring_store::Store::new().map_err(|error| Fault::of(&error, 0))?;
    Ok(store)
}

#[cfg(all(unix, not(any(target_os = "macos", target_os = "ios", target_os = "android"))))]
fn system() -> Result<Arc<CredentialStore>, Fault> {
    let store = zbus_secret_service_keyring_store::Store::new().map_err(|error| Fault::of(&error, 0))?;
    Ok(store)
}

#[cfg(not(any(
    target_os = "macos",
    target_os = "windows",
    all(unix, not(any(target_os = "ios", target_os = "android")))
)))]
fn system() -> Result<Arc<CredentialStore>, Fault> {
    Err(Fault::NoSystem)
}

/// The content under a key.
enum Found {
    Nothing,
    Kept(Kept),
    /// An entry that is not trusted. A caller that knows this revision may replace it.
    Unreadable(Fault, Revision),
}

impl Found {
    fn unreadable(fault: Fault, bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        Self::Unreadable(fault, Revision::unreadable(digest.first_chunk().copied().unwrap_or_default()))
    }
}

impl Inner {
    fn item(&self, key: &Key) -> Result<Credential, Fault> {
        Credential::new_in_store(&self.keyring, &self.service, key.as_str()).map_err(|error| Fault::of(&error, 0))
    }

    fn found(&self, key: &Key) -> Result<Found, Fault> {
        let bytes = match self.item(key)?.get_secret() {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(KeyringError::NoEntry) => return Ok(Found::Nothing),
            // The error holds the bytes that could not be decoded.
            Err(KeyringError::BadEncoding(bytes) | KeyringError::BadDataFormat(bytes, _)) => {
                return Ok(Found::unreadable(Fault::NotOurs, &Zeroizing::new(bytes)));
            }
            Err(error) => return Err(Fault::of(&error, 0)),
        };
        match format::read(key, &bytes) {
            Ok(kept) => Ok(Found::Kept(kept)),
            Err(Damage::OtherCase) => Err(Fault::Format(Damage::OtherCase)),
            Err(damage) => Ok(Found::unreadable(Fault::Format(damage), &bytes)),
        }
    }

    fn swap(&self, key: &Key, expected: Option<Revision>, new: Option<&Value>) -> Result<Swap, Fault> {
        let _exclusive = self.folder.exclusive(key)?;
        let (last, now) = match self.found(key)? {
            Found::Nothing => (None, None),
            Found::Unreadable(_, revision) if Some(revision) == expected => (None, expected),
            Found::Unreadable(fault, _) => return Err(fault),
            Found::Kept(kept) => (Some(kept.revision), kept.into_entry().map(|entry| entry.revision)),
        };
        if now != expected {
            return Ok(Swap::Conflict);
        }
        // An unreadable mark counts as none: the time keeps revisions apart.
        let removed = found(&self.folder, key, Kind::Gone)?.last();
        let revision = revision_after(last.max(removed)).ok_or(Fault::NoRevisionLeft)?;
        match new.map(Value::expose_secret) {
            Some(value) => self.write(key, revision, value)?,
            None => self.remove(key, revision)?,
        }
        Ok(Swap::Swapped(revision))
    }

    fn write(&self, key: &Key, revision: Revision, value: &[u8]) -> Result<(), Fault> {
        if value.len() > Value::MAX {
            return Err(Fault::TooLarge { size: value.len(), most: Value::MAX });
        }
        let header = format::header(key.as_str(), revision, Some(value));
        let item = Zeroizing::new([header.as_bytes(), value].concat());
        // As bytes: Windows would double the size of a password.
        self.item(key)?.set_secret(&item).map_err(|error| Fault::of(&error, item.len()))
    }

    fn remove(&self, key: &Key, revision: Revision) -> Result<(), Fault> {
        // The mark comes first: without the item and the mark, its revision could be used again.
        let header = format::header(key.as_str(), revision, None);
        self.folder.replace(key, Kind::Gone, [header.as_bytes(), b""])?;
        match self.item(key)?.delete_credential() {
            Ok(()) | Err(KeyringError::NoEntry) => Ok(()),
            Err(error) => Err(Fault::of(&error, 0)),
        }
    }
}

impl Store for KeyringStore {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        let (inner, key) = (Arc::clone(&self.0), key.clone());
        Box::pin(async move {
            let doing = "read an item of the keyring";
            match elsewhere(move || inner.found(&key)).await.unwrap_or(Err(Fault::Broken)) {
                Ok(Found::Nothing) => Ok(None),
                Ok(Found::Kept(kept)) => Ok(kept.into_entry()),
                Ok(Found::Unreadable(fault, revision)) => Err(StoreError::unreadable(doing, fault, revision)),
                Err(fault) => Err(StoreError::new(doing, fault)),
            }
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        let (inner, key) = (Arc::clone(&self.0), key.clone());
        Box::pin(async move {
            let swap = elsewhere(move || inner.swap(&key, expected, new.as_ref())).await.unwrap_or(Err(Fault::Broken));
            swap.map_err(|fault| StoreError::new("change an item of the keyring", fault))
        })
    }

    fn lock_dies_with_its_process(&self) -> bool {
        true
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        Box::pin(async move {
            let held =
                self.0.folder.try_lock(key).map_err(|fault| StoreError::new("lock an item of the keyring", fault))?;
            Ok(held.map(Lock::new))
        })
    }
}

impl fmt::Debug for KeyringStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyringStore({}, locks in {})", self.0.service, self.0.folder.path().display())
    }
}

#[cfg(test)]
mod tests;
