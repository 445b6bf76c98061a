//! What grantflow's HTTP adapters share. Other adapters can use it too.
//!
//! - [`Collector`] reads the body of an answer: no more than a limit, and without copies that stay in memory.
//! - [`deadline`] makes any timeout one that can be added to the present time.
//! - With the feature `gzip` (off by default), a collector undoes a compression that a server applied without being asked.
//!
//! ```
//! use grantflow_transport::Collector;
//! use http::HeaderMap;
//!
//! let mut collector = Collector::new(1024);
//! for chunk in [&b"{\"access_token\":"[..], b"\"t\"}"] {
//!     collector.push(chunk)?;
//! }
//! let body = collector.finish(&mut HeaderMap::new())?;
//! assert_eq!(body.as_ref(), b"{\"access_token\":\"t\"}");
//! # Ok::<(), grantflow_transport::BodyError>(())
//! ```

use core::time::Duration;

mod collector;
#[cfg(feature = "gzip")]
mod gzip;

pub use collector::{BodyError, Collector};

/// The longest deadline that [`deadline`] gives: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A timeout that can be added to the present time: at most a year.
///
/// Timers of many stacks add a timeout to the present time and panic if the sum cannot be told, as it cannot for
/// [`Duration::MAX`], which is how people write "no deadline".
///
/// ```
/// use std::time::{Duration, Instant};
///
/// let _ = Instant::now() + grantflow_transport::deadline(Duration::MAX);
/// assert_eq!(grantflow_transport::deadline(Duration::from_secs(30)), Duration::from_secs(30));
/// ```
pub fn deadline(timeout: Duration) -> Duration {
    timeout.min(LONGEST)
}
