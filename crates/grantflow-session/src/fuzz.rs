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

use crate::authorize::says_invalid_token;
use crate::key::Key;
use crate::record::Record;
use crate::store::Value;

pub use renewal::renewal;

/// One `WWW-Authenticate` line: what the grammar makes a refusal of the token is taken for one, what lacks the words for
/// it is not, and what a list may hold beside it changes nothing.
pub fn challenge(line: &[u8]) {
    let read = says_invalid_token(line);
    if strict(line) == Some(true) {
        assert!(read, "not seen in {:?}", line.escape_ascii().to_string());
    }
    if read {
        let plain: Vec<u8> = line.iter().copied().filter(|b| *b != b'\\').collect();
        let lower = line.to_ascii_lowercase();
        assert!(contains(&plain, b"invalid_token") && contains(&lower, b"bearer") && contains(&lower, b"error"));
    }
    assert_eq!(says_invalid_token(&[b" ,\t", line].concat()), read);
    if strict(line).is_some() {
        assert_eq!(says_invalid_token(&[line, b", Basic realm=\"x\""].concat()), read);
        let after = [line, b", Bearer error=\"invalid_token\""].concat();
        assert!(says_invalid_token(&after));
    }
}

/// The same question by the letter of RFC 9110, by taking the line apart over and over. `None` where it is no list of
/// challenges.
fn strict(line: &[u8]) -> Option<bool> {
    let (mut quoted, mut escaped) = (false, false);
    let elements: Vec<&[u8]> = line
        .split(|byte| {
            let was_escaped = core::mem::take(&mut escaped);
            match byte {
                _ if was_escaped => {}
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => {}
            }
            *byte == b',' && !quoted
        })
        .map(trim)
        .filter(|element| !element.is_empty())
        .collect();
    // (is it Bearer, may parameters follow, the errors)
    let mut challenges: Vec<(bool, bool, Vec<Vec<u8>>)> = Vec::new();
    for element in elements {
        if let Some((name, value)) = parameter(element) {
            let (_, open, errors) = challenges.last_mut()?;
            if !*open {
                return None;
            }
            if name == b"error" {
                errors.push(value);
            }
            continue;
        }
        let end = element.iter().position(|b| *b == b' ').unwrap_or(element.len());
        let (scheme, rest) = (&element[..end], trim(&element[end..]));
        if !token(scheme) {
            return None;
        }
        let mut challenge = (scheme.eq_ignore_ascii_case(b"bearer"), false, Vec::new());
        if let Some((name, value)) = parameter(rest) {
            challenge.1 = true;
            challenge.2.extend((name == b"error").then_some(value));
        } else if !rest.is_empty() && !token68(rest) {
            return None;
        }
        challenges.push(challenge);
    }
    Some(challenges.iter().any(|(bearer, _, errors)| *bearer && *errors == [b"invalid_token".to_vec()]))
}

/// `token BWS "=" BWS ( token / quoted-string )`, the name in lower case and the value without its quotes.
fn parameter(element: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let equals = element.iter().position(|b| *b == b'=')?;
    let (name, value) = (trim(&element[..equals]), trim(&element[equals + 1..]));
    if !token(name) {
        return None;
    }
    if token(value) {
        return Some((name.to_ascii_lowercase(), value.to_vec()));
    }
    let mut inside = value.strip_prefix(b"\"")?.strip_suffix(b"\"")?.iter();
    let mut text = Vec::new();
    while let Some(byte) = inside.next() {
        match byte {
            b'"' => return None,
            b'\\' => text.push(*inside.next()?),
            _ => text.push(*byte),
        }
    }
    Some((name.to_ascii_lowercase(), text))
}

fn token68(text: &[u8]) -> bool {
    let end = text.iter().position(|b| *b == b'=').unwrap_or(text.len());
    end > 0
        && text[..end].iter().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(b))
        && text[end..].iter().all(|b| *b == b'=')
}

fn token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(b))
}

fn trim(text: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = text.iter().position(|b| !blank(b)).unwrap_or(text.len());
    let end = text.iter().rposition(|b| !blank(b)).map_or(start, |last| last + 1);
    &text[start..end]
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A stored grant, as it is and as the body of a record with a correct checksum. What is accepted is the same after
/// writing and reading it again, and is JSON.
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
