//! Paths into a JSON text, such as `errors[0].type`: finds a value without a tree.

use core::fmt;
use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::form;

/// A path from the outermost object inwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path(Vec<Part>);

/// One part of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Key(Box<str>),
    Item(usize),
}

impl Path {
    /// The most parts that a path may have.
    const LONGEST: usize = 16;

    /// Reads a path such as `error.code` or `errors[0].errorType`; `None` if it is not a path.
    pub(crate) fn new(path: &str) -> Option<Self> {
        let mut parts = Vec::new();
        for segment in path.split('.') {
            let (key, items) = segment.split_once('[').map_or((segment, None), |(key, items)| (key, Some(items)));
            if key.is_empty() || key.contains(']') {
                return None;
            }
            parts.push(Part::Key(key.into()));
            if let Some(items) = items {
                for item in items.strip_suffix(']')?.split("][") {
                    let plain = !item.is_empty() && item.bytes().all(|b| b.is_ascii_digit());
                    parts.push(Part::Item(if plain { item.parse().ok()? } else { return None }));
                }
            }
        }
        (parts.len() <= Self::LONGEST).then_some(Self(parts))
    }

    /// The first name of the path.
    pub(crate) fn first(&self) -> &str {
        match self.0.first() {
            Some(Part::Key(key)) => key,
            _ => "",
        }
    }
}

/// The value at a path: a text, or a number or a truth value as it is written. `None` if it is missing or `null`.
///
/// # Errors
/// If a name on the path occurs twice, or if the value is an object, a list or an unreadable text.
pub(crate) fn word_at<'a>(body: &'a str, path: &Path) -> Result<Option<Cow<'a, str>>, ()> {
    let mut text = body;
    for part in &path.0 {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        // A body that is neither an object nor a list has nothing at the path; the body's own reader reports its fault.
        match deserializer.deserialize_any(Lead(part)) {
            Ok(Led::To(raw)) => text = raw.get(),
            Ok(Led::Twice) => return Err(()),
            Ok(Led::Nowhere) | Err(_) => return Ok(None),
        }
    }
    match text.as_bytes().first() {
        None => Ok(None),
        Some(b'"') => serde_json::from_str::<Text<'_>>(text).map(|text| Some(text.0)).map_err(|_| ()),
        Some(b'{' | b'[') => Err(()),
        Some(_) if text == "null" => Ok(None),
        Some(_) => Ok(Some(Cow::Borrowed(text))),
    }
}

/// [`word_at`] in a form, whose names are not nested.
///
/// # Errors
/// If the name occurs twice, or its value cannot be decoded.
pub(crate) fn word_in_form<'a>(form: &'a str, path: &Path) -> Result<Option<Cow<'a, str>>, ()> {
    let [Part::Key(key)] = path.0.as_slice() else { return Ok(None) };
    let is_key = |name: &str| form::decode(name).is_some_and(|name| *name == **key);
    let mut values = form::raw_pairs(form.trim_ascii()).filter(|(name, _)| is_key(name));
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some((_, value)), None) => form::decode(value).map(Some).ok_or(()),
        (Some(_), Some(_)) => Err(()),
    }
}

/// The raw text of a list's item; `None` if the list has fewer.
pub(crate) fn list_item(list: &str, at: usize) -> Option<&str> {
    let mut deserializer = serde_json::Deserializer::from_str(list);
    match deserializer.deserialize_any(Lead(&Part::Item(at))) {
        Ok(Led::To(raw)) => Some(raw.get()),
        _ => None,
    }
}

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

enum Led<'a> {
    To(&'a RawValue),
    Twice,
    Nowhere,
}

/// Follows one part of a path.
struct Lead<'p>(&'p Part);

impl<'de> Visitor<'de> for Lead<'_> {
    type Value = Led<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Led<'de>, A::Error> {
        let mut led = Led::Nowhere;
        while let Some(ours) = map.next_key_seed(IsKey(self.0))? {
            if ours {
                let raw = map.next_value()?;
                led = if matches!(led, Led::Nowhere) { Led::To(raw) } else { Led::Twice };
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(led)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Led<'de>, A::Error> {
        let mut led = Led::Nowhere;
        let mut at = 0;
        while let Some(raw) = list.next_element::<&RawValue>()? {
            if *self.0 == Part::Item(at) {
                led = Led::To(raw);
            }
            at += 1;
        }
        Ok(led)
    }
}

/// Whether a name is the next one of the path.
struct IsKey<'p>(&'p Part);

impl<'de> DeserializeSeed<'de> for IsKey<'_> {
    type Value = bool;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for IsKey<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(matches!(self.0, Part::Key(key) if **key == *name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(body: &str, path: &str) -> Result<Option<String>, ()> {
        word_at(body, &Path::new(path).unwrap()).map(|word| word.map(Cow::into_owned))
    }

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let body = r#"{"a":{"b":[[1,{"c":"x\u0020y"}],true]},"n":-1.50,"z":null,"e":""}"#;
        for (path, found) in
            [("a.b[0][1].c", Some("x y")), ("a.b[0][0]", Some("1")), ("a.b[1]", Some("true")), ("n", Some("-1.50"))]
        {
            assert_eq!(word(body, path), Ok(found.map(str::to_owned)), "{path}");
        }
        for nothing in ["x", "a.x", "a[0]", "a.b.c", "a.b[7]", "n.x", "z", "z.x"] {
            assert_eq!(word(body, nothing), Ok(None), "{nothing}");
        }
        assert_eq!(word(body, "e"), Ok(Some(String::new())));
        for unreadable in ["a", "a.b", "a.b[0]"] {
            assert_eq!(word(body, unreadable), Err(()), "{unreadable}");
        }
        assert_eq!(word(r#"{"a":1,"\u0061":2}"#, "a"), Err(()), "twice");
        assert_eq!(word(r#"{"a":"\ud800"}"#, "a"), Err(()));
        assert_eq!(word("<html>", "a"), Ok(None));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in [
            "",
            ".",
            "a.",
            ".a",
            "[0]",
            "a[",
            "a[]",
            "a[x]",
            "a[-1]",
            "a[+1]",
            "a[0]b",
            "a]",
            "a[0][",
            "a[99999999999999999999]",
        ] {
            assert!(Path::new(bad).is_none(), "{bad}");
        }
        assert!(Path::new(&["a"; 16].join(".")).is_some());
        assert!(Path::new(&["a"; 17].join(".")).is_none());
    }
}
