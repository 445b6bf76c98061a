//! Polling for tokens until a person has decided (RFC 8628 §3.4, §3.5; OpenID CIBA §10.1, §11).

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::contract::Wait;
use crate::error::verdict::{self, Meaning};
use crate::error::{Error, ErrorCode, Next};
use crate::value::time::UnixTime;

use super::NotGranted;

/// How much `slow_down` lengthens the interval, for good, in seconds (RFC 8628 §3.5).
const SLOWER: u64 = 5;

/// The longest wait after answers that were lost, in seconds, unless twice the interval is longer.
const LONGEST_BACK_OFF: u64 = 60;

/// A restored poll that is answered so long after its end was made after its end, in seconds: no answer takes longer.
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
    /// How many seconds the current wait and all later ones may take together. It does not depend on the clock.
    left: u64,
    /// How many answers in a row were lost or proved nothing.
    lost: u8,
    /// How many answers in a row look like a fault of the settings.
    odd: u8,
    /// Whether it was restored, and no answer has come since. Then the next poll may be made long after it is due.
    #[serde(skip, default = "yes")]
    restored: bool,
}

fn yes() -> bool {
    true
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
            left: expires_in,
            lost: 0,
            odd: 0,
            restored: false,
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

    /// The server says that there is something to fetch: the next request is due at once.
    pub(crate) fn make_due(&mut self) {
        (self.wait, self.lost) = (0, 0);
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
            // The client's settings are wrong; the code is still valid.
            (Meaning::RequestRefused, _) | (_, Some(ErrorCode::UseDpopNonce)) => self.stopped(now, no.error),
            // The server has granted something that cannot be used. It will not do so again.
            (Meaning::Nothing, _) if no.error.answer_refused() => self.stopped(now, no.error),
            // The answer says when to ask again; 429 alone says only that the polls were too frequent.
            (Meaning::NotProcessed, _) if retry_after.is_some() => self.undecided(now, retry_after),
            (Meaning::Nothing, _) if states_another_error(&no.error) => self.stopped(now, no.error),
            (Meaning::Nothing, _) if matches!(no.error.next(), Next::FixConfiguration) => {
                self.odd = self.odd.saturating_add(1);
                if self.odd >= MOST_ODD { self.stopped(now, no.error) } else { self.lost(now, retry_after) }
            }
            (Meaning::Nothing | Meaning::NotProcessed, _) => self.lost(now, retry_after),
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
        let longest = LONGEST_BACK_OFF.max(self.interval.saturating_mul(2));
        self.go_on(now, doubled.min(longest), retry_after)
    }

    fn go_on(self, now: UnixTime, wait: u64, retry_after: Option<Duration>) -> Polled {
        if self.left <= self.wait || self.was_made_after_the_end(now) {
            return Polled::Over(None, Error::Expired);
        }
        let wait = wait.max(retry_after.map_or(0, |wait| wait.as_secs()));
        Polled::Again(self.waiting(now, wait))
    }

    /// It stops, and can be run again after the interval.
    fn stopped(mut self, now: UnixTime, error: Error) -> Polled {
        (self.lost, self.odd) = (0, 0);
        let interval = self.interval;
        Polled::Over(Some(self.waiting(now, interval)), error)
    }

    fn waiting(mut self, now: UnixTime, wait: u64) -> Self {
        self.left = self.left.saturating_sub(self.wait);
        // Not past the end: one more poll then shows the outcome.
        let to_the_end = self.expires_at.saturating_sub(now.as_secs()).min(self.left).max(self.interval);
        self.since = now.as_secs();
        self.wait = wait.min(to_the_end);
        self.restored = false;
        self
    }

    /// Whether the code has expired and the last poll was made after that. An earlier poll might still have succeeded,
    /// so one more poll is made after the end.
    fn was_made_after_the_end(&self, now: UnixTime) -> bool {
        let due = self.since.saturating_add(self.wait);
        let long_over = self.expires_at().saturating_add(SLOWEST_ANSWER) <= now;
        self.expires_at <= now.as_secs() && (due >= self.expires_at || self.restored && long_over)
    }
}

/// Whether it is an error in the words of a protocol that no RFC has for a poll: then a client must stop (RFC 8628 §3.5).
/// A framework's "Bad Request" is in no protocol: a gateway may send it for a short time. An outage that the server states,
/// such as `temporarily_unavailable`, passes as well.
fn states_another_error(error: &Error) -> bool {
    let Error::Refused(refused) = error else { return false };
    let is_word = |text: &str| text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b':'));
    verdict::is_spoken(refused.answer.status)
        && refused.next() == Next::FixConfiguration
        && is_word(refused.response.code().as_str())
}
