//! Scopes: requested and granted (RFC 6749 §3.3).

use core::fmt;
use std::collections::BTreeSet;

use crate::error::{Error, Misuse};
use crate::wire::challenge::TokenChallenge;

/// A set of scope tokens, in the order in which they were written.
///
/// Two scopes are equal if they hold the same tokens, in any order (RFC 6749 §3.3).
///
/// It has no `Display`, and its `Debug` shows the tokens only if the program wrote them: tokens from a server or a
/// store may be anything, also a reflected secret. Read it with [`as_str`](Self::as_str).
#[derive(Clone)]
pub struct Scope {
    text: Box<str>,
    /// Whether the program gave it, so that it may be printed.
    own: bool,
}

impl Scope {
    /// Reads scope tokens separated by spaces. Surplus spaces are dropped.
    ///
    /// # Errors
    /// [`Misuse::Scope`] if nothing is left, or if a token has a character outside RFC 6749 appendix A.4 (printable
    /// ASCII without space, `"` and `\`).
    pub fn new(text: &str) -> Result<Self, Error> {
        match Self::read(text, ' ') {
            Some(scope) if !scope.is_empty() => Ok(Self { own: true, ..scope }),
            _ => Err(Error::Misuse(Misuse::Scope)),
        }
    }

    /// Like [`new`](Self::new), for tokens that another party wrote, such as a resource's `scopes_supported`: `Debug` shows
    /// none of them.
    ///
    /// # Errors
    /// [`Misuse::Scope`].
    pub fn untrusted(text: &str) -> Result<Self, Error> {
        Self::read(text, ' ').filter(|scope| !scope.is_empty()).ok_or(Error::Misuse(Misuse::Scope))
    }

    /// The same scope for a server that separates tokens by `separator`: no token contains it.
    pub(crate) fn split_at(self, separator: char) -> Result<Self, Error> {
        if !self.text.contains(separator) {
            return Ok(self);
        }
        match Self::read(&self.text, separator) {
            Some(scope) if !scope.is_empty() => Ok(Self { own: self.own, ..scope }),
            _ => Err(Error::Misuse(Misuse::Scope)),
        }
    }

    /// Reads a scope as a server writes it, which may be empty. `None` if a character is not allowed.
    pub(crate) fn read(text: &str, separator: char) -> Option<Self> {
        // The loop reads all bytes: without an early exit, the compiler can check several at once.
        if !text.bytes().fold(true, |good, b| good & (b == b' ' || is_scope_byte(b))) {
            return None;
        }
        let canonical = !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ");
        if separator == ' ' && canonical {
            return Some(Self { text: text.into(), own: false });
        }
        let tokens = text.split([' ', separator]).filter(|token| !token.is_empty());
        let mut canonical = String::with_capacity(text.len());
        for token in tokens {
            if !canonical.is_empty() {
                canonical.push(' ');
            }
            canonical.push_str(token);
        }
        Some(Self { text: canonical.into(), own: false })
    }

    /// The tokens, separated by single spaces.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The tokens, in the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.text.split(' ').filter(|token| !token.is_empty())
    }

    /// Whether `token` is one of them.
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|t| t == token)
    }

    /// Whether there is no token at all, which is possible only in a server's answer.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether every token of this scope is also in `other`.
    pub fn is_subset_of(&self, other: &Scope) -> bool {
        self.tokens().is_subset(&other.tokens())
    }

    /// The tokens of both, each once, those of this scope first.
    pub(crate) fn union(&self, other: &Scope) -> Scope {
        let known = self.tokens();
        let mut text = String::with_capacity(self.text.len() + 1 + other.text.len());
        text.push_str(&self.text);
        for token in other.iter().filter(|token| !known.contains(token)) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(token);
        }
        Self { text: text.into(), own: self.own && other.own }
    }

    fn tokens(&self) -> BTreeSet<&str> {
        self.iter().collect()
    }
}

impl TokenChallenge<'_> {
    /// `scope`: what a token for the request needs (RFC 6750 §3). `None` if the server does not say, or if it cannot be
    /// read. Tokens are separated by spaces; [`Authorization::step_up`](crate::Authorization::step_up) also reads the
    /// separator of the server.
    pub fn scope(&self) -> Option<Scope> {
        self.text("scope").and_then(|text| Scope::read(text, ' ')).filter(|scope| !scope.is_empty())
    }
}

/// RFC 6749 appendix A.4: NQCHAR.
fn is_scope_byte(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || self.tokens() == other.tokens()
    }
}

impl Eq for Scope {}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.own {
            true => write!(f, "Scope({:?})", &*self.text),
            false => write!(f, "Scope([{} tokens])", self.iter().count()),
        }
    }
}

impl core::str::FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Scope {
    type Error = Error;

    fn try_from(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

/// The scope of a grant: the requested one and the server's answer (RFC 6749 §5.1).
///
/// A server that says nothing has granted the requested scope. If its `scope` cannot be read,
/// [`is_unreadable`](Self::is_unreadable) is true, and the grant's scope is unknown.
///
/// `Debug` shows only those of the server's tokens that the program had written.
#[derive(Clone, PartialEq, Eq)]
pub struct GrantedScope {
    pub(crate) requested: Option<Scope>,
    pub(crate) explicit: Option<Scope>,
    /// The server's scope cannot be read; then `explicit` is `None`.
    pub(crate) unreadable: bool,
}

impl GrantedScope {
    /// The requested scope; `None` if none was requested, which leaves the choice to the server.
    pub fn requested(&self) -> Option<&Scope> {
        self.requested.as_ref()
    }

    /// The scope that the server said it granted; `None` if it said nothing, which means "as requested", or nothing
    /// that can be read. It may be empty, which is not the same as "as requested".
    pub fn explicit(&self) -> Option<&Scope> {
        self.explicit.as_ref()
    }

    /// Whether the server said what it granted, and it cannot be read: `scope` was `null` (see
    /// [`Quirk::NullIsAbsent`](crate::Quirk::NullIsAbsent)), a list (see
    /// [`Quirk::ScopeList`](crate::Quirk::ScopeList)), or had a forbidden character.
    pub fn is_unreadable(&self) -> bool {
        self.unreadable
    }

    /// The scope of the grant, as far as the messages tell: the server's scope, else the requested one. `None` if
    /// nothing was requested and nothing was said: only the server knows its default. `None` also if the server's scope
    /// cannot be read.
    pub fn effective(&self) -> Option<&Scope> {
        if self.unreadable { None } else { self.explicit.as_ref().or(self.requested.as_ref()) }
    }

    /// Whether the server granted less than requested: a token of the request is missing in its answer. `None` if its
    /// answer cannot be read.
    pub fn is_narrowed(&self) -> Option<bool> {
        self.compared(|asked, got| !asked.is_subset_of(got))
    }

    /// Whether the server granted something that was not requested. `None` if its answer cannot be read.
    pub fn is_widened(&self) -> Option<bool> {
        self.compared(|asked, got| !got.is_subset_of(asked))
    }

    fn compared(&self, differ: impl FnOnce(&Scope, &Scope) -> bool) -> Option<bool> {
        match (&self.requested, &self.explicit) {
            _ if self.unreadable => None,
            (Some(asked), Some(got)) => Some(differ(asked, got)),
            _ => Some(false),
        }
    }
}

impl fmt::Debug for GrantedScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GrantedScope {{ requested: {:?}, explicit: ", self.requested)?;
        if self.unreadable {
            return f.write_str("unreadable }");
        }
        let Some(explicit) = &self.explicit else { return f.write_str("None }") };
        let own = self.requested.as_ref().filter(|requested| requested.own);
        let known: Vec<&str> = explicit.iter().filter(|token| own.is_some_and(|own| own.contains(token))).collect();
        write!(f, "{known:?} and {} others }}", explicit.iter().count() - known.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn granted(requested: Option<&str>, explicit: Option<&str>) -> GrantedScope {
        GrantedScope {
            requested: requested.map(|s| Scope::new(s).unwrap()),
            explicit: explicit.map(|s| Scope::read(s, ' ').unwrap()),
            unreadable: false,
        }
    }

    #[test]
    fn order_and_spaces_do_not_matter() {
        assert_eq!(Scope::new("a b").unwrap(), Scope::new("  b   a ").unwrap());
        assert_eq!(Scope::new("  b   a ").unwrap().as_str(), "b a");
        assert_ne!(Scope::new("a b").unwrap(), Scope::new("a").unwrap());
    }

    #[test]
    fn a_scope_of_another_party_is_the_same_and_is_not_printed() {
        let scope = Scope::untrusted("  a   b ").unwrap();
        assert_eq!(scope, Scope::new("a b").unwrap());
        assert_eq!(format!("{scope:?}"), "Scope([2 tokens])");
    }

    #[test]
    fn bad_characters_and_nothing_are_refused() {
        for bad in ["", "  ", "a\"b", "a\\b", "a\tb", "é", "a\nb", "a\u{7f}"] {
            assert!(Scope::new(bad).is_err() && Scope::untrusted(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn absent_empty_subset_and_superset_are_told_apart() {
        for (explicit, narrowed) in
            [(None, false), (Some(""), true), (Some(" "), true), (Some("a"), true), (Some("b a"), false)]
        {
            assert_eq!(granted(Some("a b"), explicit).is_narrowed(), Some(narrowed), "{explicit:?}");
        }
        let wider = granted(Some("a"), Some("a b"));
        assert_eq!((wider.is_widened(), wider.is_narrowed()), (Some(true), Some(false)));
        assert_eq!(granted(None, None).effective(), None);
        assert_eq!(granted(Some("a"), None).effective().unwrap().as_str(), "a");
        assert!(granted(Some("a"), Some("")).effective().unwrap().is_empty());
        let unknown = GrantedScope { unreadable: true, ..granted(Some("a"), None) };
        assert_eq!((unknown.effective(), unknown.is_narrowed(), unknown.is_widened()), (None, None, None));
        assert_ne!(unknown, granted(Some("a"), None), "not the same as nothing said");
    }

    #[test]
    fn only_what_the_program_wrote_is_printed() {
        let shown = |value: &dyn fmt::Debug| format!("{value:?} {value:#?}");
        assert!(shown(&Scope::new("a b").unwrap()).contains("\"a b\""));
        assert!(!shown(&Scope::read("s3cret b", ' ').unwrap()).contains("s3cret"));
        let scope = granted(Some("read write"), Some("read s3cret"));
        assert_eq!(
            format!("{scope:?}"),
            "GrantedScope { requested: Some(Scope(\"read write\")), explicit: [\"read\"] and 1 others }"
        );
        // As in a refresh: the granted scope is now the requested one.
        let carried = GrantedScope { requested: scope.explicit.clone(), explicit: scope.explicit, unreadable: false };
        assert!(!shown(&carried).contains("s3cret"), "{carried:?}");
        assert!(!shown(&Scope::read("s3cret,b", ' ').unwrap().split_at(',')).contains("s3cret"));
    }

    #[test]
    fn another_separator_is_read_on_request_only() {
        assert_eq!(Scope::read("a,b, c", ',').unwrap().as_str(), "a b c");
        assert_eq!(Scope::read("a,b", ' ').unwrap().as_str(), "a,b");
    }
}
