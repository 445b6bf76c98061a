//! An object's members, each known one in its slot.

use core::fmt;
use std::borrow::Cow;

use serde_json::value::RawValue;

use super::Extra;
use crate::error::Violation;

/// The known members of one message. Each answer has a separate table, so that a name that is added to one of them does
/// not vanish from another.
pub(crate) trait Table: Copy + Eq + fmt::Debug + 'static {
    /// All members, in the order of their slots.
    const ALL: &'static [Self];

    /// A place for the value of each member: an array as long as [`Self::ALL`].
    type Slots<'a>: Default + fmt::Debug + AsRef<[Option<Scalar<'a>>]> + AsMut<[Option<Scalar<'a>>]>;

    /// The member of this standard name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|member| member.name() == name)
    }

    /// Its standard name.
    fn name(self) -> &'static str;

    /// Its slot.
    fn slot(self) -> usize;

    /// Whether its value is kept as JSON text: an object, or a list whose items matter separately.
    fn is_raw(self) -> bool {
        false
    }
}

/// A member's value, before its type is checked.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    Null,
    Text(Cow<'a, str>),
    /// A number that is neither negative nor infinite, floored; one that is too large is the greatest possible one.
    Whole(u64),
    /// A list of texts, joined by spaces.
    List(String),
    /// A truth value.
    Truth(bool),
    /// The JSON text of a member that [`Table::is_raw`], unless it is `null`.
    Raw(&'a RawValue),
    /// A number that JSON's grammar allows and on which readers differ, such as `1e999` (RFC 8259 §6).
    OutOfRange,
    /// Anything else.
    Other,
}

/// A member that may be missing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Optional<T> {
    Absent,
    /// Present, and `null` or empty.
    Blank(Fault),
    /// Present, and of the wrong type or with a forbidden character.
    Unreadable(Fault),
    Value(T),
}

/// The fault of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    Empty,
    WrongType,
    Character,
}

impl Fault {
    pub(crate) fn of(self, member: impl Table) -> Violation {
        match self {
            Self::Empty => Violation::Empty(member.name()),
            Self::WrongType => Violation::WrongType(member.name()),
            Self::Character => Violation::Character(member.name()),
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

    /// The fault of a present member without a value.
    pub(crate) fn fault(&self) -> Option<Fault> {
        match self {
            Self::Blank(fault) | Self::Unreadable(fault) => Some(*fault),
            Self::Absent | Self::Value(_) => None,
        }
    }
}

/// The known members, and the rest as it came.
#[derive(Debug)]
pub(crate) struct Members<'a, T: Table> {
    slots: T::Slots<'a>,
    /// A bit for each member that occurs more than once.
    doubled: u64,
    pub(crate) extra: Extra,
    /// The first fault of the object as a whole.
    pub(crate) violation: Option<Violation>,
}

impl<T: Table> Default for Members<'_, T> {
    fn default() -> Self {
        Self { slots: T::Slots::default(), doubled: 0, extra: Extra::default(), violation: None }
    }
}

impl<'a, T: Table> Members<'a, T> {
    #[inline]
    pub(crate) fn put(&mut self, member: T, value: Scalar<'a>) {
        if let Some(slot) = self.slots.as_mut().get_mut(member.slot())
            && slot.replace(value).is_some()
        {
            self.doubled |= 1 << member.slot();
        }
    }

    pub(crate) fn refuse(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    #[inline]
    pub(crate) fn take(&mut self, member: T) -> Option<Scalar<'a>> {
        self.slots.as_mut().get_mut(member.slot())?.take()
    }

    #[inline]
    pub(crate) fn get(&self, member: T) -> Option<&Scalar<'a>> {
        self.slots.as_ref().get(member.slot())?.as_ref()
    }

    #[inline]
    pub(crate) fn is_doubled(&self, member: T) -> bool {
        self.doubled & 1 << member.slot() != 0
    }

    /// The first member that occurs more than once.
    pub(crate) fn doubled(&self) -> Option<T> {
        if self.doubled == 0 {
            return None;
        }
        T::ALL.iter().copied().find(|member| self.is_doubled(*member))
    }

    /// The first member whose number is out of range.
    pub(crate) fn out_of_range(&self) -> Option<T> {
        T::ALL.iter().copied().find(|member| matches!(self.get(*member), Some(Scalar::OutOfRange)))
    }

    /// A required text that must not be empty. A value that is not a text stays in its place.
    pub(crate) fn required(&mut self, member: T) -> Result<Cow<'a, str>, Violation> {
        let slot = self.slots.as_mut().get_mut(member.slot()).ok_or(Violation::Missing(member.name()))?;
        match slot {
            None => Err(Violation::Missing(member.name())),
            Some(Scalar::Text(text)) if text.is_empty() => Err(Violation::Empty(member.name())),
            Some(Scalar::Text(text)) => {
                let text = core::mem::take(text);
                *slot = None;
                Ok(text)
            }
            Some(_) => Err(Violation::WrongType(member.name())),
        }
    }

    /// An optional token, or another text of printable ASCII. `null_is_absent` comes from
    /// [`Quirk::NullIsAbsent`](crate::Quirk::NullIsAbsent).
    #[inline]
    pub(crate) fn optional(&mut self, member: T, null_is_absent: bool) -> Optional<Cow<'a, str>> {
        match self.take(member) {
            None => Optional::Absent,
            Some(Scalar::Null) if null_is_absent => Optional::Absent,
            Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
            Some(Scalar::Text(text)) if text.is_empty() => Optional::Blank(Fault::Empty),
            Some(Scalar::Text(text)) => visible(&text).map_or(Optional::Value(text), Optional::Unreadable),
            Some(_) => Optional::Unreadable(Fault::WrongType),
        }
    }

    /// An optional number of seconds: a number, floored, or digits in a text.
    #[inline]
    pub(crate) fn seconds(&mut self, member: T, null_is_absent: bool) -> Optional<u64> {
        match self.take(member) {
            None => Optional::Absent,
            Some(Scalar::Null) if null_is_absent => Optional::Absent,
            Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
            Some(Scalar::Whole(seconds)) => Optional::Value(seconds),
            Some(Scalar::Text(text)) if text.is_empty() => Optional::Blank(Fault::Empty),
            Some(Scalar::Text(text)) => digits(&text).map_or(Optional::Unreadable(Fault::WrongType), Optional::Value),
            Some(_) => Optional::Unreadable(Fault::WrongType),
        }
    }

    /// An optional truth value.
    pub(crate) fn truth(&mut self, member: T) -> Optional<bool> {
        match self.take(member) {
            None => Optional::Absent,
            Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
            Some(Scalar::Truth(truth)) => Optional::Value(truth),
            Some(_) => Optional::Unreadable(Fault::WrongType),
        }
    }

    /// An optional list of texts, of a member that [`Table::is_raw`].
    pub(crate) fn texts(&mut self, member: T) -> Optional<Vec<String>> {
        match self.take(member) {
            None => Optional::Absent,
            Some(Scalar::Null) => Optional::Blank(Fault::WrongType),
            Some(Scalar::Raw(raw)) => match serde_json::from_str(raw.get()) {
                Ok(texts) => Optional::Value(texts),
                Err(_) => Optional::Unreadable(Fault::WrongType),
            },
            Some(_) => Optional::Unreadable(Fault::WrongType),
        }
    }

    /// A text for people: with another type or twice, it counts as absent.
    #[inline(always)]
    pub(crate) fn commentary(&mut self, member: T) -> Option<Cow<'a, str>> {
        match self.take(member) {
            Some(Scalar::Text(text)) if !self.is_doubled(member) => Some(text),
            _ => None,
        }
    }
}

/// The fault of a token: RFC 6749 appendix A.12 and A.17 allow printable ASCII; only blanks count as empty.
pub(crate) fn visible(text: &str) -> Option<Fault> {
    // The largest distance from a space. The loop has no early exit, so the compiler can check several bytes at once.
    if text.bytes().fold(0, |largest, b| b.wrapping_sub(b' ').max(largest)) > b'~' - b' ' {
        return Some(Fault::Character);
    }
    // Almost all tokens begin with another character, so this ends at the first byte.
    text.bytes().all(|b| b == b' ').then_some(Fault::Empty)
}

/// Digits, perhaps with a fraction, which is floored; a number that is too large is the greatest possible one.
fn digits(text: &str) -> Option<u64> {
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if all_digits(whole) && all_digits(fraction) { Some(whole.parse().unwrap_or(u64::MAX)) } else { None }
}
