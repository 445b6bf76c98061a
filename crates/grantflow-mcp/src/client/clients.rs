//! The credentials that a program has, by issuer.

use grantflow::{Error as OAuthError, ErrorCode, Issuer, RedirectUri, UnixTime};
use serde::{Deserialize, Serialize};

use super::credentials::Entry;
use super::{ClientKind, Credentials, Former};
use crate::connection::Connection;
use crate::error::{Error, StoredFault};
use crate::place::Place;
use crate::sealed::Sealed;

/// The credentials of a program, each under the issuer that gave them. Plain data of the caller, to be stored with
/// [`to_stored`](Self::to_stored).
///
/// **No entry is ever used at another issuer.** A resource's metadata cannot change that.
#[derive(Clone, Debug, Default)]
pub struct Clients(Vec<Credentials>);

impl Clients {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds credentials. They replace those of the same kind at the same issuer, for the same resource. Of the clients that
    /// the program has registered at one issuer, the last eight are kept: an earlier grant may belong to an earlier one.
    pub fn add(&mut self, credentials: Credentials) {
        let key = |of: &Credentials| {
            let of = &of.0;
            let id = (of.kind == ClientKind::Registered).then(|| of.client_id.clone());
            (of.issuer.clone(), of.kind, of.resource.clone(), id)
        };
        self.0.retain(|known| key(known) != key(&credentials));
        self.0.push(credentials);
        self.forget_oldest();
    }

    fn forget_oldest(&mut self) {
        let Some(added) = self.0.last().filter(|added| added.0.kind == ClientKind::Registered) else { return };
        let issuer = added.0.issuer.clone();
        let is_one = |known: &Credentials| known.0.kind == ClientKind::Registered && known.0.issuer == issuer;
        let mut surplus = self.0.iter().filter(|known| is_one(known)).count().saturating_sub(MOST);
        self.0.retain(|known| {
            let goes = surplus > 0 && is_one(known);
            surplus -= usize::from(goes);
            !goes
        });
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

    /// Removes this client, if the program registered it. Returns whether it was there.
    pub fn forget_registered(&mut self, connection: &Connection) -> bool {
        let (issuer, id) = (connection.issuer().as_str(), connection.client().id());
        let is_it = |known: &Credentials| {
            known.0.kind == ClientKind::Registered && known.0.issuer == issuer && known.0.client_id == id
        };
        let before = self.0.len();
        self.0.retain(|known| !is_it(known));
        self.0.len() < before
    }

    /// Takes notice of an error of a request of this client: if it says that the server does not know it
    /// (`invalid_client`, or `unauthorized_client`, as after a restart of a server that keeps its clients in memory), and
    /// the program registered it, it is removed. Returns whether it was: then start the login again, and it registers anew.
    pub fn refused(&mut self, connection: &Connection, error: &OAuthError) -> bool {
        let unknown = matches!(error.code(), Some(ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient));
        unknown && self.forget_registered(connection)
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

    /// The last client that the program registered here for this redirect URI, if its secret is still good.
    pub(super) fn registered(&self, place: &Place, redirect_uri: &RedirectUri, now: UnixTime) -> Option<&Credentials> {
        let registered = self.at(place.issuer()).filter(|known| known.0.kind == ClientKind::Registered);
        registered.filter(|known| !known.is_expired(now) && known.allows(redirect_uri)).last()
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

/// Registrations that are kept for one issuer.
const MOST: usize = 8;

/// A program's credentials in a form that can be stored. **It holds secrets in plain text.**
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredClients(Sealed);
