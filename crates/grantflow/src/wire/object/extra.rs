//! The members that this library does not know.

use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

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

impl core::fmt::Debug for Extra {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "[{} bytes]", self.text.len())
    }
}
