//! The members of a token answer (RFC 6749 §5.1), checked.

use std::borrow::Cow;

use super::members::{Fault, Members, Optional, Scalar, visible};
use super::{Extra, Rules};
use crate::error::{Member, Violation};

/// A token answer whose members have been checked; only the scope's text has not been taken apart.
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
        expires_in: lifetime(members.take(Member::ExpiresIn), rules),
        refresh_token: members.optional(Member::RefreshToken, rules),
        scope: scope(members.take(Member::Scope), rules),
        id_token: members.optional(Member::IdToken, rules),
        extra: core::mem::take(&mut members.extra),
    })
}

#[inline]
fn kind(members: &mut Members<'_>, rules: &Rules<'_>) -> Result<TokenKind, Violation> {
    let violation = match members.take(Member::TokenType) {
        Some(Scalar::Text(text)) if !text.is_empty() => {
            return TokenKind::named(&text, rules.token_types).ok_or(Violation::UnknownTokenType);
        }
        Some(Scalar::Text(_)) => Violation::Empty(Member::TokenType),
        None | Some(Scalar::Null) => Violation::Missing(Member::TokenType),
        Some(_) => return Err(Violation::WrongType(Member::TokenType)),
    };
    if rules.missing_token_type { Ok(TokenKind::Bearer) } else { Err(violation) }
}

#[inline]
fn lifetime(value: Option<Scalar<'_>>, rules: &Rules<'_>) -> Optional<u64> {
    match value {
        None => Optional::Absent,
        Some(Scalar::Null) if rules.null_is_absent => Optional::Absent,
        Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
        Some(Scalar::Whole(seconds)) => Optional::Value(seconds),
        Some(Scalar::Text(text)) if text.is_empty() => Optional::Blank(Fault::Empty),
        Some(Scalar::Text(text)) => digits(&text).map_or(Optional::Unreadable(Fault::WrongType), Optional::Value),
        Some(_) => Optional::Unreadable(Fault::WrongType),
    }
}

/// An empty scope is one: the server granted none.
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

/// Digits, perhaps with a fraction, which is floored; more than fit are the largest number there is.
fn digits(text: &str) -> Option<u64> {
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if all_digits(whole) && all_digits(fraction) { Some(whole.parse().unwrap_or(u64::MAX)) } else { None }
}
