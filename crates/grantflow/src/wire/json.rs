//! A JSON object, flat: the members that have a meaning, each at most once, and the rest kept raw.
//!
//! serde's derive takes a JSON array for a struct, and its `flatten` lets duplicates pass, builds a tree and loses the
//! raw text of numbers. So this is a visitor. It is not recursive: what it does not know is skipped iteratively.

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::answer::{Extra, Members, Scalar, list_item};
use crate::error::{Member, Violation};

/// Finds the member that a name stands for, where a server has other names than the standard.
pub(crate) type Names<'n> = Option<&'n dyn Fn(&str) -> Option<Member>>;

/// The member that a name stands for.
#[inline]
pub(super) fn member(names: Names<'_>, name: &str) -> Option<Member> {
    match names {
        None => Member::named(name),
        Some(names) => names(name),
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) violation: Violation,
    /// Whether the body ends before its JSON does.
    pub(crate) cut: bool,
}

impl From<Violation> for Fault {
    fn from(violation: Violation) -> Self {
        Self { violation, cut: violation == Violation::EmptyBody }
    }
}

/// Reads the object at `path` inside `body`; an empty path is the body itself.
///
/// An OAuth error on the way to the path counts: servers that nest their tokens state errors at the top. `states_error`
/// tells one from a member that the server's quirks make meaningless. `CAREFUL` reads each known member by itself, so
/// that one that serde_json cannot hold costs only its own value.
#[inline]
pub(crate) fn parse<'a, const CAREFUL: bool>(
    body: &'a str,
    path: &[String],
    names: Names<'_>,
    states_error: &impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
) -> Result<(), Fault> {
    match path.split_first() {
        None => read::<CAREFUL>(body, None, names, members).map(|_| ()),
        Some((first, rest)) => parse_inside::<CAREFUL>(body, first, rest, names, states_error, members),
    }
}

fn parse_inside<'a, const CAREFUL: bool>(
    body: &'a str,
    first: &str,
    rest: &[String],
    names: Names<'_>,
    states_error: &impl Fn(&Members<'a>) -> bool,
    members: &mut Members<'a>,
) -> Result<(), Fault> {
    let inner = read::<CAREFUL>(body, Some(first), names, members)?;
    members.keep_error_only();
    if members.violation.is_some() || members.doubled().is_some() || states_error(members) {
        return Ok(());
    }
    let mut inner = inner.ok_or(Violation::TokenPath)?.get();
    let mut rest = rest;
    while let Some((step, further)) = rest.split_first()
        && let Some(at) = list_index(step)
        && inner.starts_with('[')
    {
        inner = list_item(inner, at).ok_or(Violation::TokenPath)?;
        rest = further;
    }
    *members = Members::default();
    parse::<CAREFUL>(inner, rest, names, states_error, members).map_err(|fault| match fault.violation {
        Violation::NotAnObject => Violation::TokenPath.into(),
        _ => fault,
    })
}

/// `[0]` is the first item of a list.
fn list_index(step: &str) -> Option<usize> {
    let digits = step.strip_prefix('[')?.strip_suffix(']')?;
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

/// Reads one object; gives the raw value of the member that leads further in.
fn read<'a, const CAREFUL: bool>(
    body: &'a str,
    into: Option<&str>,
    names: Names<'_>,
    members: &mut Members<'a>,
) -> Result<Option<&'a RawValue>, Fault> {
    if body.trim_ascii().is_empty() {
        return Err(Violation::EmptyBody.into());
    }
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let object = Object::<CAREFUL> { names, into, body_len: body.len(), members };
    deserializer.deserialize_map(object).and_then(|inner| deserializer.end().map(|()| inner)).map_err(|error| {
        let violation = if error.is_data() {
            Violation::NotAnObject
        } else {
            Violation::NotJson { line: error.line(), column: error.column() }
        };
        Fault { violation, cut: error.is_eof() }
    })
}

struct Object<'n, 'm, 'de, const CAREFUL: bool> {
    names: Names<'n>,
    into: Option<&'n str>,
    body_len: usize,
    members: &'m mut Members<'de>,
}

impl<'de, const CAREFUL: bool> Visitor<'de> for Object<'_, '_, 'de, CAREFUL> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let members = self.members;
        let mut inner = None;
        let mut unknown = String::new();
        while let Some(key) = map.next_key_seed(Key {
            names: self.names,
            into: self.into,
            unknown: &mut unknown,
            body_len: self.body_len,
        })? {
            match key {
                Found::Known(member) if CAREFUL => members.put(member, scalar(map.next_value()?)),
                Found::Known(member) => members.put(member, map.next_value_seed(ReadScalar)?),
                Found::Into => {
                    if inner.replace(map.next_value::<&RawValue>()?).is_some() {
                        members.refuse(Violation::TokenPath);
                    }
                }
                Found::Unknown => unknown.push_str(map.next_value::<&RawValue>()?.get()),
            }
        }
        if !unknown.is_empty() {
            unknown.push('}');
            // The room was made for the worst case; do not keep a large body's worth for a small rest.
            if unknown.capacity() > unknown.len().saturating_mul(2).saturating_add(1024) {
                unknown.shrink_to_fit();
            }
            members.extra = Extra::json(unknown);
        }
        Ok(inner)
    }
}

enum Found {
    Known(Member),
    Into,
    Unknown,
}

/// Reads a key, and writes one that has no meaning down where its value will follow.
struct Key<'k> {
    names: Names<'k>,
    into: Option<&'k str>,
    unknown: &'k mut String,
    body_len: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Found;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Found, E> {
        if self.into == Some(name) {
            return Ok(Found::Into);
        }
        if let Some(member) = member(self.names, name) {
            return Ok(Found::Known(member));
        }
        if self.unknown.is_empty() {
            self.unknown.reserve(self.body_len.saturating_add(2));
            self.unknown.push('{');
        } else {
            self.unknown.push(',');
        }
        if name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\')) {
            self.unknown.push('"');
            self.unknown.push_str(name);
            self.unknown.push('"');
        } else {
            self.unknown.push_str(&serde_json::to_string(name).map_err(|_| E::custom("name"))?);
        }
        self.unknown.push(':');
        Ok(Found::Unknown)
    }
}

/// A value, or what it is in spite of which serde_json cannot hold it.
pub(super) fn scalar(raw: &RawValue) -> Scalar<'_> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    match ReadScalar.deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(_) if raw.get().starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => Scalar::OutOfRange,
        Err(_) => Scalar::Other,
    }
}

/// Reads any value without failing on its type: what type it must have is decided where the member is known.
struct ReadScalar;

impl<'de> DeserializeSeed<'de> for ReadScalar {
    type Value = Scalar<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ReadScalar {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Whole(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(u64::try_from(number).map_or(Scalar::Other, Scalar::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Scalar<'de>, E> {
        // A cast saturates; a negative or an infinite lifetime is none at all.
        Ok(if number >= 0.0 && number.is_finite() { Scalar::Whole(number as u64) } else { Scalar::Other })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar<'de>, A::Error> {
        let mut joined = String::new();
        let mut all_text = true;
        while let Some(item) = list.next_element_seed(ReadItem)? {
            match item {
                Some(text) if all_text => {
                    if !joined.is_empty() {
                        joined.push(' ');
                    }
                    joined.push_str(&text);
                }
                _ => all_text = false,
            }
        }
        Ok(if all_text { Scalar::List(joined) } else { Scalar::Other })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// An item of a list: its text, or `None` for anything else, skipped without recursion.
struct ReadItem;

impl<'de> DeserializeSeed<'de> for ReadItem {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let raw: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
        let text = raw.get();
        Ok(if text.starts_with('"') { serde_json::from_str::<String>(text).ok().map(Cow::Owned) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_top(body: &str) -> Result<Members<'_>, Violation> {
        parse_at(body, &[])
    }

    fn parse_at<'a>(body: &'a str, path: &[String]) -> Result<Members<'a>, Violation> {
        let mut members = Members::default();
        let states_error = |members: &Members<'_>| members.get(Member::Error).is_some();
        parse::<false>(body, path, None, &states_error, &mut members).map_err(|fault| fault.violation)?;
        match members.violation.or_else(|| members.doubled().map(Violation::Duplicate)) {
            Some(violation) => Err(violation),
            None => Ok(members),
        }
    }

    #[test]
    fn only_an_object_is_an_object() {
        for bad in ["[]", "[\"tok\"]", "null", "\"x\"", "1", "true"] {
            assert_eq!(parse_top(bad).unwrap_err(), Violation::NotAnObject, "{bad}");
        }
        assert!(parse_top("{}").is_ok());
    }

    #[test]
    fn what_is_not_json_says_where() {
        for bad in [
            "{",
            "{}x",
            "{\"a\":}",
            "\u{feff}{}",
            "{\"a\":1,}",
            "<html>",
            "{\"expires_in\":1e999}",
            "{\"error\":\"\u{1}\"}",
        ] {
            assert!(matches!(parse_top(bad), Err(Violation::NotJson { .. })), "{bad}");
        }
        assert_eq!(parse_top(" \r\n").unwrap_err(), Violation::EmptyBody);
    }

    #[test]
    fn a_duplicate_is_found_however_it_is_spelt() {
        let twice = parse_top(r#"{"access_token":"a","access\u005ftoken":"b"}"#);
        assert_eq!(twice.unwrap_err(), Violation::Duplicate(Member::AccessToken));
    }

    #[test]
    fn the_rest_is_kept_raw() {
        let members = parse_top(r#"{"b":[1.50, {"c":null}],"access_token":"a","q\"\n":true}"#).unwrap();
        assert_eq!(members.extra.text(), r#"{"b":[1.50, {"c":null}],"q\"\n":true}"#);
    }

    #[test]
    fn a_million_levels_are_skipped() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let (open, close) = (open.repeat(1_000_000), close.repeat(1_000_000));
            for member in ["zzz", "scope", "expires_in", "error"] {
                let deep = format!("{{\"{member}\":{open}1{close}}}");
                assert!(parse_top(&deep).is_ok());
            }
        }
    }

    #[test]
    fn a_path_leads_in_and_a_miss_is_no_fallback() {
        let body = r#"{"access_token":"outer","a":{"b":{"access_token":"inner"}}}"#;
        let path = |keys: &[&str]| keys.iter().map(|k| (*k).to_owned()).collect::<Vec<_>>();
        let mut found = parse_at(body, &path(&["a", "b"])).unwrap();
        assert!(matches!(found.take(Member::AccessToken), Some(Scalar::Text(t)) if t == "inner"));
        for miss in [&["x"][..], &["a", "x"], &["access_token", "x"], &["a", "b", "access_token"]] {
            assert_eq!(parse_at(body, &path(miss)).unwrap_err(), Violation::TokenPath, "{miss:?}");
        }
        let refused = parse_at(r#"{"ok":false,"error":"no","a":{}}"#, &path(&["a"])).unwrap();
        assert!(refused.get(Member::Error).is_some());
        let twice = parse_at(r#"{"a":{"access_token":"1"},"a":{"access_token":"2"}}"#, &path(&["a"]));
        assert_eq!(twice.unwrap_err(), Violation::TokenPath);
    }
}
