//! A flat JSON object: the known members, each at most once, and the rest kept raw.
//!
//! serde's derive accepts a JSON array for a struct, and its `flatten` accepts duplicates, builds a tree and loses the
//! raw text of numbers. So this is a visitor. It is not recursive: unknown values are skipped iteratively.

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Violation;

mod extra;
mod members;
mod pairs;

pub(crate) use extra::Extra;
pub(crate) use members::{Fault, Members, Optional, Scalar, Table, visible};
pub(crate) use pairs::{pairs, write_pairs};

/// Finds the member of a name, if a server has other names than the standard.
pub(crate) type Names<'n, T> = Option<&'n dyn Fn(&str) -> Option<T>>;

/// The member of a name.
#[inline]
pub(crate) fn member<T: Table>(names: Names<'_, T>, name: &str) -> Option<T> {
    match names {
        None => T::named(name),
        Some(names) => names(name),
    }
}

/// Why a body was not read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unparsed {
    pub(crate) violation: Violation,
    /// Whether the body ends before its JSON does.
    pub(crate) cut: bool,
}

impl From<Violation> for Unparsed {
    fn from(violation: Violation) -> Self {
        Self { violation, cut: violation == Violation::EmptyBody }
    }
}

/// Reads one object; returns the raw value of the member `into`, if one is given.
///
/// `CAREFUL` reads each known member separately, so that one that serde_json cannot represent costs only its own value.
#[inline]
pub(crate) fn read<'a, T: Table, const CAREFUL: bool>(
    body: &'a str,
    into: Option<&str>,
    names: Names<'_, T>,
    members: &mut Members<'a, T>,
) -> Result<Option<&'a RawValue>, Unparsed> {
    if body.trim_ascii().is_empty() {
        return Err(Violation::EmptyBody.into());
    }
    let mut deserializer = serde_json::Deserializer::from_str(body);
    let object = Object::<T, CAREFUL> { names, into, body_len: body.len(), members };
    deserializer.deserialize_map(object).and_then(|inner| deserializer.end().map(|()| inner)).map_err(|error| {
        let violation = if error.is_data() {
            Violation::NotAnObject
        } else {
            Violation::NotJson { line: error.line(), column: error.column() }
        };
        Unparsed { violation, cut: error.is_eof() }
    })
}

/// Bytes that stop being UTF-8 also stop being JSON (RFC 8259 §8.1).
#[cold]
pub(crate) fn not_utf8(body: &[u8], error: core::str::Utf8Error) -> Unparsed {
    let good = body.get(..error.valid_up_to()).unwrap_or_default();
    let line_start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let violation = Violation::NotJson {
        line: good.iter().filter(|b| **b == b'\n').count() + 1,
        column: good.len() - line_start + 1,
    };
    // A character without its end was cut.
    Unparsed { violation, cut: error.error_len().is_none() }
}

struct Object<'n, 'm, 'de, T: Table, const CAREFUL: bool> {
    names: Names<'n, T>,
    into: Option<&'n str>,
    body_len: usize,
    members: &'m mut Members<'de, T>,
}

impl<'de, T: Table, const CAREFUL: bool> Visitor<'de> for Object<'_, '_, 'de, T, CAREFUL> {
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
                Found::Known(member) if CAREFUL => members.put(member, carefully(member, map.next_value()?)),
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
            // The room was for the worst case; a small rest does not keep the room of a large body.
            if unknown.capacity() > unknown.len().saturating_mul(2).saturating_add(1024) {
                unknown.shrink_to_fit();
            }
            members.extra = Extra::json(unknown);
        }
        Ok(inner)
    }
}

enum Found<T> {
    Known(T),
    Into,
    Unknown,
}

/// Reads a key, and records an unknown one before its value.
struct Key<'k, T: Table> {
    names: Names<'k, T>,
    into: Option<&'k str>,
    unknown: &'k mut String,
    body_len: usize,
}

impl<'de, T: Table> DeserializeSeed<'de> for Key<'_, T> {
    type Value = Found<T>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Found<T>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T: Table> Visitor<'_> for Key<'_, T> {
    type Value = Found<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Found<T>, E> {
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

/// A value, or why serde_json cannot represent it.
fn scalar(raw: &RawValue) -> Scalar<'_> {
    let mut deserializer = serde_json::Deserializer::from_str(raw.get());
    match ReadScalar.deserialize(&mut deserializer) {
        Ok(value) => value,
        Err(_) if raw.get().starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => Scalar::OutOfRange,
        Err(_) => Scalar::Other,
    }
}

/// A single value: as it is written, if the member needs that.
fn carefully<'a>(member: impl Table, value: &'a RawValue) -> Scalar<'a> {
    if member.is_raw() { raw(value) } else { scalar(value) }
}

/// A value that is kept as it is written.
fn raw(raw: &RawValue) -> Scalar<'_> {
    if raw.get() == "null" { Scalar::Null } else { Scalar::Raw(raw) }
}

/// Reads any value without failing on its type; its member decides which type it must have.
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
        // A cast saturates; a negative or an infinite lifetime counts as none.
        Ok(if number >= 0.0 && number.is_finite() { Scalar::Whole(number as u64) } else { Scalar::Other })
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Truth(truth))
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

/// An item of a list: its text, or `None` for any other type, skipped without recursion.
struct ReadItem;

impl<'de> DeserializeSeed<'de> for ReadItem {
    type Value = Option<Cow<'de, str>>;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let raw: &'de RawValue = serde::Deserialize::deserialize(deserializer)?;
        let text = raw.get();
        Ok(if text.starts_with('"') { serde_json::from_str::<String>(text).ok().map(Cow::Owned) } else { None })
    }
}
