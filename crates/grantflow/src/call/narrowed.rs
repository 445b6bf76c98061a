//! A token request for a part of its grant: some of its resources, some of its authorization details.

use crate::details::AuthorizationDetails;
use crate::error::{Error, Misuse};
use crate::server::Server;
use crate::url::add_resource;

/// The part of a grant for which a token is requested (RFC 8707 §2.2, RFC 9396 §6). Most requests name none, so it takes
/// one word.
#[derive(Clone, Debug, Default)]
pub(crate) struct Narrowed(Option<Box<Part>>);

#[derive(Clone, Debug, Default)]
struct Part {
    resources: Vec<String>,
    details: Option<AuthorizationDetails>,
}

impl Narrowed {
    /// Adds a resource. If the grant was requested for some, it must be one of them.
    ///
    /// # Errors
    /// [`Misuse::WiderResource`], and the errors of [`add_resource`].
    pub(crate) fn resource(&mut self, granted: &[String], resource: &str) -> Result<(), Error> {
        if !granted.is_empty() && !granted.iter().any(|known| known == resource) {
            return Err(Error::Misuse(Misuse::WiderResource));
        }
        add_resource(&mut self.0.get_or_insert_default().resources, resource)
    }

    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server does not list one of their types.
    pub(crate) fn authorization_details(
        &mut self,
        server: &Server,
        details: AuthorizationDetails,
    ) -> Result<(), Error> {
        server.check_details(&details)?;
        self.0.get_or_insert_default().details = Some(details);
        Ok(())
    }

    /// The named resources. Empty if none were named.
    #[inline]
    pub(crate) fn resources(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |part| &part.resources)
    }

    pub(crate) fn details(&self) -> Option<&AuthorizationDetails> {
        self.0.as_ref()?.details.as_ref()
    }

    /// The named resources, or these.
    pub(crate) fn resources_or<'a>(&'a self, others: &'a [String]) -> &'a [String] {
        let named = self.resources();
        if named.is_empty() { others } else { named }
    }
}
