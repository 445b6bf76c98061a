//! Request parameters: those that a flow sets itself, and the caller's extra ones.

use core::fmt;

use zeroize::Zeroizing;

use super::message::Message;
use super::quirks::Quirks;
use crate::error::{Error, Misuse};
use crate::wire::form::{self, Space, encode_into, encoded_len};

/// A parameter that a flow sets.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    /// The standard name.
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
    /// The form-encoded value, if it is known already.
    pub(crate) encoded: Option<&'a str>,
}

impl<'a> Field<'a> {
    pub(crate) fn new(name: &'a str, value: &'a str) -> Self {
        Self { name, value, encoded: None }
    }

    /// A value whose encoded form is stored somewhere.
    pub(crate) fn encoded(name: &'a str, value: &'a str, encoded: &'a str) -> Self {
        Self { name, value, encoded: Some(encoded) }
    }

    /// A value that needs no encoding: base64url, or a name of the protocol without `:`.
    pub(crate) fn plain(name: &'a str, value: &'a str) -> Self {
        Self { name, value, encoded: Some(value) }
    }
}

/// How many bytes [`append`] writes.
pub(crate) fn len<'f>(quirks: &Quirks, on: Message, fields: impl Iterator<Item = Field<'f>>, params: &Params) -> usize {
    let own = fields.map(|field| {
        let name = quirks.renaming(on, field.name).map_or(field.name.len(), encoded_len);
        2 + name + field.encoded.map_or_else(|| encoded_len(field.value), str::len)
    });
    let extra = params.iter().map(|(name, value)| 2 + encoded_len(name) + encoded_len(value));
    own.sum::<usize>() + extra.sum::<usize>()
}

/// Appends `&name=value` for each, form-encoded, under the server's names; without the first `&` if `out` is empty.
pub(crate) fn append<'f>(
    out: &mut String,
    quirks: &Quirks,
    on: Message,
    fields: impl Iterator<Item = Field<'f>>,
    params: &Params,
) {
    for field in fields {
        if !out.is_empty() {
            out.push('&');
        }
        match quirks.renaming(on, field.name) {
            Some(actual) => encode_into(out, actual, Space::Plus),
            None => out.push_str(field.name),
        }
        out.push('=');
        match field.encoded {
            Some(encoded) => out.push_str(encoded),
            None => encode_into(out, field.value, Space::Plus),
        }
    }
    for (name, value) in params.iter() {
        if !out.is_empty() {
            out.push('&');
        }
        encode_into(out, name, Space::Plus);
        out.push('=');
        encode_into(out, value, Space::Plus);
    }
}

/// The caller's extra parameters, in order: none that a flow sets itself, none that is in the endpoint's query, and
/// none twice.
#[derive(Clone, Default)]
pub(crate) struct Params(Vec<(Box<str>, Zeroizing<String>)>);

/// Whether a query has a parameter of this name.
pub(super) fn is_in(query: &str, name: &str) -> bool {
    form::raw_pairs(query).any(|(raw, _)| form::decode(raw).as_deref() == Some(name))
}

impl Params {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.iter().any(|(known, _)| known == name)
    }

    /// `own_query` is the query of the request's endpoint.
    pub(crate) fn add(
        &mut self,
        quirks: &Quirks,
        on: Message,
        own_query: &str,
        name: &str,
        value: &str,
    ) -> Result<(), Error> {
        if name.trim().is_empty() || quirks.is_like_reserved(on, name) {
            return Err(Error::Misuse(Misuse::ReservedParameter));
        }
        if is_in(own_query, name) || self.has(name) {
            return Err(Error::Misuse(Misuse::DuplicateParameter));
        }
        self.0.push((name.into(), Zeroizing::new(value.to_owned())));
        Ok(())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| **known != *name);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_str()))
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value can be a credential of an unusual server.
        f.debug_list().entries(self.iter().map(|(name, _)| name)).finish()
    }
}
