//! The mark of a renewal that has begun and, as far as the store knows, has not brought tokens.

use core::time::Duration;

use grantflow::UnixTime;
use serde::{Deserialize, Serialize};

use crate::policy::seconds;

/// Requests with this refresh token may have been sent, and their answers are missing. Written before each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    /// When the last request was about to be sent.
    pub(crate) at: UnixTime,
    /// When the first request was about to be sent.
    pub(crate) since: UnixTime,
    /// How many may have been sent.
    pub(crate) sent: u32,
    /// The early retry is used up.
    pub(crate) early: bool,
    pub(crate) stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A request is in progress, for at most this long.
    Sending { deadline: Duration },
    /// No request is in progress.
    InDoubt(Rest),
}

/// How long no request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest {
    /// Until this time.
    pub(crate) next: UnixTime,
    /// How long that was when it was written. A reader whose clock is behind waits no longer than this.
    pub(crate) wait: Duration,
    /// The server asked for the wait.
    pub(crate) told: bool,
    /// The HTTP status of the last answer, if one came.
    pub(crate) status: Option<u16>,
}

/// The longest wait that a server may ask for (the core's bound for `Retry-After`), and the longest that another
/// process's mark may say a request takes.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);
/// For a mark without a deadline, which an older version wrote.
const OLD_DEADLINE: Duration = Duration::from_secs(60);
/// How much later than its deadline a request counts as lost, if the lock does not prove it.
const GRACE: Duration = Duration::from_secs(10);
/// Clocks that differ by this much count as equal.
const MOMENT: Duration = Duration::from_secs(1);

impl Mark {
    /// A first request is about to be sent.
    pub(crate) fn first(now: UnixTime, deadline: Duration) -> Self {
        Self { at: now, since: now, sent: 1, early: false, stage: Stage::Sending { deadline } }
    }

    /// Another request is about to be sent.
    pub(crate) fn again(self, now: UnixTime, deadline: Duration) -> Self {
        let sent = self.sent.saturating_add(1);
        Self { at: now, since: self.since, sent, early: true, stage: Stage::Sending { deadline } }
    }

    /// No answer came that counts.
    pub(crate) fn resting(self, now: UnixTime, wait: Duration, told: bool, status: Option<u16>) -> Self {
        let wait = Duration::from_secs(seconds(wait)).min(LONGEST_WAIT);
        Self { stage: Stage::InDoubt(Rest { next: now.saturating_add(wait), wait, told, status }), ..self }
    }

    pub(crate) fn rest(&self) -> Option<Rest> {
        match self.stage {
            Stage::InDoubt(rest) => Some(rest),
            Stage::Sending { .. } => None,
        }
    }

    /// The mark as seen by the reader's clock: a time in the future counts as now.
    pub(crate) fn seen_at(self, now: UnixTime) -> Self {
        let stage = match self.stage {
            Stage::InDoubt(rest) => Stage::InDoubt(Rest { next: rest.next.min(now.saturating_add(rest.wait)), ..rest }),
            sending @ Stage::Sending { .. } => sending,
        };
        Self { at: self.at.min(now), since: self.since.min(now), stage, ..self }
    }

    /// When a request that another process may be sending counts as lost.
    pub(crate) fn lost_at(&self) -> Option<UnixTime> {
        match self.stage {
            Stage::Sending { deadline } => Some(self.at.saturating_add(deadline).saturating_add(GRACE)),
            Stage::InDoubt(_) => None,
        }
    }

    /// The latest time at which its request was sent, if it was sent.
    pub(crate) fn left_by(&self) -> UnixTime {
        match self.stage {
            Stage::Sending { deadline } => self.at.saturating_add(latest(deadline)),
            Stage::InDoubt(_) => self.at,
        }
    }

    /// Whether the request comes so late after this mark that another process may soon take it for lost.
    pub(crate) fn is_stale(&self, now: UnixTime) -> bool {
        match self.stage {
            // A clock in whole seconds may advance by one in a moment. A clock that went back does not tell how late it
            // is.
            Stage::Sending { deadline } => {
                let late = now.saturating_since(self.at) > latest(deadline);
                late || self.at.saturating_since(now) > MOMENT
            }
            Stage::InDoubt(_) => true,
        }
    }
}

/// How long after its mark a request may be sent.
fn latest(deadline: Duration) -> Duration {
    (deadline / 2).max(MOMENT)
}

/// The stored form. Only the first two members are required: older versions wrote no others.
#[derive(Serialize, Deserialize)]
pub(super) struct Text {
    at: u64,
    sent: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    early: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<u64>,
    #[serde(default, skip_serializing_if = "is_false")]
    told: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl From<Mark> for Text {
    fn from(mark: Mark) -> Self {
        let since = (mark.since != mark.at).then(|| mark.since.as_secs());
        let (at, sent, early) = (mark.at.as_secs(), mark.sent, mark.early);
        let none = Self { at, sent, since, early, deadline: None, next: None, wait: None, told: false, status: None };
        match mark.stage {
            Stage::Sending { deadline } => Self { deadline: Some(deadline.as_secs()), ..none },
            Stage::InDoubt(Rest { next, wait, told, status }) => {
                Self { next: Some(next.as_secs()), wait: Some(wait.as_secs()), told, status, ..none }
            }
        }
    }
}

impl From<Text> for Mark {
    fn from(text: Text) -> Self {
        let stage = match text.next {
            Some(next) => {
                let wait = Duration::from_secs(text.wait.unwrap_or(0)).min(LONGEST_WAIT);
                Stage::InDoubt(Rest { next: UnixTime::from_secs(next), wait, told: text.told, status: text.status })
            }
            None => {
                Stage::Sending { deadline: text.deadline.map_or(OLD_DEADLINE, Duration::from_secs).min(LONGEST_WAIT) }
            }
        };
        Self {
            at: UnixTime::from_secs(text.at),
            since: UnixTime::from_secs(text.since.unwrap_or(text.at)),
            sent: text.sent,
            early: text.early || text.sent > 1,
            stage,
        }
    }
}
