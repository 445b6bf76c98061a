//! An object as names and the JSON text of their values, to change some of them and to write it again.

use core::fmt;
use std::borrow::Cow;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// Names, each with the JSON text of its value, in their order. A name may occur more than once. `None` if the text is
/// not one object.
pub(crate) fn pairs(text: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_map(Pairs).ok()?;
    deserializer.end().ok().map(|()| read)
}

/// Writes an object. Each value is JSON text already.
pub(crate) fn write_pairs<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)> + Clone) -> Zeroizing<String> {
    // An escape takes six bytes at most. A buffer that grows would leave a copy of a secret behind.
    let room: usize = pairs.clone().map(|(name, json)| name.len() * 6 + json.len() + 4).sum();
    let mut out = Zeroizing::new(String::with_capacity(room + 2));
    out.push('{');
    for (at, (name, json)) in pairs.enumerate() {
        if at > 0 {
            out.push(',');
        }
        // A text can always be written.
        out.push_str(&serde_json::to_string(name).unwrap_or_default());
        out.push(':');
        out.push_str(json);
    }
    out.push('}');
    out
}

struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            pairs.push((name, map.next_value::<&RawValue>()?.get()));
        }
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_written_again() {
        let text = r#"{"a":1e999,"b\"\n":{"x": [ 1 ]},"ü":"\u00fc","":null}"#;
        let read = pairs(text).unwrap();
        let names: Vec<&str> = read.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["a", "b\"\n", "ü", ""]);
        assert_eq!(read[0].1, "1e999");
        let written = write_pairs(read.iter().map(|(name, json)| (&**name, *json)));
        assert_eq!(*written, text);
        assert_eq!(pairs(&written).unwrap(), read);
        assert_eq!(*write_pairs(core::iter::empty()), "{}");
    }

    #[test]
    fn only_an_object_has_pairs() {
        for bad in ["", "[]", "null", "{", "{}x", "{\"a\"}", "\"a\""] {
            assert!(pairs(bad).is_none(), "{bad}");
        }
    }
}
