//! What a session may use of the outside world.

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

    /// Goes on with a renewal whose callers have all gone away, in the background.
    ///
    /// The default drops it. Then the renewal stands still until somebody asks the session for a token again, and the store's
    /// lock is held as long; an outside with a runtime had better spawn it.
    fn spawn(&self, renewal: Later<'static, ()>) {
        drop(renewal);
    }
}
