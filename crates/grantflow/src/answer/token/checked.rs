//! A token answer (RFC 6749 §5.1), made from its members and checked.

use std::borrow::Cow;

use super::members::{Member, Members};
use super::rules::Rules;
use crate::error::Violation;
use crate::wire::object::{Extra, Fault, Optional, Scalar, visible};

/// A token answer whose members have been checked; the scope's text is not split yet.
#[derive(Debug)]
pub(crate) struct TokenAnswer<'a, K = TokenKind> {
    pub(crate) access_token: Cow<'a, str>,
    pub(crate) kind: K,
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

/// The values of `token_type` that a grant's answer may have.
pub(crate) trait Kind: Copy {
    /// A Bearer token.
    const BEARER: Self;

    /// The kind of this name; `words` are the server's own names for Bearer.
    fn named(text: &str, words: &[Box<str>]) -> Option<Self>;
}

impl Kind for TokenKind {
    const BEARER: Self = Self::Bearer;

    #[inline]
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

/// The values of `token_type` in the answer to a token exchange (RFC 8693 §2.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IssuedKind {
    /// The issued token is an access token, or can be used as one.
    Access(TokenKind),
    /// `N_A`: no access token.
    NotApplicable,
}

impl Kind for IssuedKind {
    const BEARER: Self = Self::Access(TokenKind::Bearer);

    fn named(text: &str, words: &[Box<str>]) -> Option<Self> {
        if text.eq_ignore_ascii_case("n_a") {
            return Some(Self::NotApplicable);
        }
        TokenKind::named(text, words).map(Self::Access)
    }
}

impl<'a, K> TokenAnswer<'a, K> {
    /// The same answer with another kind.
    pub(crate) fn of_kind<L>(self, kind: L) -> TokenAnswer<'a, L> {
        let Self { access_token, kind: _, expires_in, refresh_token, scope, id_token, extra } = self;
        TokenAnswer { access_token, kind, expires_in, refresh_token, scope, id_token, extra }
    }
}

#[inline]
pub(super) fn read<'a, K: Kind>(members: &mut Members<'a>, rules: &Rules<'_>) -> Result<TokenAnswer<'a, K>, Violation> {
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
fn kind<K: Kind>(members: &mut Members<'_>, rules: &Rules<'_>) -> Result<K, Violation> {
    let violation = match members.take(Member::TokenType) {
        Some(Scalar::Text(text)) if !text.is_empty() => {
            return K::named(&text, rules.token_types).ok_or(Violation::UnknownTokenType);
        }
        Some(Scalar::Text(_)) => Violation::Empty("token_type"),
        None | Some(Scalar::Null) => Violation::Missing("token_type"),
        Some(_) => return Err(Violation::WrongType("token_type")),
    };
    if rules.missing_token_type { Ok(K::BEARER) } else { Err(violation) }
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
