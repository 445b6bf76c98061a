//! Clients that are known by the URL of their metadata (OAuth Client ID Metadata Document).

use core::fmt;

use http::{HeaderValue, Response, header};

use super::PublicClient;
use super::metadata::{ClientMetadata, Members};
use crate::error::{ClientMetadataFault, Error, Misuse};
use crate::server::Server;
use crate::url::check_client_id;
use crate::wire::object::write_pairs;

/// How much of a document servers read (OAuth Client ID Metadata Document §6.6 recommends 5 KiB).
const LONGEST: usize = 5 * 1024;

/// A client that needs no registration: its id is the URL of a document that says what a server would have to know (OAuth
/// Client ID Metadata Document, draft-ietf-oauth-client-id-metadata-document).
///
/// The program puts the [document](Self::to_json) at this URL, for everyone to read. The same id is good at each server
/// that takes such ids. The document has no secret, so PKCE alone protects the client.
///
/// ```
/// use grantflow::{ClientIdDocument, ClientMetadata, Server};
///
/// let metadata = ClientMetadata::new()
///     .client_name("Club Manager")?
///     .redirect_uri("http://127.0.0.1/callback")?
///     .grant_types(&["authorization_code", "refresh_token"])?;
/// let document = ClientIdDocument::new("https://app.example/oauth/client.json", metadata)?;
///
/// // The program's web server answers with this.
/// let response = document.response();
/// assert_eq!(response.headers()["content-type"], "application/json");
/// assert!(response.body().starts_with(r#"{"client_id":"https://app.example/oauth/client.json","#));
///
/// // A server from its metadata knows by itself whether it takes such ids.
/// let server = Server::new("https://as.example/authorize", "https://as.example/token")?
///     .client_id_metadata_document_supported();
/// let client = document.client(&server)?;
/// # let _ = client;
/// # Ok::<(), grantflow::Error>(())
/// ```
#[derive(Clone)]
pub struct ClientIdDocument {
    url: Box<str>,
    json: Box<str>,
    auth_method: Box<str>,
}

impl ClientIdDocument {
    /// A document at this URL: `https`, with a path that is more than `/` and has no dot segments, without query, fragment
    /// and user information. Servers compare the URL byte for byte, so it must be written as it will be asked for.
    ///
    /// Without a [method](ClientMetadata::token_endpoint_auth_method), the client authenticates by `none`, and the
    /// document says so.
    ///
    /// # Errors
    /// [`Misuse::Url`]; [`Misuse::ClientMetadata`] if the client would authenticate with a secret, uses codes without a
    /// redirect URI, or if the document is larger than 5 KiB: servers read no more.
    pub fn new(url: &str, metadata: ClientMetadata) -> Result<Self, Error> {
        let fault = |fault| Error::Misuse(Misuse::ClientMetadata(fault));
        check_client_id(url)?;
        metadata.check()?;
        let auth_method = metadata.auth_method().unwrap_or("none");
        if auth_method.to_ascii_lowercase().starts_with("client_secret") {
            return Err(fault(ClientMetadataFault::SharedSecret));
        }
        let text = |text: &str| serde_json::to_string(text).map(Into::into).unwrap_or_default();
        let mut members: Members = vec![("client_id".into(), text(url))];
        members.extend(metadata.members(false));
        if metadata.auth_method().is_none() {
            members.push(("token_endpoint_auth_method".into(), text(auth_method)));
        }
        let json = write_pairs(members.iter().map(|(name, json)| (&**name, json.as_str())));
        if json.len() > LONGEST {
            return Err(fault(ClientMetadataFault::TooLong));
        }
        Ok(Self { url: url.into(), json: json.as_str().into(), auth_method: auth_method.into() })
    }

    /// The client's id: the URL of the document.
    pub fn client_id(&self) -> &str {
        &self.url
    }

    /// The document: a JSON object, with `client_id` first. Serve it with status 200 and the content type
    /// `application/json`, and without a redirect, which servers do not follow.
    pub fn to_json(&self) -> &str {
        &self.json
    }

    /// The answer to a GET of the URL, for the program's web server.
    pub fn response(&self) -> Response<String> {
        let mut response = Response::new(self.json.to_string());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    /// The client at this server.
    ///
    /// # Errors
    /// [`Misuse::NoClientIdDocuments`] if the server does not say that it takes such ids, see
    /// [`Server::client_id_metadata_document_supported`]; [`Misuse::ClientMetadata`] if the document says that the client
    /// authenticates in a way that this library cannot do; the errors of
    /// [`ClientBuilder::public`](crate::ClientBuilder::public).
    pub fn client(&self, server: &Server) -> Result<PublicClient, Error> {
        if !server.supports_client_id_metadata_documents() {
            return Err(Error::Misuse(Misuse::NoClientIdDocuments));
        }
        if &*self.auth_method != "none" {
            return Err(Error::Misuse(Misuse::ClientMetadata(ClientMetadataFault::AuthMethod)));
        }
        server.client(&self.url).public()
    }
}

impl fmt::Debug for ClientIdDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdDocument({:?})", self.url)
    }
}
