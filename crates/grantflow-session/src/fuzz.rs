//! The bodies of the fuzz targets: each takes any bytes, and checks more than the absence of panics.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "an oracle reports by a panic, and only fuzzers and tests link this module"
)]

mod renewal;

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::key::Key;
use crate::record::Record;
use crate::store::Value;

pub use renewal::renewal;

/// A stored grant, as it is and as the body of one whose checksum is right: what is accepted says the same when it is
/// written and read again, and holds JSON.
pub fn record(bytes: &[u8]) {
    read_record(bytes);
    let sum = Base64UrlUnpadded::encode_string(&Sha256::digest(bytes)[..16]);
    read_record(&[format!("grantflow-session 1 {sum}\n").as_bytes(), bytes].concat());
}

fn key() -> Key {
    Key::new("ada").expect("a key")
}

fn read_record(bytes: &[u8]) {
    let value = Value::new(bytes.to_vec());
    let Ok(record) = Record::from_value(&value, &key()) else { return };
    let text = core::str::from_utf8(bytes).expect("what is accepted is text");
    let body = text.split_once('\n').expect("a head and a body").1;
    let body = members(body);
    assert_eq!(body["generation"].get().parse(), Ok(record.id.generation));
    assert_eq!(body.get("grant").map_or(Ok(0), |grant| grant.get().parse()), Ok(record.id.grant));
    assert_eq!(body.get("begun").is_some_and(|begun| begun.get() != "null"), record.mark.is_some());
    assert_eq!(body.get("lost").is_some_and(|lost| lost.get() != "null"), record.lost.is_some());
    assert!(body.contains_key("tokens"), "a record holds tokens");

    let written = record.to_value(&key()).expect("what was read can be written");
    let again = Record::from_value(&written, &key()).expect("what was written can be read");
    assert_eq!((again.id, again.mark, again.lost), (record.id, record.mark, record.lost));
    assert_eq!(again.stored_tokens().is_ok(), record.stored_tokens().is_ok());
    let rewritten = again.to_value(&key()).expect("and written again");
    assert_eq!(rewritten.expose_secret(), written.expose_secret());
    let written = core::str::from_utf8(written.expose_secret()).expect("text");
    let copy = members(written.split_once('\n').expect("a body").1);
    assert_eq!(copy["tokens"].get(), body["tokens"].get());
}

/// Raw, because a stored grant's tokens may be nested deeper than serde_json's trees allow.
fn members(body: &str) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(body).expect("the body is a JSON object")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_record(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            super::record(&bytes);
        }

        #[test]
        fn records_with_odd_members(
            generation: u64,
            begun in prop_oneof![Just("null"), Just(r#"{"at":1,"sent":2}"#), Just(r#"{"at":1}"#), Just("7")],
            lost in prop_oneof![Just("null"), Just("\"refused\""), Just("\"no_refresh_token\""), Just("\"x\"")],
            tokens in prop_oneof![Just("{}"), Just(r#" { "a" : [1, {"b":"\u00e9"}] } "#), Just("null"), Just("1e9"), Just("{")],
        ) {
            let body = format!(r#"{{"generation":{generation},"begun":{begun},"tokens":{tokens},"lost":{lost}}}"#);
            super::record(body.as_bytes());
        }
    }
}
