//! What grantflow's HTTP adapters share. Other adapters can use it too.
//!
//! - [`Collector`] reads the body of an answer: no more than a limit, and without copies that stay in memory.
//! - [`deadline`] limits a timeout to one that can be added to the current time.
//! - With the feature `gzip` (off by default), a collector decompresses what a server compressed without being asked.
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
mod finish;
#[cfg(feature = "gzip")]
mod gzip;

pub use collector::{BodyError, Collector};

/// The longest deadline that [`deadline`] gives: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A timeout that can be added to the current time: at most a year.
///
/// Timers of many stacks add a timeout to the current time and panic if the sum cannot be represented. People write
/// [`Duration::MAX`] for "no deadline", and it has no such sum.
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
