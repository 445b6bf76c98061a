//! The codes of the device grant: they are shown where a caller asks for them, and nowhere else.

use grantflow::{DeviceGrant, DeviceRequest, Env, Exchange, Step, StoredDevice, UnixTime};
use grantflow_testkit::{Endpoint, Misbehaviour};

use crate::EXTRA;
use crate::world::World;

/// A device's request and its polls, with everything that shows on the way. Says whether the device got in.
fn let_in(world: &mut World) -> bool {
    let client = world.client();
    let knobs = world.provider.knobs();
    (knobs.device_expires_in, knobs.decide_at_poll) = (60, Some(3));
    let ask = DeviceRequest::new(&client).unwrap().scope("read").unwrap().param("x", EXTRA).unwrap();
    let Some(Step::Done(mut grant)) = world.round_trip(ask) else { return false };
    loop {
        let now = UnixTime::from_secs(world.provider.now());
        if let Err(early) = grant.request(&mut Env::new(now, &mut world.rng)) {
            world.canary.error(&early);
        }
        world.provider.advance(grant.rest(now).as_secs());
        let stored = grant.into_stored();
        world.canary.debug(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let damaged: StoredDevice = serde_json::from_str(&text.replace("device", "devil")).unwrap();
        world.canary.error(&DeviceGrant::from_stored(damaged, &client).unwrap_err());
        let restored = DeviceGrant::from_stored(stored, &client).unwrap();
        match world.round_trip(restored) {
            Some(Step::Done(tokens)) => {
                world.canary.debug(&tokens);
                return true;
            }
            Some(Step::Again(next)) => grant = next,
            None => return false,
        }
        if let Some(trouble) = grant.trouble() {
            world.canary.error(trouble);
        }
    }
}

#[test]
fn no_code_of_a_device_shows_where_all_goes_well() {
    for seed in 0..4 {
        let mut world = World::new(seed);
        assert!(let_in(&mut world));
        let (shown, secrets) = world.check();
        assert!(shown > 30 && secrets > 10, "the canary was shown {shown} texts and {secrets} secrets only");
    }
}

#[test]
fn no_code_of_a_device_shows_whatever_the_server_answers() {
    let mut refused = 0;
    let all = Misbehaviour::all_at(Endpoint::DeviceAuthorization).into_iter();
    // This code has a piece that is shown by right, as a name.
    let all = all.filter(|how| !format!("{how:?}").contains("&client_id="));
    for (number, how) in all.enumerate() {
        let mut world = World::new(number as u64);
        world.provider.knobs().misbehave_at(Endpoint::DeviceAuthorization, how);
        refused += usize::from(!let_in(&mut world));
        world.check();
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn no_code_of_a_device_shows_whatever_its_polls_are_answered() {
    let mut got_in = 0;
    for (number, how) in Misbehaviour::polls().into_iter().chain(Misbehaviour::all()).enumerate() {
        let mut world = World::new(number as u64);
        world.provider.knobs().misbehave(how);
        got_in += usize::from(let_in(&mut world));
        world.check();
    }
    assert!(got_in > 30, "{got_in}");
}
