//! An authorization server: its endpoints, its identifier, and its deviations.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::{Error, Misuse, UrlFault, UrlRole};
use crate::url::{Endpoint, Issuer, Origin, PlainHttp, Reach, check_former, same_url};
use crate::wire::form;

mod announced;
mod backchannel;
mod endpoints;
pub(crate) mod fields;
mod message;
mod quirk;
mod quirks;

use announced::Announced;
use endpoints::Endpoints;
pub(crate) use endpoints::{EndpointKind, ROWS as ENDPOINTS};
use fields::Params;
pub use message::Message;
pub(crate) use message::{AUDIENCE, CLIENT, FRONT_CHANNEL};
pub use quirk::Quirk;
pub(crate) use quirks::{ErrorPlace, Quirks};

/// An authorization server, as plain data. Clients are made from it, and belong to it: [`Server::client`]. It is
/// configured by hand, or made from the server's metadata: [`Discovery`](crate::Discovery).
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
    endpoints: Endpoints,
    issuer: Option<Issuer>,
    iss_required: bool,
    /// Earlier token endpoints and issuers that stored tokens may name.
    former: Vec<Box<str>>,
    /// `None` for the default.
    reach: Option<Arc<Reach>>,
    quirks: Quirks,
    pub(crate) announced: Announced,
}

impl Server {
    /// A server with an authorization endpoint and a token endpoint (RFC 6749 §3.1, §3.2).
    ///
    /// # Errors
    /// [`Misuse::Url`] if one of them is not `https` (or `http` on loopback), has a fragment or user information, or
    /// has a query that uses a reserved parameter or one name twice. Any other query is kept. So is every other
    /// character that RFC 3986 allows, except those that a shell acts on, `!$'()*;` and brackets outside the host,
    /// because an authorization URL is given to a program that opens it. Percent-encode them; real endpoints have none.
    pub fn new(authorization_endpoint: &str, token_endpoint: &str) -> Result<Self, Error> {
        Self::made(Some(authorization_endpoint), token_endpoint, None)
    }

    /// A server without an authorization endpoint, for grants without a person.
    ///
    /// # Errors
    /// The errors of [`Server::new`].
    pub fn with_token_endpoint(token_endpoint: &str) -> Result<Self, Error> {
        Self::made(None, token_endpoint, None)
    }

    fn made(authorization: Option<&str>, token: &str, plain: Option<&PlainHttp>) -> Result<Self, Error> {
        let reach = plain.map(Reach::over);
        let token = Endpoint::new(token, UrlRole::Token, reach.as_ref().map_or(&[], Reach::plain))?;
        let server = Self {
            endpoints: Endpoints::new(token),
            issuer: None,
            iss_required: false,
            former: Vec::new(),
            reach: reach.map(Arc::new),
            quirks: Quirks::default(),
            announced: Announced::default(),
        };
        server.check_queries()?;
        match authorization {
            Some(url) => server.endpoint(EndpointKind::Authorization, url),
            None => Ok(server),
        }
    }

    fn checked_endpoint(&self, kind: EndpointKind, url: &str) -> Result<Endpoint, Error> {
        Endpoint::new(url, kind.row().role, self.plain_hosts())
    }

    /// The server's issuer identifier. From now on an `iss` in the callback must be this one, byte for byte (RFC 9207 §2.4).
    /// Without one, an `iss` is ignored, because there is nothing to compare it with. A program that uses several servers needs one
    /// for each (RFC 9700 §4.4).
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`Issuer::new`].
    pub fn issuer(mut self, issuer: &str) -> Result<Self, Error> {
        self.issuer = Some(Issuer::new(issuer)?);
        Ok(self)
    }

    /// The server's issuer identifier, if the server is known to send `iss` with every callback
    /// (`authorization_response_iss_parameter_supported`): a callback without it is then refused (RFC 9207 §2.4).
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`Issuer::new`].
    pub fn issuer_always_sent(mut self, issuer: &str) -> Result<Self, Error> {
        self = self.issuer(issuer)?;
        self.iss_required = true;
        Ok(self)
    }

    /// An origin (scheme, host, port) for this server's access tokens. Call it once for each origin. After the first, a
    /// token is attached to no request to any other origin (OAuth 2.1 §7.1.3.1).
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not `https` (or `http` on loopback, or to a host that [`PlainHttp`] names), or is more than
    /// an origin.
    pub fn token_for(mut self, origin: &str) -> Result<Self, Error> {
        let mut reach = self.reach.as_deref().cloned().unwrap_or_default();
        reach.add(origin)?;
        self.reach = Some(reach.into());
        Ok(self)
    }

    /// A token endpoint or an issuer that this server had before it moved. Call it once for each. Stored tokens
    /// ([`Tokens::from_stored`](crate::Tokens::from_stored)) that name it are restored as tokens of this server, and
    /// **their refresh tokens go to its current token endpoint**: name only what the same operator has moved.
    ///
    /// A door. The URL is only compared and never requested, so `http` is accepted too. A pending callback
    /// ([`PendingCallback`](crate::PendingCallback)) is never moved: its login starts again. No door is needed for
    /// another spelling of a URL (RFC 3986 §6.2.2, §6.2.3), or for the first configuration of an issuer.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an absolute `https` or `http` URL.
    ///
    /// ```
    /// use grantflow::Server;
    ///
    /// let server = Server::new("https://id.example/authorize", "https://id.example/token")?
    ///     .issuer("https://id.example")?
    ///     .formerly("https://login.example/oauth/token")?
    ///     .formerly("https://login.example")?;
    /// # let _ = server;
    /// # Ok::<(), grantflow::Error>(())
    /// ```
    pub fn formerly(mut self, url: &str) -> Result<Self, Error> {
        check_former(url)?;
        self.former.push(url.into());
        Ok(self)
    }

    /// Adds a deviation of this server from the RFCs.
    ///
    /// # Errors
    /// [`Misuse::Quirk`] if it contradicts the protocol, another quirk, or what the server's metadata announces.
    pub fn quirk(mut self, quirk: Quirk) -> Result<Self, Error> {
        if quirk == Quirk::RefusesPkce && self.announced.s256 {
            return Err(Error::Misuse(Misuse::Quirk(
                "the server's metadata announces PKCE with S256: it does not refuse it",
            )));
        }
        if let Quirk::RefreshEndpoint(url) = &quirk {
            self.quirks.refresh_endpoint = Some(Box::new(self.checked_refresh_endpoint(url)?));
        }
        self.quirks.add(quirk)?;
        self.check_queries()?;
        Ok(self)
    }

    /// Another URL for refreshes: refresh tokens and secrets go to the token endpoint's origin only.
    fn checked_refresh_endpoint(&self, url: &str) -> Result<Endpoint, Error> {
        let endpoint = self.checked_endpoint(EndpointKind::Token, url)?;
        if !endpoint.query().is_empty() {
            return Err(Error::Misuse(Misuse::Url { role: UrlRole::Token, fault: UrlFault::Query }));
        }
        if Origin::of(endpoint.uri()) != Origin::of(self.token_endpoint().uri()) {
            return Err(Error::Misuse(Misuse::Quirk(
                "a refresh endpoint is at the token endpoint's origin: another one would get its refresh tokens",
            )));
        }
        Ok(endpoint)
    }

    /// No endpoint's query may have a parameter that a flow will add, or a name twice (RFC 6749 §3.1, §3.2).
    fn check_queries(&self) -> Result<(), Error> {
        for (row, endpoint) in self.endpoints.iter() {
            let (on, role) = (row.request, row.role);
            let fault = |fault| Err(Error::Misuse(Misuse::Url { role, fault }));
            let mut seen = BTreeSet::new();
            for (name, _) in form::raw_pairs(endpoint.query()) {
                // A name that cannot be read might be any name.
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

    /// Adds a parameter of the caller to the parameters of a request to an endpoint.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`], [`Misuse::DuplicateParameter`].
    pub(crate) fn add_param(&self, on: Message, params: &mut Params, name: &str, value: &str) -> Result<(), Error> {
        params.add(&self.quirks, on, self.own_query(on), name, value)
    }

    /// Whether the query of this request's endpoint has a parameter of this name.
    pub(crate) fn has_in_query(&self, on: Message, name: &str) -> bool {
        fields::is_in(self.own_query(on), name)
    }

    fn own_query(&self, on: Message) -> &str {
        let of_request = self.endpoints.iter().find(|(row, _)| row.request == on);
        of_request.map_or("", |(_, endpoint)| endpoint.query())
    }

    /// Whether a stored state with this issuer and this token endpoint was made at this server. An issuer that was
    /// unknown then contradicts nothing; an issuer that is no longer known may have protected the state.
    pub(crate) fn is(&self, issuer: Option<&str>, token_endpoint: &str) -> bool {
        self.is_one_of(&[], issuer, token_endpoint)
    }

    /// [`Self::is`], or [`Server::formerly`] was.
    pub(crate) fn is_or_was(&self, issuer: Option<&str>, token_endpoint: &str) -> bool {
        self.is_one_of(&self.former, issuer, token_endpoint)
    }

    fn is_one_of(&self, former: &[Box<str>], issuer: Option<&str>, token_endpoint: &str) -> bool {
        let was = |url: &str| former.iter().any(|former| same_url(former, url));
        let same_issuer = match (issuer, &self.issuer) {
            (None, _) => true,
            (Some(stored), Some(issuer)) => issuer.is(stored) || was(stored),
            (Some(_), None) => false,
        };
        same_issuer && (self.token_endpoint().is(token_endpoint) || was(token_endpoint))
    }

    pub(crate) fn authorization_endpoint(&self) -> Option<&Endpoint> {
        self.endpoints.get(EndpointKind::Authorization)
    }

    pub(crate) fn token_endpoint(&self) -> &Endpoint {
        self.endpoints.token()
    }

    /// The token endpoint, unless refreshes go elsewhere.
    #[inline]
    pub(crate) fn refresh_endpoint(&self) -> &Endpoint {
        self.quirks.refresh_endpoint.as_deref().unwrap_or(self.endpoints.token())
    }

    pub(crate) fn issuer_identifier(&self) -> Option<&Issuer> {
        self.issuer.as_ref()
    }

    /// The issuer under which credentials are kept.
    ///
    /// # Errors
    /// [`Misuse::NoIssuer`].
    pub(crate) fn needed_issuer(&self) -> Result<&Issuer, Error> {
        self.issuer.as_ref().ok_or(Error::Misuse(Misuse::NoIssuer))
    }

    pub(crate) fn iss_required(&self) -> bool {
        self.iss_required
    }

    /// The hosts that plain `http` may reach.
    pub(crate) fn plain_hosts(&self) -> &[Origin] {
        self.reach.as_deref().map_or(&[], Reach::plain)
    }

    pub(crate) fn reach(&self) -> Option<&Arc<Reach>> {
        self.reach.as_ref()
    }

    pub(crate) fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}

impl PlainHttp {
    /// [`Server::new`], for a server whose endpoints may be at these hosts.
    ///
    /// # Errors
    /// The errors of [`Server::new`].
    pub fn server(&self, authorization_endpoint: &str, token_endpoint: &str) -> Result<Server, Error> {
        Server::made(Some(authorization_endpoint), token_endpoint, Some(self))
    }

    /// [`Server::with_token_endpoint`], for a server whose endpoint may be at one of these hosts.
    ///
    /// # Errors
    /// The errors of [`Server::new`].
    pub fn server_with_token_endpoint(&self, token_endpoint: &str) -> Result<Server, Error> {
        Server::made(None, token_endpoint, Some(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoints_own_query_must_not_use_our_names() {
        let token = "https://as.example/token";
        assert!(Server::new("https://as.example/a?tenant=x", token).is_ok());
        for query in ["client_id=x", "a=1&state=", "st%61te=x", "%ff=1"] {
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
