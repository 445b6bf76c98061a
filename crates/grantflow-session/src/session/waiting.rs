//! Callers who wait, and what goes on when they go away.

use core::pin::Pin;
use core::sync::atomic::{AtomicU8, Ordering};
use core::task::{Context, Poll};
use std::sync::Arc;

use super::Inner;
use super::wishes::carry_out_wishes;
use super::work::Landed;
use crate::flight::{Flight, Join};

/// A caller who waits, and who sees to it on leaving that somebody carries on.
pub(super) struct Waiting {
    flight: Flight<Landed>,
    inner: Arc<Inner>,
    join: Option<Join<Landed>>,
}

impl Waiting {
    pub(super) fn new(flight: &Flight<Landed>, inner: &Arc<Inner>, join: Join<Landed>) -> Self {
        Self { flight: flight.clone(), inner: Arc::clone(inner), join: Some(join) }
    }
}

impl Future for Waiting {
    type Output = Option<Landed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Landed>> {
        let Some(join) = &mut self.join else { return Poll::Ready(None) };
        let poll = Pin::new(join).poll(context);
        if poll.is_ready() {
            self.join = None;
        }
        poll
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.join.take().is_some()
            && let Some(join) = self.flight.carry_on()
        {
            let _ = in_background(&self.flight, &self.inner, Some(join));
        }
    }
}

/// A caller, or a background task, that waits for as long as it takes: for another process, or for a pause to end.
pub(super) struct Patient(Arc<Inner>);

impl Patient {
    pub(super) fn new(inner: &Arc<Inner>) -> Self {
        inner.patient.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(inner))
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        self.0.patient.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What an outside did with work for the background.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Background {
    /// It has it.
    Taken,
    /// It has dropped it: there is nothing that would carry it on.
    Dropped,
    /// It has done it on the spot.
    Done,
}

const TAKEN: u8 = 0;
const DROPPED: u8 = 1;
const DONE: u8 = 2;

/// Tells what has become of a task by being dropped with it.
struct Fate(Arc<AtomicU8>);

impl Drop for Fate {
    fn drop(&mut self) {
        let _ = self.0.compare_exchange(TAKEN, DROPPED, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Hands the flight to the outside, to be carried on without a caller, and the logins and logouts that wait after it. A spawner that panics, as one that needs a runtime does where
/// there is none, has dropped it.
pub(super) fn in_background(flight: &Flight<Landed>, inner: &Arc<Inner>, join: Option<Join<Landed>>) -> Background {
    let fate = Arc::new(AtomicU8::new(TAKEN));
    let task = {
        let (fate, patient) = (Fate(Arc::clone(&fate)), Patient::new(inner));
        let (flight, inner) = (flight.clone(), Arc::clone(inner));
        async move {
            if let Some(join) = join {
                let _ = join.await;
            }
            carry_out_wishes(&flight, &inner).await;
            drop(patient);
            fate.0.store(DONE, Ordering::SeqCst);
        }
    };
    let spawned = core::panic::AssertUnwindSafe(|| inner.outside.spawn(Box::pin(task)));
    drop(std::panic::catch_unwind(spawned));
    match fate.load(Ordering::SeqCst) {
        DROPPED => Background::Dropped,
        DONE => Background::Done,
        _ => Background::Taken,
    }
}
