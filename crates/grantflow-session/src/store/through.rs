//! A pointer to a store is a store: for one store that many sessions share, and for one that is chosen at run time.

use std::sync::Arc;

use crate::key::Key;
use crate::store::{Entry, Later, Lock, Revision, Store, StoreError, Swap, Value};

impl<S: Store + ?Sized> Store for &S {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        S::load(self, key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        S::compare_and_swap(self, key, expected, new)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        S::try_lock(self, key)
    }

    fn lock_dies_with_its_process(&self) -> bool {
        S::lock_dies_with_its_process(self)
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        S::load(self, key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        S::compare_and_swap(self, key, expected, new)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        S::try_lock(self, key)
    }

    fn lock_dies_with_its_process(&self) -> bool {
        S::lock_dies_with_its_process(self)
    }
}

impl<S: Store + ?Sized> Store for Box<S> {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        S::load(self, key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        S::compare_and_swap(self, key, expected, new)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        S::try_lock(self, key)
    }

    fn lock_dies_with_its_process(&self) -> bool {
        S::lock_dies_with_its_process(self)
    }
}

#[cfg(test)]
mod tests {
    use pollster::block_on;

    use super::*;
    use crate::store::MemoryStore;

    /// Uses the store through one pointer, and checks the store itself.
    fn passes_everything_on(pointer: impl Store, store: &MemoryStore, name: &str) {
        let key = Key::new(name).unwrap();
        let value = Value::new(b"kept".to_vec());
        let swap = block_on(pointer.compare_and_swap(&key, None, Some(value))).unwrap();
        let Swap::Swapped(revision) = swap else { panic!("{name}: a conflict") };
        assert_eq!(store.load_now(&key).unwrap().revision, revision, "{name}");
        assert_eq!(block_on(pointer.load(&key)).unwrap().unwrap().revision, revision, "{name}");
        let lock = block_on(pointer.try_lock(&key)).unwrap();
        assert!(lock.is_some() && store.lock_now(&key).is_none(), "{name}: one lock, taken through either");
        assert!(pointer.lock_dies_with_its_process(), "{name}: the store's own answer, not the default");
    }

    #[test]
    fn a_store_is_reached_through_any_pointer() {
        let store = MemoryStore::new();
        passes_everything_on(&store, &store, "reference");
        passes_everything_on(Arc::new(store.clone()), &store, "Arc");
        passes_everything_on(Box::new(store.clone()), &store, "Box");
        passes_everything_on(Arc::new(store.clone()) as Arc<dyn Store>, &store, "Arc-of-dyn");
        passes_everything_on(Box::new(store.clone()) as Box<dyn Store>, &store, "Box-of-dyn");
        passes_everything_on(&store as &dyn Store, &store, "reference-to-dyn");
        passes_everything_on(Arc::new(Box::new(store.clone()) as Box<dyn Store>), &store, "Arc-of-a-Box");
    }
}
