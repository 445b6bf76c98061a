//! The limits of a round trip, and what keeps them.

use core::error::Error as StdError;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use grantflow::Sent;

pub(crate) type Timer = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
pub(crate) type Phase = Arc<dyn Fn(&(dyn StdError + 'static)) -> Sent + Send + Sync>;

/// The limits of a round trip.
#[derive(Clone)]
pub(crate) struct Limits {
    pub(crate) timer: Timer,
    pub(crate) timeout: Duration,
    pub(crate) body_limit: u64,
    pub(crate) phase: Phase,
}
