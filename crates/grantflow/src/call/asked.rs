//! What a flow asks for, beside its own parameters: scope, resources, and the caller's parameters.

use crate::client::{Client, Registration};
use crate::error::{Error, Misuse};
use crate::scope::Scope;
use crate::server::Message;
use crate::server::fields::{Field, Params};
use crate::url::check_resource;

/// What a client asks for in a request, with the effect of the server's quirks.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) client: Client,
    /// The message that holds it.
    on: Message,
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Vec<String>,
    pub(crate) extra: Params,
}

impl Asked {
    pub(crate) fn new(client: Client, on: Message) -> Self {
        Self { client, on, scope: None, resources: Vec::new(), extra: Params::default() }
    }

    /// # Errors
    /// [`Misuse::Scope`].
    pub(crate) fn scope<S>(&mut self, scope: S) -> Result<(), Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.scope = Some(self.registration().server.quirks().tokens_of(scope.try_into()?)?);
        Ok(())
    }

    /// # Errors
    /// [`Misuse::Url`] if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`].
    pub(crate) fn resource(&mut self, resource: &str) -> Result<(), Error> {
        check_resource(resource)?;
        if self.resources.iter().any(|known| known == resource) {
            return Err(Error::Misuse(Misuse::DuplicateParameter));
        }
        self.resources.push(resource.to_owned());
        Ok(())
    }

    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`].
    pub(crate) fn param(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let Self { client, on, extra, .. } = self;
        client.registration().server.add_param(*on, extra, name, value)
    }

    pub(crate) fn registration(&self) -> &Registration {
        self.client.registration()
    }

    /// A flow's own parameters with the scope and the resources (RFC 6749 §3.3, RFC 8707 §2). If there are none,
    /// nothing is allocated.
    pub(crate) fn with<T>(&self, own: &[Field<'_>], then: impl FnOnce(&[Field<'_>]) -> T) -> T {
        if self.scope.is_none() && self.resources.is_empty() {
            return then(own);
        }
        let scope = self.scope.as_ref().map(|scope| self.registration().server.quirks().write_scope(scope));
        let scope = scope.as_deref().map(|scope| Field::new("scope", scope));
        let resources = self.resources.iter().map(|resource| Field::new("resource", resource));
        let all: Vec<Field<'_>> = own.iter().copied().chain(scope).chain(resources).collect();
        then(&all)
    }
}
