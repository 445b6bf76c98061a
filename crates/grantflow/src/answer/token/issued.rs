//! `issued_token_type`, the member that a token exchange adds to a token answer (RFC 8693 §2.2.1). Only an exchange reads
//! it, from the members that other grants do not know.

use crate::error::Violation;
use crate::server::{Message, Quirks};
use crate::wire::form;
use crate::wire::object::{self, Extra, Members, Scalar, Table};

/// The member that an exchange adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issued {
    TokenType,
}

impl Table for Issued {
    const ALL: &'static [Self] = &[Self::TokenType];

    type Slots<'a> = [Option<Scalar<'a>>; 1];

    fn name(self) -> &'static str {
        "issued_token_type"
    }

    fn slot(self) -> usize {
        self as usize
    }
}

/// The text of `issued_token_type`, which is required.
///
/// # Errors
/// If it is missing, there twice, no text, or empty.
pub(crate) fn issued_token_type(extra: &Extra, quirks: &Quirks) -> Result<String, Violation> {
    let renamed = |name: &str| Issued::named(quirks.standard(Message::TokenAnswer, name)?);
    let names: object::Names<'_, Issued> = quirks.rename_any().then_some(&renamed);
    let mut members = Members::default();
    if extra.is_form() {
        for (name, value) in form::raw_pairs(extra.text()) {
            if let Some(member) = form::decode(name).and_then(|name| object::member(names, &name)) {
                members.put(member, form::decode(value).map_or(Scalar::Other, Scalar::Text));
            }
        }
    } else if !extra.text().is_empty() && object::read::<Issued, true>(extra.text(), None, names, &mut members).is_err()
    {
        return Err(Violation::WrongType(Issued::TokenType.name()));
    }
    if let Some(member) = members.doubled() {
        return Err(Violation::Duplicate(member.name()));
    }
    // `null` is what some servers write for a member that is not there.
    if matches!(members.get(Issued::TokenType), Some(Scalar::Null)) {
        return Err(Violation::Missing(Issued::TokenType.name()));
    }
    members.required(Issued::TokenType).map(Into::into)
}
