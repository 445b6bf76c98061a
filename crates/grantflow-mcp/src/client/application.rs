//! The program that logs in, as it describes itself to every server.

use core::fmt;

use grantflow::{Issuer, RedirectUri};

use super::redirect;
use crate::error::Error;

/// The program that logs in, as it describes itself to every authorization server: plain data, without credentials.
#[derive(Clone)]
pub struct Application {
    pub(super) name: Box<str>,
    pub(super) document: Option<Document>,
}

/// A client ID metadata document that the program has published.
#[derive(Clone, Debug)]
pub(super) struct Document {
    pub(super) url: Box<str>,
    redirect_uris: Vec<RedirectUri>,
}

impl Application {
    /// A program with this name, which servers show to people (RFC 7591 §2, `client_name`).
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), document: None }
    }

    /// The program has published a client ID metadata document at this URL, with these redirect URIs. The URL is its
    /// client id at every server that takes one, so it need not be registered there.
    ///
    /// # Errors
    /// [`Error::DocumentUrl`] if it is not an `https` URL with a path, or has a query, a fragment, user information or a
    /// dot segment.
    pub fn document(mut self, url: &str, redirect_uris: &[RedirectUri]) -> Result<Self, Error> {
        if !is_document_url(url) {
            return Err(Error::DocumentUrl);
        }
        self.document = Some(Document { url: url.into(), redirect_uris: redirect_uris.to_vec() });
        Ok(self)
    }
}

impl Document {
    /// Whether a login may return to this URI.
    pub(super) fn allows(&self, redirect_uri: &RedirectUri) -> bool {
        self.redirect_uris.iter().any(|known| redirect::allows(known.as_str(), redirect_uri.as_str()))
    }
}

fn is_document_url(url: &str) -> bool {
    // An issuer's checks are those of a document's URL, except for the path.
    let Some(rest) = url.strip_prefix("https://").filter(|_| Issuer::new(url).is_ok()) else { return false };
    let Some((_, path)) = rest.split_once('/') else { return false };
    let dots = |segment: &str| matches!(&*segment.to_ascii_lowercase().replace("%2e", "."), "." | "..");
    !path.is_empty() && !path.split('/').any(dots)
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("document", &self.document.as_ref().map(|document| &document.url))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_documents_url_is_https_and_has_a_path() {
        for good in
            ["https://editor.example/client.json", "https://editor.example:8443/a/b", "https://editor.example/a..b"]
        {
            assert!(is_document_url(good), "{good}");
        }
        for bad in [
            "",
            "http://editor.example/client.json",
            "http://127.0.0.1/client.json",
            "https://editor.example",
            "https://editor.example/",
            "https://editor.example/client.json#x",
            "https://editor.example/client.json?x",
            "https://u@editor.example/client.json",
            "https://editor.example/a/../client.json",
            "https://editor.example/%2E./client.json",
            "https://editor.example/./client.json",
            "https:///client.json",
            "editor.example/client.json",
        ] {
            assert!(!is_document_url(bad), "{bad}");
        }
    }
}
