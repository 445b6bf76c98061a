//! What a body is made of, by a reader that is neither ours nor theirs: the members of its object, as they are written.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

/// The body of an answer.
pub struct Shape {
    pub is_utf8: bool,
    /// The first value is a list.
    pub is_list: bool,
    /// The members of the first value, if it is an object: each name's values.
    pub members: Option<BTreeMap<String, Vec<Box<RawValue>>>>,
    /// There is more than one value, or something that is none.
    pub trailing: bool,
    /// A control character stands in a text, where JSON allows none.
    pub control: bool,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Absent,
    Null,
    Text(String),
    /// A number as both readers take it for a count of seconds.
    Whole(u64),
    /// Anything else, a text with half a surrogate too.
    Other,
}

impl Shape {
    pub fn of(body: &[u8]) -> Self {
        let is_utf8 = core::str::from_utf8(body).is_ok();
        // In a text that is none, what cannot be read is replaced: its structure stays.
        let text = String::from_utf8_lossy(body);
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        let members = serde::Deserializer::deserialize_map(&mut deserializer, Collect).ok();
        let trailing = members.is_some() && deserializer.end().is_err();
        let is_list = text.trim_start_matches([' ', '\t', '\n', '\r']).starts_with('[');
        Self { is_utf8, is_list, members, trailing, control: control_in_quotes(body) }
    }

    /// The values of a member.
    pub fn all(&self, name: &str) -> &[Box<RawValue>] {
        self.members.as_ref().and_then(|members| members.get(name)).map_or(&[], Vec::as_slice)
    }

    pub fn is_doubled(&self, name: &str) -> bool {
        self.all(name).len() > 1
    }

    /// The value of a member, the last one if there are several.
    pub fn value(&self, name: &str) -> Value {
        let Some(raw) = self.all(name).last() else { return Value::Absent };
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'n') => Value::Null,
            Some(b'"') => serde_json::from_str(text).map_or(Value::Other, Value::Text),
            Some(b'0'..=b'9') => serde_json::from_str(text).map_or(Value::Other, Value::Whole),
            _ => Value::Other,
        }
    }

    pub fn text(&self, name: &str) -> Option<String> {
        if let Value::Text(text) = self.value(name) { Some(text) } else { None }
    }

    /// The members with other names than these.
    pub fn others<'s>(&'s self, names: &'s [&'s str]) -> impl Iterator<Item = &'s RawValue> {
        let members = self.members.iter().flatten();
        members
            .filter(|(name, _)| !names.contains(&name.as_str()))
            .flat_map(|(_, values)| values.iter().map(|value| &**value))
    }
}

/// Whether serde_json can hold a value as a tree: not too deep, numbers in range, no half surrogate.
pub fn is_a_tree(raw: &RawValue) -> bool {
    // One level less than at the top, because the value is inside of an object.
    let mut nested = raw.get().to_owned();
    nested.insert(0, '[');
    nested.push(']');
    serde_json::from_str::<serde_json::Value>(&nested).is_ok()
}

fn control_in_quotes(body: &[u8]) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for b in body {
        if quoted && *b < b' ' {
            return true;
        }
        quoted ^= *b == b'"' && !escaped;
        escaped = quoted && *b == b'\\' && !escaped;
    }
    false
}

struct Collect;

impl<'de> serde::de::Visitor<'de> for Collect {
    type Value = BTreeMap<String, Vec<Box<RawValue>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            members.entry(name).or_default().push(value);
        }
        Ok(members)
    }
}
