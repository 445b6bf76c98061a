//! Locks, in one place: std's, or loom's where a model is checked.
//!
//! The cfg is our own: with loom's, every other crate that has models would be built for them too.

#[cfg(grantflow_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(grantflow_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks. A thread that panicked while it held the lock has left nothing half done: every change in this crate is made in
/// one step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
