//! The credentials that a program has, by issuer.

use grantflow::{Error as OAuthError, ErrorCode, Issuer, UnixTime};
use serde::{Deserialize, Serialize};

use super::credentials::Entry;
use super::{ClientKind, Credentials, Former};
use crate::error::{Error, StoredFault};
use crate::place::Place;
use crate::sealed::Sealed;

/// The credentials of a program, each under the issuer that gave them. Plain data of the caller, to be stored with
/// [`to_stored`](Self::to_stored).
///
/// **No entry is ever used at another issuer**, whatever a resource's metadata says.
#[derive(Clone, Debug, Default)]
pub struct Clients(Vec<Credentials>);

impl Clients {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds credentials. They replace those of the same kind at the same issuer, for the same resource.
    pub fn add(&mut self, credentials: Credentials) {
        let key = |of: &Credentials| (of.0.issuer.clone(), of.0.kind, of.0.resource.clone());
        self.0.retain(|known| key(known) != key(&credentials));
        self.0.push(credentials);
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Credentials> {
        self.0.iter()
    }

    /// The credentials of this issuer.
    pub fn at(&self, issuer: &Issuer) -> impl Iterator<Item = &Credentials> {
        let issuer = issuer.as_str().to_owned();
        self.0.iter().filter(move |known| known.0.issuer == issuer)
    }

    /// Removes the client that the program registered at this issuer, so that the next login registers a new one. Returns
    /// whether there was one.
    pub fn forget_registered(&mut self, issuer: &Issuer) -> bool {
        let before = self.0.len();
        self.0.retain(|known| known.0.kind != ClientKind::Registered || known.0.issuer != issuer.as_str());
        self.0.len() < before
    }

    /// Takes notice of an error of a request to this issuer: if it says that the server does not know the client
    /// (`invalid_client`, or `unauthorized_client`, as after a restart of a server that keeps its clients in memory), the
    /// client that the program registered there is removed. Returns whether one was: then start the login again.
    pub fn refused(&mut self, issuer: &Issuer, error: &OAuthError) -> bool {
        let unknown = matches!(error.code(), Some(ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient));
        unknown && self.forget_registered(issuer)
    }

    /// The credentials that a person registered beforehand for this place.
    ///
    /// # Errors
    /// [`Error::Moved`] if there are some for the resource at another issuer only.
    pub(super) fn beforehand(&self, place: &Place, former: Option<&Former>) -> Result<Option<&Credentials>, Error> {
        let resource = place.resource().identifier();
        let all = || self.0.iter().filter(|known| known.0.kind == ClientKind::Beforehand);
        let here = || all().filter(|known| known.0.issuer == place.issuer().as_str());
        let pinned = here().find(|known| known.0.resource.as_deref() == Some(resource));
        let found = pinned.or_else(|| here().find(|known| known.0.resource.is_none()));
        if found.is_some() {
            return Ok(found);
        }
        let former = former.filter(|former| former.kind == ClientKind::Beforehand).map(|former| former.issuer.clone());
        let elsewhere = match all().find(|known| known.0.resource.as_deref() == Some(resource)) {
            Some(known) => Some(Issuer::new(&known.0.issuer)?),
            None => former.filter(|issuer| issuer != place.issuer()),
        };
        match elsewhere {
            Some(from) => Err(Error::Moved { from, to: place.issuer().clone() }),
            None => Ok(None),
        }
    }

    /// The client that the program registered here, if its secret is still good.
    pub(super) fn registered(&self, place: &Place, now: UnixTime) -> Option<&Credentials> {
        let registered = self.at(place.issuer()).find(|known| known.0.kind == ClientKind::Registered);
        registered.filter(|known| !known.is_expired(now))
    }

    /// The credentials of a stored state.
    pub(crate) fn of(&self, place: &Place, kind: ClientKind, client_id: &str) -> Option<&Credentials> {
        self.at(place.issuer()).find(|known| known.0.kind == kind && known.0.client_id == client_id)
    }

    /// The credentials in a form that can be stored.
    pub fn to_stored(&self) -> StoredClients {
        let entries: Vec<&Entry> = self.0.iter().map(|known| &known.0).collect();
        StoredClients(Sealed::new(KIND, "", "", &entries))
    }

    /// Restores stored credentials.
    ///
    /// # Errors
    /// [`Error::Stored`] if another version wrote them, or if a byte of them was changed.
    pub fn from_stored(stored: &StoredClients) -> Result<Self, Error> {
        let entries: Vec<Entry> = stored.0.open(KIND)?;
        for entry in &entries {
            Issuer::new(&entry.issuer).map_err(|_| Error::Stored(StoredFault::Damaged))?;
        }
        Ok(Self(entries.into_iter().map(Credentials).collect()))
    }
}

const KIND: &str = "clients";

/// A program's credentials in a form that can be stored. **It holds secrets in plain text.**
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredClients(Sealed);
