//! A client at the authorization server of a resource.

use core::fmt;

use grantflow::{Authorization, Client, RedirectUri};
use serde::{Deserialize, Serialize};

use crate::client::{ClientKind, Clients, Former};
use crate::error::{Error, StoredFault};
use crate::place::{Place, StoredPlace};

/// A client at the authorization server of a resource. Everything that belongs to a login is bound to it.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) place: Place,
    pub(crate) kind: ClientKind,
    pub(crate) client: Client,
    /// `None` if the client acts on its own behalf.
    pub(crate) redirect_uri: Option<RedirectUri>,
}

impl Connection {
    /// An authorization request for the resource, without a scope; `None` if the client acts on its own behalf.
    pub(crate) fn authorization(&self) -> Option<Result<Authorization, Error>> {
        let redirect_uri = self.redirect_uri.clone()?;
        let authorization = Authorization::new(&self.client, redirect_uri);
        Some(authorization.and_then(|it| it.resource(self.place.identifier())).map_err(Error::from))
    }

    pub(crate) fn former(&self) -> Former {
        Former { issuer: self.place.issuer().clone(), kind: self.kind }
    }

    pub(crate) fn to_stored(&self) -> StoredConnection {
        StoredConnection {
            place: self.place.to_stored(),
            kind: self.kind,
            client_id: self.client.id().to_owned(),
            redirect_uri: self.redirect_uri.as_ref().map(|uri| uri.as_str().to_owned()),
        }
    }

    /// Checks all of it again. The secret comes from `clients`.
    pub(crate) fn from_stored(stored: &StoredConnection, clients: &Clients) -> Result<Self, Error> {
        let place = Place::from_stored(&stored.place)?;
        let (kind, id) = (stored.kind, &*stored.client_id);
        let client = match kind {
            // Its id is its whole identity.
            ClientKind::Document => Client::from(&place.server().client(id).public()?),
            _ => clients.of(&place, kind, id).ok_or(Error::Stored(StoredFault::NoClient))?.client(&place)?,
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

/// A connection in a form that can be stored, without credentials.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredConnection {
    pub(crate) place: StoredPlace,
    kind: ClientKind,
    client_id: String,
    redirect_uri: Option<String>,
}
