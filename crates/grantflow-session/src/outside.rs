//! What a session may use of the outside world.

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
    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Vec<u8>>, Unanswered>>;
}
