//! The extensions: grants for which no person is sent to the resource's authorization server.

use grantflow::{
    Assertion, AssertionGrant, Client, ClientCredentials, Exchange as _, IdentityAssertionRequest, SecurityToken,
};

use crate::authorization_server::AuthorizationServer;
use crate::client::{ClientKind, Credentials};
use crate::connection::Connection;
use crate::error::Error;
use crate::exchange::GrantExchange;

impl AuthorizationServer {
    /// A token for the program itself (RFC 6749 §4.4), for an MCP server that needs no person. The credentials need a
    /// secret.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`] if they are of another issuer; [`Error::Authentication`]; [`Error::OAuth`].
    pub fn client_credentials(&self, credentials: &Credentials) -> Result<GrantExchange, Error> {
        let client = credentials.confidential(self.place())?;
        let mut grant = ClientCredentials::new(&client).resource(self.place().identifier())?;
        if let Some(scope) = self.wanted_scope() {
            grant = grant.scope(scope)?;
        }
        let connection = self.without_login(credentials.kind(), grant.client().clone());
        Ok(GrantExchange::new(connection, grant))
    }

    /// A token for a person who has logged in at the company's own server (enterprise-managed authorization): that server
    /// exchanges `subject`, the ID token or refresh token of that login, for an identity assertion (RFC 8693), which this
    /// server takes (RFC 7523 §2.1). It is run as one exchange of two steps.
    ///
    /// `at_company` is the program's client at the company's server; `credentials` are those at this one.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`] if the credentials are of another issuer; [`Error::Authentication`]; [`Error::OAuth`].
    pub fn enterprise_managed(
        &self,
        at_company: impl Into<Client>,
        subject: SecurityToken,
        credentials: &Credentials,
    ) -> Result<GrantExchange, Error> {
        let client = credentials.client(self.place())?;
        let resource = self.place().identifier().to_owned();
        let mut request = IdentityAssertionRequest::new(at_company, subject, &client)?.resource(&resource)?;
        if let Some(scope) = self.wanted_scope() {
            request = request.scope(scope)?;
        }
        let both = request.then(move |assertion, _| assertion.grant().resource(&resource));
        Ok(GrantExchange::new(self.without_login(credentials.kind(), client), both))
    }

    /// A token for a workload that its platform identifies by a JWT (workload identity; RFC 7523 §2.1). Without
    /// credentials, nothing names a client: see [`UnidentifiedClient`](grantflow::UnidentifiedClient).
    ///
    /// # Errors
    /// [`Error::OtherIssuer`] if the credentials are of another issuer; [`Error::Authentication`]; [`Error::OAuth`].
    pub fn workload_identity(
        &self,
        assertion: Assertion,
        credentials: Option<&Credentials>,
    ) -> Result<GrantExchange, Error> {
        let (kind, client) = match credentials {
            Some(credentials) => (credentials.kind(), credentials.client(self.place())?),
            None => (ClientKind::Unidentified, Client::from(&self.place().server().unidentified())),
        };
        let mut grant = AssertionGrant::new(&client, assertion).resource(self.place().identifier())?;
        if let Some(scope) = self.wanted_scope() {
            grant = grant.scope(scope)?;
        }
        Ok(GrantExchange::new(self.without_login(kind, client), grant))
    }

    fn without_login(&self, kind: ClientKind, client: Client) -> Connection {
        Connection { place: self.place().clone(), kind, client, redirect_uri: None }
    }
}
