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
    Blank(Violation),
    /// There, and of the wrong type or with a character that it must not have.
    Unreadable(Violation),
    Value(T),
}

impl<T> Optional<T> {
    pub(crate) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            _ => None,
        }
    }

    /// What is wrong with it, if it is there and has no value.
    pub(crate) fn fault(&self) -> Option<Violation> {
        match self {
            Self::Blank(violation) | Self::Unreadable(violation) => Some(*violation),
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

    pub(crate) fn take(&mut self, member: Member) -> Option<Scalar<'a>> {
        self.slots.get_mut(member as usize)?.take()
    }

    pub(crate) fn get(&self, member: Member) -> Option<&Scalar<'a>> {
        self.slots.get(member as usize)?.as_ref()
    }

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

    /// Whether a token is there, be it an unreadable one. Servers that write every member of an answer write `null` or an
    /// empty text where there is no token.
    pub(super) fn has_token(&self) -> bool {
        [Member::AccessToken, Member::RefreshToken].into_iter().any(|member| match self.get(member) {
            None | Some(Scalar::Null) => false,
            Some(Scalar::Text(text)) => !text.is_empty(),
            Some(_) => true,
        })
    }

    /// Whether it states an OAuth error, be it an unreadable one.
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

    /// A text that must be there and not be empty.
    pub(super) fn required(&mut self, member: Member) -> Result<Cow<'a, str>, Violation> {
        match self.take(member) {
            None => Err(Violation::Missing(member)),
            Some(Scalar::Text(text)) if text.is_empty() => Err(Violation::Empty(member)),
            Some(Scalar::Text(text)) => Ok(text),
            Some(_) => Err(Violation::WrongType(member)),
        }
    }

    /// A token that may be missing.
    pub(super) fn optional(&mut self, member: Member, rules: &Rules<'_>) -> Optional<Cow<'a, str>> {
        match self.take(member) {
            None => Optional::Absent,
            Some(Scalar::Null) if rules.null_is_absent => Optional::Absent,
            Some(Scalar::Null) => Optional::Blank(Violation::WrongType(member)),
            Some(Scalar::Text(text)) if text.is_empty() => Optional::Blank(Violation::Empty(member)),
            Some(Scalar::Text(text)) => match visible(text, member) {
                Ok(text) => Optional::Value(text),
                Err(violation) => Optional::Unreadable(violation),
            },
            Some(_) => Optional::Unreadable(Violation::WrongType(member)),
        }
    }

    /// A text for people: of any other type or there twice, it is as good as absent.
    pub(super) fn commentary(&mut self, member: Member) -> Option<Cow<'a, str>> {
        match self.take(member) {
            Some(Scalar::Text(text)) if !self.is_doubled(member) => Some(text),
            _ => None,
        }
    }
}

/// RFC 6749 appendix A.12, A.17: printable ASCII; and more than blanks.
pub(super) fn visible(text: Cow<'_, str>, member: Member) -> Result<Cow<'_, str>, Violation> {
    // All bytes, whatever they are: without a way out of the loop, several are looked at at once.
    if !text.bytes().fold(true, |good, b| good & matches!(b, 0x20..=0x7e)) {
        return Err(Violation::Character(member));
    }
    // Almost all tokens begin with something else, so this ends at the first byte.
    if text.bytes().all(|b| b == b' ') {
        return Err(Violation::Empty(member));
    }
    Ok(text)
}
