//! A device that a person approves: no poll is early, polling ends, and what ends it is the server's word or the time.

use grantflow::{DeviceGrant, DeviceRequest, Error, Exchange as _, Left, Step, StoredDevice};
use grantflow_testkit::{Endpoint, Misbehaviour};

use super::wire::holds_token;
use super::{Model, Stage};

/// Of a code, in seconds. Short, so that a run is.
const LIFETIME: u64 = 120;
const INTERVAL: u64 = 5;

impl Model {
    pub(super) fn let_a_device_in(&mut self, argument: u8) -> Stage {
        self.chosen = usize::from(argument) % self.identities.len();
        let knobs = self.provider.knobs();
        (knobs.device_expires_in, knobs.device_interval) = (LIFETIME, Some(INTERVAL));
        knobs.decide_at_poll = Some(1 + u64::from(argument % 5));
        if argument & 0x40 != 0 {
            let how = Misbehaviour::from_index_at(Endpoint::DeviceAuthorization, argument.into());
            knobs.misbehave_at(Endpoint::DeviceAuthorization, how);
        }
        let request = DeviceRequest::new(self.client()).unwrap().scope("read").unwrap();
        self.ledger.show(&request);
        let (outcome, seen) = self.round_trip(request, None);
        match outcome {
            Ok(Step::Done(grant)) => {
                assert!(seen.is_success(), "a code out of {:?}", seen.status);
                self.codes(&seen.body);
                self.poll(grant, argument)
            }
            Ok(Step::Again(_)) => panic!("a device request has one step"),
            Err(failure) => {
                assert!(argument & 0x40 != 0, "a good code was refused: {}", failure.error);
                self.ledger.show_error(&failure);
                assert!(matches!(failure.left, Left::Intact(_)), "a device request was used up: {}", failure.error);
                Stage::Idle
            }
        }
    }

    /// Each of them is enough to get the tokens.
    fn codes(&mut self, body: &[u8]) {
        let Ok(members) = serde_json::from_slice::<serde_json::Value>(body) else { return };
        for name in ["device_code", "user_code"] {
            self.ledger.secret(members[name].as_str().unwrap_or_default());
        }
    }

    fn poll(&mut self, mut grant: DeviceGrant, argument: u8) -> Stage {
        let (mut waited, mut most) = (0, grant.expires_at().saturating_since(self.now()).as_secs() / INTERVAL + 2);
        most = most.min(LIFETIME);
        let spoilt = Misbehaviour::polls();
        for count in 0.. {
            assert!(count < most, "{count} polls of one code");
            if argument & 0x20 != 0 {
                grant = self.store_device(grant);
            }
            self.ledger.show(&grant);
            let (interval, rest) = (grant.interval(), grant.rest(self.now()));
            assert!(rest >= interval && interval.as_secs() >= 1, "it waits {rest:?} where {interval:?} is asked for");
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
                    self.reached.devices += 1;
                    return Stage::HasTokens(tokens);
                }
                Ok(Step::Again(next)) => {
                    assert!(next.interval() >= interval, "the interval shrinks");
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
                    return Stage::Idle;
                }
            }
        }
        unreachable!("polls are counted")
    }

    fn store_device(&mut self, grant: DeviceGrant) -> DeviceGrant {
        let stored = grant.into_stored();
        self.ledger.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let read = || serde_json::from_str::<StoredDevice>(&text).unwrap();
        let foreign = DeviceGrant::from_stored(read(), self.another_client());
        self.ledger.show_error(&foreign.expect_err("restored for another client"));
        DeviceGrant::from_stored(read(), self.client()).unwrap()
    }
}
