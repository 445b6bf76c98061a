//! Which optional members of an answer could not be read.

use core::fmt;

use crate::answer::token::Member;
use crate::wire::object::Table as _;

const EXPIRES_IN: &str = Member::ExpiresIn.as_str();
const REFRESH_TOKEN: &str = Member::RefreshToken.as_str();
const SCOPE: &str = Member::Scope.as_str();
const ID_TOKEN: &str = Member::IdToken.as_str();

/// A set of optional members, in one byte, because almost every answer has none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tolerated(u8);

impl Tolerated {
    /// The members that can be in it, in the order of their bits.
    const MEMBERS: [Member; 4] = [Member::ExpiresIn, Member::RefreshToken, Member::Scope, Member::IdToken];

    /// The names of each set, so that they can be borrowed without an allocation.
    const NAMES: [&[&str]; 16] = [
        &[],
        &[EXPIRES_IN],
        &[REFRESH_TOKEN],
        &[EXPIRES_IN, REFRESH_TOKEN],
        &[SCOPE],
        &[EXPIRES_IN, SCOPE],
        &[REFRESH_TOKEN, SCOPE],
        &[EXPIRES_IN, REFRESH_TOKEN, SCOPE],
        &[ID_TOKEN],
        &[EXPIRES_IN, ID_TOKEN],
        &[REFRESH_TOKEN, ID_TOKEN],
        &[EXPIRES_IN, REFRESH_TOKEN, ID_TOKEN],
        &[SCOPE, ID_TOKEN],
        &[EXPIRES_IN, SCOPE, ID_TOKEN],
        &[REFRESH_TOKEN, SCOPE, ID_TOKEN],
        &[EXPIRES_IN, REFRESH_TOKEN, SCOPE, ID_TOKEN],
    ];

    pub(crate) fn add(&mut self, member: Member) {
        for (bit, known) in Self::MEMBERS.into_iter().enumerate() {
            if known == member {
                self.0 |= 1 << bit;
            }
        }
    }

    /// The set of these names; this release ignores unknown ones.
    pub(super) fn named(names: &[String]) -> Self {
        let mut all = Self::default();
        names.iter().filter_map(|name| Member::named(name)).for_each(|member| all.add(member));
        all
    }

    pub(super) fn names(self) -> &'static [&'static str] {
        Self::NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

impl fmt::Debug for Tolerated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.names())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_called_by_the_names_of_its_members() {
        for bits in 0..16u8 {
            let mut set = Tolerated::default();
            let members = Tolerated::MEMBERS.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
            let names: Vec<&str> = members.map(|(_, member)| member.as_str()).collect();
            names.iter().rev().for_each(|name| set.add(Member::named(name).unwrap()));
            assert_eq!(set.names(), names);
            assert_eq!(Tolerated::named(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()), set);
        }
        let mut none = Tolerated::default();
        none.add(Member::AccessToken);
        assert_eq!(none.names(), [""; 0]);
    }
}
