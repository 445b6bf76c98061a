//! The program that logs in, as it describes itself to every server.

use core::fmt;

use grantflow::{ClientIdDocument, ClientMetadata, RedirectUri};
use serde::Deserialize;

use super::redirect;
use crate::error::Error;

/// The program that logs in, as it describes itself to every authorization server: plain data, without credentials.
#[derive(Clone)]
pub struct Application {
    pub(super) metadata: ClientMetadata,
    pub(super) document: Option<Document>,
}

/// A client ID metadata document that the program has published.
#[derive(Clone)]
pub(super) struct Document {
    pub(super) document: ClientIdDocument,
    redirect_uris: Vec<String>,
}

/// What this profile has to know of a program's metadata (RFC 7591 §2).
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Described {
    client_name: Option<String>,
    pub(super) redirect_uris: Vec<String>,
    pub(super) application_type: Option<String>,
    pub(super) token_endpoint_auth_method: Option<String>,
    pub(super) grant_types: Vec<String>,
}

impl Described {
    /// From metadata that this program wrote.
    pub(super) fn of(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }
}

impl Application {
    /// A program with this metadata, by which it registers itself where a server takes no document: its name, and what
    /// people should see. A registration adds the redirect URI of the login, and the grants that a login needs.
    pub fn new(metadata: ClientMetadata) -> Self {
        Self { metadata, document: None }
    }

    /// The program has published this client ID metadata document. Its URL is the client id at every server that takes
    /// such ids, so the program need not be registered there.
    ///
    /// # Errors
    /// [`Error::NoClientName`] if it has no `client_name`.
    pub fn document(mut self, document: ClientIdDocument) -> Result<Self, Error> {
        let described = Described::of(document.to_json());
        if described.client_name.is_none() {
            return Err(Error::NoClientName);
        }
        self.document = Some(Document { document, redirect_uris: described.redirect_uris });
        Ok(self)
    }
}

impl Document {
    /// Whether a login may return to this URI.
    pub(super) fn allows(&self, redirect_uri: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|known| redirect::allows(known, redirect_uri.as_str()))
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("metadata", &self.metadata)
            .field("document", &self.document.as_ref().map(|document| &document.document))
            .finish()
    }
}
