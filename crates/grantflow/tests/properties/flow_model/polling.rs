//! Grants that poll until a person has decided: no poll is early, polling ends, and what ends it is the server's word or the
//! time.

use std::fmt::Debug;
use std::time::Duration;

use grantflow::{Error, Exchange, Left, Step, Tokens, UnixTime};
use grantflow_testkit::Misbehaviour;

use super::Model;
use super::wire::holds_token;

/// Of a code, in seconds. Short, so that a run is.
pub(super) const LIFETIME: u64 = 120;
pub(super) const INTERVAL: u64 = 5;

impl Model {
    /// Each of these members of an answer is enough to get the tokens.
    pub(super) fn codes(&mut self, body: &[u8], names: &[&str]) {
        let Ok(members) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        for name in names {
            self.ledger.secret(members[*name].as_str().unwrap_or_default());
        }
    }

    /// Polls to the end. `before` is done before each poll, by its number; it says whether the poll is due at once, which
    /// it is once at most.
    pub(super) fn poll<X>(
        &mut self,
        mut grant: X,
        argument: u8,
        expires_at: UnixTime,
        interval: fn(&X) -> Duration,
        mut before: impl FnMut(&mut Self, X, u64) -> (X, bool),
    ) -> Option<Tokens>
    where
        X: Exchange<Output = Tokens> + Debug,
    {
        let (mut waited, mut most) = (0, expires_at.saturating_since(self.now()).as_secs() / INTERVAL + 3);
        most = most.min(LIFETIME);
        let spoilt = Misbehaviour::polls();
        for count in 0.. {
            assert!(count < most, "{count} polls of one code");
            let due;
            (grant, due) = before(self, grant, count);
            self.ledger.show(&grant);
            let (every, rest) = (interval(&grant), grant.rest(self.now()));
            let waits = if due { rest.is_zero() } else { rest >= every };
            assert!(
                waits && every.as_secs() >= 1,
                "it waits {rest:?} where {every:?} is asked for, due at once: {due}"
            );
            self.provider.advance(rest.as_secs());
            waited += rest.as_secs();
            let behaves = argument <= 127;
            if !behaves {
                let index = usize::from(argument).wrapping_mul(31).wrapping_add(count as usize * 17);
                self.provider.knobs().misbehave(spoilt[index % spoilt.len()].clone());
            }
            let (outcome, seen) = self.round_trip(grant, None);
            match outcome {
                Ok(Step::Done(tokens)) => {
                    assert!(seen.is_success(), "tokens out of {:?}", seen.status);
                    let text = tokens.bearer().unwrap().expose_secret();
                    assert!(holds_token(&seen.body, text), "tokens that the answer does not hold");
                    self.rescued = false;
                    self.keep(&tokens, &seen.body);
                    return Some(tokens);
                }
                Ok(Step::Again(next)) => {
                    assert!(interval(&next) >= every, "the interval shrinks");
                    assert!(!(behaves && seen.issued), "good tokens were not taken");
                    grant = next;
                }
                Err(failure) => {
                    assert!(!(behaves && seen.issued), "good tokens were refused: {}", failure.error);
                    self.ledger.show_error(&failure);
                    let over = matches!(failure.error, Error::Expired);
                    assert!(!over || waited >= LIFETIME.min(most), "it expired after {waited} s");
                    let spent = matches!(failure.left, Left::Spent);
                    assert!(
                        !spent || over || failure.error.code().is_some(),
                        "spent without a word: {}",
                        failure.error
                    );
                    return None;
                }
            }
        }
        unreachable!("polls are counted")
    }
}
