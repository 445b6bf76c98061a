//! A pending grant that outlives the process: in a session store, between the redirect and the callback.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::callback::PendingCallback;
use super::pkce::Verifier;
use super::response_mode::ResponseMode;
use super::{Grant, pkce_may_be_left_out};
use crate::client::Client;
use crate::error::{Error, Misuse, StoredFault};
use crate::scope::Scope;
use crate::url::RedirectUri;
use crate::value::secret::RandomText;
use crate::wire::checksum::Checksum;

/// A pending grant in a form that can be stored. **It holds `state` and the PKCE verifier in plain text**: keep it on the
/// server, in the browser session's own record.
///
/// It serializes with serde; its fields are not part of the API. The client's credentials are not in it.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub struct StoredCallback {
    v: u32,
    sum: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    client_id: String,
    token_endpoint: String,
    redirect_uri: String,
    state: Zeroizing<String>,
    /// Empty in version 2.
    verifier: Zeroizing<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    form_post: bool,
}

/// The version of a grant with PKCE. Older releases of a rolling deployment read it too.
const VERSION: u32 = 1;
/// The version of a grant without PKCE, which older releases must not take for a damaged one.
const WITHOUT_PKCE: u32 = 2;

impl StoredCallback {
    fn checksum(&self) -> String {
        Checksum::new("callback")
            .number(Some(self.v.into()))
            .field(self.issuer.as_deref())
            .field(Some(&self.client_id))
            .field(Some(&self.token_endpoint))
            .field(Some(&self.redirect_uri))
            .field(Some(&self.state))
            .field(Some(&self.verifier))
            .field(self.scope.as_deref())
            .list(&self.resources)
            .number(Some(self.form_post.into()))
            .finish()
    }
}

impl fmt::Debug for StoredCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredCallback {{ v: {}, client_id: {:?}, … }}", self.v, self.client_id)
    }
}

impl PendingCallback {
    /// The grant in a form that can be stored until the person comes back.
    #[must_use = "the grant is in here"]
    pub fn into_stored(self) -> StoredCallback {
        let grant = &self.grant;
        let data = grant.client.data();
        let server = &data.server;
        let mut stored = StoredCallback {
            v: if grant.verifier.is_some() { VERSION } else { WITHOUT_PKCE },
            sum: String::new(),
            issuer: server.issuer_identifier().map(|issuer| issuer.as_str().to_owned()),
            client_id: data.id.to_string(),
            token_endpoint: server.token_endpoint().as_str().to_owned(),
            redirect_uri: grant.redirect_uri.as_str().to_owned(),
            state: Zeroizing::new(self.state.expose().to_owned()),
            verifier: Zeroizing::new(grant.verifier.as_ref().map_or("", Verifier::expose).to_owned()),
            scope: grant.scope.as_ref().map(|scope| scope.as_str().to_owned()),
            resources: grant.resources.clone(),
            form_post: self.response_mode == ResponseMode::FormPost,
        };
        stored.sum = stored.checksum();
        stored
    }

    /// Restores a stored grant for the client that started it.
    ///
    /// # Errors
    /// [`Misuse::Stored`] if another version wrote it, if a byte of it was changed, or if issuer, client id or token
    /// endpoint are not the client's. An issuer may have been configured since, and the two may be spelt differently,
    /// but [`Server::formerly`](crate::Server::formerly) does not count here. A grant that was started without PKCE
    /// fits the client only while its server has [`Quirk::RefusesPkce`](crate::Quirk::RefusesPkce).
    pub fn from_stored(stored: StoredCallback, client: impl Into<Client>) -> Result<Self, Error> {
        let refuse = |fault| Error::Misuse(Misuse::Stored(fault));
        let damaged = refuse(StoredFault::Damaged);
        let client = client.into();
        let without_pkce = stored.v == WITHOUT_PKCE && stored.verifier.is_empty();
        if stored.v != VERSION && !without_pkce {
            return Err(refuse(StoredFault::Version));
        }
        if stored.sum != stored.checksum() {
            return Err(damaged);
        }
        if !client.data().is(stored.issuer.as_deref(), &stored.client_id, &stored.token_endpoint) {
            return Err(refuse(StoredFault::OtherClient));
        }
        let state = RandomText::from_text(&stored.state).ok_or(refuse(StoredFault::Damaged))?;
        let verifier = match without_pkce {
            true => None,
            false => Some(Verifier::from_text(&stored.verifier).ok_or(refuse(StoredFault::Damaged))?),
        };
        let scope = match &stored.scope {
            // A challenge may have named it.
            Some(text) => Some(Scope::untrusted(text).map_err(|_| damaged)?),
            None => None,
        };
        // The program that started it chose the scheme.
        let redirect_uri = RedirectUri::with_undotted_scheme(&stored.redirect_uri);
        let redirect_uri = redirect_uri.map_err(|_| refuse(StoredFault::Damaged))?;
        if without_pkce && !pkce_may_be_left_out(&client, &redirect_uri) {
            return Err(refuse(StoredFault::OtherClient));
        }
        let grant = Grant { client, redirect_uri, verifier, scope, resources: stored.resources.clone() };
        let response_mode = if stored.form_post { ResponseMode::FormPost } else { ResponseMode::Query };
        Ok(Self { grant, state, response_mode })
    }
}
