//! Stores for grants: a small trait, and stores that implement it.
//!
//! A store keeps one entry for each [`Key`]: opaque bytes with a revision. It does not need to know anything about
//! tokens. Three operations make a rotation safe: read, compare-and-swap, and a lock that one process holds at a time.
//! Your own store implements [`Store`]; the suite `grantflow_session::testing` (feature `testing`) checks it.

use core::fmt;
use core::future::Future;
use core::pin::Pin;

use zeroize::Zeroizing;

use crate::key::Key;

mod file;
#[cfg(feature = "keyring")]
mod keyring;
mod lease;
mod memory;
mod through;

pub use file::{FileStore, FolderRules};
#[cfg(feature = "keyring")]
pub use keyring::KeyringStore;
pub use lease::{Lease, Leases};
pub use memory::MemoryStore;

/// A future that a plug returns: boxed, so that plugs can be `dyn`.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps grants. It is the source of truth for every session on it, in this process and in others.
///
/// All three operations must agree: after `compare_and_swap` has returned `Swapped`, every later `load` in any process
/// sees the change, and the change survives a crash.
pub trait Store: Send + Sync {
    /// The entry under `key`, if there is one.
    ///
    /// A store that finds an entry which it cannot read or does not trust returns [`StoreError::unreadable`], so that a
    /// login or a logout can replace it. It may also return the bytes that it found: a session checks them itself.
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>>;

    /// Puts `new` under `key` (or removes the entry if `new` is `None`), if the entry's revision is still `expected`
    /// (`None`: if there is no entry). When it returns [`Swap::Swapped`], the change is durable.
    ///
    /// If `expected` is the revision of an entry that `load` could not read, and nothing has changed there since, the
    /// entry is replaced.
    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>>;

    /// The lock of `key`, unless another holder has it. It is released when the guard is dropped, and when its process
    /// dies.
    ///
    /// It does not wait: a session tries again, so that no thread of an executor is blocked. If a lock cannot end with
    /// its process, as in a database, it is a [`Lease`].
    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>>;

    /// Whether a free lock proves that its last holder has released it or is dead. The lock of a file proves it, and so
    /// does one in this process's memory. A lease that ends by a clock does not: its holder may be slow and still send.
    ///
    /// `false` by default, which is always safe: a request that a dead process has begun then counts as lost only 10 s
    /// after its deadline ([`Policy::send_deadline`](crate::Policy::send_deadline)).
    fn lock_dies_with_its_process(&self) -> bool {
        false
    }
}

/// The version of an entry. Every change gives it another revision, and an entry that was removed and made again does
/// not get an old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// A revision with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The revision of an unreadable entry, made from a hash of its content: greater than every revision that counts or
    /// tells the time.
    pub(crate) fn unreadable(hash: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(hash) | 1 << 63)
    }
}

/// The value of a key: bytes that only a session understands. **They hold tokens in plain text.** Redacted when
/// printed, wiped when dropped.
#[derive(Clone)]
pub struct Value(Zeroizing<Vec<u8>>);

impl Value {
    /// The greatest number of bytes that a session asks a store to keep: 8 MiB. The core reads an answer of 1 MiB, and
    /// JSON writes some of its bytes as six; the rest is for what a session adds.
    pub const MAX: usize = 8 << 20;

    /// A value from bytes that a store has read.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for a store to write. Text in UTF-8.
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value([{} bytes])", self.0.len())
    }
}

/// A value with its revision.
#[derive(Debug, Clone)]
#[allow(clippy::exhaustive_structs, reason = "stores make it")]
pub struct Entry {
    /// The version of the entry.
    pub revision: Revision,
    /// The value.
    pub value: Value,
}

/// How a compare-and-swap ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums, reason = "it did or it did not")]
pub enum Swap {
    /// The change is made and durable. The entry has this revision now; a removed entry leaves it unused.
    Swapped(Revision),
    /// The entry was changed since it was read. Nothing was written.
    Conflict,
}

/// A lock that is held. Dropping it releases it.
pub struct Lock(#[allow(dead_code, reason = "it is there to be dropped")] Box<dyn Send>);

impl Lock {
    /// A lock that is released when `guard` is dropped.
    pub fn new(guard: impl Send + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lock")
    }
}

/// A store could not do what it was asked to do.
///
/// It says what failed and where, and never shows a value.
#[derive(Debug, thiserror::Error)]
#[error("the token store could not {doing}")]
pub struct StoreError {
    doing: &'static str,
    source: Box<dyn std::error::Error + Send + Sync>,
    unreadable: Option<Revision>,
}

impl StoreError {
    /// `doing` completes the sentence "the token store could not …". The source says why; it must not quote the value.
    pub fn new(doing: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { doing, source: source.into(), unreadable: None }
    }

    /// Like [`StoreError::new`], for an entry that exists and cannot be read or is not trusted: it is damaged, empty,
    /// foreign, of a newer version, or open to others.
    ///
    /// `revision` is what a compare-and-swap must expect to replace or remove the entry. It changes with the content,
    /// and is never the revision of a readable entry.
    pub fn unreadable(
        doing: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
        revision: Revision,
    ) -> Self {
        Self { unreadable: Some(revision), ..Self::new(doing, source) }
    }

    /// The revision of the unreadable entry, if there is one, and a login or a logout may replace it.
    pub fn unreadable_revision(&self) -> Option<Revision> {
        self.unreadable
    }
}
