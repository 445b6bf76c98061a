//! What a session may use of the outside world.

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

use crate::error::Unanswered;
use crate::store::Later;

/// The outside world, as a session sees it: a clock, entropy, a way to wait, and a way to the server.
///
/// The crate's features `ureq`, `reqwest` and `tower` have one each. A test's own has a virtual clock.
pub trait Outside: Send + Sync {
    /// The time now.
    fn now(&self) -> UnixTime;

    /// Fills `bytes` with unpredictable ones.
    ///
    /// # Errors
    /// [`EntropyFailed`] if there are none.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;

    /// Waits.
    fn wait(&self, duration: Duration) -> Later<'_, ()>;

    /// Carries one request, as the contract of [`grantflow::Exchange`] asks: no redirect is followed, every status is an
    /// answer, the body is bounded, and the whole round trip has a deadline.
    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>>;

    /// Runs `work` to its end and returns, on this thread: for [`Session::token_blocking`](crate::Session::token_blocking) and the other
    /// calls that block.
    ///
    /// The default polls it here and sleeps in between. That is right for an outside that needs no runtime, or one that other threads
    /// run. An outside that may be asked on a thread that cannot wait returns the error at once: a wait that cannot end is worse.
    ///
    /// # Errors
    /// [`CannotBlock`]; then `work` was not begun.
    fn block_on(&self, work: Later<'_, ()>) -> Result<(), CannotBlock> {
        pollster::block_on(work);
        Ok(())
    }

    /// Goes on with a renewal in the background: one ahead of its token's end, which nobody has to wait for, or one whose callers have
    /// all gone away.
    ///
    /// The default drops it. Then the one caller who renews ahead waits for it, for a moment; and what all have left stands still until
    /// somebody asks the session for a token again, and the store's lock is held as long. An outside with a runtime should spawn it.
    fn spawn(&self, renewal: Later<'static, ()>) {
        drop(renewal);
    }
}

/// A thread cannot wait for work of an [`Outside`]: why, and what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("this thread cannot wait for a token: {why}")]
pub struct CannotBlock {
    why: &'static str,
}

impl CannotBlock {
    /// `why` completes the sentence "this thread cannot wait for a token: …", and says what to do.
    pub const fn new(why: &'static str) -> Self {
        Self { why }
    }
}
