//! Polling for tokens until a person has decided (RFC 8628 §3.4, §3.5; OpenID CIBA §10.1).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::Wait;
use crate::error::verdict::Meaning;
use crate::error::{Error, ErrorCode, Next};
use crate::value::time::UnixTime;

use super::NotGranted;

/// How much `slow_down` lengthens the interval, for good, in seconds (RFC 8628 §3.5).
const SLOWER: u64 = 5;

/// The longest wait after lost answers, in seconds, unless the interval is longer.
const LONGEST_BACK_OFF: u64 = 60;

/// After this time, an answer belongs to an abandoned poll, in seconds.
const SLOWEST_ANSWER: Duration = Duration::from_secs(60);

/// After this many answers in a row that are neither lost nor a verdict, the fault is permanent.
const MOST_ODD: u8 = 4;

/// The state of a poll: when the next request is due, and when polling ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Polling {
    /// The server's time between two polls, in seconds.
    interval: u64,
    /// Begin and length of the current wait, in seconds.
    since: u64,
    wait: u64,
    expires_at: u64,
    /// How many answers in a row were lost, or were no answer.
    lost: u8,
    /// How many answers in a row look like a fault of the settings.
    odd: u8,
    /// How many answers may still come, by any clock.
    answers_left: u64,
}

/// The result of a poll without tokens.
pub(crate) enum Polled {
    /// Polling continues.
    Again(Polling),
    /// Polling has ended: `Some` with what can be run again, `None` if nothing is left.
    Over(Option<Polling>, Error),
}

impl Polling {
    /// A poll that begins now: the first request is due after one interval.
    pub(crate) fn new(now: UnixTime, interval: u64, expires_in: u64) -> Self {
        Self {
            interval,
            since: now.as_secs(),
            wait: interval,
            expires_at: now.as_secs().saturating_add(expires_in),
            lost: 0,
            odd: 0,
            answers_left: (expires_in / interval.max(1)).saturating_add(2),
        }
    }

    /// The wait before the next request.
    pub(crate) fn wait(&self) -> Wait {
        Wait::new(UnixTime::from_secs(self.since), Duration::from_secs(self.wait))
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.interval)
    }

    pub(crate) fn expires_at(&self) -> UnixTime {
        UnixTime::from_secs(self.expires_at)
    }

    /// Takes an answer without tokens.
    pub(crate) fn answered(mut self, now: UnixTime, no: NotGranted) -> Polled {
        let retry_after = no.error.answer().and_then(|answer| answer.retry_after());
        match (no.meaning, no.error.code()) {
            (_, Some(ErrorCode::AuthorizationPending)) if no.is_undecided() => self.undecided(now, retry_after),
            (_, Some(ErrorCode::SlowDown)) if no.is_undecided() => {
                self.interval = self.interval.saturating_add(SLOWER);
                self.undecided(now, retry_after)
            }
            (Meaning::Over, _) | (Meaning::RequestRefused, Some(ErrorCode::AccessDenied)) => {
                Polled::Over(None, no.error)
            }
            // The client's settings are wrong: the code is unchanged.
            (Meaning::RequestRefused, _) | (_, Some(ErrorCode::UseDpopNonce)) => Polled::Over(Some(self), no.error),
            // The server has granted something that cannot be used. It will not do so again.
            (Meaning::Nothing, _) if no.error.answer_refused() => Polled::Over(Some(self), no.error),
            (Meaning::NotProcessed, _) => self.undecided(now, retry_after),
            (Meaning::Nothing, _) if matches!(no.error.next(), Next::FixConfiguration) => {
                self.odd = self.odd.saturating_add(1);
                if self.odd >= MOST_ODD {
                    self.odd = 0;
                    return Polled::Over(Some(self), no.error);
                }
                self.lost(now, retry_after)
            }
            (Meaning::Nothing, _) => self.lost(now, retry_after),
        }
    }

    /// Takes the report that no answer came.
    pub(crate) fn unanswered(self, now: UnixTime) -> Polled {
        self.lost(now, None)
    }

    fn undecided(mut self, now: UnixTime, retry_after: Option<Duration>) -> Polled {
        (self.lost, self.odd) = (0, 0);
        let interval = self.interval;
        self.go_on(now, interval, retry_after)
    }

    /// Twice as long after each lost answer (RFC 8628 §3.5).
    fn lost(mut self, now: UnixTime, retry_after: Option<Duration>) -> Polled {
        self.lost = self.lost.saturating_add(1);
        let doubled = self.interval.saturating_mul(1_u64.checked_shl(self.lost.into()).unwrap_or(u64::MAX));
        let wait = doubled.min(LONGEST_BACK_OFF).max(self.interval);
        self.go_on(now, wait, retry_after)
    }

    fn go_on(mut self, now: UnixTime, wait: u64, retry_after: Option<Duration>) -> Polled {
        self.answers_left = self.answers_left.saturating_sub(1);
        if self.answers_left == 0 || self.was_made_after_the_end(now) {
            return Polled::Over(None, Error::Expired);
        }
        let wait = wait.max(retry_after.map_or(0, |wait| wait.as_secs()));
        // Not past the end: one more poll then decides.
        let to_the_end = self.expires_at.saturating_sub(now.as_secs()).max(self.interval);
        self.since = now.as_secs();
        self.wait = wait.min(to_the_end);
        Polled::Again(self)
    }

    /// Whether the code has expired and the last poll was made after that. An earlier poll might still have succeeded,
    /// so one more poll is made after the end.
    fn was_made_after_the_end(&self, now: UnixTime) -> bool {
        let due = self.since.saturating_add(self.wait);
        let long_over = self.expires_at().saturating_add(SLOWEST_ANSWER) <= now;
        self.expires_at <= now.as_secs() && (due >= self.expires_at || long_over)
    }
}
