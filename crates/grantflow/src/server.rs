//! An authorization server: where its endpoints are, how it names itself, and how it deviates.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::endpoint::{Endpoint, Issuer, Origin};
use crate::error::{Error, Misuse, UrlFault, UrlRole};
use crate::params::Params;
use crate::quirk::{Message, Quirk, Quirks};
use crate::wire::form;

/// An authorization server, as plain data. Clients are made from it, and belong to it: [`Server::client`].
///
/// ```
/// use grantflow::Server;
///
/// let trackmania = Server::new("https://api.trackmania.com/oauth/authorize", "https://api.trackmania.com/api/access_token")?
///     .token_for("https://api.trackmania.com")?;
/// let client = trackmania.client("my-id").secret_post("my-secret")?;
/// # Ok::<(), grantflow::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Server {
    authorization: Option<Endpoint>,
    token: Endpoint,
    issuer: Option<Issuer>,
    iss_required: bool,
    origins: Option<Arc<[Origin]>>,
    quirks: Quirks,
}

impl Server {
    /// A server with an authorization endpoint and a token endpoint (RFC 6749 §3.1, §3.2).
    ///
    /// # Errors
    /// [`Misuse::Url`] if one of them is not `https` (or `http` on loopback), has a fragment or user information, or has a
    /// query that uses a parameter of the protocol's own or one name twice. Any other query is kept. So is every other
    /// character that RFC 3986 allows, but for those that a shell acts on, `!$'()*;` and brackets outside the host: an
    /// authorization URL is handed to a program that opens it. Percent-encode them; real endpoints have none.
    pub fn new(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, Error> {
        let mut server = Self::with_token_endpoint(token_endpoint)?;
        server.authorization = Some(Endpoint::new(authorization_endpoint, UrlRole::Authorization)?);
        server.check_queries()?;
        Ok(server)
    }

    /// A server without an authorization endpoint, for grants that no person takes part in.
    ///
    /// # Errors
    /// As [`Server::new`].
    pub fn with_token_endpoint(token_endpoint: &str) -> Result<Self, Error> {
        let server = Self {
            authorization: None,
            token: Endpoint::new(token_endpoint, UrlRole::Token)?,
            issuer: None,
            iss_required: false,
            origins: None,
            quirks: Quirks::default(),
        };
        server.check_queries()?;
        Ok(server)
    }

    /// The server's issuer identifier. From now on an `iss` in the callback must be this one, byte for byte (RFC 9207 §2.4).
    /// Without one, an `iss` is ignored, for there is nothing to compare it with: whoever uses several servers needs one
    /// for each (RFC 9700 §4.4).
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`Issuer::new`].
    pub fn issuer(mut self, issuer: &str) -> Result<Self, Error> {
        self.issuer = Some(Issuer::new(issuer)?);
        Ok(self)
    }

    /// The server's issuer identifier, where the server is known to send `iss` with every callback
    /// (`authorization_response_iss_parameter_supported`): one without it is then refused (RFC 9207 §2.4).
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`Issuer::new`].
    pub fn issuer_always_sent(mut self, issuer: &str) -> Result<Self, Error> {
        self = self.issuer(issuer)?;
        self.iss_required = true;
        Ok(self)
    }

    /// An origin (scheme, host, port) that this server's access tokens are for. Give it once for each. As soon as there
    /// is one, a token is attached to no request to any other (OAuth 2.1 §7.1.3.1).
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not `https` (or `http` on loopback), or is more than an origin.
    pub fn token_for(mut self, origin: &str) -> Result<Self, Error> {
        let mut origins = self.origins.as_deref().map(<[Origin]>::to_vec).unwrap_or_default();
        origins.push(Origin::new(origin)?);
        self.origins = Some(origins.into());
        Ok(self)
    }

    /// A way in which this server deviates from the RFCs.
    ///
    /// # Errors
    /// [`Misuse::Quirk`] if it contradicts the protocol or another quirk.
    pub fn quirk(mut self, quirk: Quirk) -> Result<Self, Error> {
        self.quirks.add(quirk)?;
        self.check_queries()?;
        Ok(self)
    }

    /// Neither endpoint's own query may hold a parameter that a flow is going to add, nor one twice (RFC 6749 §3.1, §3.2).
    fn check_queries(&self) -> Result<(), Error> {
        let authorization =
            self.authorization.as_ref().map(|e| (e, Message::AuthorizationRequest, UrlRole::Authorization));
        for (endpoint, on, role) in
            authorization.into_iter().chain([(&self.token, Message::TokenRequest, UrlRole::Token)])
        {
            let fault = |fault| Err(Error::Misuse(Misuse::Url { role, fault }));
            let mut seen = BTreeSet::new();
            for (name, _) in form::raw_pairs(endpoint.query()) {
                // A name that cannot be read might be any.
                let Some(name) = form::decode(name).filter(|name| !self.quirks.is_reserved(on, name)) else {
                    return fault(UrlFault::ReservedParameter);
                };
                if !seen.insert(name) {
                    return fault(UrlFault::RepeatedParameter);
                }
            }
        }
        Ok(())
    }

    /// Adds a parameter of the caller's to those of a request to one of the endpoints.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`].
    pub(crate) fn add_param(&self, on: Message, params: &mut Params, name: &str, value: &str) -> Result<(), Error> {
        let own_query = match on {
            Message::AuthorizationRequest => self.authorization.as_ref().map_or("", Endpoint::query),
            _ => self.token.query(),
        };
        params.add(&self.quirks, on, own_query, name, value)
    }

    pub(crate) fn authorization_endpoint(&self) -> Option<&Endpoint> {
        self.authorization.as_ref()
    }

    pub(crate) fn token_endpoint(&self) -> &Endpoint {
        &self.token
    }

    pub(crate) fn issuer_identifier(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    pub(crate) fn iss_required(&self) -> bool {
        self.iss_required
    }

    pub(crate) fn origins(&self) -> Option<&Arc<[Origin]>> {
        self.origins.as_ref()
    }

    pub(crate) fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoints_own_query_must_not_use_our_names() {
        let token = "https://as.example/token";
        assert!(Server::new("https://as.example/a?tenant=x", token).is_ok());
        for query in ["client_id=x", "a=1&state=", "st%61te=x", "%zz=1"] {
            let error = Server::new(&format!("https://as.example/a?{query}"), token).unwrap_err();
            assert!(
                matches!(
                    error,
                    Error::Misuse(Misuse::Url { role: UrlRole::Authorization, fault: UrlFault::ReservedParameter })
                ),
                "{query}"
            );
        }
        assert!(Server::with_token_endpoint("https://as.example/token?grant_type=x").is_err());
        for query in ["a=1&a=2", "a=1&b=2&%61=3", "a&a"] {
            for result in [
                Server::new(&format!("https://as.example/a?{query}"), token),
                Server::new("https://as.example/a", &format!("{token}?{query}")),
            ] {
                let fault = match result.unwrap_err() {
                    Error::Misuse(Misuse::Url { fault, .. }) => fault,
                    other => panic!("{other}"),
                };
                assert_eq!(fault, UrlFault::RepeatedParameter, "{query}");
            }
        }
        let renamed = Quirk::renamed(Message::AuthorizationRequest, "client_id", "tenant");
        assert!(Server::new("https://as.example/a?tenant=x", token).unwrap().quirk(renamed).is_err());
    }
}
