//! An authorization response, parsed and not yet checked (RFC 6749 §4.1.2).

use std::borrow::Cow;

use http::Uri;

use crate::server::{FRONT_CHANNEL, Message, Quirks};
use crate::value::key::PendingKey;
use crate::wire::form;

/// The greatest size of a callback: servers write a few hundred bytes, and codes of 4 KiB exist.
pub(super) const MAX_CALLBACK: usize = 64 * 1024;

/// A parameter that must not occur twice.
#[derive(Debug, Default)]
pub(super) enum Once<'a> {
    #[default]
    Absent,
    Value(Cow<'a, str>),
    /// Present, but its escapes are broken or it is not UTF-8.
    Unreadable,
    Twice,
}

impl<'a> Once<'a> {
    fn put(&mut self, raw: &'a str) {
        *self = match self {
            Self::Absent => form::decode(raw).map_or(Self::Unreadable, Self::Value),
            _ => Self::Twice,
        };
    }

    fn is_malformed(&self) -> bool {
        matches!(self, Self::Twice | Self::Unreadable)
    }

    pub(super) fn value(&self) -> Option<&str> {
        match self {
            Self::Value(text) => Some(text),
            _ => None,
        }
    }
}

/// The parameters of an authorization response that this flow knows.
#[derive(Debug, Default)]
pub(super) struct Received<'a> {
    pub(super) state: Once<'a>,
    pub(super) iss: Once<'a>,
    pub(super) code: Once<'a>,
    pub(super) error: Once<'a>,
    pub(super) error_description: Once<'a>,
    pub(super) error_uri: Once<'a>,
    /// A token or a response object, which this flow does not request.
    pub(super) front_channel: bool,
}

impl<'a> Received<'a> {
    /// Whether a parameter other than `state` occurs twice (RFC 6749 §3.1), or one that is used cannot be read or has a
    /// forbidden character (RFC 6749 appendix A.7, A.11). A description or URI never costs the error that it explains:
    /// in another encoding, or twice, it only loses its text.
    pub(super) fn is_malformed(&self) -> bool {
        let doubled = [&self.error_description, &self.error_uri].into_iter().any(|text| matches!(text, Once::Twice));
        // The loop reads all bytes: without an early exit, the compiler can check several at once.
        let visible = |text: &str| text.bytes().fold(true, |good, b| good & matches!(b, 0x20..=0x7e));
        self.iss.is_malformed()
            || self.code.is_malformed()
            || self.error.is_malformed()
            || doubled && matches!(self.error, Once::Absent)
            || !self.code.value().is_none_or(visible)
            || !self.error.value().is_none_or(visible)
    }

    pub(super) fn read(form: &'a str, quirks: &Quirks) -> Self {
        let mut received = Self::default();
        for (raw_name, raw_value) in form::raw_pairs(form) {
            // A name that cannot be decoded is unknown, and unknown parameters are ignored (RFC 6749 §4.1.2).
            let Some(name) = form::decode(raw_name) else { continue };
            match quirks.standard(Message::Callback, &name) {
                Some("state") => received.state.put(raw_value),
                Some("iss") => received.iss.put(raw_value),
                Some("code") => received.code.put(raw_value),
                Some("error") => received.error.put(raw_value),
                Some("error_description") => received.error_description.put(raw_value),
                Some("error_uri") => received.error_uri.put(raw_value),
                Some(name) if FRONT_CHANNEL.contains(&name) => received.front_channel = true,
                _ => {}
            }
        }
        received
    }
}

/// The key of the pending grant that a callback answers; `None` if the callback has not exactly one `state` or is
/// longer than 64 KiB. Then it belongs to no grant.
///
/// Use it for the browser session's own store, with an atomic take: a forged callback then takes nothing. If a server
/// has another name for `state` ([`Quirk::RenamedParameter`](crate::Quirk::RenamedParameter)), no key is found.
pub fn callback_key(uri: &Uri) -> Option<PendingKey> {
    key_in(uri.query().unwrap_or_default())
}

/// Like [`callback_key`], for the body of a `form_post` callback.
pub fn callback_key_in_form(body: &[u8]) -> Option<PendingKey> {
    // Before it is parsed byte by byte.
    if body.len() > MAX_CALLBACK {
        return None;
    }
    key_in(core::str::from_utf8(body).ok()?.trim_ascii())
}

fn key_in(form: &str) -> Option<PendingKey> {
    if form.len() > MAX_CALLBACK {
        return None;
    }
    let mut state = Once::Absent;
    for (name, value) in form::raw_pairs(form) {
        if form::decode(name).is_some_and(|name| name == "state") {
            state.put(value);
        }
    }
    state.value().map(PendingKey::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text and the hash of RFC 7636 appendix B: it is the same transformation.
    #[test]
    fn a_key_is_a_hash_of_the_state_and_not_the_state() {
        let state = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let key = PendingKey::of(state);
        assert_eq!(key.as_str(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert_eq!(callback_key(&format!("/cb?code=a&state={state}").parse().unwrap()), Some(key));
    }
}
