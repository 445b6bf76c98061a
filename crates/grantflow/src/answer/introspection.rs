//! The members of an introspection answer (RFC 7662 §2.2), checked.

use crate::details::AuthorizationDetails;
use crate::error::Violation;
use crate::scope::Scope;
use crate::server::Quirks;
use crate::wire::object::{self, Extra, Optional, Scalar, Table};

/// A member of an introspection answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    Active,
    Scope,
    ClientId,
    Username,
    TokenType,
    ExpiresAt,
    IssuedAt,
    NotBefore,
    Subject,
    Audience,
    Issuer,
    TokenId,
    AuthorizationDetails,
}

impl Table for Member {
    const ALL: &'static [Self] = &[
        Self::Active,
        Self::Scope,
        Self::ClientId,
        Self::Username,
        Self::TokenType,
        Self::ExpiresAt,
        Self::IssuedAt,
        Self::NotBefore,
        Self::Subject,
        Self::Audience,
        Self::Issuer,
        Self::TokenId,
        Self::AuthorizationDetails,
    ];

    type Slots<'a> = [Option<Scalar<'a>>; 13];

    fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Scope => "scope",
            Self::ClientId => "client_id",
            Self::Username => "username",
            Self::TokenType => "token_type",
            Self::ExpiresAt => "exp",
            Self::IssuedAt => "iat",
            Self::NotBefore => "nbf",
            Self::Subject => "sub",
            Self::Audience => "aud",
            Self::Issuer => "iss",
            Self::TokenId => "jti",
            Self::AuthorizationDetails => "authorization_details",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }

    fn is_raw(self) -> bool {
        matches!(self, Self::Audience | Self::AuthorizationDetails)
    }
}

/// What an answer says about an active token.
pub(crate) struct Described {
    pub(crate) scope: Option<Scope>,
    pub(crate) client_id: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) token_type: Option<String>,
    pub(crate) expires_at: Option<u64>,
    pub(crate) issued_at: Option<u64>,
    pub(crate) not_before: Option<u64>,
    pub(crate) subject: Option<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) token_id: Option<String>,
    pub(crate) details: Option<AuthorizationDetails>,
    pub(crate) extra: Extra,
}

/// Reads the members; `None` if the token is not active. The other members are then ignored, because a server should
/// send no others (RFC 7662 §2.2).
///
/// A present member that cannot be read refuses the answer: a resource decides access by it, and a skipped `aud` would
/// look like none. `null` counts as absent.
pub(crate) fn read(members: &mut object::Members<'_, Member>, quirks: &Quirks) -> Result<Option<Described>, Violation> {
    match members.truth(Member::Active) {
        Optional::Value(true) => {}
        Optional::Value(false) => return Ok(None),
        Optional::Absent => return Err(Violation::Missing("active")),
        Optional::Blank(fault) | Optional::Unreadable(fault) => return Err(fault.of(Member::Active)),
    }
    Ok(Some(Described {
        scope: scope(members, quirks)?,
        client_id: text(members, Member::ClientId)?,
        username: text(members, Member::Username)?,
        token_type: text(members, Member::TokenType)?,
        expires_at: seconds(members, Member::ExpiresAt)?,
        issued_at: seconds(members, Member::IssuedAt)?,
        not_before: seconds(members, Member::NotBefore)?,
        subject: text(members, Member::Subject)?,
        audience: audience(members)?,
        issuer: text(members, Member::Issuer)?,
        token_id: text(members, Member::TokenId)?,
        details: details(members)?,
        extra: core::mem::take(&mut members.extra),
    }))
}

fn text(members: &mut object::Members<'_, Member>, member: Member) -> Result<Option<String>, Violation> {
    match members.take(member) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Text(text)) => Ok(Some(text.into_owned())),
        Some(_) => Err(Violation::WrongType(member.name())),
    }
}

fn seconds(members: &mut object::Members<'_, Member>, member: Member) -> Result<Option<u64>, Violation> {
    match members.seconds(member, true) {
        Optional::Absent => Ok(None),
        Optional::Value(seconds) => Ok(Some(seconds)),
        Optional::Blank(fault) | Optional::Unreadable(fault) => Err(fault.of(member)),
    }
}

fn scope(members: &mut object::Members<'_, Member>, quirks: &Quirks) -> Result<Option<Scope>, Violation> {
    let unreadable = Violation::WrongType(Member::Scope.name());
    let (text, separator) = match members.take(Member::Scope) {
        None | Some(Scalar::Null) => return Ok(None),
        Some(Scalar::Text(text)) => (text, quirks.answer_scope_separator()),
        Some(Scalar::List(joined)) if quirks.scope_list => (joined.into(), ' '),
        Some(_) => return Err(unreadable),
    };
    Scope::read(&text, separator).map(Some).ok_or(Violation::Character(Member::Scope.name()))
}

/// One text, or a list of texts (RFC 7519 §4.1.3).
fn audience(members: &mut object::Members<'_, Member>) -> Result<Vec<String>, Violation> {
    let unreadable = Violation::WrongType(Member::Audience.name());
    match members.take(Member::Audience) {
        None | Some(Scalar::Null) => Ok(Vec::new()),
        Some(Scalar::Raw(raw)) if raw.get().starts_with('[') => serde_json::from_str(raw.get()).map_err(|_| unreadable),
        Some(Scalar::Raw(raw)) => {
            serde_json::from_str::<String>(raw.get()).map(|one| vec![one]).map_err(|_| unreadable)
        }
        Some(_) => Err(unreadable),
    }
}

/// RFC 9396 §9.2.
fn details(members: &mut object::Members<'_, Member>) -> Result<Option<AuthorizationDetails>, Violation> {
    let unreadable = Violation::WrongType(Member::AuthorizationDetails.name());
    match members.take(Member::AuthorizationDetails) {
        None | Some(Scalar::Null) => Ok(None),
        Some(Scalar::Raw(raw)) => AuthorizationDetails::of_a_server(raw.get()).map(Some).ok_or(unreadable),
        Some(_) => Err(unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_found_by_its_name_and_has_a_slot() {
        for (at, member) in Member::ALL.iter().enumerate() {
            assert_eq!(Member::named(member.name()), Some(*member));
            assert_eq!(member.slot(), at);
        }
    }
}
