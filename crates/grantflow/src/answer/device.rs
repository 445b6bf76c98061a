//! The members of a device authorization answer (RFC 8628 §3.2), checked.

use core::time::Duration;

use crate::error::{Error, Misuse, UrlRole, Violation};
use crate::server::{Message, Quirks, Server};
use crate::url::Endpoint;
use crate::value::secret::Secret;
use crate::wire::object::{Members, Optional, Scalar, Table, visible};

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
    /// In seconds, at least 1.
    pub(crate) expires_in: u64,
    /// In seconds, at least 1.
    pub(crate) interval: u64,
}

/// The interval of an answer that names none, in seconds (RFC 8628 §3.2).
const INTERVAL: u64 = 5;

/// The longest interval, in seconds. A person who has decided would not wait longer for the next poll.
const LONGEST_INTERVAL: u64 = 3600;

/// Reads the members.
///
/// # Errors
/// The first fault. The interval has no tolerance: a client that guesses it is too fast for the server, or too slow for
/// the person.
pub(crate) fn read(members: &mut Members<'_, Member>, server: &Server) -> Result<DeviceAnswer, Violation> {
    let device_code = shown(members, Member::DeviceCode)?;
    let user_code = shown(members, Member::UserCode)?;
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
    let expires_in = match members.seconds(Member::ExpiresIn, false) {
        Optional::Absent => return Err(Violation::Missing(Member::ExpiresIn.name())),
        Optional::Value(0) => return Err(Violation::WrongType(Member::ExpiresIn.name())),
        Optional::Value(seconds) => seconds,
        Optional::Blank(fault) | Optional::Unreadable(fault) => return Err(fault.of(Member::ExpiresIn)),
    };
    let interval = match members.take(Member::Interval) {
        None => INTERVAL.min(expires_in),
        Some(Scalar::Raw(raw)) => match whole_seconds(raw.get()) {
            Some(seconds) if seconds > 0 && seconds <= LONGEST_INTERVAL.min(expires_in) => seconds,
            _ => return Err(Violation::WrongType(Member::Interval.name())),
        },
        Some(_) => return Err(Violation::WrongType(Member::Interval.name())),
    };
    Ok(DeviceAnswer {
        device_code,
        user_code,
        verification_uri: verification_uri.as_ref().into(),
        verification_uri_complete: complete,
        expires_in,
        interval,
    })
}

/// A number of seconds, with a fraction rounded up: fewer than the server demands would be too fast.
fn whole_seconds(json: &str) -> Option<u64> {
    let seconds = Duration::try_from_secs_f64(serde_json::from_str(json).ok()?).ok()?;
    Some(seconds.as_secs().saturating_add(u64::from(seconds.subsec_nanos() > 0)))
}

/// A code: printable ASCII, because one is sent back and the other is shown in terminals.
fn shown(members: &mut Members<'_, Member>, member: Member) -> Result<Secret, Violation> {
    let text = members.required(member)?;
    match visible(&text) {
        None => Ok(Secret::new(text.into_owned())),
        Some(fault) => Err(fault.of(member)),
    }
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
