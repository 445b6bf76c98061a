//! Single flight: any number of callers, one piece of work, one result for all.
//!
//! The work is a future that belongs to the flight, not to a caller. Whoever waits for it and is polled first when it can
//! go on polls it. So no caller has to be there: when one goes away, the others carry on with **the same work where it
//! stands**, for the answer of a refresh whose request is out may be the only copy of a rotated token. When all go away,
//! it waits for the next to come.
//!
//! All who wait are woken whenever the work can go on, not one of them: one may be alive and never polled again (a branch of
//! a `select!` that another one holds up), and would hold up the rest. Only the first of them polls the work.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::task::Wake;
use std::thread::{self, ThreadId};

use crate::sync::{Mutex, lock};

/// What a flight is about. One for all who wait.
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
    /// The work can go on, and nobody has polled it since.
    ready: bool,
    /// Counts the flights: a caller waits for the one that it joined.
    round: u64,
    /// Of the round before this one, for as long as somebody who waited for it has not had it: it may hold a token.
    result: Option<T>,
    /// How many have not had it.
    owed: usize,
    /// How many wait for this round.
    callers: usize,
    next_caller: u64,
    waiting: BTreeMap<u64, Waker>,
}

enum Stage<T> {
    /// Nothing to do.
    Idle,
    /// Nobody is at it at this moment.
    Parked(Work<T>),
    /// This thread is inside.
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

    /// Joins the flight that is under way, or begins one with `make`.
    pub(crate) fn join(&self, make: impl FnOnce() -> Work<T>) -> Join<T> {
        let mut slot = lock(&self.0.slot);
        slot.begin(make);
        self.enter(&mut slot)
    }

    /// The same, unless somebody sees to it already.
    pub(crate) fn lead(&self, make: impl FnOnce() -> Work<T>) -> Option<Join<T>> {
        let mut slot = lock(&self.0.slot);
        if slot.callers > 0 {
            return None;
        }
        slot.begin(make);
        Some(self.enter(&mut slot))
    }

    /// Joins the flight that is under way and that nobody waits for, if there is one.
    pub(crate) fn carry_on(&self) -> Option<Join<T>> {
        let mut slot = lock(&self.0.slot);
        let abandoned = slot.callers == 0 && !matches!(slot.work, Stage::Idle);
        abandoned.then(|| self.enter(&mut slot))
    }

    /// Whether work is under way.
    pub(crate) fn is_under_way(&self) -> bool {
        !matches!(lock(&self.0.slot).work, Stage::Idle)
    }

    /// Whether this thread is inside of the work: a plug that is called there asks for something. To wait for the work would be to wait for
    /// itself.
    pub(crate) fn is_inside(&self) -> bool {
        matches!(lock(&self.0.slot).work, Stage::Polled(thread) if thread == thread::current().id())
    }

    fn enter(&self, slot: &mut Slot<T>) -> Join<T> {
        // Whoever polled it last may be gone, and the wake-up with them: to ask once more costs nothing.
        slot.ready = true;
        slot.callers += 1;
        slot.next_caller += 1;
        Join { flight: self.clone(), caller: slot.next_caller, round: slot.round, is_through: false }
    }
}

impl<T> Slot<T> {
    /// One more has had the result. Gives it back after the last one, to be dropped outside of the lock.
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

/// A caller who waits for the result. `None` if the work came to nothing: it panicked.
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
                // Every round that comes after holds a result at least as new.
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
                // Somebody is inside, and will see that it can go on.
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
                // Around again: it may have been woken while it was polled.
                Poll::Pending => lock(&shared.slot).work = Stage::Parked(work),
            }
        }
    }
}

/// Ends the round: everybody who waited gets the result, but for the `served`, who have it.
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
    // Outside of the lock, like the wake-ups: what is dropped with it may be a plug's.
    drop(before);
    for waker in waiting.into_values() {
        waker.wake();
    }
}

/// Dropped only if the work panics: the round ends without a result, so that nobody waits for ever.
struct Inside<'a, T: Clone>(&'a Shared<T>);

impl<T: Clone> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        finish(self.0, None, 0);
    }
}

/// Weak, for the work may own what keeps its wakers: a flight that nobody has any more must not keep itself.
struct WakeAll<T>(Weak<Shared<T>>);

impl<T: Send> Wake for WakeAll<T> {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.0.upgrade() else { return };
        let waiting = {
            let mut slot = lock(&shared.slot);
            if matches!(slot.work, Stage::Idle) || core::mem::replace(&mut slot.ready, true) {
                return;
            }
            // Whoever is inside looks again by itself.
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
