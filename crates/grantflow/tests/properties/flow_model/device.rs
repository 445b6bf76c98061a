//! A device that a person approves.

use grantflow::{DeviceGrant, DeviceRequest, Left, Step, StoredDevice};
use grantflow_testkit::{Endpoint, Misbehaviour};

use super::polling::{INTERVAL, LIFETIME};
use super::{Model, Stage};

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
                self.codes(&seen.body, &["device_code", "user_code"]);
                let expires_at = grant.expires_at();
                let stored = |model: &mut Self, grant, _| {
                    (if argument & 0x20 == 0 { grant } else { model.store_device(grant) }, false)
                };
                match self.poll(grant, argument, expires_at, DeviceGrant::interval, stored) {
                    Some(tokens) => {
                        self.reached.devices += 1;
                        Stage::HasTokens(tokens)
                    }
                    None => Stage::Idle,
                }
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
