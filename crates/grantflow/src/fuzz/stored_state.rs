//! Stored states: what is restored is what was stored, or nothing.

use http::Response;
use serde_json::Value;

use super::{ISSUER, client, exchange, pending, respond, server};
use crate::{PendingCallback, StoredCallback, StoredTokens, Tokens};

/// An even first byte: the rest are changes (position, mask) to a state that is good. An odd one: the rest is the state.
pub fn stored_state(bytes: &[u8]) {
    let Some((chooser, rest)) = bytes.split_first() else { return };
    let server = server().issuer(ISSUER).unwrap();
    let client = client(&server);

    let good_callback = serde_json::to_string(&pending(&client).0.into_stored()).unwrap();
    let answer =
        br#"{"access_token":"a","token_type":"Bearer","expires_in":60,"refresh_token":"r","scope":"read","x":[1]}"#;
    let tokens = respond(exchange(&client), Response::new(answer)).unwrap();
    let good_tokens = serde_json::to_string(&tokens.into_stored()).unwrap();
    assert!(good_callback.len() <= 1024);

    let (callback, tokens) = if chooser % 2 == 0 {
        (changed(&good_callback, rest), changed(&good_tokens, rest))
    } else {
        (rest.to_vec(), rest.to_vec())
    };
    if let Ok(stored) = serde_json::from_slice::<StoredCallback>(&callback) {
        let before = serde_json::to_value(&stored).unwrap();
        if let Ok(restored) = PendingCallback::from_stored(stored, &client) {
            let after = serde_json::to_value(restored.into_stored()).unwrap();
            same(&before, &after);
            if chooser % 2 == 0 {
                same(&serde_json::from_str(&good_callback).unwrap(), &after);
            }
        }
    }
    if let Ok(stored) = serde_json::from_slice::<StoredTokens>(&tokens) {
        let before = serde_json::to_value(&stored).unwrap();
        if let Ok(restored) = Tokens::from_stored(stored, &client) {
            let after = serde_json::to_value(restored.into_stored()).unwrap();
            same(&before, &after);
            if chooser % 2 == 0 {
                same(&serde_json::from_str(&good_tokens).unwrap(), &after);
            }
        }
    }
}

fn changed(good: &str, changes: &[u8]) -> Vec<u8> {
    let mut bytes = good.as_bytes().to_vec();
    for change in changes.chunks_exact(3) {
        let at = usize::from(u16::from_be_bytes([change[0], change[1]])) % bytes.len();
        bytes[at] ^= change[2];
    }
    bytes
}

fn same(before: &Value, after: &Value) {
    assert_eq!(before, after, "something else was restored than was stored");
    assert_eq!(after["v"], 1);
    assert_eq!(after["client_id"], "app");
    assert_eq!(after["issuer"], ISSUER);
}
