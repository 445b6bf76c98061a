//! The members of the answer to a backchannel authentication request (OpenID CIBA §7.3), checked.

use super::polled::{self, Times};
use crate::error::Violation;
use crate::server::{Message, Quirks};
use crate::value::secret::Secret;
use crate::wire::object::{Members, Scalar, Table};

/// A member of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    AuthReqId,
    ExpiresIn,
    Interval,
}

impl Table for Member {
    const ALL: &'static [Self] = &[Self::AuthReqId, Self::ExpiresIn, Self::Interval];

    type Slots<'a> = [Option<Scalar<'a>>; 3];

    fn name(self) -> &'static str {
        match self {
            Self::AuthReqId => "auth_req_id",
            Self::ExpiresIn => "expires_in",
            Self::Interval => "interval",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }

    /// A fraction of a second must not be lost.
    fn is_raw(self) -> bool {
        self == Self::Interval
    }
}

/// The member with this name on the wire.
pub(crate) fn member(quirks: &Quirks, name: &str) -> Option<Member> {
    Member::named(quirks.standard(Message::BackchannelAuthenticationAnswer, name)?)
}

/// A checked answer.
pub(crate) struct BackchannelAnswer {
    pub(crate) auth_req_id: Secret,
    pub(crate) times: Times,
}

/// Reads the members.
///
/// # Errors
/// The first fault.
pub(crate) fn read(members: &mut Members<'_, Member>) -> Result<BackchannelAnswer, Violation> {
    let auth_req_id = polled::shown(members, Member::AuthReqId)?;
    let times = polled::times(members, Member::ExpiresIn, Member::Interval)?;
    Ok(BackchannelAnswer { auth_req_id, times })
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
        let table: Vec<&str> = Member::ALL.iter().map(|member| member.name()).collect();
        assert_eq!(table, Message::BackchannelAuthenticationAnswer.names().collect::<Vec<_>>());
    }
}
