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
    /// Of the round before this one.
    result: Option<T>,
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
    /// Somebody is inside.
    Polled,
}

impl<T: Clone + Send + 'static> Flight<T> {
    pub(crate) fn new() -> Self {
        let slot = Slot {
            work: Stage::Idle,
            ready: false,
            round: 0,
            result: None,
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

    fn enter(&self, slot: &mut Slot<T>) -> Join<T> {
        // Whoever polled it last may be gone, and the wake-up with them: to ask once more costs nothing.
        slot.ready = true;
        slot.callers += 1;
        slot.next_caller += 1;
        Join { flight: self.clone(), caller: slot.next_caller, round: slot.round }
    }
}

impl<T> Slot<T> {
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
}

impl<T: Clone + Send + 'static> Future for Join<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let shared = &self.flight.0;
        loop {
            let mut slot = lock(&shared.slot);
            if slot.round != self.round {
                // Every round that comes after holds a result at least as new.
                return Poll::Ready(slot.result.clone());
            }
            slot.waiting.insert(self.caller, context.waker().clone());
            if !slot.ready {
                return Poll::Pending;
            }
            let Stage::Parked(mut work) = core::mem::replace(&mut slot.work, Stage::Polled) else {
                // Somebody is inside, and will see that it can go on.
                return Poll::Pending;
            };
            slot.ready = false;
            drop(slot);

            let inside = Inside(shared);
            let waker = Waker::from(Arc::new(WakeAll(Arc::downgrade(shared))));
            let poll = work.as_mut().poll(&mut Context::from_waker(&waker));
            core::mem::forget(inside);
            match poll {
                Poll::Ready(result) => {
                    drop(work);
                    finish(shared, Some(result.clone()));
                    return Poll::Ready(Some(result));
                }
                // Around again: it may have been woken while it was polled.
                Poll::Pending => lock(&shared.slot).work = Stage::Parked(work),
            }
        }
    }
}

/// Ends the round: everybody who waited gets the result.
fn finish<T>(shared: &Shared<T>, result: Option<T>) {
    let waiting = {
        let mut slot = lock(&shared.slot);
        slot.work = Stage::Idle;
        slot.ready = false;
        slot.round += 1;
        slot.result = result;
        slot.callers = 0;
        core::mem::take(&mut slot.waiting)
    };
    for waker in waiting.into_values() {
        waker.wake();
    }
}

/// Dropped only if the work panics: the round ends without a result, so that nobody waits for ever.
struct Inside<'a, T>(&'a Shared<T>);

impl<T> Drop for Inside<'_, T> {
    fn drop(&mut self) {
        finish(self.0, None);
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
            if matches!(slot.work, Stage::Polled) {
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
        let mut slot = lock(&self.flight.0.slot);
        if slot.round == self.round {
            slot.callers = slot.callers.saturating_sub(1);
            slot.waiting.remove(&self.caller);
        }
    }
}

#[cfg(not(grantflow_loom))]
#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicUsize);

    impl Wake for Counted {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// A future that a test completes, and that counts how often it was begun.
    #[derive(Clone, Default)]
    struct Gate(Arc<Mutex<Door>>);

    #[derive(Default)]
    struct Door {
        result: Option<u32>,
        waker: Option<Waker>,
        begun: usize,
    }

    impl Gate {
        fn work(&self) -> Work<u32> {
            lock(&self.0).begun += 1;
            let gate = self.clone();
            Box::pin(core::future::poll_fn(move |context| {
                let mut door = lock(&gate.0);
                match door.result.take() {
                    Some(result) => Poll::Ready(result),
                    None => {
                        door.waker = Some(context.waker().clone());
                        Poll::Pending
                    }
                }
            }))
        }

        fn open(&self, result: u32) {
            let waker = {
                let mut door = lock(&self.0);
                door.result = Some(result);
                door.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }

        fn begun(&self) -> usize {
            lock(&self.0).begun
        }
    }

    fn poll<T: Clone + Send + 'static>(join: &mut Join<T>, waker: &Arc<Counted>) -> Poll<Option<T>> {
        let waker = Waker::from(Arc::clone(waker));
        Pin::new(join).poll(&mut Context::from_waker(&waker))
    }

    #[test]
    fn all_who_wait_get_the_result_of_one_flight() {
        let (flight, gate) = (Flight::new(), Gate::default());
        let wakers: Vec<_> = (0..3).map(|_| Arc::new(Counted::default())).collect();
        let mut joins: Vec<_> = (0..3).map(|_| flight.join(|| gate.work())).collect();
        for (join, waker) in joins.iter_mut().zip(&wakers) {
            assert!(poll(join, waker).is_pending());
        }
        gate.open(7);
        for at in [1, 0, 2] {
            assert_eq!(wakers[at].0.load(Ordering::SeqCst), 1, "woken once, whoever comes first");
            assert_eq!(poll(&mut joins[at], &wakers[at]), Poll::Ready(Some(7)));
        }
        assert_eq!(gate.begun(), 1);
        // The next one begins anew.
        let mut join = flight.join(|| gate.work());
        assert!(poll(&mut join, &wakers[0]).is_pending());
        assert_eq!(gate.begun(), 2);
    }

    #[test]
    fn a_cancelled_leader_strands_nobody_and_nothing_is_begun_again() {
        let (flight, gate) = (Flight::new(), Gate::default());
        let (first, second) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
        let mut leader = flight.join(|| gate.work());
        let mut follower = flight.join(|| gate.work());
        assert!(poll(&mut leader, &first).is_pending());
        assert!(poll(&mut follower, &second).is_pending());
        drop(leader);
        gate.open(9);
        assert_eq!(second.0.load(Ordering::SeqCst), 1, "the follower was told to take over");
        assert_eq!(poll(&mut follower, &second), Poll::Ready(Some(9)));
        assert_eq!(gate.begun(), 1);
    }

    #[test]
    fn a_leader_that_is_alive_and_never_polled_holds_up_nobody() {
        let (flight, gate) = (Flight::new(), Gate::default());
        let (first, second) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
        let mut paused = flight.join(|| gate.work());
        let mut other = flight.join(|| gate.work());
        assert!(poll(&mut paused, &first).is_pending());
        assert!(poll(&mut other, &second).is_pending());
        gate.open(4);
        assert_eq!(second.0.load(Ordering::SeqCst), 1);
        assert_eq!(poll(&mut other, &second), Poll::Ready(Some(4)));
        drop(paused);
    }

    #[test]
    fn a_flight_without_anybody_waits_for_the_next() {
        let (flight, gate) = (Flight::new(), Gate::default());
        let waker = Arc::new(Counted::default());
        let mut leader = flight.join(|| gate.work());
        assert!(poll(&mut leader, &waker).is_pending());
        assert!(flight.lead(|| gate.work()).is_none(), "somebody is at it");
        drop(leader);
        gate.open(3);
        let mut next = flight.lead(|| gate.work()).expect("nobody is at it");
        assert_eq!(poll(&mut next, &waker), Poll::Ready(Some(3)));
        assert_eq!(gate.begun(), 1);
    }

    #[test]
    fn work_that_panics_strands_nobody() {
        let flight: Flight<u32> = Flight::new();
        let waker = Arc::new(Counted::default());
        let mut follower = {
            let mut leader = flight.join(|| Box::pin(async { panic!("a plug panicked") }));
            let follower = flight.join(|| Box::pin(async { 1 }));
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll(&mut leader, &waker)));
            assert!(caught.is_err());
            follower
        };
        assert_eq!(poll(&mut follower, &waker), Poll::Ready(None));
        assert_eq!(poll(&mut flight.join(|| Box::pin(async { 2 })), &waker), Poll::Ready(Some(2)));
    }

    #[test]
    fn a_wake_up_inside_the_poll_is_not_lost() {
        let flight = Flight::new();
        let waker = Arc::new(Counted::default());
        let mut first = true;
        let mut join = flight.join(|| {
            Box::pin(core::future::poll_fn(move |context| {
                if core::mem::take(&mut first) {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(5)
            }))
        });
        assert_eq!(poll(&mut join, &waker), Poll::Ready(Some(5)));
    }
}

/// Every interleaving, by loom: `RUSTFLAGS="--cfg grantflow_loom" cargo test -p grantflow-session --lib --release models`.
#[cfg(grantflow_loom)]
#[cfg(test)]
mod models {
    use loom::future::block_on;
    use loom::thread;

    use super::*;

    /// A future that another thread completes, for good; it counts how often it was begun.
    #[derive(Clone)]
    struct Gate(Arc<Mutex<Door>>);

    struct Door {
        open: bool,
        waker: Option<Waker>,
        begun: usize,
    }

    impl Gate {
        fn new() -> Self {
            Self(Arc::new(Mutex::new(Door { open: false, waker: None, begun: 0 })))
        }

        fn work(&self) -> Work<u32> {
            lock(&self.0).begun += 1;
            let gate = self.clone();
            Box::pin(core::future::poll_fn(move |context| {
                let mut door = lock(&gate.0);
                if door.open {
                    return Poll::Ready(7);
                }
                door.waker = Some(context.waker().clone());
                Poll::Pending
            }))
        }

        fn open(&self) {
            let waker = {
                let mut door = lock(&self.0);
                door.open = true;
                door.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn poll_once(join: &mut Join<u32>) {
        // Its wake-ups go nowhere: it is about to go away.
        let _ = Pin::new(join).poll(&mut Context::from_waker(Waker::noop()));
    }

    #[test]
    fn a_leader_that_is_cancelled_at_any_moment_strands_nobody() {
        loom::model(|| {
            let (flight, gate) = (Flight::new(), Gate::new());
            let mut leader = flight.join(|| gate.work());
            let follower = flight.join(|| gate.work());
            let io = {
                let gate = gate.clone();
                thread::spawn(move || gate.open())
            };
            let cancelled = thread::spawn(move || {
                poll_once(&mut leader);
                drop(leader);
            });
            assert_eq!(block_on(follower), Some(7));
            io.join().unwrap();
            cancelled.join().unwrap();
            assert_eq!(lock(&gate.0).begun, 1, "the work was begun again");
        });
    }

    #[test]
    fn two_who_wait_get_one_result() {
        loom::model(|| {
            let (flight, gate) = (Flight::new(), Gate::new());
            let first = flight.join(|| gate.work());
            let second = flight.join(|| gate.work());
            let other = thread::spawn(move || block_on(second));
            gate.open();
            assert_eq!(block_on(first), Some(7));
            assert_eq!(other.join().unwrap(), Some(7));
            assert_eq!(lock(&gate.0).begun, 1);
        });
    }

    #[test]
    fn who_comes_after_everybody_has_gone_carries_on() {
        loom::model(|| {
            let (flight, gate) = (Flight::new(), Gate::new());
            let mut gone = flight.join(|| gate.work());
            let io = {
                let gate = gate.clone();
                thread::spawn(move || gate.open())
            };
            poll_once(&mut gone);
            let was_done = !flight.is_under_way();
            drop(gone);
            let next = flight.join(|| gate.work());
            assert_eq!(block_on(next), Some(7));
            io.join().unwrap();
            assert_eq!(lock(&gate.0).begun, 1 + usize::from(was_done));
        });
    }

    #[test]
    fn of_two_who_come_for_a_due_token_one_leads() {
        loom::model(|| {
            let (flight, gate) = (Flight::<u32>::new(), Gate::new());
            gate.open();
            let lead = |flight: Flight<u32>, gate: Gate| move || flight.lead(|| gate.work()).map(|join| block_on(join));
            let other = thread::spawn(lead(flight.clone(), gate.clone()));
            let results = [lead(flight, gate.clone())(), other.join().unwrap()];
            let led = results.iter().flatten().count();
            assert!(results.iter().flatten().all(|result| *result == Some(7)));
            // Both, if one was through before the other came.
            assert!(led >= 1 && lock(&gate.0).begun == led, "{led}");
        });
    }
}
