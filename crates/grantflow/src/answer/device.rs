//! The members of a device authorization answer (RFC 8628 §3.2), checked.

use super::polled::{self, Times};
use crate::error::{Error, Misuse, UrlRole, Violation};
use crate::server::{Message, Quirks, Server};
use crate::url::Endpoint;
use crate::value::secret::Secret;
use crate::wire::object::{Members, Optional, Scalar, Table};

/// A member of a device authorization answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    DeviceCode,
    UserCode,
    VerificationUri,
    VerificationUriComplete,
    ExpiresIn,
    Interval,
}

impl Table for Member {
    const ALL: &'static [Self] = &[
        Self::DeviceCode,
        Self::UserCode,
        Self::VerificationUri,
        Self::VerificationUriComplete,
        Self::ExpiresIn,
        Self::Interval,
    ];

    type Slots<'a> = [Option<Scalar<'a>>; 6];

    fn name(self) -> &'static str {
        match self {
            Self::DeviceCode => "device_code",
            Self::UserCode => "user_code",
            Self::VerificationUri => "verification_uri",
            Self::VerificationUriComplete => "verification_uri_complete",
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
    Member::named(quirks.standard(Message::DeviceAuthorizationAnswer, name)?)
}

/// A checked answer.
pub(crate) struct DeviceAnswer {
    pub(crate) device_code: Secret,
    pub(crate) user_code: Secret,
    pub(crate) verification_uri: Box<str>,
    pub(crate) verification_uri_complete: Option<Secret>,
    pub(crate) times: Times,
}

/// Reads the members.
///
/// # Errors
/// The first fault.
pub(crate) fn read(members: &mut Members<'_, Member>, server: &Server) -> Result<DeviceAnswer, Violation> {
    let device_code = polled::shown(members, Member::DeviceCode)?;
    let user_code = polled::shown(members, Member::UserCode)?;
    let verification_uri = members.required(Member::VerificationUri)?;
    check_page(&verification_uri, Member::VerificationUri, server)?;
    let complete = match members.optional(Member::VerificationUriComplete, true) {
        Optional::Value(uri) => {
            check_page(&uri, Member::VerificationUriComplete, server)?;
            Some(Secret::new(uri.into_owned()))
        }
        // Without it, the person enters the code.
        Optional::Absent | Optional::Blank(_) | Optional::Unreadable(_) => None,
    };
    let times = polled::times(members, Member::ExpiresIn, Member::Interval)?;
    Ok(DeviceAnswer {
        device_code,
        user_code,
        verification_uri: verification_uri.as_ref().into(),
        verification_uri_complete: complete,
        times,
    })
}

/// A page for a person: never a script, and never an unencrypted page off loopback, where everyone on the way could
/// read the code.
fn check_page(text: &str, member: Member, server: &Server) -> Result<(), Violation> {
    let (url, fragment) = text.split_once('#').unwrap_or((text, ""));
    // A browser opens it, so it may have a fragment, as the pages of some scripts do: with the characters of a path.
    let checked = Endpoint::new(url, UrlRole::Verification, server.plain_hosts())
        .and_then(|_| Endpoint::new(&format!("https://host/{fragment}"), UrlRole::Verification, &[]));
    match checked {
        Ok(_) => Ok(()),
        Err(Error::Misuse(Misuse::Url { fault, .. })) => Err(Violation::Url { member: member.name(), fault }),
        Err(_) => Err(Violation::WrongType(member.name())),
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
        let table: Vec<&str> = Member::ALL.iter().map(|member| member.name()).collect();
        assert_eq!(table, Message::DeviceAuthorizationAnswer.names().collect::<Vec<_>>());
    }
}
