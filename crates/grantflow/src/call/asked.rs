//! What a flow asks for, beside its own parameters: scope, resources, authorization details, and the caller's parameters.

use crate::client::{Client, ClientData};
use crate::details::AuthorizationDetails;
use crate::error::Error;
use crate::scope::Scope;
use crate::server::Message;
use crate::server::fields::{Field, Params};
use crate::url::add_resource;

/// What a client asks for in a request, beside the grant's own parameters: a scope, resources, authorization details,
/// extra parameters. Your own flow keeps one, and gives it to [`Client::token_request`] and [`Client::token_answer`].
#[derive(Clone, Debug)]
pub struct Asked {
    pub(crate) client: Client,
    /// The message that holds it.
    on: Message,
    pub(crate) scope: Option<Scope>,
    pub(crate) resources: Vec<String>,
    details: Option<AuthorizationDetails>,
    pub(crate) extra: Params,
}

impl Asked {
    /// An empty value, for a token request by this client.
    pub fn new(client: impl Into<Client>) -> Self {
        Self::on(client.into(), Message::TokenRequest)
    }

    pub(crate) fn on(client: Client, on: Message) -> Self {
        Self { client, on, scope: None, resources: Vec::new(), details: None, extra: Params::default() }
    }

    /// The client that asks.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. Without one, the server chooses.
    ///
    /// # Errors
    /// [`Misuse::Scope`](crate::Misuse::Scope).
    pub fn scope<S>(&mut self, scope: S) -> Result<(), Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.scope = Some(self.client.server().quirks().tokens_of(scope.try_into()?)?);
        Ok(())
    }

    /// A resource for which the token is requested (RFC 8707 §2). May be given more than once.
    ///
    /// # Errors
    /// [`Misuse::Url`](crate::Misuse::Url) if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter).
    pub fn resource(&mut self, resource: &str) -> Result<(), Error> {
        add_resource(&mut self.resources, resource)
    }

    /// The authorization details to ask for (RFC 9396 §5, §6). Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`](crate::Misuse::AuthorizationDetails) if the server lists the types that it knows, and one of these is not among them.
    pub fn authorization_details(&mut self, details: AuthorizationDetails) -> Result<(), Error> {
        self.client.server().check_details(&details)?;
        self.details = Some(details);
        Ok(())
    }

    /// An extra parameter: `audience`.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`](crate::Misuse::ReservedParameter) for a parameter that a flow sets itself; [`Misuse::DuplicateParameter`](crate::Misuse::DuplicateParameter) for one
    /// that was given already, or that is in the endpoint's query.
    pub fn param(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let Self { client, on, extra, .. } = self;
        client.server().add_param(*on, extra, name, value)
    }

    pub(crate) fn data(&self) -> &ClientData {
        self.client.data()
    }

    /// The parameter for the authorization details.
    pub(crate) fn details(&self) -> Option<Field<'_>> {
        self.details.as_ref().map(|details| Field::new("authorization_details", details.as_json()))
    }

    /// A flow's own parameters with the scope, the resources and the authorization details (RFC 6749 §3.3, RFC 8707 §2,
    /// RFC 9396 §2). If there are none, nothing is allocated.
    pub(crate) fn with<T>(&self, own: &[Field<'_>], then: impl FnOnce(&[Field<'_>]) -> T) -> T {
        if self.scope.is_none() && self.resources.is_empty() && self.details.is_none() {
            return then(own);
        }
        let scope = self.scope.as_ref().map(|scope| self.client.server().quirks().write_scope(scope));
        let scope = scope.as_deref().map(|scope| Field::new("scope", scope));
        let resources = self.resources.iter().map(|resource| Field::new("resource", resource));
        let details = self.details();
        let all: Vec<Field<'_>> = own.iter().copied().chain(scope).chain(resources).chain(details).collect();
        then(&all)
    }
}
