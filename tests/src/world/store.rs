//! A store that fails on demand, and records what it does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use grantflow_session::{Entry, Key, Later, Lock, MemoryStore, Revision, Store, StoreError, Swap, Value};

use super::{Did, Kept, World, key};

/// The kinds of operations on a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Lock,
    Load,
    Mark,
    Unmark,
    Doubt,
    Tokens,
    Loss,
    Remove,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done.
    Before,
    /// It is done, and reported as failed.
    After,
    Panic,
}

/// A store that fails on demand, and records what it does. Clones are one store.
#[derive(Clone)]
pub struct FaultyStore {
    pub inner: Arc<dyn Store>,
    world: World,
    faults: Arc<Mutex<VecDeque<(Op, Fault)>>>,
    hooks: Arc<Mutex<VecDeque<(Op, Hook)>>>,
    unlock_hook: Arc<Mutex<Option<Hook>>>,
}

type Hook = Box<dyn FnOnce() + Send>;

impl FaultyStore {
    pub(super) fn new(inner: Arc<dyn Store>, world: World) -> Self {
        Self { inner, world, faults: Arc::default(), hooks: Arc::default(), unlock_hook: Arc::default() }
    }

    /// Makes the next operation of this kind that has no fault yet fail in this way.
    pub fn fail(&self, op: Op, fault: Fault) {
        self.faults.lock().unwrap().push_back((op, fault));
    }

    pub fn fail_times(&self, times: usize, op: Op, fault: Fault) {
        (0..times).for_each(|_| self.fail(op, fault));
    }

    /// Forgets the faults that have not happened.
    pub fn mend(&self) {
        self.faults.lock().unwrap().clear();
    }

    /// Removes all faults and all interruptions.
    pub fn heal(&self) {
        self.mend();
        self.hooks.lock().unwrap().clear();
    }

    /// Runs this before the next operation of this kind.
    pub fn before(&self, op: Op, run: impl FnOnce() + Send + 'static) {
        self.hooks.lock().unwrap().push_back((op, Box::new(run)));
    }

    /// Runs this when the lock has just been released.
    pub fn at_unlock(&self, run: impl FnOnce() + Send + 'static) {
        *self.unlock_hook.lock().unwrap() = Some(Box::new(run));
    }

    /// The entry, without any fault.
    pub fn entry(&self) -> Option<Entry> {
        pollster::block_on(self.inner.load(&key())).unwrap()
    }

    /// The entry, read.
    pub fn kept(&self) -> Option<Kept> {
        self.entry().map(|entry| Kept::of(&entry.value))
    }

    /// Replaces the entry, without any lock.
    pub fn put(&self, value: Option<Value>) {
        let expected = self.entry().map(|entry| entry.revision);
        let swap = pollster::block_on(self.inner.compare_and_swap(&key(), expected, value)).unwrap();
        assert!(matches!(swap, Swap::Swapped(_)));
    }

    fn fault(&self, op: Op) -> Option<Fault> {
        let hook = {
            let mut hooks = self.hooks.lock().unwrap();
            let at = hooks.iter().position(|(of, _)| *of == op);
            at.and_then(|at| hooks.remove(at))
        };
        if let Some((_, run)) = hook {
            run();
        }
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let at = faults.iter().position(|(of, _)| *of == op);
            at.and_then(|at| faults.remove(at)).map(|(_, fault)| fault)
        };
        if fault == Some(Fault::Panic) {
            panic!("the store panicked, as it was told to");
        }
        fault
    }

    async fn kind(&self, key: &Key, new: Option<&Value>) -> (Op, Did) {
        let Some(value) = new else { return (Op::Remove, Did::Remove) };
        let (new, old) = (Kept::of(value), self.inner.load(key).await.ok().flatten());
        // An entry of another version, or a damaged one, counts as other tokens.
        let old = old.and_then(|entry| Kept::try_of(&entry.value));
        match old {
            _ if new.lost => (Op::Loss, Did::Loss),
            Some(old) if old.generation == new.generation && new.sent > old.sent => (Op::Mark, Did::Mark(new.sent)),
            Some(old) if old.generation == new.generation && new.sent < old.sent => (Op::Unmark, Did::Unmark),
            Some(old) if old.generation == new.generation && new.next.is_some() => (Op::Doubt, Did::Doubt(new.sent)),
            Some(old) if old.generation == new.generation => (Op::Unmark, Did::Unmark),
            _ => (Op::Tokens, Did::Tokens),
        }
    }
}

fn broken(doing: &'static str) -> StoreError {
    StoreError::new(doing, std::io::Error::other("the disk is full"))
}

impl Store for FaultyStore {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            self.world.pause().await;
            if self.fault(Op::Load).is_some() {
                return Err(broken("read an entry"));
            }
            self.world.note(Did::Load);
            self.inner.load(key).await
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        Box::pin(async move {
            self.world.pause().await;
            let (op, did) = self.kind(key, new.as_ref()).await;
            let fault = self.fault(op);
            if fault == Some(Fault::Before) {
                return Err(broken("change an entry"));
            }
            let swap = self.inner.compare_and_swap(key, expected, new).await?;
            self.world.note(if swap == Swap::Conflict { Did::Conflict } else { did });
            self.world.pause().await;
            if fault.is_some() { Err(broken("change an entry")) } else { Ok(swap) }
        })
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        Box::pin(async move {
            self.world.pause().await;
            if self.fault(Op::Lock).is_some() {
                return Err(broken("lock an entry"));
            }
            let lock = self.inner.try_lock(key).await?;
            self.world.note(if lock.is_some() { Did::Lock } else { Did::Busy });
            Ok(lock.map(|lock| Lock::new(Locked { lock: Some(lock), store: self.clone() })))
        })
    }

    fn lock_dies_with_its_process(&self) -> bool {
        self.inner.lock_dies_with_its_process()
    }
}

struct Locked {
    lock: Option<Lock>,
    store: FaultyStore,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.store.world.note(Did::Unlock);
        drop(self.lock.take());
        let hook = self.store.unlock_hook.lock().unwrap().take();
        if let Some(run) = hook {
            run();
        }
    }
}

/// A store as a session takes it.
pub trait AsStore {
    fn as_store(&self) -> Plugged;
}

impl AsStore for FaultyStore {
    fn as_store(&self) -> Plugged {
        Plugged(Arc::new(self.clone()))
    }
}

impl AsStore for MemoryStore {
    fn as_store(&self) -> Plugged {
        Plugged(Arc::new(self.clone()))
    }
}

impl AsStore for Arc<dyn Store> {
    fn as_store(&self) -> Plugged {
        Plugged(Arc::clone(self))
    }
}

/// Any store.
pub struct Plugged(Arc<dyn Store>);

impl Store for Plugged {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        self.0.load(key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        self.0.compare_and_swap(key, expected, new)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        self.0.try_lock(key)
    }

    fn lock_dies_with_its_process(&self) -> bool {
        self.0.lock_dies_with_its_process()
    }
}

/// A store whose lock may end before its holder does.
pub struct Leased(Plugged);

impl Leased {
    pub fn over(store: &impl AsStore) -> Self {
        Self(store.as_store())
    }
}

impl Store for Leased {
    fn load<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Entry>, StoreError>> {
        self.0.load(key)
    }

    fn compare_and_swap<'a>(
        &'a self,
        key: &'a Key,
        expected: Option<Revision>,
        new: Option<Value>,
    ) -> Later<'a, Result<Swap, StoreError>> {
        self.0.compare_and_swap(key, expected, new)
    }

    fn try_lock<'a>(&'a self, key: &'a Key) -> Later<'a, Result<Option<Lock>, StoreError>> {
        self.0.try_lock(key)
    }
}
