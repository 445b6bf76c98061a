//! A resource and one of its authorization servers, as their metadata describes them.

use core::fmt;
use std::sync::Arc;

use grantflow::{
    Discovery, Error as OAuthError, Issuer, ResourceDiscovery, ResourceMetadata, Scope, Server, ServerMetadata,
};
use serde::{Deserialize, Serialize};

use crate::challenged::MAX_SCOPE;
use crate::error::{Error, StoredFault};
use crate::resource::{Doors, Resource, canonical};

/// A resource and one of its authorization servers. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Place(Arc<Inner>);

struct Inner {
    resource: Resource,
    of_resource: Option<ResourceMetadata>,
    issuer: Issuer,
    /// `None`: the endpoints are at their default places.
    metadata: Option<ServerMetadata>,
    server: Server,
}

impl Place {
    /// # Errors
    /// The errors of [`ServerMetadata::server`].
    pub(crate) fn new(
        resource: Resource,
        of_resource: Option<ResourceMetadata>,
        issuer: Issuer,
        metadata: Option<ServerMetadata>,
    ) -> Result<Self, OAuthError> {
        let server = match &metadata {
            Some(metadata) => metadata.server()?,
            None => default_endpoints(issuer.as_str())?,
        };
        let server = server.token_for(resource.origin())?;
        Ok(Self(Arc::new(Inner { resource, of_resource, issuer, metadata, server })))
    }

    pub(crate) fn resource(&self) -> &Resource {
        &self.0.resource
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }

    pub(crate) fn resource_metadata(&self) -> Option<&ResourceMetadata> {
        self.0.of_resource.as_ref()
    }

    pub(crate) fn metadata(&self) -> Option<&ServerMetadata> {
        self.0.metadata.as_ref()
    }

    /// Its access tokens go to the resource's origin only.
    pub(crate) fn server(&self) -> &Server {
        &self.0.server
    }

    /// The value of `resource` in every request: what the metadata has, byte for byte.
    pub(crate) fn identifier(&self) -> &str {
        let named = self.0.of_resource.as_ref().map(ResourceMetadata::resource);
        // HTTP libraries add this slash to the URL of a whole host; in a document, someone wrote it.
        named.unwrap_or(self.0.resource.identifier())
    }

    /// Whether a program can register itself (RFC 7591).
    pub(crate) fn takes_registrations(&self) -> bool {
        self.0.metadata.as_ref().is_none_or(|metadata| metadata.registration_endpoint().is_some())
    }

    /// The ways to authenticate that the server announces.
    pub(crate) fn auth_methods(&self) -> Option<&[String]> {
        self.0.metadata.as_ref()?.token_endpoint_auth_methods_supported()
    }

    /// Every scope of the resource (mcp: the scope to ask for if no challenge names one). Values that are no scope are
    /// left out, and a list that makes too long a URL counts as none.
    pub(crate) fn scopes_supported(&self) -> Option<Scope> {
        let supported = self.0.of_resource.as_ref()?.scopes_supported()?;
        let good = supported.iter().filter(|text| !text.contains(' ') && Scope::new(text).is_ok());
        let text = good.map(String::as_str).collect::<Vec<_>>().join(" ");
        if text.len() > MAX_SCOPE { None } else { Scope::untrusted(&text).ok() }
    }

    pub(crate) fn to_stored(&self) -> StoredPlace {
        let Inner { resource, of_resource, issuer, metadata, .. } = &*self.0;
        let Doors { metadata_at_any_origin, origin_as_issuer, default_endpoints, token_at_whole_origin } =
            resource.doors;
        StoredPlace {
            url: resource.url().to_owned(),
            identifier: resource.identifier().to_owned(),
            doors: [metadata_at_any_origin, origin_as_issuer, default_endpoints, token_at_whole_origin],
            named: of_resource.as_ref().map(|metadata| metadata.resource().to_owned()),
            of_resource: of_resource.as_ref().map(|metadata| metadata.as_json().to_owned()),
            issuer: issuer.as_str().to_owned(),
            metadata: metadata.as_ref().map(|metadata| metadata.as_json().to_owned()),
        }
    }

    /// Checks all of it again, as if it came now.
    pub(crate) fn from_stored(stored: &StoredPlace) -> Result<Self, Error> {
        let damaged = Error::Stored(StoredFault::Damaged);
        let mut resource = Resource::new(&stored.url)?;
        if resource.identifier() != stored.identifier {
            resource = resource.identified_as(&stored.identifier)?;
        }
        let [metadata_at_any_origin, origin_as_issuer, default_endpoints, token_at_whole_origin] = stored.doors;
        resource.doors = Doors { metadata_at_any_origin, origin_as_issuer, default_endpoints, token_at_whole_origin };
        let issuer = Issuer::new(&stored.issuer)?;
        let of_resource = match (&stored.named, &stored.of_resource) {
            (Some(named), Some(json)) => {
                // The host's own document may name the host.
                if !resource.is(named) && canonical(named) != resource.origin() {
                    return Err(damaged);
                }
                Some(ResourceDiscovery::new(named)?.read(json)?)
            }
            (None, None) if origin_as_issuer && resource.origin() == issuer.as_str() => None,
            _ => return Err(damaged),
        };
        let discovery = match &of_resource {
            Some(metadata) => metadata.discovery(&issuer)?,
            None => Discovery::new(&issuer)?,
        };
        let metadata = match &stored.metadata {
            Some(json) => Some(discovery.read(json)?),
            None if default_endpoints && of_resource.is_none() => None,
            None => return Err(damaged),
        };
        Ok(Self::new(resource, of_resource, issuer, metadata)?)
    }
}

/// The endpoints of the revision 2025-03-26 at a server without metadata.
fn default_endpoints(issuer: &str) -> Result<Server, OAuthError> {
    Server::new(&format!("{issuer}/authorize"), &format!("{issuer}/token"))?
        .registration_endpoint(&format!("{issuer}/register"))?
        .issuer(issuer)
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("resource", &self.0.resource).field("issuer", &self.0.issuer).finish()
    }
}

/// A place in a form that can be stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredPlace {
    url: String,
    identifier: String,
    doors: [bool; 4],
    named: Option<String>,
    of_resource: Option<String>,
    issuer: String,
    metadata: Option<String>,
}

impl StoredPlace {
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn identifier(&self) -> &str {
        &self.identifier
    }
}
