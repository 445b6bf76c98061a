//! The program that logs in, as it describes itself to every server.

use grantflow::RedirectUri;

use crate::error::Error;

/// The program that logs in, as it describes itself to every authorization server: plain data, without credentials.
#[derive(Clone, Debug)]
pub struct Application {
    pub(crate) name: String,
    pub(crate) document: Option<Document>,
}

/// A client ID metadata document that the program has published.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) url: String,
    pub(crate) redirect_uris: Vec<String>,
}

impl Application {
    /// A program with this name, which servers show to people (RFC 7591 §2, `client_name`).
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), document: None }
    }
}
