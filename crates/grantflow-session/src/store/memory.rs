//! Grants in memory, for one process: for tests, and for services that get new tokens with their own credentials.

use core::fmt;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::key::Key;
use crate::store::{Entry, Later, Lock, Revision, Store, StoreError, Swap, Value};
use crate::sync::{Mutex, lock};

/// Keeps grants in memory. Clones share their content. The content ends with the process.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    locked: HashSet<Key>,
    /// Never used twice, so that a new entry is not taken for an old one.
    last: u64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn swap_now(&self, key: &Key, expected: Option<Revision>, new: Option<Value>) -> Swap {
        let mut kept = lock(&self.0);
        if kept.entries.get(key).map(|entry| entry.revision) != expected {
            return Swap::Conflict;
        }
        kept.last += 1;
        let revision = Revision::new(kept.last);
        match new {
            Some(value) => kept.entries.insert(key.clone(), Entry { revision, value }),
            None => kept.entries.remove(key),
        };
        Swap::Swapped(revision)
    }

    pub(crate) fn load_now(&self, key: &Key) -> Option<Entry> {
        lock(&self.0).entries.get(key).cloned()
    }

    pub(crate) fn lock_now(&self, key: &Key) -> Option<Lock> {
        let free = lock(&self.0).locked.insert(key.clone());
        free.then(|| Lock::new(Locked { store: self.clone(), key: key.clone() }))
    }
}

struct Locked {
    store: MemoryStore,
    key: Key,
}

impl Drop for Locked {
    fn drop(&mut self) {
        lock(&self.store.0).locked.remove(&self.key);
    }
}

impl Store for MemoryStore {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { Ok(self.load_now(key)) })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        Box::pin(async move { Ok(self.swap_now(key, expected, new)) })
    }

    fn lock_dies_with_its_process(&self) -> bool {
        true
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        Box::pin(async move { Ok(self.lock_now(key)) })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemoryStore([{} grants])", lock(&self.0).entries.len())
    }
}
