//! One token endpoint, many sessions: while the endpoint is down, one of them asks for all.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use grantflow::UnixTime;

use crate::error::Cause;
use crate::sync::{Mutex, lock};

/// A circuit breaker for one token endpoint, shared by the sessions of a process that use it. It is off unless you give
/// it: [`Session::breaker`](crate::Session::breaker).
///
/// Without a breaker, a server that is down gets a request from each session after each pause. With one, five requests
/// in a row without an answer of the server open it, whichever sessions sent them. The sessions then send nothing for a
/// while; after that, one of them sends a probe. An answer of the server closes the breaker again, even if it is a
/// refusal. Each session also keeps its own pauses, and reads its store as before. Clones are one breaker.
///
/// ```
/// use grantflow_session::Breaker;
/// let breaker = Breaker::new();
/// // for each session: session.breaker(&breaker)
/// # let _ = breaker;
/// ```
#[derive(Clone, Default)]
pub struct Breaker(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// How many requests in a row brought no answer of the server.
    failures: u32,
    open: Option<Open>,
}

struct Open {
    until: UnixTime,
    length: Duration,
    /// When the probe left that is in progress.
    probe: Option<UnixTime>,
}

const MOST_FAILURES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A probe that takes longer than this was lost.
const LONGEST_PROBE: Duration = Duration::from_secs(60);

impl Breaker {
    /// A closed breaker: it lets everything through.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a request may leave now.
    ///
    /// # Errors
    /// When to ask again.
    pub(crate) fn enter(&self, now: UnixTime) -> Result<Pass, UnixTime> {
        let mut state = lock(&self.0);
        let Some(open) = &mut state.open else { return Ok(Pass { breaker: self.clone(), probe: None }) };
        let left = open.until.saturating_since(now);
        // If the clock fell back, the pause would seem to have hardly begun.
        if !left.is_zero() && left <= open.length {
            return Err(open.until);
        }
        if open.probe.is_some_and(|since| since <= now && now.saturating_since(since) < LONGEST_PROBE) {
            return Err(now.saturating_add(Duration::from_secs(1)));
        }
        open.probe = Some(now);
        Ok(Pass { breaker: self.clone(), probe: Some(now) })
    }

    /// Takes the outcome of a request; `None` if it brought tokens.
    pub(crate) fn ends(&self, now: UnixTime, cause: Option<&Cause>) {
        let mut state = lock(&self.0);
        // A source that fails after an answer says nothing about the endpoint.
        if matches!(cause, None | Some(Cause::OAuth(grantflow::Error::Refused(_)) | Cause::Source(_))) {
            *state = State::default();
            return;
        }
        drop(state);
        self.unanswered(now);
    }

    /// A request brought no answer of the server.
    pub(crate) fn unanswered(&self, now: UnixTime) {
        let mut state = lock(&self.0);
        state.failures = state.failures.saturating_add(1);
        if state.failures >= MOST_FAILURES {
            let length =
                state.open.as_ref().map_or(FIRST_PAUSE, |open| open.length.saturating_mul(2).min(LONGEST_PAUSE));
            let until = now.saturating_add(length);
            // A request that left before the breaker opened says nothing new.
            let news = state.open.as_ref().is_none_or(|open| open.probe.is_some());
            if news {
                state.open = Some(Open { until, length, probe: None });
            }
        }
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if lock(&self.0).open.is_some() { "Breaker(open)" } else { "Breaker(closed)" })
    }
}

/// Permission to send. If a probe is not sent after all, dropping this returns the permission.
#[derive(Debug)]
pub(crate) struct Pass {
    breaker: Breaker,
    probe: Option<UnixTime>,
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(ours) = self.probe
            && let Some(open) = &mut lock(&self.breaker.0).open
        {
            open.probe.take_if(|probe| *probe == ours);
        }
    }
}

#[cfg(all(test, not(grantflow_loom)))]
mod tests {
    use super::*;

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_secs(seconds)
    }

    fn down() -> Cause {
        Cause::Transport(Arc::new(std::io::Error::other("connection refused")))
    }

    fn opened() -> Breaker {
        let breaker = Breaker::new();
        for _ in 0..MOST_FAILURES {
            assert!(breaker.enter(at(0)).is_ok());
            breaker.ends(at(0), Some(&down()));
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_through() {
        let breaker = opened();
        assert_eq!(breaker.enter(at(4)).err(), Some(at(5)));
        let probe = breaker.enter(at(5)).expect("a probe");
        assert_eq!(breaker.enter(at(5)).err(), Some(at(6)), "one at a time");
        breaker.ends(at(6), Some(&down()));
        drop(probe);
        assert_eq!(breaker.enter(at(15)).err(), Some(at(16)), "twice as long");
        let probe = breaker.enter(at(16)).expect("a probe");
        breaker.ends(at(16), None);
        drop(probe);
        assert!(breaker.enter(at(16)).is_ok() && breaker.enter(at(16)).is_ok(), "closed again");
    }

    #[test]
    fn a_probe_that_was_not_sent_is_given_back_and_a_lost_one_does_not_bar_the_way() {
        let breaker = opened();
        drop(breaker.enter(at(5)).unwrap());
        let lost = breaker.enter(at(5)).expect("it was given back");
        assert!(breaker.enter(at(60)).is_err());
        assert!(breaker.enter(at(65)).is_ok());
        drop(lost);
    }

    #[test]
    fn a_success_resets_the_count_and_a_clock_that_falls_back_delays_no_request() {
        let breaker = Breaker::new();
        for round in 0..20 {
            breaker.ends(at(0), (round % 4 != 0).then(down).as_ref());
        }
        assert!(breaker.enter(at(0)).is_ok());
        let breaker = opened();
        let late = Breaker::new();
        (0..MOST_FAILURES).for_each(|_| late.ends(at(1_000_000), Some(&down())));
        assert!(late.enter(at(10)).is_ok() && breaker.enter(at(1)).is_err());
    }
}
