//! What a session uses of the outside world.

#[cfg(any(feature = "reqwest", feature = "tower"))]
pub(crate) mod alarm;
#[cfg(all(feature = "tokio", any(feature = "reqwest", feature = "tower")))]
pub(crate) mod carrier;
#[cfg(any(feature = "reqwest", feature = "tower"))]
pub(crate) mod guarded;
#[cfg(all(feature = "reqwest", not(all(target_arch = "wasm32", target_os = "unknown"))))]
pub(crate) mod reqwest;
#[cfg(feature = "tower")]
pub(crate) mod tower;
#[cfg(feature = "ureq")]
pub(crate) mod ureq;

use core::time::Duration;

use grantflow::{Body, EntropyFailed, UnixTime};
use http::{Request, Response};

use crate::error::{CannotBlock, Unanswered};
use crate::store::Later;

/// The outside world, as a session sees it: a clock, entropy, a way to wait, and an HTTP stack.
///
/// The features `ureq`, `reqwest` and `tower` each provide one. Write your own for a test with a virtual clock.
pub trait Outside: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// Fills `bytes` with unpredictable bytes.
    ///
    /// # Errors
    /// [`EntropyFailed`] if there are none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;

    /// Waits.
    fn wait(&self, duration: Duration) -> Later<'_, ()>;

    /// Carries one request, as the contract of [`grantflow::Exchange`] demands: no redirect is followed, every status
    /// is an answer, the body is bounded, and the whole round trip has a deadline.
    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>>;

    /// Runs `work` to its end on this thread, for [`Session::token_blocking`](crate::Session::token_blocking) and the
    /// other blocking calls.
    ///
    /// The default polls the work on this thread and sleeps between polls. That is right for an outside that needs no
    /// runtime, or whose runtime other threads run. An outside returns the error at once if the thread cannot wait,
    /// because a wait without an end is worse.
    ///
    /// # Errors
    /// [`CannotBlock`], and `work` was not begun.
    fn block_on(&self, work: Later<'_, ()>) -> Result<(), CannotBlock> {
        pollster::block_on(work);
        Ok(())
    }

    /// Continues a renewal in the background: one ahead of its token's end, for which no caller has to wait, or one
    /// whose callers have all gone away.
    ///
    /// The default drops it. Then the one caller that renews ahead waits for it for a short time. A renewal that all
    /// callers have left stops until the session is next asked for a token, and holds the store's lock as long. An
    /// outside with a runtime should spawn it.
    fn spawn(&self, renewal: Later<'static, ()>) {
        drop(renewal);
    }
}
