//! How long to send nothing to a server.

use core::time::Duration;

use grantflow::Env;

use super::Policy;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A draw that spreads sessions over a pause. It has 32 bits: a byte would put 10^5 sessions into 256 groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draw(pub(crate) u32);

impl Draw {
    /// The middle, if entropy fails.
    pub(crate) fn of(env: &mut Env<'_>) -> Self {
        let mut bytes = [0; 4];
        Self(env.rng.fill(&mut bytes).map_or(u32::MAX / 2, |()| u32::from_le_bytes(bytes)))
    }

    /// A part of `whole`, from nothing to all of it.
    fn part(self, whole: Duration) -> Duration {
        let nanos = whole.as_nanos().saturating_mul(u128::from(self.0)) / u128::from(u32::MAX);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Between half of `pause` and half as much again.
    fn around(self, pause: Duration) -> Duration {
        (pause / 2).saturating_add(self.part(pause))
    }
}

/// What the length of a pause after a failure depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Failed {
    /// How many failures in a row.
    pub(crate) times: u32,
    /// The request was certainly not sent.
    pub(crate) not_sent: bool,
    /// For how long the same refusal has been repeated.
    pub(crate) same_for: Duration,
    /// How long the server wants no request.
    pub(crate) retry_after: Option<Duration>,
}

impl Policy {
    /// The wait before the early retry.
    pub(crate) fn early(&self, draw: Draw) -> Duration {
        self.early_retry.saturating_add(draw.part(self.early_retry))
    }

    /// The longest wait for the early retry inside of a flight.
    pub(crate) fn longest_early(&self) -> Duration {
        self.early_retry.saturating_mul(2)
    }

    /// The pause after this many further requests without an answer, when the doubt is this old.
    pub(crate) fn in_doubt_pause(&self, resends: u32, age: Duration, draw: Draw) -> Duration {
        if age >= DAY {
            // The domain may have lapsed, and have a new owner.
            return HOUR.saturating_add(draw.part(HOUR / 2));
        }
        let longest = if age >= HOUR { self.longest_late_pause } else { self.longest_pause };
        draw.around(self.doubled(resends, longest))
    }

    /// The pause after a renewal that failed and used nothing up.
    pub(crate) fn pause(&self, failed: Failed, draw: Draw) -> Duration {
        let longest = match failed {
            Failed { same_for, .. } if same_for >= HOUR => self.longest_late_pause,
            Failed { not_sent: true, .. } => self.longest_not_sent_pause.min(self.longest_pause),
            _ => self.longest_pause,
        };
        draw.around(self.doubled(failed.times, longest)).max(failed.retry_after.unwrap_or_default())
    }

    fn doubled(&self, times: u32, longest: Duration) -> Duration {
        let factor = 2u32.checked_pow(times.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_pause.saturating_mul(factor).min(longest)
    }
}

/// In whole seconds, as clocks and records count. A pause above zero is at least one second.
pub(crate) fn seconds(pause: Duration) -> u64 {
    let rounded = pause.saturating_add(Duration::from_millis(500)).as_secs();
    if pause.is_zero() { 0 } else { rounded.max(1) }
}
