//! The locks of this crate: std's, or loom's in a model.
//!
//! The cfg belongs to this crate: loom's own would build every other crate with models for them too.

#[cfg(grantflow_loom)]
pub(crate) use loom::sync::{Mutex, MutexGuard};
#[cfg(not(grantflow_loom))]
pub(crate) use std::sync::{Mutex, MutexGuard};

/// Locks. A thread that panicked while it held the lock has left nothing incomplete: every change in this crate is one
/// step.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
