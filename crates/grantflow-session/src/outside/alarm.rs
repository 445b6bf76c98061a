//! Waits that do not depend on a runtime.
//!
//! The timers of an async runtime stop with it: when the runtime is dropped, and when it is alive and no thread runs
//! it. Another runtime or a plain thread may ask the session then, and must not wait for ever. One thread for the whole
//! program runs the alarms. It exists while there is an alarm.

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A future that is ready when its time has passed.
pub(crate) struct Alarm {
    /// `None` means never: the time is too far ahead to be represented.
    at: Option<Instant>,
    number: Option<u64>,
}

pub(crate) fn alarm(after: Duration) -> Alarm {
    // A browser has neither std's clock nor threads, and its one runtime always runs.
    let browser = cfg!(all(target_arch = "wasm32", target_os = "unknown"));
    Alarm { at: if browser { None } else { Instant::now().checked_add(after) }, number: None }
}

struct Alarms {
    set: BTreeMap<(Instant, u64), Waker>,
    numbers: u64,
    /// Whether the thread exists.
    runs: bool,
}

static ALARMS: Mutex<Alarms> = Mutex::new(Alarms { set: BTreeMap::new(), numbers: 0, runs: false });
static CHANGED: Condvar = Condvar::new();

fn alarms() -> MutexGuard<'static, Alarms> {
    ALARMS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Future for Alarm {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        if Instant::now() >= at {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        let mut alarms = alarms();
        let number = *self.number.get_or_insert_with(|| {
            alarms.numbers += 1;
            alarms.numbers
        });
        let before = alarms.set.insert((at, number), waker);
        let starts = !core::mem::replace(&mut alarms.runs, true);
        drop(alarms);
        drop(before);
        if starts {
            // Without a thread, only the runtime's own timers are left.
            if std::thread::Builder::new().name("grantflow-alarms".to_owned()).spawn(ring).is_err() {
                self::alarms().runs = false;
            }
        } else {
            CHANGED.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let (Some(at), Some(number)) = (self.at, self.number) {
            let waker = alarms().set.remove(&(at, number));
            drop(waker);
            CHANGED.notify_one();
        }
    }
}

fn ring() {
    let mut alarms = alarms();
    loop {
        let Some(first) = alarms.set.first_entry() else {
            alarms.runs = false;
            return;
        };
        let left = first.key().0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let waker = first.remove();
            drop(alarms);
            // A waker belongs to the executor. If it panics, the others must still be woken.
            drop(std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| waker.wake())));
            alarms = self::alarms();
        } else {
            alarms = CHANGED.wait_timeout(alarms, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(all(test, not(grantflow_loom)))]
mod tests {
    use super::*;

    #[test]
    fn alarms_ring_in_their_order_and_a_dropped_one_does_not() {
        let started = Instant::now();
        let (late, soon) = (alarm(Duration::from_millis(60)), alarm(Duration::from_millis(10)));
        let mut dropped = Box::pin(alarm(Duration::from_millis(1)));
        let _ = dropped.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(dropped);
        let late = std::thread::spawn(move || {
            pollster::block_on(late);
            started.elapsed()
        });
        pollster::block_on(soon);
        assert!(started.elapsed() >= Duration::from_millis(10));
        assert!(late.join().unwrap() >= Duration::from_millis(60));
        // The thread had ended, and is started again.
        pollster::block_on(alarm(Duration::from_millis(5)));
    }

    #[test]
    fn a_time_beyond_all_clocks_never_comes() {
        let mut never = Box::pin(alarm(Duration::MAX));
        assert!(never.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}
