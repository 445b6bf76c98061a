//! The time of day as a plain value. The core has no clock: callers say what time it is.

use core::fmt;
use core::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
///
/// All arithmetic saturates: no answer of a server and no jump of a clock can make it overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(u64);

impl UnixTime {
    /// The moment `seconds` after the epoch.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Whole seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// This moment plus `duration` (fractions of a second are dropped), or the last moment there is.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_secs()))
    }

    /// How long after `earlier` this moment is; zero if it is not after it.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s since the epoch", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let last = UnixTime::from_secs(u64::MAX);
        assert_eq!(last.saturating_add(Duration::MAX), last);
        assert_eq!(UnixTime::from_secs(5).saturating_since(last), Duration::ZERO);
        assert_eq!(UnixTime::from_secs(9).saturating_since(UnixTime::from_secs(4)), Duration::from_secs(5));
    }
}
