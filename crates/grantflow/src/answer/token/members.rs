//! The members of a token answer (RFC 6749 §5.1, §5.2), before they are checked.

use crate::wire::object::{self, Extra, Scalar, Table};

/// The members that were found.
pub(super) type Members<'a> = object::Members<'a, Member>;

/// A member of a token answer (RFC 6749 §5.1) or of an error (§5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    AccessToken,
    TokenType,
    ExpiresIn,
    RefreshToken,
    Scope,
    IdToken,
    Error,
    ErrorDescription,
    ErrorUri,
}

impl Member {
    /// Its standard name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::TokenType => "token_type",
            Self::ExpiresIn => "expires_in",
            Self::RefreshToken => "refresh_token",
            Self::Scope => "scope",
            Self::IdToken => "id_token",
            Self::Error => "error",
            Self::ErrorDescription => "error_description",
            Self::ErrorUri => "error_uri",
        }
    }

    /// Whether it is a member of a token answer (RFC 6749 §5.1) and not of an error.
    pub(super) fn is_of_token_answer(self) -> bool {
        !matches!(self, Self::Error | Self::ErrorDescription | Self::ErrorUri)
    }
}

impl Table for Member {
    const ALL: &'static [Self] = &[
        Self::AccessToken,
        Self::TokenType,
        Self::ExpiresIn,
        Self::RefreshToken,
        Self::Scope,
        Self::IdToken,
        Self::Error,
        Self::ErrorDescription,
        Self::ErrorUri,
    ];

    type Slots<'a> = [Option<Scalar<'a>>; 9];

    /// Written as a match, because it runs for every member of every answer.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "access_token" => Self::AccessToken,
            "token_type" => Self::TokenType,
            "expires_in" => Self::ExpiresIn,
            "refresh_token" => Self::RefreshToken,
            "scope" => Self::Scope,
            "id_token" => Self::IdToken,
            "error" => Self::Error,
            "error_description" => Self::ErrorDescription,
            "error_uri" => Self::ErrorUri,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        self.as_str()
    }

    #[inline]
    fn slot(self) -> usize {
        self as usize
    }
}

/// Whether there is a token, readable or not. Servers that write every member of an answer write `null` or an empty
/// text if there is no token.
#[inline]
pub(super) fn has_token(members: &Members<'_>) -> bool {
    let has_value = |member| match members.get(member) {
        None | Some(Scalar::Null) => false,
        Some(Scalar::Text(text)) => !text.is_empty(),
        Some(_) => true,
    };
    has_value(Member::AccessToken) || has_value(Member::RefreshToken)
}

/// Whether an OAuth error is stated, readable or not.
#[inline]
pub(super) fn states_error(members: &Members<'_>, null_is_absent: bool) -> bool {
    match members.get(Member::Error) {
        None => false,
        Some(Scalar::Null) => !null_is_absent,
        Some(_) => true,
    }
}

/// Removes everything except the members of an error.
pub(super) fn keep_error_only(members: &mut Members<'_>) {
    for member in Member::ALL.iter().filter(|member| member.is_of_token_answer()) {
        members.take(*member);
    }
    members.extra = Extra::default();
}

#[cfg(test)]
mod tests {
    use super::super::issued::Issued;
    use super::*;
    use crate::server::Message;

    #[test]
    fn every_member_is_found_by_its_name_and_has_a_slot() {
        for (at, member) in Member::ALL.iter().enumerate() {
            assert_eq!(Member::named(member.name()), Some(*member));
            assert_eq!(member.slot(), at);
        }
    }

    #[test]
    fn the_message_and_the_tables_have_the_same_names() {
        let own = Member::ALL.iter().map(|member| member.name());
        let tables: Vec<&str> = own.chain(Issued::ALL.iter().map(|member| member.name())).collect();
        assert_eq!(tables, Message::TokenAnswer.names().collect::<Vec<_>>());
    }
}
