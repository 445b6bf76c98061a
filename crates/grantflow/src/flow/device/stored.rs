//! A waiting device that outlives its process.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::grant::DeviceGrant;
use crate::call::{Polling, Waiting};
use crate::client::Client;
use crate::client::sealed::Sealed;
use crate::error::Error;
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
        let state = State {
            device_code: self.device_code.copied(),
            user_code: self.user_code.copied(),
            verification_uri: self.verification_uri.to_string(),
            verification_uri_complete: self.verification_uri_complete.as_ref().map(Secret::copied),
            scope: self.waiting.scope.as_ref().map(|scope| scope.as_str().to_owned()),
            resources: self.waiting.resources,
            polling: self.waiting.polling,
        };
        StoredDevice(Sealed::new(KIND, VERSION, &self.waiting.client, &state))
    }

    /// Restores a stored grant for the client that requested it. The rest of its wait still counts; a code that has
    /// expired meanwhile is polled once more.
    ///
    /// # Errors
    /// [`Misuse::Stored`](crate::Misuse::Stored) if a newer version wrote it, if a byte of it was changed, or if issuer, client id or token
    /// endpoint are not the client's.
    pub fn from_stored(stored: StoredDevice, client: impl Into<Client>) -> Result<Self, Error> {
        let client = client.into();
        let state: State = stored.0.open(KIND, VERSION, &client)?;
        let waiting = Waiting::restored(client, state.scope.as_deref(), state.resources, state.polling)?;
        Ok(Self {
            waiting,
            device_code: Secret::from_stored(state.device_code),
            user_code: Secret::from_stored(state.user_code),
            verification_uri: state.verification_uri.into(),
            verification_uri_complete: state.verification_uri_complete.map(Secret::from_stored),
        })
    }
}
