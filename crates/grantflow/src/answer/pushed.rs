//! The members of a pushed authorization answer (RFC 9126 §2.2), checked.

use crate::error::Violation;
use crate::wire::object::{Members, Optional, Scalar, Table, visible};

/// A member of a pushed authorization answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    RequestUri,
    ExpiresIn,
}

impl Table for Member {
    const ALL: &'static [Self] = &[Self::RequestUri, Self::ExpiresIn];

    type Slots<'a> = [Option<Scalar<'a>>; 2];

    fn name(self) -> &'static str {
        match self {
            Self::RequestUri => "request_uri",
            Self::ExpiresIn => "expires_in",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }
}

/// The greatest length: a longer reference would not fit into a URL.
const LONGEST: usize = 4 * 1024;

/// Reads the members; returns `request_uri`. `expires_in` is required and must be valid, although only the server acts
/// on it: an answer without it does not come from this endpoint.
///
/// # Errors
/// The first fault.
pub(crate) fn read(members: &mut Members<'_, Member>) -> Result<String, Violation> {
    let request_uri = members.required(Member::RequestUri)?;
    let name = Member::RequestUri.name();
    if let Some(fault) = visible(&request_uri) {
        return Err(fault.of(Member::RequestUri));
    }
    if request_uri.contains(' ') {
        return Err(Violation::Character(name));
    }
    if request_uri.len() > LONGEST {
        return Err(Violation::WrongType(name));
    }
    match members.seconds(Member::ExpiresIn, false) {
        Optional::Absent => Err(Violation::Missing(Member::ExpiresIn.name())),
        Optional::Blank(fault) | Optional::Unreadable(fault) => Err(fault.of(Member::ExpiresIn)),
        Optional::Value(_) => Ok(request_uri.into_owned()),
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
