//! Callers that wait, and the work that continues when they go away.

use core::pin::Pin;
use core::sync::atomic::{AtomicU8, Ordering};
use core::task::{Context, Poll};
use std::sync::Arc;

use super::Inner;
use super::work::{Landed, work};
use crate::flight::{Flight, Join};

/// A caller that waits. When it goes away, it makes sure that the work is continued.
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

/// A caller or a background task that waits without a limit: for another process, or for the end of a pause.
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

/// What an outside did with background work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Background {
    /// The outside keeps it and runs it.
    Taken,
    /// The outside dropped it: nothing continues it.
    Dropped,
    /// The outside completed it at once.
    Done,
}

const TAKEN: u8 = 0;
const DROPPED: u8 = 1;
const DONE: u8 = 2;

/// Reports the fate of a task by being dropped with it.
struct Fate(Arc<AtomicU8>);

impl Drop for Fate {
    fn drop(&mut self) {
        let _ = self.0.compare_exchange(TAKEN, DROPPED, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// Gives the outside the flight, to be continued without a caller, and the logins and logouts that wait after it. A
/// spawner that panics has dropped it, for example one that needs a runtime and has none.
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

/// Carries out the waiting logins and logouts, each once, so that a store that stays broken causes no endless loop.
pub(super) async fn carry_out_wishes(flight: &Flight<Landed>, inner: &Arc<Inner>) {
    let mut tried = None;
    loop {
        let wish = inner.memory().wish();
        // The latest has the greatest ticket.
        if wish <= tried {
            return;
        }
        // The flight in progress may have been a renewal; the next one carries out the wish.
        let landed = flight.join(|| work(inner)).await;
        if landed.is_none_or(|landed| landed.wish == wish) {
            tried = wish;
        }
    }
}
