//! A registered client that outlives its process.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::registered::{Asked, Registered};
use crate::answer::registration::{Metadata, tolerated};
use crate::client::sealed::Sealed;
use crate::error::Error;
use crate::server::Server;
use crate::value::secret::Secret;
use crate::wire::object::Extra;

const KIND: &str = "registration";
const VERSION: u32 = 1;

/// A registered client in a form that can be stored. **It holds the client's secret and its registration access token in
/// plain text**: anyone who reads it can use, change and delete the client.
///
/// It serializes with serde; its fields are not part of the API.
#[derive(Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct StoredRegistration(Sealed);

#[derive(Serialize, Deserialize)]
struct State {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret_expires_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    issued_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_token: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    configuration_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_method: Option<String>,
    /// The server's last answer, without the credentials.
    metadata: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tolerated: Vec<String>,
}

impl fmt::Debug for StoredRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredRegistration").field(&self.0).finish()
    }
}

impl Registered {
    /// The registered client in a form that can be stored, under the issuer that registered it.
    #[must_use = "the credentials are in here"]
    pub fn into_stored(self) -> StoredRegistration {
        let state = State {
            secret: self.secret.as_ref().map(Secret::copied),
            secret_expires_at: self.secret_expires_at,
            issued_at: self.issued_at,
            access_token: self.access_token.as_ref().map(Secret::copied),
            configuration_uri: self.configuration_uri.map(Into::into),
            redirect_uris: self.asked.redirect_uris.into_iter().map(Into::into).collect(),
            auth_method: self.asked.auth_method.map(Into::into),
            metadata: Zeroizing::new(self.metadata.all.text().to_owned()),
            tolerated: self.tolerated.iter().map(|name| (*name).to_owned()).collect(),
        };
        let token_endpoint = self.server.token_endpoint().as_str();
        StoredRegistration(Sealed::of(KIND, VERSION, Some(&self.issuer), &self.client_id, token_endpoint, &state))
    }

    /// Restores a stored client for the server at which it was registered. Only its issuer is compared: its endpoints may
    /// have moved.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`], which says both; [`Misuse::NoIssuer`](crate::Misuse::NoIssuer);
    /// [`Misuse::Stored`](crate::Misuse::Stored) if a newer version wrote it, or if a byte of it was changed.
    pub fn from_stored(stored: StoredRegistration, server: &Server) -> Result<Self, Error> {
        let issuer = server.needed_issuer()?.clone();
        let (client_id, mut state): (String, State) = stored.0.open_at(KIND, VERSION, &issuer)?;
        let (metadata, _) = Metadata::read(Extra::json(core::mem::take(&mut *state.metadata)));
        Ok(Self {
            server: server.clone(),
            issuer,
            client_id: client_id.into(),
            secret: state.secret.map(Secret::from_stored),
            secret_expires_at: state.secret_expires_at,
            issued_at: state.issued_at,
            access_token: state.access_token.map(Secret::from_stored),
            configuration_uri: state.configuration_uri.map(Into::into),
            asked: Asked {
                redirect_uris: state.redirect_uris.into_iter().map(Into::into).collect(),
                auth_method: state.auth_method.map(Into::into),
            },
            metadata,
            tolerated: tolerated(&state.tolerated),
        })
    }
}
