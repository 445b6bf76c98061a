//! Stored states: a restored state is the one that this client and this version stored, or there is none.

use http::Response;
use serde_json::Value;

use super::{ISSUER, client, exchange, pending, respond, server};
use crate::error::{Misuse, StoredFault};
use crate::{Client, Error, PendingCallback, PublicClient, StoredCallback, StoredTokens, Tokens};

const ANSWER: &[u8] =
    br#"{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r","scope":"read","x":[1]}"#;
/// An answer with members that had to be tolerated.
const ODD_ANSWER: &[u8] = br#"{"access_token":"a","token_type":"Bearer","expires_in":null,"scope":7}"#;

/// The first byte chooses the rest: changes (position, mask) to a good state, a state as it is, or another value for
/// one of the members.
pub fn stored_state(bytes: &[u8]) {
    let Some((chooser, rest)) = bytes.split_first() else { return };
    let client = client(&server().issuer(ISSUER).unwrap());
    let good_callback = serde_json::to_string(&pending(&client).0.into_stored()).unwrap();
    let tokens = respond(exchange(&client), Response::new(ANSWER)).unwrap();
    let good_tokens = serde_json::to_string(&tokens.into_stored()).unwrap();
    assert!(good_callback.len() <= 1024, "a pending grant must fit in a session");

    let change = |good: &str| match chooser % 4 {
        0 => (flipped(good, rest), true),
        2 => (replaced(good, rest), true),
        _ => (rest.to_vec(), false),
    };
    check::<StoredCallback>(&good_callback, change(&good_callback), &client);
    check::<StoredTokens>(&good_tokens, change(&good_tokens), &client);
    let odd = respond(exchange(&client), Response::new(ODD_ANSWER)).unwrap();
    let odd_tokens = serde_json::to_string(&odd.into_stored()).unwrap();
    check::<StoredTokens>(&odd_tokens, change(&odd_tokens), &client);

    // One kind of state is not the other, although all their members may be missing.
    assert!(restored::<StoredTokens>(good_callback.as_bytes(), &client).is_none_or(|tokens| tokens.is_err()));
    assert!(restored::<StoredCallback>(good_tokens.as_bytes(), &client).is_none_or(|callback| callback.is_err()));

    let version = rest.iter().fold(0u32, |version, b| version.wrapping_mul(31).wrapping_add((*b).into()));
    for good in [&good_callback, &good_tokens] {
        refused_elsewhere(good, version);
    }
}

/// A type that can be stored, restored, and stored again.
trait Stored: serde::Serialize + serde::de::DeserializeOwned {
    fn again(self, client: &PublicClient) -> Result<Self, Error>;
}

impl Stored for StoredCallback {
    fn again(self, client: &PublicClient) -> Result<Self, Error> {
        PendingCallback::from_stored(self, Client::from(client)).map(PendingCallback::into_stored)
    }
}

impl Stored for StoredTokens {
    fn again(self, client: &PublicClient) -> Result<Self, Error> {
        Tokens::from_stored(self, Client::from(client)).map(Tokens::into_stored)
    }
}

/// A stored state after it is restored and stored again; `None` if it is not JSON of the right shape.
fn restored<S: Stored>(bytes: &[u8], client: &PublicClient) -> Option<Result<Value, Error>> {
    let stored: S = serde_json::from_slice(bytes).ok()?;
    Some(stored.again(client).map(|again| serde_json::to_value(again).unwrap()))
}

fn check<S: Stored>(good: &str, (bytes, from_good): (Vec<u8>, bool), client: &PublicClient) {
    let good_value: Value = serde_json::from_str(good).unwrap();
    let unchanged = restored::<S>(good.as_bytes(), client).and_then(Result::ok);
    assert_eq!(unchanged.as_ref(), Some(&good_value), "a good state was not restored");
    let after = match restored::<S>(&bytes, client) {
        None => return,
        Some(Err(_)) => {
            let same = serde_json::from_slice::<Value>(&bytes).is_ok_and(|value| value == good_value);
            assert!(!same, "a state that only looks different was refused");
            return;
        }
        Some(Ok(after)) => after,
    };
    let before = serde_json::to_value(serde_json::from_slice::<S>(&bytes).unwrap()).unwrap();
    assert_eq!(before, after, "something else was restored than was stored");
    if from_good {
        assert_eq!(after, good_value, "a changed state was restored");
    }
    // Only a scope that cannot be read must not be read by an older release.
    let version = if after.get("scope_is_unreadable").is_some() { 2 } else { 1 };
    assert_eq!((&after["v"], &after["client_id"], &after["issuer"]), (&version.into(), &"app".into(), &ISSUER.into()));
}

/// Another client, another server, and another version than the storing one.
fn refused_elsewhere(good: &str, version: u32) {
    let at = |token: &str| crate::Server::new("https://as.example/authorize", token).unwrap();
    let here = server().issuer(ISSUER).unwrap();
    let others: [&dyn Fn() -> PublicClient; 5] = [
        &|| here.client("ap").public().unwrap(),
        &|| here.client("app2").public().unwrap(),
        &|| client(&server()),
        &|| client(&server().issuer("https://as.example/t").unwrap()),
        &|| client(&at("https://as.example/token2").issuer(ISSUER).unwrap()),
    ];
    let fault = |text: &str, client: &PublicClient| {
        let callback = restored::<StoredCallback>(text.as_bytes(), client);
        let tokens = restored::<StoredTokens>(text.as_bytes(), client);
        [callback, tokens].map(|outcome| match outcome {
            Some(Err(Error::Misuse(Misuse::Stored(fault)))) => Some(fault),
            Some(other) => panic!("a foreign state: {other:?}"),
            None => None,
        })
    };
    // One of them each time: a fuzzer calls this often enough.
    let faults = fault(good, &others[version as usize % others.len()]());
    assert!(faults.contains(&Some(StoredFault::OtherClient)), "another client: {faults:?}");
    if !matches!(version, 1 | 2) {
        let mut changed: Value = serde_json::from_str(good).unwrap();
        changed["v"] = version.into();
        let faults = fault(&changed.to_string(), &client(&here));
        // The version is checked first: the meaning of the rest in another version is unknown.
        assert!(faults.iter().flatten().all(|fault| *fault == StoredFault::Version), "version {version}: {faults:?}");
    }
}

fn flipped(good: &str, changes: &[u8]) -> Vec<u8> {
    let mut bytes = good.as_bytes().to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
    bytes
}

/// One member has another value: JSON if the rest is JSON, else a text.
fn replaced(good: &str, change: &[u8]) -> Vec<u8> {
    let mut state: Value = serde_json::from_str(good).unwrap();
    let members = state.as_object_mut().unwrap();
    let (chooser, text) = change.split_first().unwrap_or((&0, b""));
    let name = members.keys().nth(usize::from(*chooser) % members.len()).unwrap().clone();
    let value = serde_json::from_slice(text).unwrap_or_else(|_| String::from_utf8_lossy(text).into_owned().into());
    members.insert(name, value);
    serde_json::to_vec(&state).unwrap()
}
