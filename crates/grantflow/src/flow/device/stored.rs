//! A waiting device that outlives its process.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::grant::DeviceGrant;
use crate::call::Polling;
use crate::client::Client;
use crate::client::sealed::Sealed;
use crate::error::{Error, Misuse, StoredFault};
use crate::scope::Scope;
use crate::value::secret::Secret;

const KIND: &str = "device";
const VERSION: u32 = 1;

/// A device grant in a form that can be stored. **It holds the device code in plain text**: anyone who reads it gets
/// the tokens when the person agrees.
///
/// It serializes with serde; its fields are not part of the API. The client's credentials are not in it.
#[derive(Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct StoredDevice(Sealed);

#[derive(Serialize, Deserialize)]
struct State {
    device_code: Zeroizing<String>,
    user_code: Zeroizing<String>,
    verification_uri: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    polling: Polling,
}

impl fmt::Debug for StoredDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredDevice").field(&self.0).finish()
    }
}

impl DeviceGrant {
    /// The grant in a form that can be stored until the person has decided.
    #[must_use = "the grant is in here"]
    pub fn into_stored(self) -> StoredDevice {
        let copy = |secret: &Secret| Zeroizing::new(secret.expose().to_owned());
        let state = State {
            device_code: copy(&self.device_code),
            user_code: copy(&self.user_code),
            verification_uri: self.verification_uri.to_string(),
            verification_uri_complete: self.verification_uri_complete.as_ref().map(copy),
            scope: self.scope.as_ref().map(|scope| scope.as_str().to_owned()),
            resources: self.resources,
            polling: self.polling,
        };
        StoredDevice(Sealed::new(KIND, VERSION, &self.client, &state))
    }

    /// Restores a stored grant for the client that requested it. The rest of its wait still counts; a code that has
    /// expired meanwhile is polled once more.
    ///
    /// # Errors
    /// [`Misuse::Stored`] if a newer version wrote it, if a byte of it was changed, or if issuer, client id or token
    /// endpoint are not the client's.
    pub fn from_stored(stored: StoredDevice, client: impl Into<Client>) -> Result<Self, Error> {
        let client = client.into();
        let mut state: State = stored.0.open(KIND, VERSION, &client)?;
        let scope = match &state.scope {
            Some(text) => Some(Scope::new(text).map_err(|_| Error::Misuse(Misuse::Stored(StoredFault::Damaged)))?),
            None => None,
        };
        Ok(Self {
            client,
            scope,
            resources: state.resources,
            device_code: Secret::new(core::mem::take(&mut *state.device_code)),
            user_code: Secret::new(core::mem::take(&mut *state.user_code)),
            verification_uri: state.verification_uri.into(),
            verification_uri_complete: state
                .verification_uri_complete
                .map(|mut uri| Secret::new(core::mem::take(&mut *uri))),
            polling: state.polling,
            trouble: None,
        })
    }
}
