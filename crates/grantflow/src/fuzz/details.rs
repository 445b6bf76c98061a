//! Authorization details: a list of objects with a `type`, kept byte for byte, requested and granted.

use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::raw_members;
use super::{client, exchange, printed, respond, server};
use crate::{AuthorizationDetails, GrantedDetails};

/// The common members that are lists of texts (RFC 9396 §2.2).
const LISTS: [&str; 4] = ["locations", "actions", "datatypes", "privileges"];

/// The bytes are the text of the details.
pub fn authorization_details(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    match AuthorizationDetails::from_json(text) {
        Ok(details) => {
            let types = naive_types(text).expect("what has no list of objects with a type was taken");
            assert!(!types.is_empty() && text.len() <= 64 * 1024 + 64);
            assert!(naive_shape(text), "a member of another type was taken");
            assert_eq!(details.types().collect::<Vec<_>>(), types);
            assert_eq!(details.as_json(), text.trim_ascii());
            let all: Vec<Value> = details.read().unwrap_or_default();
            let by_type: usize = {
                let mut each = types.clone();
                each.sort_unstable();
                each.dedup();
                each.iter().map(|kind| details.of_type::<Value>(kind).map_or(0, |found| found.len())).sum()
            };
            assert!(all.is_empty() || all.len() == by_type, "of_type() loses one");
        }
        Err(error) => {
            let good = naive_types(text).is_some_and(|types| !types.is_empty()) && naive_shape(text);
            assert!(!good || text.len() > 64 * 1024, "good details were refused: {error}");
            printed(&error);
        }
    }
    granted(text);
}

/// The same text as a member of a token answer.
fn granted(text: &str) {
    let Ok(member) = serde_json::from_str::<&RawValue>(text) else { return };
    let answer = format!(r#"{{"access_token":"at","token_type":"Bearer","authorization_details":{}}}"#, member.get());
    // Text that no JSON reader can hold refuses the whole answer.
    let Ok(tokens) = respond(exchange(&client(&server())), http::Response::new(answer.as_bytes())) else { return };
    match (tokens.authorization_details(), naive_types(text)) {
        (GrantedDetails::Granted(details), Some(types)) => {
            assert_eq!(details.types().collect::<Vec<_>>(), types);
            assert_eq!(details.as_json(), member.get());
        }
        (GrantedDetails::NotSaid, _) => assert_eq!(member.get(), "null"),
        (GrantedDetails::Unreadable, found) => {
            assert!(found.is_none() || member.get().len() > 64 * 1024, "readable details were not read");
        }
        (GrantedDetails::Granted(_), None) => panic!("unreadable details were read"),
    }
}

/// The types, if it is a list of objects that each have exactly one, and no common member twice.
fn naive_types(text: &str) -> Option<Vec<String>> {
    let objects: Vec<&RawValue> = serde_json::from_str(text.trim_ascii()).ok()?;
    objects.into_iter().map(|object| naive_object(object.get()).map(|(kind, _)| kind)).collect()
}

type Members = Vec<(String, String)>;

fn naive_object(object: &str) -> Option<(String, Members)> {
    let members: Members = raw_members(object)?.into_iter().map(|(name, raw)| (name, raw.get().to_owned())).collect();
    let once = |name: &str| members.iter().filter(|(known, _)| known == name).count() <= 1;
    if !once("type") || !once("identifier") || !LISTS.iter().all(|name| once(name)) {
        return None;
    }
    let kind = members.iter().find(|(name, _)| name == "type").map(|(_, raw)| raw.clone())?;
    let kind: String = serde_json::from_str(&kind).ok()?;
    (!kind.is_empty()).then_some((kind, members))
}

/// Whether the common members have the types of RFC 9396 §2.2.
fn naive_shape(text: &str) -> bool {
    let objects: Vec<&RawValue> = serde_json::from_str(text.trim_ascii()).unwrap_or_default();
    objects.into_iter().filter_map(|object| naive_object(object.get())).all(|(_, members)| {
        members.iter().all(|(name, raw)| match name.as_str() {
            "identifier" => serde_json::from_str::<String>(raw).is_ok(),
            name if LISTS.contains(&name) => serde_json::from_str::<Vec<String>>(raw).is_ok(),
            _ => true,
        })
    })
}
