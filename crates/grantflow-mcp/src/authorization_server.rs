//! Points 4 and 5: an authorization server that was found, its checks, and the program's client there.

use core::fmt;

use grantflow::{Issuer, RedirectUri, ResourceMetadata, Scope, ServerMetadata, UnixTime};
use serde::{Deserialize, Serialize};

use crate::client::{Application, ClientChoice, Clients, Former, choose};
use crate::error::Error;
use crate::place::{Place, StoredPlace};
use crate::resource::Resource;
use crate::sealed::Sealed;

/// An authorization server that a resource trusts, with its metadata.
#[derive(Clone)]
#[must_use = "choose the client with which to log in there"]
pub struct AuthorizationServer {
    place: Place,
    /// The scope that the challenge names.
    scope: Option<Scope>,
    former: Option<Former>,
}

impl AuthorizationServer {
    pub(crate) fn new(place: Place, scope: Option<Scope>, former: Option<Former>) -> Self {
        Self { place, scope, former }
    }

    /// Its issuer. Everything that is stored is bound to it.
    pub fn issuer(&self) -> &Issuer {
        self.place.issuer()
    }

    /// The resource that trusts it.
    pub fn resource(&self) -> &Resource {
        self.place.resource()
    }

    /// Its metadata. `None` after the fallback of [`Resource::allow_default_endpoints`].
    pub fn metadata(&self) -> Option<&ServerMetadata> {
        self.place.metadata()
    }

    /// The resource's metadata. `None` after the fallback of [`Resource::allow_origin_as_issuer`].
    pub fn resource_metadata(&self) -> Option<&ResourceMetadata> {
        self.place.resource_metadata()
    }

    /// The client with which a person logs in here, in this order: credentials that were registered beforehand for this
    /// issuer; the program's client ID metadata document, if the server takes one; a client that the program has
    /// registered, or can register now; else [`ClientChoice::NeedsClient`].
    ///
    /// `redirect_uri` is the one at which the program will receive the callback.
    ///
    /// # Errors
    /// [`Error::NoPkce`] if the server does not announce PKCE with `S256`; [`Error::Moved`] if the resource has moved
    /// here, and its client was registered beforehand elsewhere; [`Error::RedirectUri`] if the client has not
    /// registered this one; [`Error::Authentication`]; [`Error::OAuth`].
    pub fn client<R>(
        &self,
        application: &Application,
        clients: &Clients,
        redirect_uri: R,
        now: UnixTime,
    ) -> Result<ClientChoice, Error>
    where
        R: TryInto<RedirectUri>,
        grantflow::Error: From<R::Error>,
    {
        let redirect_uri = redirect_uri.try_into().map_err(grantflow::Error::from)?;
        // Without metadata, the caller has allowed that nothing announces it.
        if self.metadata().is_some_and(|metadata| !metadata.announces_s256()) {
            return Err(Error::NoPkce(self.issuer().clone()));
        }
        choose(self, application, clients, redirect_uri, now)
    }

    /// The server in a form that can be stored, while a person registers the program there or looks for its credentials.
    /// It holds its metadata and that of the resource.
    pub fn to_stored(&self) -> StoredAuthorizationServer {
        let Self { place, scope, former } = self;
        let scope = scope.as_ref().map(|scope| scope.as_str().to_owned());
        let body = ServerBody { place: place.to_stored(), scope, former: former.clone() };
        StoredAuthorizationServer(Sealed::new(KIND, place.issuer().as_str(), place.resource().identifier(), &body))
    }

    /// Restores a stored server. All of it is checked again.
    ///
    /// # Errors
    /// [`Error::Stored`] if another version wrote it, or if a byte of it was changed; [`Error::OAuth`].
    pub fn from_stored(stored: &StoredAuthorizationServer) -> Result<Self, Error> {
        let body: ServerBody = stored.0.open(KIND)?;
        stored.0.check_owner(&body.place)?;
        let scope = body.scope.as_deref().map(Scope::untrusted).transpose()?;
        Ok(Self { place: Place::from_stored(&body.place)?, scope, former: body.former })
    }

    /// Point 6: what the challenge names, else every scope of the resource, else none.
    pub(crate) fn wanted_scope(&self) -> Option<Scope> {
        self.scope.clone().or_else(|| self.place.scopes_supported())
    }

    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    pub(crate) fn former(&self) -> Option<&Former> {
        self.former.as_ref()
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer")
            .field("place", &self.place)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

const KIND: &str = "authorization server";

/// An authorization server of a resource in a form that can be stored.
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredAuthorizationServer(Sealed);

#[derive(Serialize, Deserialize)]
struct ServerBody {
    place: StoredPlace,
    scope: Option<String>,
    former: Option<Former>,
}
