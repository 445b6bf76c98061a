//! The store ensures single use across processes: one record for each browser session, found by a hash of `state`,
//! taken once.

use std::collections::HashMap;

use grantflow::{Callback, PendingCallback, PendingKey, callback_key};
use http::Uri;

use crate::support::*;

/// One browser's session. Its only read is a take.
#[derive(Default)]
struct Session(HashMap<PendingKey, String>);

impl Session {
    fn put(&mut self, pending: PendingCallback) {
        self.0.insert(pending.key(), serde_json::to_string(&pending.into_stored()).unwrap());
    }

    fn take(&mut self, uri: &Uri, world: &World) -> Option<PendingCallback> {
        let stored = self.0.remove(&callback_key(uri)?)?;
        Some(PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &world.client).unwrap())
    }
}

fn log_in(world: &mut World, session: &mut Session) -> Uri {
    let (pending, url) = world.pending();
    session.put(pending);
    world.provider.visit(&url).unwrap().url.parse().unwrap()
}

#[test]
fn two_tabs_do_not_overwrite_each_other() {
    let (mut world, mut session) = (World::new(), Session::default());
    let first = log_in(&mut world, &mut session);
    let second = log_in(&mut world, &mut session);
    for uri in [second, first] {
        let pending = session.take(&uri, &world).expect("each tab finds its own");
        assert!(matches!(pending.receive(&uri), Callback::Granted(_)));
    }
}

#[test]
fn a_callback_is_taken_once() {
    let (mut world, mut session) = (World::new(), Session::default());
    let uri = log_in(&mut world, &mut session);
    assert!(session.take(&uri, &world).is_some());
    assert!(session.take(&uri, &world).is_none(), "the same callback again finds nothing");
}

#[test]
fn a_forged_callback_takes_nothing() {
    let (mut world, mut session) = (World::new(), Session::default());
    let uri = log_in(&mut world, &mut session);
    for forged in [
        "/cb",
        "/cb?code=x",
        "/cb?state=",
        "/cb?code=x&state=forged",
        "/cb?error=access_denied",
        "/cb?state=%ff",
        "/cb?state=a&state=b",
    ] {
        assert!(session.take(&forged.parse().unwrap(), &world).is_none(), "{forged}");
    }
    let twice = format!("{uri}&state=x").parse().unwrap();
    assert!(session.take(&twice, &world).is_none());
    assert!(session.take(&uri, &world).is_some(), "and the real one is still there");
}

#[test]
fn swapped_browsers_are_both_refused() {
    let (mut world, mut alice, mut mallory) = (World::new(), Session::default(), Session::default());
    let of_alice = log_in(&mut world, &mut alice);
    let of_mallory = log_in(&mut world, &mut mallory);
    assert!(alice.take(&of_mallory, &world).is_none());
    assert!(mallory.take(&of_alice, &world).is_none());
}

#[test]
fn one_servers_grant_does_not_go_to_another() {
    // Two servers, one application: the callback of one reaches the pending grant of the other (RFC 9700 §4.4).
    let mut honest = World::new();
    let mut attacker = World::with(|server| server.issuer("https://evil.example").unwrap());
    attacker.rng = Dice(99);
    let (pending, _) = honest.pending();
    let (_, url) = attacker.pending();
    let foreign = attacker.provider.visit(&url).unwrap();
    assert!(matches!(pending.receive_url(&foreign.url), Callback::Unrelated { .. }));
    // The token endpoint belongs to the pending grant: the code goes where the grant was started.
    let exchange = honest.exchange();
    assert_eq!(honest.request(&exchange).uri().to_string(), honest.provider.token_url());
}
