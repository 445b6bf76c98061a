//! Introspection answers: a token is active only if `active` is `true`, and every value is the one in the answer.

use std::collections::{BTreeMap, BTreeSet};

use http::Response;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::answer::raw_members;
use super::{Counting, NOW, STATUSES, printed};
use crate::{ActiveToken, Env, Exchange, Failure, Introspected, Introspection, Left, Server, Step, UnixTime};

const SECRET: &str = "client-secret-of-the-oracle";
const TOKEN: &str = "token-of-the-oracle";
const KNOWN: [&str; 13] = [
    "authorization_details",
    "active",
    "scope",
    "client_id",
    "username",
    "token_type",
    "exp",
    "iat",
    "nbf",
    "sub",
    "aud",
    "iss",
    "jti",
];

type Members<'m> = BTreeMap<String, &'m str>;

/// The first byte chooses the status; the rest is the body.
pub fn introspection(bytes: &[u8]) {
    let Some((chooser, body)) = bytes.split_first() else { return };
    let status = STATUSES[usize::from(chooser % 16)];
    let response = Response::builder().status(status).body(body).unwrap();
    match respond(response) {
        Ok(said) => {
            assert_eq!(status, 200, "only 200 describes a token");
            let members = members(body).expect("what is described twice, or in no object, is not described");
            assert!(!members.contains_key("error"), "a description beside an error");
            assert_eq!(members.get("active").copied(), Some(if said.active().is_some() { "true" } else { "false" }));
            let shown = format!("{said:?} {said:#?}");
            if let Some(token) = said.active() {
                describes(token, &members);
                prints_nobody(&shown, &members);
            }
        }
        Err(failure) => {
            assert!(!(status == 200 && is_plain(body)), "a good answer was refused: {}", failure.error);
            let text = printed(&failure.error);
            // An interim answer is the HTTP stack's fault.
            assert!(status < 200 || text.contains("introspection endpoint"), "which endpoint? {text}");
            assert!(!text.contains(SECRET) && !text.contains(TOKEN), "a secret was printed");
            let Left::Intact(left) = failure.left else { panic!("the question is lost: {text}") };
            let again = left.request(&mut Env::new(NOW, &mut Counting(0))).unwrap();
            assert!(String::from_utf8_lossy(again.body().as_ref()).contains(TOKEN));
        }
    }
}

fn respond(response: Response<&[u8]>) -> Result<Introspected, Failure<Introspection>> {
    let server = Server::with_token_endpoint("https://as.example/token")
        .and_then(|server| server.introspection_endpoint("https://as.example/introspect"))
        .unwrap();
    let client = server.client("api").secret_post(SECRET).unwrap();
    let mut rng = Counting(0);
    match Introspection::new(&client, TOKEN).unwrap().respond(&mut Env::new(NOW, &mut rng), response)? {
        Step::Done(said) => Ok(said),
        Step::Again(_) => panic!("a question asked to be run again"),
    }
}

/// The members with their JSON; `None` if this is no object, or has a member that means something twice.
fn members(body: &[u8]) -> Option<Members<'_>> {
    let mut all = Members::new();
    for (name, json) in raw_members(core::str::from_utf8(body).ok()?)? {
        let known = KNOWN.contains(&name.as_str());
        if all.insert(name, json.get()).is_some() && known {
            return None;
        }
    }
    Some(all)
}

fn describes(token: &ActiveToken, members: &Members<'_>) {
    let said = |name: &str| members.get(name).copied().filter(|json| *json != "null");
    let text = |name: &str| said(name).map(|json| serde_json::from_str::<String>(json).expect("a text"));
    for (name, found) in [
        ("client_id", token.client_id()),
        ("username", token.username()),
        ("token_type", token.token_type()),
        ("sub", token.subject()),
        ("iss", token.issuer()),
        ("jti", token.token_id()),
    ] {
        assert_eq!(text(name).as_deref(), found, "{name}");
    }
    for (name, found) in [("exp", token.expires_at()), ("iat", token.issued_at()), ("nbf", token.not_before())] {
        assert_eq!(said(name).is_some(), found.is_some(), "{name}");
        // Fractions and numbers beyond 64 bits have many spellings; whole ones have these two.
        let whole = said(name).and_then(|json| json.trim_matches('"').parse::<u64>().ok());
        assert!(whole.is_none() || whole.map(UnixTime::from_secs) == found, "{name}");
    }
    let scope = text("scope").map(|text| text.split(' ').filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" "));
    assert_eq!(scope.as_deref(), token.scope().map(crate::Scope::as_str));
    let audience = match said("aud").map(|json| serde_json::from_str::<Value>(json).expect("JSON")) {
        None => Vec::new(),
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().map(|one| one.as_str().expect("a text").to_owned()).collect(),
        Some(other) => panic!("{other} is no audience"),
    };
    assert_eq!(token.audience(), audience);
    assert!(audience.iter().all(|resource| token.is_for(resource)));
    if let Ok(extra) = token.extra::<BTreeMap<String, IgnoredAny>>() {
        let unknown: BTreeSet<&String> = members.keys().filter(|name| !KNOWN.contains(&name.as_str())).collect();
        assert_eq!(extra.keys().collect::<BTreeSet<_>>(), unknown);
    }
}

/// What the answer says about a person must not be printed in a log.
fn prints_nobody(shown: &str, members: &Members<'_>) {
    const PERSON: [&str; 5] = ["client_id", "username", "sub", "iss", "jti"];
    // What is printed of the same answer without them is none of their text.
    let rest = members.iter().filter(|(name, _)| !PERSON.contains(&name.as_str()));
    let rest: Vec<String> = rest.map(|(name, json)| format!("{}:{json}", Value::from(name.as_str()))).collect();
    let rest = format!("{{{}}}", rest.join(","));
    let ours =
        respond(Response::new(rest.as_bytes())).map_or_else(|_| String::new(), |said| format!("{said:?} {said:#?}"));
    for name in PERSON {
        let text = members.get(name).and_then(|json| serde_json::from_str::<String>(json).ok()).unwrap_or_default();
        let telling =
            text.len() >= 8 && !ours.contains(&text) && !text.bytes().all(|b| b.is_ascii_digit() || b == b' ');
        assert!(!telling || !shown.contains(&text), "{name} was printed");
    }
}

/// An answer without any fault.
fn is_plain(body: &[u8]) -> bool {
    let Some(members) = members(body) else { return false };
    let is = |name: &str, right: fn(&Value) -> bool| {
        let json = members.get(name).map(|json| serde_json::from_str::<Value>(json));
        json.is_none_or(|value| value.is_ok_and(|value| right(&value)))
    };
    let texts = ["client_id", "username", "token_type", "sub", "iss", "jti", "aud"];
    let scope =
        |value: &Value| value.as_str().is_some_and(|text| text.bytes().all(|b| b == b' ' || b.is_ascii_lowercase()));
    members.keys().all(|name| KNOWN.contains(&name.as_str()) && name != "authorization_details")
        && members.contains_key("active")
        && is("active", Value::is_boolean)
        && is("scope", scope)
        && texts.iter().all(|name| is(name, Value::is_string))
        && ["exp", "iat", "nbf"].iter().all(|name| is(name, Value::is_u64))
}
