//! The content of a token endpoint's body, read a second time with serde_json by the words of the RFC.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The known members.
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

/// The content of a body for a client without quirks.
pub(super) enum Says {
    Token(Token),
    Error(String),
    /// Neither, both, or nothing that can be read.
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
    /// The members that are present without a readable value.
    pub(super) tolerated: Vec<&'static str>,
    /// The names of the unknown members, in order.
    pub(super) unknown: Vec<String>,
}

/// Reads a body as RFC 6749 §5.1 and §5.2 have it.
pub(super) fn read(body: &[u8]) -> Says {
    // An error may explain itself in another encoding and with line breaks; a token answer may not.
    let text = String::from_utf8_lossy(body);
    let plain = members(&text);
    let sound = core::str::from_utf8(body).is_ok() && plain.is_some();
    let members = plain.or_else(|| members(&one_line(&text)));
    match members.and_then(|members| says(&members)).unwrap_or(Says::Nothing) {
        Says::Token(_) if !sound => Says::Nothing,
        Says::Error(code) if !sound && code.contains('\u{fffd}') => Says::Nothing,
        said => said,
    }
}

/// The text with its quoted control characters replaced.
fn one_line(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        match c {
            '\\' if quoted => {
                out.push(c);
                // The next character does not end the text.
                match rest.next() {
                    Some(c) if c < ' ' => out.push('\u{fffd}'),
                    Some(c) => out.push(c),
                    None => {}
                }
            }
            '"' => {
                quoted = !quoted;
                out.push(c);
            }
            c if quoted && c < ' ' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The value of a known member.
enum Found {
    Value(Value),
    /// A list, an object, or a text with half a surrogate: JSON without a meaning here.
    Odd,
    /// A number that no `f64` can hold.
    OutOfRange,
}

/// Name and JSON text of every member, including doubles; `None` if this is not a JSON object.
pub(super) fn raw_members(body: &str) -> Option<Vec<(String, &RawValue)>> {
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

    let mut deserializer = serde_json::Deserializer::from_str(body);
    let all = deserializer.deserialize_map(All).ok()?;
    deserializer.end().ok()?;
    Some(all)
}

/// Name and value of every member, including doubles.
fn members(body: &str) -> Option<Vec<(String, Found)>> {
    let value = |(name, raw): (String, &RawValue)| {
        let nested = raw.get().starts_with(['{', '[']);
        // An unknown member may be any JSON, including numbers out of range and half surrogates.
        let any = nested || !KNOWN.contains(&name.as_str());
        let found = match serde_json::from_str(raw.get()) {
            _ if any => Found::Odd,
            Ok(value) => Found::Value(value),
            Err(_) if raw.get().starts_with('"') => Found::Odd,
            Err(_) => Found::OutOfRange,
        };
        (name, found)
    };
    Some(raw_members(body)?.into_iter().map(value).collect())
}

/// `None` stands for [`Says::Nothing`].
fn says(members: &[(String, Found)]) -> Option<Says> {
    let all = |name: &str| members.iter().filter(|(n, _)| n == name).map(|(_, value)| value).collect::<Vec<_>>();
    let one = |name: &str| all(name).last().copied();
    let text = |name: &str| match one(name) {
        Some(Found::Value(Value::String(text))) => Some(text.clone()),
        _ => None,
    };
    if one("error").is_some() {
        let no_token = |name: &&str| match one(name) {
            None | Some(Found::Value(Value::Null)) => true,
            Some(Found::Value(Value::String(text))) => text.is_empty(),
            Some(_) => false,
        };
        let alone = all("error").len() == 1 && ["access_token", "refresh_token"].iter().all(no_token);
        return Some(Says::Error(text("error").filter(|code| !code.is_empty() && alone)?));
    }
    if KNOWN.iter().any(|name| all(name).len() > 1 || matches!(one(name), Some(Found::OutOfRange))) {
        return None;
    }
    // Printable ASCII and not only blanks, RFC 6749 appendix A.12 and A.17.
    let visible = |name: &str| {
        let text = text(name)?;
        let good = text.chars().all(|c| (' '..='~').contains(&c)) && text.chars().any(|c| c != ' ');
        good.then_some(text)
    };
    let dpop = match text("token_type")?.to_ascii_lowercase().as_str() {
        "bearer" => false,
        "dpop" => true,
        _ => return None,
    };
    let of_a_scope = |c: char| (' '..='~').contains(&c) && c != '"' && c != '\\';
    let words = |text: String| text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let mut token = Token {
        access_token: visible("access_token")?,
        dpop,
        expires_in: match one("expires_in") {
            Some(Found::Value(value)) => seconds(value),
            _ => None,
        },
        refresh_token: visible("refresh_token"),
        id_token: visible("id_token"),
        scope: text("scope").filter(|text| text.chars().all(of_a_scope)).map(words),
        tolerated: Vec::new(),
        unknown: members.iter().map(|(name, _)| name.clone()).filter(|name| !KNOWN.contains(&name.as_str())).collect(),
    };
    token.tolerated = [
        ("expires_in", token.expires_in.is_some()),
        ("refresh_token", token.refresh_token.is_some()),
        ("scope", token.scope.is_some()),
        ("id_token", token.id_token.is_some()),
    ]
    .into_iter()
    .filter(|(name, has_value)| one(name).is_some() && !has_value)
    .map(|(name, _)| name)
    .collect();
    Some(Says::Token(token))
}

/// A lifetime: a number that is not negative, floored, or digits in a string, perhaps with a fraction.
fn seconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            number.as_u64().or_else(|| number.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u64))
        }
        Value::String(text) => {
            let parts: Vec<&str> = text.split('.').collect();
            let digits = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
            if parts.len() > 2 || !parts.iter().all(digits) {
                return None;
            }
            // One digit after the other, up to the largest number.
            let digits = parts[0].bytes().map(|digit| u64::from(digit - b'0'));
            Some(digits.fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(digit)))
        }
        _ => None,
    }
}
