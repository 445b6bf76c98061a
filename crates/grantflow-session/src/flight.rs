//! Single flight: any number of callers, one piece of work, one result for all.
//!
//! The work is a future that belongs to the flight, not to a caller. The first waiting caller that is polled when the
//! work can continue polls the work. So no single caller has to stay. When one goes away, the others continue **the
//! same work where it stands**: if the request of a refresh has left, its answer may be the only copy of a rotated
//! token. When all go away, the work waits for the next caller.
//!
//! All waiting callers are woken when the work can continue. Waking one is not enough: it may be alive and never polled
//! again (a branch of a `select!` that another branch holds up). Only the first of them polls the work.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::Wake;
use std::thread::{self, ThreadId};

use crate::sync::{Mutex, lock};

/// The work of a flight, the same for all who wait.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Where callers meet.
pub(crate) struct Flight<T>(Arc<Shared<T>>);

impl<T> Clone for Flight<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Shared<T> {
    slot: Mutex<Slot<T>>,
}

struct Slot<T> {
    work: Stage<T>,
    /// The work can continue, and no caller has polled it since.
    ready: bool,
    /// Counts the flights: a caller waits for the one that it joined.
    round: u64,
    /// The result of the round before this one, until each caller that waited for it has it: it may hold a token.
    result: Option<T>,
    /// How many callers do not have it yet.
    owed: usize,
    /// How many callers wait for this round.
    callers: usize,
    next_caller: u64,
    waiting: BTreeMap<u64, Waker>,
}

enum Stage<T> {
    /// Nothing to do.
    Idle,
    /// The work exists, and no thread polls it now.
    Parked(Work<T>),
    /// This thread polls the work.
    Polled(ThreadId),
}

impl<T: Clone + Send + 'static> Flight<T> {
    pub(crate) fn new() -> Self {
        let slot = Slot {
            work: Stage::Idle,
            ready: false,
            round: 0,
            result: None,
            owed: 0,
            callers: 0,
            next_caller: 0,
            waiting: BTreeMap::new(),
        };
        Self(Arc::new(Shared { slot: Mutex::new(slot) }))
    }

    /// Joins the flight in progress, or begins one with `make`.
    pub(crate) fn join(&self, make: impl FnOnce() -> Work<T>) -> Join<T> {
        let mut slot = lock(&self.0.slot);
        slot.begin(make);
        self.enter(&mut slot)
    }

    /// The same, but only if no caller waits for the flight already.
    pub(crate) fn lead(&self, make: impl FnOnce() -> Work<T>) -> Option<Join<T>> {
        let mut slot = lock(&self.0.slot);
        if slot.callers > 0 {
            return None;
        }
        slot.begin(make);
        Some(self.enter(&mut slot))
    }

    /// Joins a flight in progress that no caller waits for, if there is one.
    pub(crate) fn carry_on(&self) -> Option<Join<T>> {
        let mut slot = lock(&self.0.slot);
        let abandoned = slot.callers == 0 && !matches!(slot.work, Stage::Idle);
        abandoned.then(|| self.enter(&mut slot))
    }

    /// Whether work is in progress.
    pub(crate) fn is_under_way(&self) -> bool {
        !matches!(lock(&self.0.slot).work, Stage::Idle)
    }

    /// Whether this thread polls the work now: a plug that the work called asks for something. Waiting for the work
    /// would then be waiting for itself.
    pub(crate) fn is_inside(&self) -> bool {
        matches!(lock(&self.0.slot).work, Stage::Polled(thread) if thread == thread::current().id())
    }

    fn enter(&self, slot: &mut Slot<T>) -> Join<T> {
        // The caller that polled last may be gone, and its wake-up with it. One more poll costs nothing.
        slot.ready = true;
        slot.callers += 1;
        slot.next_caller += 1;
        Join { flight: self.clone(), caller: slot.next_caller, round: slot.round, is_through: false }
    }
}

impl<T> Slot<T> {
    /// Counts one more caller that has the result. After the last one, returns the result, so that it is dropped
    /// outside of the lock.
    fn is_had(&mut self) -> Option<T> {
        self.owed = self.owed.saturating_sub(1);
        if self.owed == 0 { self.result.take() } else { None }
    }

    fn begin(&mut self, make: impl FnOnce() -> Work<T>) {
        if matches!(self.work, Stage::Idle) {
            self.work = Stage::Parked(make());
        }
    }
}

/// A caller that waits for the result. `None` if the work ended without one: it panicked.
#[must_use = "a caller must wait, or say that it does not by dropping this"]
pub(crate) struct Join<T> {
    flight: Flight<T>,
    caller: u64,
    round: u64,
    is_through: bool,
}

impl<T: Clone + Send + 'static> Future for Join<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let this = &mut *self;
        let shared = &this.flight.0;
        loop {
            let mut slot = lock(&shared.slot);
            if slot.round != this.round {
                this.is_through = true;
                // A later round has a result that is at least as new.
                let result = slot.result.clone();
                let last = slot.is_had();
                drop(slot);
                drop(last);
                return Poll::Ready(result);
            }
            slot.waiting.insert(this.caller, context.waker().clone());
            if !slot.ready {
                return Poll::Pending;
            }
            if !matches!(slot.work, Stage::Parked(_)) {
                // Another thread polls the work, and will see that it can continue.
                return Poll::Pending;
            }
            let me = Stage::Polled(thread::current().id());
            let Stage::Parked(mut work) = core::mem::replace(&mut slot.work, me) else { return Poll::Pending };
            slot.ready = false;
            drop(slot);

            let inside = Inside(shared);
            let waker = Waker::from(Arc::new(WakeAll(Arc::downgrade(shared))));
            let poll = work.as_mut().poll(&mut Context::from_waker(&waker));
            core::mem::forget(inside);
            match poll {
                Poll::Ready(result) => {
                    drop(work);
                    this.is_through = true;
                    finish(shared, Some(&result), 1);
                    return Poll::Ready(Some(result));
                }
                // Poll again: the work may have been woken during the poll.
                Poll::Pending => lock(&shared.slot).work = Stage::Parked(work),
            }
        }
    }
}

/// Ends the round: every waiting caller gets the result, except the `served`, which have it.
fn finish<T: Clone>(shared: &Shared<T>, result: Option<&T>, served: usize) {
    let (waiting, before) = {
        let mut slot = lock(&shared.slot);
        slot.work = Stage::Idle;
        slot.ready = false;
        slot.round += 1;
        slot.owed = slot.owed.saturating_add(slot.callers.saturating_sub(served));
        let result = if slot.owed == 0 { None } else { result.cloned() };
        let before = core::mem::replace(&mut slot.result, result);
        slot.callers = 0;
        (core::mem::take(&mut slot.waiting), before)
    };
    // Outside of the lock, like the wake-ups: a plug's code may be dropped with it.
    drop(before);
    for waker in waiting.into_values() {
        waker.wake();
    }
}

/// Dropped only if the work panics. The round then ends without a result, so that no caller waits for ever.
struct Inside<'a, T: Clone>(&'a Shared<T>);

impl<T: Clone> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        finish(self.0, None, 0);
    }
}

/// Weak, because the work may own what keeps its wakers: a flight that has no owner must not keep itself alive.
struct WakeAll<T>(Weak<Shared<T>>);

impl<T: Send> Wake for WakeAll<T> {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.0.upgrade() else { return };
        let waiting = {
            let mut slot = lock(&shared.slot);
            if matches!(slot.work, Stage::Idle) || core::mem::replace(&mut slot.ready, true) {
                return;
            }
            // The thread that polls the work looks again without a wake-up.
            if matches!(slot.work, Stage::Polled(_)) {
                return;
            }
            core::mem::take(&mut slot.waiting)
        };
        for waker in waiting.into_values() {
            waker.wake();
        }
    }
}

impl<T> Drop for Join<T> {
    fn drop(&mut self) {
        if self.is_through {
            return;
        }
        let mut slot = lock(&self.flight.0.slot);
        let dropped = if slot.round == self.round {
            slot.callers = slot.callers.saturating_sub(1);
            (slot.waiting.remove(&self.caller), None)
        } else {
            (None, slot.is_had())
        };
        drop(slot);
        drop(dropped);
    }
}

#[cfg(grantflow_loom)]
#[cfg(test)]
mod models;
#[cfg(not(grantflow_loom))]
#[cfg(test)]
mod tests;
