//! When to renew, and what to do after a failure.

use core::time::Duration;

use grantflow::UnixTime;

mod pause;
#[cfg(test)]
mod tests;

pub(crate) use pause::{Draw, Failed, HOUR, seconds};

/// When a session renews its token, and what it does after a failure. Plain data; [`Policy::default`] suits most
/// servers.
///
/// ```
/// use std::time::Duration;
/// use grantflow_session::{InDoubt, Policy};
///
/// let policy = Policy::default().margin(Duration::from_secs(120)).in_doubt(InDoubt::Once);
/// assert_eq!(policy.longest_pause, Duration::from_secs(60));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// How long before its expiry a token is renewed; at most half of its lifetime. 60 s by default.
    pub margin: Duration,
    /// The largest addition to the margin. It is drawn for each token, so that tokens of one moment are not renewed in
    /// one moment. Jitter and margin together are at most half of the lifetime. 15 s by default.
    pub jitter: Duration,
    /// The lifetime of tokens if the server does not say it. `None`, the default: until an API refuses the token.
    pub assumed_lifetime: Option<Duration>,
    /// What to do with a refresh token whose answer was lost. [`InDoubt::Heal`] by default.
    pub in_doubt: InDoubt,
    /// The shortest time before the early retry, the first request after a lost answer. The longest is twice as long. 1
    /// s by default: servers that accept a used token do so for some 10 to 60 s.
    pub early_retry: Duration,
    /// The pause after a renewal that failed and may be tried again. It doubles with each failure, up to
    /// `longest_pause`, and a draw makes it between half as long and half as long again. A longer `Retry-After` of the
    /// server counts instead. 1 s by default. Zero means no pause: each call sends a request while the server is down.
    pub first_pause: Duration,
    /// The longest pause during the first hour of a failure. 60 s by default.
    pub longest_pause: Duration,
    /// The longest pause after a grant has been in doubt for an hour, or a server has refused in the same words for an
    /// hour. 15 min by default. After 24 h in doubt, pauses are at least an hour.
    pub longest_late_pause: Duration,
    /// The longest pause after requests that certainly did not leave this machine. 30 s by default.
    pub longest_not_sent_pause: Duration,
    /// How long a request may take. 60 s by default: use more than the deadline of the HTTP stack, which is 30 s in
    /// this workspace's adapters.
    ///
    /// The mark holds it. If a store's lock does not end with its process
    /// ([`Store::lock_dies_with_its_process`](crate::Store::lock_dies_with_its_process)), another process takes a
    /// request for lost 10 s after this time. A request that would leave later than half of this time after its mark
    /// (the machine slept) is not sent, and the store is read again.
    pub send_deadline: Duration,
    /// How long to wait for the store's lock while another process renews. 90 s by default: longer than any round trip.
    pub lock_patience: Duration,
}

/// What to do with a refresh token whose answer was lost: the request may have been sent, and no answer of the server
/// came, so the server may have rotated the token.
///
/// The two cases look the same. Giving up loses the grant with certainty. Sending the token again loses nothing if the
/// server did not see the first request, or accepts a repetition for a while, as FAPI 2.0 §5.3.2.1 demands. A strict
/// server takes the repetition for theft and revokes everything that came of the login (RFC 9700 §4.14.2): also an
/// access token that would have been good for some more minutes, and on some servers the sessions on the person's other
/// devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum InDoubt {
    /// Ask again until the server gives a verdict: once early, then after pauses, and then only when the access token is over.
    #[default]
    Heal,
    /// Ask once more, early, and then give up with [`SessionError::Unknown`](crate::SessionError::Unknown).
    ///
    /// The price: a server that is down for longer than some seconds logs out every person whose token is due in that
    /// time.
    Once,
    /// Never ask again, and give up with [`SessionError::Unknown`](crate::SessionError::Unknown).
    ///
    /// The price: a single lost answer logs the person out.
    Never,
}

impl InDoubt {
    /// How many requests with one refresh token may be sent and stay without an answer.
    pub(crate) fn most(self) -> u32 {
        match self {
            Self::Heal => u32::MAX,
            Self::Once => 2,
            Self::Never => 1,
        }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            margin: Duration::from_secs(60),
            jitter: Duration::from_secs(15),
            assumed_lifetime: None,
            in_doubt: InDoubt::Heal,
            early_retry: Duration::from_secs(1),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            longest_late_pause: Duration::from_secs(15 * 60),
            longest_not_sent_pause: Duration::from_secs(30),
            send_deadline: Duration::from_secs(60),
            lock_patience: Duration::from_secs(90),
        }
    }
}

/// One setter for each field; the field says what it means, and its default.
impl Policy {
    /// Sets [`Policy::margin`](field@Policy::margin).
    #[must_use]
    pub fn margin(self, margin: Duration) -> Self {
        Self { margin, ..self }
    }

    /// Sets [`Policy::jitter`](field@Policy::jitter).
    #[must_use]
    pub fn jitter(self, jitter: Duration) -> Self {
        Self { jitter, ..self }
    }

    /// Sets [`Policy::assumed_lifetime`](field@Policy::assumed_lifetime).
    #[must_use]
    pub fn assumed_lifetime(self, lifetime: Duration) -> Self {
        Self { assumed_lifetime: Some(lifetime), ..self }
    }

    /// Sets [`Policy::in_doubt`](field@Policy::in_doubt).
    #[must_use]
    pub fn in_doubt(self, in_doubt: InDoubt) -> Self {
        Self { in_doubt, ..self }
    }

    /// Sets [`Policy::early_retry`](field@Policy::early_retry).
    #[must_use]
    pub fn early_retry(self, early_retry: Duration) -> Self {
        Self { early_retry, ..self }
    }

    /// Sets [`Policy::first_pause`](field@Policy::first_pause).
    #[must_use]
    pub fn first_pause(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }

    /// Sets [`Policy::longest_pause`](field@Policy::longest_pause).
    #[must_use]
    pub fn longest_pause(self, longest_pause: Duration) -> Self {
        Self { longest_pause, ..self }
    }

    /// Sets [`Policy::longest_late_pause`](field@Policy::longest_late_pause).
    #[must_use]
    pub fn longest_late_pause(self, longest_late_pause: Duration) -> Self {
        Self { longest_late_pause, ..self }
    }

    /// Sets [`Policy::longest_not_sent_pause`](field@Policy::longest_not_sent_pause).
    #[must_use]
    pub fn longest_not_sent_pause(self, longest_not_sent_pause: Duration) -> Self {
        Self { longest_not_sent_pause, ..self }
    }

    /// Sets [`Policy::send_deadline`](field@Policy::send_deadline).
    #[must_use]
    pub fn send_deadline(self, send_deadline: Duration) -> Self {
        Self { send_deadline, ..self }
    }

    /// Sets [`Policy::lock_patience`](field@Policy::lock_patience).
    #[must_use]
    pub fn lock_patience(self, lock_patience: Duration) -> Self {
        Self { lock_patience, ..self }
    }
}

impl Policy {
    /// When a token is over, if that is known: as the server says, or as this policy assumes.
    pub(crate) fn end(&self, received_at: UnixTime, expires_at: Option<UnixTime>) -> Option<UnixTime> {
        expires_at.or_else(|| Some(received_at.saturating_add(self.assumed_lifetime?)))
    }

    /// When a token is due for renewal.
    pub(crate) fn due(&self, received_at: UnixTime, end: UnixTime, dice: u8) -> UnixTime {
        let half = end.saturating_since(received_at).as_secs() / 2;
        let jitter = self.jitter.as_secs().saturating_mul(u64::from(dice)) / 255;
        let ahead = self.margin.as_secs().saturating_add(jitter).min(half);
        UnixTime::from_secs(end.as_secs().saturating_sub(ahead))
    }
}
