//! An answer's members as they were found: each that has a meaning in its slot.

use std::borrow::Cow;

use super::{Extra, Rules};
use crate::error::{Member, Violation};

/// A member's value, before anyone asked what type it must have.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A number that is neither negative nor infinite, floored; too large a one is the largest there is.
    Whole(u64),
    /// A list of texts, joined by spaces.
    List(String),
    /// A number that JSON's grammar allows and readers differ on, such as `1e999` (RFC 8259 §6).
    OutOfRange,
    /// Anything else.
    Other,
}

/// A member that may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Optional<T> {
    Absent,
    /// There, and `null` or empty.
    Blank(Fault),
    /// There, and of the wrong type or with a character that it must not have.
    Unreadable(Fault),
    Value(T),
}

/// What is wrong with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    WrongType,
    Character,
}

impl Fault {
    pub(crate) fn of(self, member: Member) -> Violation {
        match self {
            Self::Empty => Violation::Empty(member),
            Self::WrongType => Violation::WrongType(member),
            Self::Character => Violation::Character(member),
        }
    }
}

impl<T> Optional<T> {
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// What is wrong with it, if it is there and has no value.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Blank(fault) | Self::Unreadable(fault) => Some(*fault),
            Self::Absent | Self::Value(_) => None,
        }
    }
}

/// The members that have a meaning, and the rest as it came.
#[derive(Debug, Default)]
pub(crate) struct Members<'a> {
    slots: [Option<Scalar<'a>>; Member::ALL.len()],
    /// A bit for each member that is there more than once.
    doubled: u16,
    pub(crate) extra: Extra,
    /// The first thing that is wrong with the object as a whole.
    pub(crate) violation: Option<Violation>,
}

impl<'a> Members<'a> {
    pub(crate) fn put(&mut self, member: Member, value: Scalar<'a>) {
        if let Some(slot) = self.slots.get_mut(member as usize)
            && slot.replace(value).is_some()
        {
            self.doubled |= 1 << member as u16;
        }
    }

    pub(crate) fn refuse(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    #[inline]
    pub(crate) fn take(&mut self, member: Member) -> Option<Scalar<'a>> {
        self.slots.get_mut(member as usize)?.take()
    }

    #[inline]
    pub(crate) fn get(&self, member: Member) -> Option<&Scalar<'a>> {
        self.slots.get(member as usize)?.as_ref()
    }

    #[inline]
    pub(crate) fn is_doubled(&self, member: Member) -> bool {
        self.doubled & 1 << member as u16 != 0
    }

    /// The first member that is there more than once.
    pub(crate) fn doubled(&self) -> Option<Member> {
        if self.doubled == 0 {
            return None;
        }
        Member::ALL.into_iter().find(|member| self.is_doubled(*member))
    }

    /// The first member whose number is out of range.
    pub(super) fn out_of_range(&self) -> Option<Member> {
        Member::ALL.into_iter().find(|member| matches!(self.get(*member), Some(Scalar::OutOfRange)))
    }

    /// Whether a token is there, readable or not. Servers that write every member of an answer write `null` or an
    /// empty text where there is no token.
    #[inline]
    pub(super) fn has_token(&self) -> bool {
        self.has_value(Member::AccessToken) || self.has_value(Member::RefreshToken)
    }

    #[inline]
    fn has_value(&self, member: Member) -> bool {
        match self.get(member) {
            None | Some(Scalar::Null) => false,
            Some(Scalar::Text(text)) => !text.is_empty(),
            Some(_) => true,
        }
    }

    /// Whether it states an OAuth error, readable or not.
    #[inline]
    pub(crate) fn states_error(&self, rules: &Rules<'_>) -> bool {
        match self.get(Member::Error) {
            None => false,
            Some(Scalar::Null) => !rules.null_is_absent,
            Some(_) => true,
        }
    }

    pub(crate) fn keep_error_only(&mut self) {
        for member in Member::ALL {
            if !matches!(member, Member::Error | Member::ErrorDescription | Member::ErrorUri) {
                self.take(member);
            }
        }
        self.extra = Extra::default();
    }

    /// A text that must be there and not be empty. What is none stays where it is.
    pub(super) fn required(&mut self, member: Member) -> Result<Cow<'a, str>, Violation> {
        let slot = self.slots.get_mut(member as usize).ok_or(Violation::Missing(member))?;
        match slot {
            None => Err(Violation::Missing(member)),
            Some(Scalar::Text(text)) if text.is_empty() => Err(Violation::Empty(member)),
            Some(Scalar::Text(text)) => {
                let text = core::mem::take(text);
                *slot = None;
                Ok(text)
            }
            Some(_) => Err(Violation::WrongType(member)),
        }
    }

    /// A token that may be missing.
    #[inline]
    pub(super) fn optional(&mut self, member: Member, rules: &Rules<'_>) -> Optional<Cow<'a, str>> {
        match self.take(member) {
            None => Optional::Absent,
            Some(Scalar::Null) if rules.null_is_absent => Optional::Absent,
            Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
            Some(Scalar::Text(text)) if text.is_empty() => Optional::Blank(Fault::Empty),
            Some(Scalar::Text(text)) => visible(&text).map_or(Optional::Value(text), Optional::Unreadable),
            Some(_) => Optional::Unreadable(Fault::WrongType),
        }
    }

    /// A text for people: of any other type or there twice, it is as good as absent.
    #[inline(always)]
    pub(super) fn commentary(&mut self, member: Member) -> Option<Cow<'a, str>> {
        match self.take(member) {
            Some(Scalar::Text(text)) if !self.is_doubled(member) => Some(text),
            _ => None,
        }
    }
}

/// What is wrong with a token: RFC 6749 appendix A.12 and A.17 have printable ASCII; and blanks alone are nothing.
pub(super) fn visible(text: &str) -> Option<Fault> {
    // The largest distance from a space. The loop has no early exit, so the compiler can look at several bytes at once.
    if text.bytes().fold(0, |largest, b| b.wrapping_sub(b' ').max(largest)) > b'~' - b' ' {
        return Some(Fault::Character);
    }
    // Almost all tokens begin with something else, so this ends at the first byte.
    text.bytes().all(|b| b == b' ').then_some(Fault::Empty)
}
