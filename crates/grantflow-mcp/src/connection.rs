//! A client at the authorization server of a resource.

use core::fmt;

use grantflow::{Authorization, Client, Issuer, RedirectUri};
use serde::{Deserialize, Serialize};

use crate::client::{ClientKind, Clients, Former};
use crate::error::{Error, StoredFault};
use crate::place::{Place, StoredPlace};
use crate::resource::Resource;
use crate::sealed::Sealed;

/// A client at the authorization server of a resource. Everything that belongs to a login is bound to it. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    pub(crate) place: Place,
    pub(crate) kind: ClientKind,
    pub(crate) client: Client,
    /// `None` if no person was sent to the authorization server.
    pub(crate) redirect_uri: Option<RedirectUri>,
}

impl Connection {
    /// The resource.
    pub fn resource(&self) -> &Resource {
        self.place.resource()
    }

    /// The identifier that every request for tokens names, byte for byte as the resource's metadata has it.
    pub fn resource_identifier(&self) -> &str {
        self.place.identifier()
    }

    /// The issuer to which everything is bound.
    pub fn issuer(&self) -> &Issuer {
        self.place.issuer()
    }

    /// The client at its authorization server.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How the program got the client.
    pub fn client_kind(&self) -> ClientKind {
        self.kind
    }

    /// The connection in a form that can be stored, for a program that keeps the tokens elsewhere. The client's
    /// credentials are not in it.
    pub fn to_stored(&self) -> StoredConnection {
        StoredConnection(Sealed::new(KIND, self.issuer().as_str(), self.resource().identifier(), &self.to_body()))
    }

    /// Restores a stored connection. The client's secret comes from `clients`, where it is kept under its issuer.
    ///
    /// # Errors
    /// [`Error::Stored`] if another version wrote it, a byte of it was changed, or its client is not in `clients` any
    /// more.
    pub fn from_stored(stored: &StoredConnection, clients: &Clients) -> Result<Self, Error> {
        let body: ConnectionBody = stored.0.open(KIND)?;
        stored.0.check_owner(&body.place)?;
        Self::from_body(&body, clients)
    }

    /// An authorization request for the resource, without a scope; `None` if no person was sent to the authorization server.
    pub(crate) fn authorization(&self) -> Option<Result<Authorization, Error>> {
        let redirect_uri = self.redirect_uri.clone()?;
        let authorization = Authorization::new(&self.client, redirect_uri);
        Some(authorization.and_then(|it| it.resource(self.place.identifier())).map_err(Error::from))
    }

    pub(crate) fn former(&self) -> Former {
        Former { issuer: self.place.issuer().clone(), kind: self.kind }
    }

    pub(crate) fn to_body(&self) -> ConnectionBody {
        ConnectionBody {
            place: self.place.to_stored(),
            kind: self.kind,
            client_id: self.client.id().to_owned(),
            redirect_uri: self.redirect_uri.as_ref().map(|uri| uri.as_str().to_owned()),
        }
    }

    /// Checks all of it again. The secret comes from `clients`.
    pub(crate) fn from_body(stored: &ConnectionBody, clients: &Clients) -> Result<Self, Error> {
        let place = Place::from_stored(&stored.place)?;
        let (kind, id) = (stored.kind, &*stored.client_id);
        let client = match kind {
            // Its id is its whole identity.
            ClientKind::Document => Client::from(&place.server().client(id).public()?),
            ClientKind::Unidentified => Client::from(&place.server().unidentified()),
            ClientKind::Beforehand | ClientKind::Registered => {
                clients.of(&place, kind, id).ok_or(Error::Stored(StoredFault::NoClient))?.client(&place)?
            }
        };
        // The program that started it chose the scheme.
        let redirect_uri = stored.redirect_uri.as_deref().map(RedirectUri::with_undotted_scheme).transpose()?;
        Ok(Self { place, kind, client, redirect_uri })
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("place", &self.place)
            .field("kind", &self.kind)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

const KIND: &str = "connection";

/// A connection in a form that can be stored, without credentials and tokens.
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredConnection(Sealed);

#[derive(Serialize, Deserialize)]
pub(crate) struct ConnectionBody {
    pub(crate) place: StoredPlace,
    kind: ClientKind,
    client_id: String,
    redirect_uri: Option<String>,
}
