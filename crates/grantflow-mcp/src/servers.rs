//! The choice of an authorization server, and its metadata (points 2 and 3; RFC 8414, OpenID Connect Discovery).

use core::fmt;

use grantflow::{
    Body, Discovery, Env, Error as OAuthError, Exchange, Failure, Issuer, MetadataFault, Misuse, ResourceMetadata,
    Scope, Sent, ServerMetadata, Step, Violation,
};
use http::{Request, Response};

use crate::authorization_server::AuthorizationServer;
use crate::client::Former;
use crate::error::Error;
use crate::place::Place;
use crate::resource::Resource;

/// The authorization servers that a resource trusts, at least one. **With several, the caller chooses**: the one where
/// it has a client, or the one that a person chooses. Nothing is taken silently.
#[derive(Clone, Debug)]
#[must_use = "choose one of them"]
pub struct AuthorizationServers {
    known: Known,
    issuers: Vec<Issuer>,
}

/// What is known of the resource when its authorization server is asked for.
#[derive(Clone)]
struct Known {
    resource: Resource,
    /// `None` after the fallback to the resource's origin.
    metadata: Option<ResourceMetadata>,
    scope: Option<Scope>,
    former: Option<Former>,
}

impl AuthorizationServers {
    pub(crate) fn of_metadata(
        resource: Resource,
        metadata: ResourceMetadata,
        scope: Option<Scope>,
        former: Option<Former>,
    ) -> Self {
        let issuers = metadata.authorization_servers().to_vec();
        Self { known: Known { resource, metadata: Some(metadata), scope, former }, issuers }
    }

    pub(crate) fn of_origin(resource: Resource, issuer: Issuer, scope: Option<Scope>, former: Option<Former>) -> Self {
        Self { known: Known { resource, metadata: None, scope, former }, issuers: vec![issuer] }
    }

    /// Their issuers, in the order of the resource's metadata.
    pub fn issuers(&self) -> &[Issuer] {
        &self.issuers
    }

    /// The issuer, if there is exactly one.
    pub fn only(&self) -> Option<&Issuer> {
        match &*self.issuers {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The resource's metadata. `None` after the fallback of [`Resource::allow_origin_as_issuer`].
    pub fn resource_metadata(&self) -> Option<&ResourceMetadata> {
        self.known.metadata.as_ref()
    }

    /// The request for the metadata of one of them.
    ///
    /// # Errors
    /// [`Error::OAuth`] with [`Misuse::Metadata`] if the resource does not name this one, or accepts only tokens that
    /// are bound to a key.
    pub fn choose(&self, issuer: &Issuer) -> Result<ServerDiscovery, Error> {
        let discovery = match &self.known.metadata {
            Some(metadata) => metadata.discovery(issuer)?,
            None if self.issuers.contains(issuer) => Discovery::new(issuer)?,
            None => return Err(OAuthError::Misuse(Misuse::Metadata(MetadataFault::UnlistedServer)).into()),
        };
        Ok(ServerDiscovery { known: self.known.clone(), discovery })
    }
}

/// A request for an authorization server's metadata. Replayable: every failure leaves it intact.
///
/// The places, in order: RFC 8414; OpenID Connect's document with the issuer's path after the well-known part; the same
/// with the path before it. A 4xx goes on to the next place; **a document that is there and wrong ends it**.
#[derive(Clone)]
#[must_use = "run it to get the authorization server"]
pub struct ServerDiscovery {
    known: Known,
    discovery: Discovery,
}

impl ServerDiscovery {
    /// The issuer whose metadata is asked for.
    pub fn issuer(&self) -> &Issuer {
        self.discovery.issuer()
    }

    /// The URLs of the places, in order.
    pub fn urls(&self) -> impl Iterator<Item = String> {
        self.discovery.urls()
    }

    /// Continues without a request, from a stored document: [`ServerMetadata::as_json`]. It is checked like a new one.
    ///
    /// # Errors
    /// [`Error::OAuth`], as for an answer with this document.
    pub fn read(self, json: &str) -> Result<AuthorizationServer, Error> {
        let metadata = self.discovery.read(json)?;
        Ok(self.found(Some(metadata))?)
    }

    fn found(self, metadata: Option<ServerMetadata>) -> Result<AuthorizationServer, OAuthError> {
        let Known { resource, metadata: of_resource, scope, former } = self.known;
        let place = Place::new(resource, of_resource, self.discovery.issuer().clone(), metadata)?;
        Ok(AuthorizationServer::new(place, scope, former))
    }

    /// Whether the endpoints are at their default places: there is no document, and the caller has allowed this.
    fn has_default_endpoints(&self, error: &OAuthError) -> bool {
        let nothing = matches!(error, OAuthError::Protocol(broken) if broken.violation() == Violation::NoDocument);
        nothing && self.known.metadata.is_none() && self.known.resource.doors.default_endpoints
    }

    fn done(self, metadata: Option<ServerMetadata>) -> Result<Step<Self>, Failure<Self>> {
        match self.clone().found(metadata) {
            Ok(server) => Ok(Step::Done(server)),
            // Another request would bring the same document.
            Err(error) => Err(Failure::intact(error, self)),
        }
    }
}

impl Exchange for ServerDiscovery {
    type Output = AuthorizationServer;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, OAuthError> {
        self.discovery.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match self.discovery.clone().respond(env, response) {
            Ok(Step::Done(metadata)) => self.done(Some(metadata)),
            Ok(Step::Again(discovery)) => Ok(Step::Again(Self { discovery, ..self })),
            Err(failure) if self.has_default_endpoints(&failure.error) => self.done(None),
            Err(failure) => Err(failure.map_left(|discovery| Self { discovery, ..self })),
        }
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        match self.discovery.clone().unanswered(env, sent) {
            Ok(Step::Done(metadata)) => self.done(Some(metadata)),
            Ok(Step::Again(discovery)) => Ok(Step::Again(Self { discovery, ..self })),
            Err(failure) => Err(failure.map_left(|discovery| Self { discovery, ..self })),
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)
    }
}

impl fmt::Debug for ServerDiscovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerDiscovery")
            .field("resource", &self.known.resource)
            .field("issuer", self.discovery.issuer())
            .finish()
    }
}
