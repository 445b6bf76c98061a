//! Point 5: who the program is at an authorization server.

mod application;
mod choice;
mod clients;
mod credentials;
mod redirect;
mod registration;

pub use application::Application;
pub(crate) use choice::choose;
pub use choice::{ClientChoice, NeedsClient};
pub use clients::{Clients, StoredClients};
pub use credentials::{ClientKind, Credentials};
pub(crate) use redirect::allows;
pub use registration::{ClientRegistration, NewClient};

use grantflow::{Error as OAuthError, Issuer};
use serde::{Deserialize, Serialize};

/// The client that a program had for a resource before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "StoredFormer", try_from = "StoredFormer")]
pub(crate) struct Former {
    pub(crate) issuer: Issuer,
    pub(crate) kind: ClientKind,
}

#[derive(Serialize, Deserialize)]
struct StoredFormer {
    issuer: String,
    kind: ClientKind,
}

impl From<Former> for StoredFormer {
    fn from(former: Former) -> Self {
        Self { issuer: former.issuer.as_str().to_owned(), kind: former.kind }
    }
}

impl TryFrom<StoredFormer> for Former {
    type Error = OAuthError;

    fn try_from(stored: StoredFormer) -> Result<Self, OAuthError> {
        Ok(Self { issuer: Issuer::new(&stored.issuer)?, kind: stored.kind })
    }
}
