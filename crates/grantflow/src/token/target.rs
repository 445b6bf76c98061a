//! What tokens are for, beside their scope: resources and authorization details.

use core::fmt;

use crate::details::{AuthorizationDetails, GrantedDetails};
use crate::wire::object::Extra;

/// The resources of a grant (RFC 8707), and what is kept of earlier answers (RFC 9396). Most grants have none of it, so
/// it takes one word.
#[derive(Clone, Default)]
pub(crate) struct Target(Option<Box<Parts>>);

#[derive(Clone, Default)]
pub(super) struct Parts {
    /// Those of the authorization request.
    pub(super) resources: Vec<String>,
    /// Those of the latest token request, if it named some of them.
    pub(super) narrowed: Vec<String>,
    /// The details of an earlier answer, if the latest one says nothing about them.
    pub(super) details: Option<AuthorizationDetails>,
    /// Those of an earlier answer could not be read.
    pub(super) details_are_unreadable: bool,
}

impl Target {
    /// The resources of a grant, and those of them that the token request named. All of them are not narrower.
    #[inline]
    pub(crate) fn new(resources: &[String], named: &[String]) -> Self {
        if resources.is_empty() && named.is_empty() { Self(None) } else { Self::with(resources, named) }
    }

    #[cold]
    fn with(resources: &[String], named: &[String]) -> Self {
        let narrowed = if named == resources { Vec::new() } else { named.to_vec() };
        Self::of(Parts { resources: resources.to_vec(), narrowed, ..Parts::default() })
    }

    pub(super) fn of(parts: Parts) -> Self {
        let is_empty = parts.resources.is_empty() && parts.narrowed.is_empty() && parts.details.is_none();
        let is_empty = is_empty && !parts.details_are_unreadable;
        Self((!is_empty).then(|| Box::new(parts)))
    }

    pub(super) fn parts(&self) -> Option<&Parts> {
        self.0.as_deref()
    }

    /// The resources of the grant. Empty if it was requested for none.
    pub(crate) fn resources(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |parts| &parts.resources)
    }

    /// The resources of the access token, which its renewal names again.
    pub(crate) fn of_the_token(&self) -> &[String] {
        match &self.0 {
            Some(parts) if !parts.narrowed.is_empty() => &parts.narrowed,
            _ => self.resources(),
        }
    }

    /// Details that still hold, because an answer says nothing new about them.
    pub(crate) fn keep_details(&mut self, details: GrantedDetails) {
        match details {
            GrantedDetails::Granted(details) => self.0.get_or_insert_default().details = Some(details),
            GrantedDetails::Unreadable => self.0.get_or_insert_default().details_are_unreadable = true,
            GrantedDetails::NotSaid => {}
        }
    }

    /// The details of the latest answer, or of an earlier one.
    pub(crate) fn details(&self, extra: &Extra) -> GrantedDetails {
        match (GrantedDetails::of(extra), self.parts()) {
            (GrantedDetails::NotSaid, Some(Parts { details: Some(kept), .. })) => GrantedDetails::Granted(kept.clone()),
            (GrantedDetails::NotSaid, Some(Parts { details_are_unreadable: true, .. })) => GrantedDetails::Unreadable,
            (said, _) => said,
        }
    }
}

impl From<Vec<String>> for Target {
    fn from(resources: Vec<String>) -> Self {
        Self::of(Parts { resources, ..Parts::default() })
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let details = self.0.as_ref().and_then(|parts| parts.details.as_ref());
        f.debug_struct("Target")
            .field("resources", &self.resources())
            .field("of_the_token", &self.of_the_token())
            .field("details", &details)
            .finish()
    }
}
