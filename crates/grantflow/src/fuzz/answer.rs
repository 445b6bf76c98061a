//! What a token endpoint's body says, read a second time: with serde_json, in no hurry, and by the RFC's words.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members that have a meaning.
const KNOWN: [&str; 9] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "id_token",
    "error",
    "error_description",
    "error_uri",
];

/// What a body says to a client without quirks.
pub(super) enum Says {
    Token(Token),
    Error(String),
    /// Neither, or both, or nothing that can be read.
    Nothing,
}

#[derive(Debug, PartialEq)]
pub(super) struct Token {
    pub(super) access_token: String,
    pub(super) dpop: bool,
    pub(super) expires_in: Option<u64>,
    pub(super) refresh_token: Option<String>,
    pub(super) id_token: Option<String>,
    pub(super) scope: Option<Vec<String>>,
    /// The names of the members that have no meaning, in their order.
    pub(super) unknown: Vec<String>,
}

/// Reads a body as RFC 6749 §5.1 and §5.2 have it.
pub(super) fn read(body: &[u8]) -> Says {
    members(body).and_then(|members| says(&members)).unwrap_or(Says::Nothing)
}

/// Name and value of every member, doubles included. An object or a list is `true`: here, no member is one.
fn members(body: &[u8]) -> Option<Vec<(String, Value)>> {
    struct All;

    impl<'de> Visitor<'de> for All {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut all = Vec::new();
            while let Some(member) = map.next_entry()? {
                all.push(member);
            }
            Ok(all)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(std::str::from_utf8(body).ok()?);
    let all = deserializer.deserialize_map(All).ok()?;
    deserializer.end().ok()?;
    let value = |(name, raw): (String, &RawValue)| {
        let nested = raw.get().starts_with(['{', '[']);
        // What has no meaning may be any JSON, numbers out of range and half surrogates included.
        let any = nested || !KNOWN.contains(&name.as_str());
        Some((name, if any { Value::Bool(true) } else { serde_json::from_str(raw.get()).ok()? }))
    };
    all.into_iter().map(value).collect()
}

/// `None` stands for [`Says::Nothing`].
fn says(members: &[(String, Value)]) -> Option<Says> {
    let all = |name: &str| members.iter().filter(|(n, _)| n == name).map(|(_, value)| value).collect::<Vec<_>>();
    if KNOWN.iter().any(|name| all(name).len() > 1) {
        return None;
    }
    let one = |name: &str| all(name).first().copied();
    if let Some(error) = one("error") {
        let beside_token = one("access_token").is_some_and(|token| !token.is_null());
        let code = error.as_str().filter(|code| !code.is_empty() && !beside_token)?;
        return Some(Says::Error(code.to_owned()));
    }
    // Printable ASCII, RFC 6749 appendix A.12 and A.17.
    let visible = |value: &Value| {
        let text = value.as_str().filter(|text| !text.is_empty())?;
        text.chars().all(|c| (' '..='~').contains(&c)).then(|| text.to_owned())
    };
    // There and wrong is not the same as not there.
    let optional = |name: &str| match one(name) {
        Some(value) => visible(value).map(Some),
        None => Some(None),
    };
    let dpop = match one("token_type")?.as_str()?.to_ascii_lowercase().as_str() {
        "bearer" => false,
        "dpop" => true,
        _ => return None,
    };
    let scope = match one("scope") {
        None => None,
        Some(value) => {
            let text = value.as_str()?;
            if !text.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\') {
                return None;
            }
            Some(text.split(' ').filter(|token| !token.is_empty()).map(str::to_owned).collect())
        }
    };
    Some(Says::Token(Token {
        access_token: visible(one("access_token")?)?,
        dpop,
        expires_in: match one("expires_in") {
            None => None,
            Some(value) => Some(seconds(value)?),
        },
        refresh_token: optional("refresh_token")?,
        id_token: optional("id_token")?,
        scope,
        unknown: members.iter().map(|(name, _)| name.clone()).filter(|name| !KNOWN.contains(&name.as_str())).collect(),
    }))
}

/// A lifetime: a number that is not negative, floored, or digits in a string.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64))
        }
        Value::String(digits) if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) => {
            // One digit after the other, up to the largest number there is.
            Some(digits.bytes().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))))
        }
        _ => None,
    }
}
