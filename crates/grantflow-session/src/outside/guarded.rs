//! Futures that need a runtime, polled although that runtime may be gone.

use core::future::poll_fn;
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use std::panic::catch_unwind;

use super::alarm::alarm;

/// Why a future has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failed {
    #[error(
        "the HTTP stack or its timer panicked, as happens after its runtime was shut down: give the session's outside a runtime that lives \
         as long as the session"
    )]
    Panicked,
    #[error(
        "no answer came within the deadline, and no timer of the runtime fired: it is not running; give the session's outside a runtime \
         that does"
    )]
    Stuck,
    #[cfg(feature = "tokio")]
    #[error(
        "the runtime that carried the request was shut down: give the session's outside one that lives as long as the session"
    )]
    ShutDown,
    #[cfg(feature = "tokio")]
    #[error(
        "there is no tokio runtime here, so nothing was sent: call the session inside of one, or give its outside the handle of one"
    )]
    NoRuntime,
}

/// Runs a future for at most `limit`. A future that panics is dropped.
pub(crate) async fn guarded<T>(limit: Duration, work: impl Future<Output = T>) -> Result<T, Failed> {
    let (mut work, mut alarm) = (pin!(work), pin!(alarm(limit)));
    poll_fn(|context| {
        let polled = {
            let work: &mut Pin<&mut _> = &mut work;
            catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)))
        };
        match polled {
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Ok(Poll::Pending) => alarm.as_mut().poll(context).map(|()| Err(Failed::Stuck)),
            Err(_) => Poll::Ready(Err(Failed::Panicked)),
        }
    })
    .await
}
