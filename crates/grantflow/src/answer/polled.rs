//! What the answers that start a poll have in common: a code, and how long and how often a client may poll (RFC 8628 §3.2,
//! OpenID CIBA §7.3).

use core::time::Duration;

use crate::error::Violation;
use crate::value::secret::Secret;
use crate::wire::object::{Members, Optional, Scalar, Table, visible};

/// How long and how often a client may poll.
pub(crate) struct Times {
    /// In seconds, at least 1.
    pub(crate) expires_in: u64,
    /// In seconds, at least 1.
    pub(crate) interval: u64,
}

/// The interval of an answer that names none, in seconds (RFC 8628 §3.2, OpenID CIBA §7.3).
const INTERVAL: u64 = 5;

/// The longest interval, in seconds. A person who has decided would not wait longer for the next poll.
const LONGEST_INTERVAL: u64 = 3600;

/// Reads both times. The interval must be a member that is kept as JSON text: a fraction of a second must not be lost.
///
/// # Errors
/// The first fault. The interval has no tolerance: a client that guesses it is too fast for the server, or too slow for
/// the person.
pub(super) fn times<T: Table>(members: &mut Members<'_, T>, expires_in: T, interval: T) -> Result<Times, Violation> {
    let lifetime = match members.seconds(expires_in, false) {
        Optional::Absent => return Err(Violation::Missing(expires_in.name())),
        Optional::Value(0) => return Err(Violation::WrongType(expires_in.name())),
        Optional::Value(seconds) => seconds,
        Optional::Blank(fault) | Optional::Unreadable(fault) => return Err(fault.of(expires_in)),
    };
    let interval = match members.take(interval) {
        None => INTERVAL.min(lifetime),
        Some(Scalar::Raw(raw)) => match whole_seconds(raw.get()) {
            Some(seconds) if seconds > 0 && seconds <= LONGEST_INTERVAL.min(lifetime) => seconds,
            _ => return Err(Violation::WrongType(interval.name())),
        },
        Some(_) => return Err(Violation::WrongType(interval.name())),
    };
    Ok(Times { expires_in: lifetime, interval })
}

/// A number of seconds, with a fraction rounded up: fewer than the server demands would be too fast.
fn whole_seconds(json: &str) -> Option<u64> {
    let seconds = Duration::try_from_secs_f64(serde_json::from_str(json).ok()?).ok()?;
    Some(seconds.as_secs().saturating_add(u64::from(seconds.subsec_nanos() > 0)))
}

/// A code: printable ASCII, because it is sent back, or shown in terminals.
pub(super) fn shown<T: Table>(members: &mut Members<'_, T>, member: T) -> Result<Secret, Violation> {
    let text = members.required(member)?;
    match visible(&text) {
        None => Ok(Secret::new(text.into_owned())),
        Some(fault) => Err(fault.of(member)),
    }
}
