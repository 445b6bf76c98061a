//! The members that this library does not know.

use core::fmt;
use std::borrow::Cow;

use serde::Deserializer as _;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::wire::form;

/// The members that this library does not know, as they came: for `extra::<T>()`.
#[derive(Clone, Default)]
pub(crate) struct Extra {
    form: bool,
    /// Empty if there are none. Wiped, because it may hold a secret.
    text: Zeroizing<String>,
}

impl Extra {
    pub(crate) fn json(text: String) -> Self {
        Self { form: false, text: Zeroizing::new(text) }
    }

    pub(crate) fn form(text: String) -> Self {
        Self { form: true, text: Zeroizing::new(text) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_form(&self) -> bool {
        self.form
    }

    /// The text of one member: in JSON, as it is written there. `null` counts as absent.
    ///
    /// # Errors
    /// The member occurs twice, or the members cannot be read.
    pub(crate) fn member(&self, name: &str) -> Result<Option<Cow<'_, str>>, ()> {
        let mut found = None;
        if self.form {
            for (raw_name, raw_value) in form::raw_pairs(&self.text) {
                if form::decode(raw_name).as_deref() == Some(name)
                    && found.replace(form::decode(raw_value).ok_or(())?).is_some()
                {
                    return Err(());
                }
            }
            return Ok(found);
        }
        // Most answers do not have it, and then need no second reading.
        if !self.text.contains(name) {
            return Ok(None);
        }
        let mut map = serde_json::Deserializer::from_str(&self.text);
        let raw = map.deserialize_map(One(name)).map_err(|_| ())?;
        Ok(raw.map(|raw| raw.get()).filter(|text| *text != "null").map(Cow::Borrowed))
    }

    /// The members as a value of the caller's type; `None` if they do not fit.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        if self.form {
            serde_urlencoded::from_str(&self.text).ok()
        } else if self.text.is_empty() {
            serde_json::from_str("{}").ok()
        } else {
            serde_json::from_str(&self.text).ok()
        }
    }
}

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.text.len())
    }
}

/// Finds one member.
struct One<'n>(&'n str);

impl<'de> Visitor<'de> for One<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if *name != *self.0 {
                map.next_value::<IgnoredAny>()?;
            } else if found.replace(map.next_value()?).is_some() {
                return Err(serde::de::Error::custom("it occurs twice"));
            }
        }
        Ok(found)
    }
}
