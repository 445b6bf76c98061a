//! A token answer (RFC 6749 §5.1), made from its members and checked.

use std::borrow::Cow;

use super::members::{Member, Members};
use super::rules::Rules;
use crate::error::Violation;
use crate::wire::object::{Extra, Fault, Optional, Scalar, visible};

/// A token answer whose members have been checked; the scope's text is not split yet.
#[derive(Debug)]
pub(crate) struct TokenAnswer<'a> {
    pub(crate) access_token: Cow<'a, str>,
    pub(crate) kind: TokenKind,
    pub(crate) expires_in: Optional<u64>,
    pub(crate) refresh_token: Optional<Cow<'a, str>>,
    pub(crate) scope: Optional<Cow<'a, str>>,
    pub(crate) id_token: Optional<Cow<'a, str>>,
    pub(crate) extra: Extra,
}

/// The token types that this library understands (RFC 6749 §7.1): RFC 6750, RFC 9449.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Bearer,
    Dpop,
}

impl TokenKind {
    fn named(text: &str, words: &[Box<str>]) -> Option<Self> {
        if text.eq_ignore_ascii_case("bearer") {
            Some(Self::Bearer)
        } else if text.eq_ignore_ascii_case("dpop") {
            Some(Self::Dpop)
        } else if words.iter().any(|word| word.eq_ignore_ascii_case(text)) {
            Some(Self::Bearer)
        } else {
            None
        }
    }
}

#[inline]
pub(super) fn read<'a>(members: &mut Members<'a>, rules: &Rules<'_>) -> Result<TokenAnswer<'a>, Violation> {
    let access_token = members.required(Member::AccessToken)?;
    if let Some(fault) = visible(&access_token) {
        return Err(fault.of(Member::AccessToken));
    }
    Ok(TokenAnswer {
        access_token,
        kind: kind(members, rules)?,
        expires_in: members.seconds(Member::ExpiresIn, rules.null_is_absent),
        refresh_token: members.optional(Member::RefreshToken, rules.null_is_absent),
        scope: scope(members.take(Member::Scope), rules),
        id_token: members.optional(Member::IdToken, rules.null_is_absent),
        extra: core::mem::take(&mut members.extra),
    })
}

#[inline]
fn kind(members: &mut Members<'_>, rules: &Rules<'_>) -> Result<TokenKind, Violation> {
    let violation = match members.take(Member::TokenType) {
        Some(Scalar::Text(text)) if !text.is_empty() => {
            return TokenKind::named(&text, rules.token_types).ok_or(Violation::UnknownTokenType);
        }
        Some(Scalar::Text(_)) => Violation::Empty("token_type"),
        None | Some(Scalar::Null) => Violation::Missing("token_type"),
        Some(_) => return Err(Violation::WrongType("token_type")),
    };
    if rules.missing_token_type { Ok(TokenKind::Bearer) } else { Err(violation) }
}

/// An empty scope is a scope: the server granted none.
#[inline]
fn scope<'a>(value: Option<Scalar<'a>>, rules: &Rules<'_>) -> Optional<Cow<'a, str>> {
    match value {
        None => Optional::Absent,
        Some(Scalar::Null) if rules.null_is_absent => Optional::Absent,
        Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
        Some(Scalar::List(joined)) if rules.scope_list => Optional::Value(Cow::Owned(joined)),
        Some(Scalar::Text(text)) => Optional::Value(text),
        Some(_) => Optional::Unreadable(Fault::WrongType),
    }
}
