//! A waiting backchannel grant that outlives its process.

use core::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::grant::BackchannelGrant;
use crate::call::{Polling, Waiting};
use crate::client::ConfidentialClient;
use crate::client::sealed::Sealed;
use crate::error::Error;
use crate::value::secret::Secret;

const KIND: &str = "backchannel";
const VERSION: u32 = 1;

/// A backchannel grant in a form that can be stored. **It holds the `auth_req_id` and the notification token in plain
/// text**: together with the client's credentials, the first gets the tokens when the person agrees.
///
/// It serializes with serde; its fields are not part of the API. The client's credentials are not in it.
#[derive(Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct StoredBackchannel(Sealed);

#[derive(Serialize, Deserialize)]
struct State {
    auth_req_id: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notification_token: Option<Zeroizing<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    resources: Vec<String>,
    polling: Polling,
}

impl fmt::Debug for StoredBackchannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredBackchannel").field(&self.0).finish()
    }
}

impl BackchannelGrant {
    /// The grant in a form that can be stored until the person has decided, under its [`key`](Self::key).
    #[must_use = "the grant is in here"]
    pub fn into_stored(self) -> StoredBackchannel {
        let Waiting { client, scope, resources, polling, .. } = self.waiting;
        let state = State {
            auth_req_id: self.auth_req_id.copied(),
            notification_token: self.notification_token.as_ref().map(Secret::copied),
            scope: scope.map(|scope| scope.as_str().to_owned()),
            resources,
            polling,
        };
        StoredBackchannel(Sealed::new(KIND, VERSION, &client, &state))
    }

    /// Restores a stored grant for the client that requested it. The rest of its wait still counts; a request that has
    /// expired meanwhile is polled once more.
    ///
    /// # Errors
    /// [`Misuse::Stored`](crate::Misuse::Stored) if a newer version wrote it, if a byte of it was changed, or if issuer,
    /// client id or token endpoint are not the client's.
    pub fn from_stored(stored: StoredBackchannel, client: &ConfidentialClient) -> Result<Self, Error> {
        let client = client.into();
        let state: State = stored.0.open(KIND, VERSION, &client)?;
        let waiting = Waiting::restored(client, state.scope.as_deref(), state.resources, state.polling)?;
        let token = state.notification_token.map(Secret::from_stored);
        Ok(Self { waiting, auth_req_id: Secret::from_stored(state.auth_req_id), notification_token: token })
    }
}
