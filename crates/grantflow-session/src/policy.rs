//! When to renew, and what to do when that fails.

use core::time::Duration;

use grantflow::UnixTime;

/// When a session renews its token, and what it does when that fails. Plain data; [`Policy::default`] suits most servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long before its expiry a token is renewed; never more than half of its lifetime. 60 s by default.
    pub margin: Duration,
    /// By how much more, at most, drawn for each token: so that what was started together is not renewed together. Together
    /// with the margin never more than half of the lifetime. 15 s by default.
    pub jitter: Duration,
    /// The lifetime of tokens whose server does not say it. `None`, the default: until an API refuses the token.
    pub assumed_lifetime: Option<Duration>,
    /// How often a refresh token is sent again after an answer that never came. 1 by default; 0: never.
    ///
    /// The server may have rotated the token, and takes the old one, sent again, for a replay: some then revoke everything.
    /// Others answer once more, as FAPI 2.0 §5.3.2.1 asks them to. For those, and for servers behind a proxy whose 502s last,
    /// take more: a session that is opened with a higher number goes on where one with a lower has given up.
    pub retries_after_unknown: u32,
    /// How long to wait before that. 2 s by default.
    pub wait_after_unknown: Duration,
    /// After a renewal that failed and may be tried again, how long to leave the server alone. It doubles with each failure,
    /// up to `longest_pause`; a server's `Retry-After` counts where it is longer. 1 s by default.
    pub first_pause: Duration,
    /// The longest pause that is made of our own accord. 60 s by default.
    pub longest_pause: Duration,
    /// How long to wait for the store's lock while another process renews. 90 s by default: longer than any round trip.
    pub lock_patience: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            margin: Duration::from_secs(60),
            jitter: Duration::from_secs(15),
            assumed_lifetime: None,
            retries_after_unknown: 1,
            wait_after_unknown: Duration::from_secs(2),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            lock_patience: Duration::from_secs(90),
        }
    }
}

impl Policy {
    /// When a token is over, if that is known: by its server's word, or by what this policy assumes.
    pub(crate) fn end(&self, received_at: UnixTime, expires_at: Option<UnixTime>) -> Option<UnixTime> {
        expires_at.or_else(|| Some(received_at.saturating_add(self.assumed_lifetime?)))
    }

    /// When a token is due for renewal. `dice` is out of 0..=255.
    pub(crate) fn due(&self, received_at: UnixTime, end: UnixTime, dice: u8) -> UnixTime {
        let half = end.saturating_since(received_at).as_secs() / 2;
        let jitter = self.jitter.as_secs().saturating_mul(u64::from(dice)) / 255;
        let ahead = self.margin.as_secs().saturating_add(jitter).min(half);
        UnixTime::from_secs(end.as_secs().saturating_sub(ahead))
    }

    /// The pause after this many failures in a row.
    pub(crate) fn pause(&self, failures: u32, retry_after: Option<Duration>) -> Duration {
        let doubled = 2u32.checked_pow(failures.saturating_sub(1)).unwrap_or(u32::MAX);
        let ours = self.first_pause.saturating_mul(doubled).min(self.longest_pause);
        ours.max(retry_after.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_never_due_before_half_of_its_life(received: u64, life: u64, dice: u8, margin: u64, jitter: u64) {
            let policy =
                Policy { margin: Duration::from_secs(margin), jitter: Duration::from_secs(jitter), ..Policy::default() };
            let (received, end) = (UnixTime::from_secs(received), UnixTime::from_secs(received.saturating_add(life)));
            let due = policy.due(received, end, dice);
            prop_assert!(due <= end);
            prop_assert!(due.saturating_since(received) >= end.saturating_since(received) / 2);
        }

        #[test]
        fn pauses_grow_and_are_bounded(failures: u32, retry_after in proptest::option::of(0u64..100_000)) {
            let policy = Policy::default();
            let retry_after = retry_after.map(Duration::from_secs);
            let pause = policy.pause(failures, retry_after);
            prop_assert!(pause >= policy.first_pause && pause >= retry_after.unwrap_or_default());
            prop_assert!(pause <= policy.longest_pause.max(retry_after.unwrap_or_default()));
            prop_assert!(policy.pause(failures.saturating_add(1), retry_after) >= pause);
        }
    }

    #[test]
    fn jitter_spreads_what_was_started_together() {
        let policy = Policy::default();
        let due = |dice| policy.due(UnixTime::from_secs(0), UnixTime::from_secs(3600), dice).as_secs();
        assert_eq!((due(0), due(255)), (3540, 3525));
        assert!((0..=255).map(due).collect::<std::collections::BTreeSet<_>>().len() > 10);
    }
}
