//! What all checks use: two handles on one store, with every answer checked.

use std::error::Error;

use super::Suite;
use crate::key::Key;
use crate::store::{Entry, Later, Lock, Revision, Store, StoreError, Swap, Value};

/// Why a check failed.
pub(super) enum Trouble {
    /// What the store did.
    Broken(String),
    /// One of its errors prints a value.
    Shown,
}

pub(super) type Checked<T = ()> = Result<T, Trouble>;

pub(super) fn broken<T>(found: impl Into<String>) -> Checked<T> {
    Err(Trouble::Broken(found.into()))
}

pub(super) fn ensure(holds: bool, found: &str) -> Checked {
    if holds { Ok(()) } else { broken(found) }
}

/// Part of every value, so that it is found in an error that shows a value.
pub(super) const SECRET: &str = "grantflow-check-secret";

/// The keys that checks use. Some differ little.
const NAMES: [&str; 9] = [
    "grantflow-check",
    "grantflow-Check",
    "grantflow-check.grant",
    "grantflow-check.lock",
    "grantflow-check.new",
    "grantflow-check_",
    "grantflow-check-",
    "grantflow-check@example.com",
    "grantflow-check+1",
];

pub(super) struct Bench<'a>(pub(super) Suite<'a>);

/// A handle on the store, with the executor for its futures. Several threads can use it.
pub(super) struct Handle<'a> {
    store: Box<dyn Store + 'a>,
    executor: &'a (dyn Fn(Later<'_, ()>) + Sync),
}

impl Bench<'_> {
    pub(super) fn open(&self) -> Handle<'_> {
        Handle { store: (self.0.open)(), executor: &*self.0.executor }
    }

    /// Two handles on the store, and a key without an entry.
    pub(super) fn fresh(&self) -> Checked<(Handle<'_>, Handle<'_>, Key)> {
        let (ours, theirs, key) = (self.open(), self.open(), self.key()?);
        ours.clear(&key)?;
        Ok((ours, theirs, key))
    }

    pub(super) fn key(&self) -> Checked<Key> {
        self.keys()?.into_iter().next().ok_or(Trouble::Broken("no key".to_owned()))
    }

    pub(super) fn keys(&self) -> Checked<Vec<Key>> {
        let long = ["1", "2"].map(|last| format!("grantflow-check{}{last}", "k".repeat(Key::MAX - 16)));
        let plain = NAMES.iter().copied().chain(long.iter().map(String::as_str)).map(Key::new);
        let hashed = ["grantflow-check", "grantflow-check|\u{e4}"].map(Key::of);
        let keys: Result<_, _> = plain.chain(hashed).collect();
        keys.map_err(|error| Trouble::Broken(error.to_string()))
    }

    /// Removes every entry of the suite. A failure to remove was reported before.
    pub(super) fn clear_all(&self) {
        let handle = self.open();
        for key in self.keys().unwrap_or_default() {
            let _ = handle.clear(&key);
        }
    }
}

impl Handle<'_> {
    fn run<T: Send>(&self, asked: Later<'_, Result<T, StoreError>>) -> Checked<Result<T, StoreError>> {
        let mut answer = None;
        (self.executor)(Box::pin(async { answer = Some(asked.await) }));
        let Some(answer) = answer else { return broken("the executor returned before the future had ended") };
        if let Err(error) = &answer {
            looked_through(error)?;
        }
        Ok(answer)
    }

    fn must<T: Send>(&self, doing: &str, asked: Later<'_, Result<T, StoreError>>) -> Checked<T> {
        self.run(asked)?.or_else(|error| broken(format!("{doing} failed: {}", chain(&error))))
    }

    pub(super) fn load(&self, key: &Key) -> Checked<Option<Entry>> {
        self.must("load", self.store.load(key))
    }

    /// The revision after a swap; `None` for a conflict.
    pub(super) fn swap(&self, key: &Key, expected: Option<Revision>, new: Option<&str>) -> Checked<Option<Revision>> {
        match self.must("compare_and_swap", self.store.compare_and_swap(key, expected, new.map(value)))? {
            Swap::Swapped(revision) => Ok(Some(revision)),
            Swap::Conflict => Ok(None),
        }
    }

    /// Like `swap`, for a swap that may fail if its error shows no value.
    pub(super) fn try_swap(&self, key: &Key, expected: Option<Revision>, new: &str) -> Checked {
        self.run(self.store.compare_and_swap(key, expected, Some(value(new)))).map(drop)
    }

    /// A swap that must not be a conflict.
    pub(super) fn put(&self, key: &Key, expected: Option<Revision>, new: Option<&str>) -> Checked<Revision> {
        let what = match (expected, new) {
            (None, _) => "creating an entry where there was none was a conflict",
            (Some(_), Some(_)) => "replacing an entry that had the expected revision was a conflict",
            (Some(_), None) => "removing an entry that had the expected revision was a conflict",
        };
        self.swap(key, expected, new)?.ok_or(Trouble::Broken(what.to_owned()))
    }

    pub(super) fn try_lock(&self, key: &Key) -> Checked<Option<Lock>> {
        self.must("try_lock", self.store.try_lock(key))
    }

    /// A lock that no other holder can have.
    pub(super) fn lock(&self, key: &Key) -> Checked<Lock> {
        self.try_lock(key)?.ok_or(Trouble::Broken("a free lock was not given".to_owned()))
    }

    pub(super) fn clear(&self, key: &Key) -> Checked {
        // An earlier run may have left anything.
        let there = match self.run(self.store.load(key))? {
            Ok(entry) => entry.map(|entry| entry.revision),
            Err(error) => error.unreadable_revision(),
        };
        match there {
            Some(revision) => self.swap(key, Some(revision), None).map(drop),
            None => Ok(()),
        }
    }

    /// Whether this is the value, with this revision.
    pub(super) fn keeps(&self, key: &Key, revision: Revision, text: &str) -> Checked<bool> {
        let entry = self.load(key)?;
        Ok(entry.is_some_and(|entry| entry.revision == revision && entry.value.expose_secret() == text.as_bytes()))
    }
}

fn value(text: &str) -> Value {
    Value::new(text.as_bytes().to_vec())
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Searches every form in which an error is printed, also bytes as numbers.
fn looked_through(error: &StoreError) -> Checked {
    let bytes = format!("{:?}", SECRET.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    let shown = [chain(error), format!("{error:?}"), format!("{error:#?}")];
    let shows = |text: &String| text.contains(SECRET) || text.contains(bytes);
    if shown.iter().any(shows) { Err(Trouble::Shown) } else { Ok(()) }
}
