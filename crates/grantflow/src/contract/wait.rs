//! The time between two requests of a flow that polls.

use core::time::Duration;

use crate::error::{Error, Misuse};
use crate::value::time::UnixTime;

/// A second's fraction, which a [`UnixTime`] does not have.
const TICK: Duration = Duration::from_secs(1);

/// The current wait of a polling state: its begin and its length. It answers [`Exchange::rest`](crate::Exchange::rest),
/// and it refuses a request that comes too early.
///
/// The rest is never more than the whole wait, so a clock that falls back delays no request for long. After a wait that
/// was interrupted or restored, the rest is a second more than the two times say: they have no fractions, and a strict
/// server answers `slow_down` (RFC 8628 §3.5).
///
/// ```
/// use std::time::Duration;
/// use grantflow::{UnixTime, Wait};
///
/// let wait = Wait::new(UnixTime::from_secs(1000), Duration::from_secs(5));
/// assert_eq!(wait.left(UnixTime::from_secs(1000)), Duration::from_secs(5));
/// // The program was started again in the meantime.
/// assert_eq!(wait.left(UnixTime::from_secs(1003)), Duration::from_secs(3));
/// assert!(wait.check(UnixTime::from_secs(1003)).is_err());
/// assert!(wait.check(UnixTime::from_secs(1005)).is_ok());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    since: UnixTime,
    length: Duration,
}

impl Wait {
    /// A wait of this length that began at `since`. A fraction of a second counts as a whole one.
    pub const fn new(since: UnixTime, length: Duration) -> Self {
        let whole = Duration::from_secs(length.as_secs());
        let length = if length.subsec_nanos() == 0 { whole } else { whole.saturating_add(TICK) };
        Self { since, length }
    }

    /// When it began.
    pub const fn since(self) -> UnixTime {
        self.since
    }

    /// How long it is, in whole seconds.
    pub const fn length(self) -> Duration {
        self.length
    }

    /// How much of it is left.
    pub fn left(self, now: UnixTime) -> Duration {
        let passed = now.saturating_since(self.since);
        self.length.min(self.length.saturating_add(TICK).saturating_sub(passed))
    }

    /// Refuses a request before its time. A second is allowed for the fractions that the clock does not have. If the
    /// clock has fallen back behind the start of the wait, nothing is refused, because it does not tell the time that
    /// has passed.
    ///
    /// # Errors
    /// [`Misuse::TooEarly`] if more than a second is left.
    pub fn check(self, now: UnixTime) -> Result<(), Error> {
        let rest = self.left(now);
        if now >= self.since && rest > TICK { Err(Error::Misuse(Misuse::TooEarly { rest })) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn is_refused(wait: Wait, now: u64) -> bool {
        match wait.check(at(now)) {
            Ok(()) => false,
            Err(Error::Misuse(Misuse::TooEarly { rest })) => {
                assert_eq!(rest, wait.left(at(now)));
                true
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_is_left_counts_a_second_more_once_the_clock_has_moved() {
        let wait = Wait::new(at(100), seconds(5));
        let left = |now| wait.left(at(now)).as_secs();
        assert_eq!([100, 101, 102, 104, 105, 106, 107].map(left), [5, 5, 4, 2, 1, 0, 0]);
    }

    #[test]
    fn a_clock_that_falls_back_or_leaps_makes_no_wait_longer() {
        let wait = Wait::new(at(100), seconds(5));
        assert_eq!(wait.left(at(0)), seconds(5));
        assert!(!is_refused(wait, 5), "a loop has waited since the clock fell back");
        assert_eq!(wait.left(at(u64::MAX)), Duration::ZERO);
        let last = Wait::new(at(u64::MAX), Duration::MAX);
        assert_eq!(last.left(at(u64::MAX)).as_secs(), u64::MAX);
        assert_eq!(last.left(at(0)).as_secs(), u64::MAX);
    }

    #[test]
    fn a_request_is_refused_if_more_than_a_second_is_left() {
        let wait = Wait::new(at(100), seconds(5));
        let refused = [100, 101, 104, 105, 106].map(|now| is_refused(wait, now));
        assert_eq!(refused, [true, true, true, false, false]);
        for length in [0, 1] {
            assert!(!is_refused(Wait::new(at(100), seconds(length)), 100), "a wait of {length} s");
        }
        assert!(is_refused(Wait::new(at(100), seconds(2)), 101));
        assert!(!is_refused(Wait::new(at(100), Duration::ZERO), 0));
    }

    /// The clock shows whole seconds: a wait that begins late in one and is kept exactly is never refused.
    #[test]
    fn a_wait_that_was_kept_is_never_refused() {
        for length in [1, 999, 1_000, 1_001, 1_500, 5_000, 5_001, 5_999, 60_400] {
            for start in (100_000..101_000).step_by(37) {
                let wait = Wait::new(at(start / 1000), Duration::from_millis(length));
                let rest = u64::try_from(wait.left(at(start / 1000)).as_millis()).unwrap();
                assert!(rest >= length);
                assert!(!is_refused(wait, (start + rest) / 1000), "{length} ms from {start} ms");
            }
        }
    }
}
