//! What a server announces about itself, in its metadata or by manual configuration.

use core::fmt;

use super::Server;
use super::backchannel::Backchannel;
use crate::details::AuthorizationDetails;
use crate::error::{DetailsFault, Error, MetadataFault, Misuse};

/// The announcements of a server that change the behaviour of this library.
#[derive(Clone, Default)]
pub(crate) struct Announced {
    pub(crate) requires_pushed: bool,
    /// Its metadata lists `S256` (RFC 8414 §2).
    pub(crate) s256: bool,
    /// Why no authorization request can be made for it.
    pub(crate) no_authorization: Option<MetadataFault>,
    /// How clients may authenticate at the token endpoint, if it says so.
    pub(crate) auth_methods: Option<Box<[Box<str>]>>,
    pub(crate) backchannel: Backchannel,
    /// It takes the URL of a metadata document as a client id.
    pub(crate) client_id_documents: bool,
    /// The types of authorization details that it knows, if it says so.
    pub(crate) details_types: Option<Box<[Box<str>]>>,
    /// Its metadata lists response modes without `form_post`.
    pub(crate) no_form_post: bool,
}

impl fmt::Debug for Announced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requires_pushed,
            s256,
            no_authorization,
            auth_methods,
            backchannel,
            client_id_documents,
            details_types,
            no_form_post,
        } = self;
        // The server wrote the names of the methods and types.
        f.debug_struct("Announced")
            .field("requires_pushed", requires_pushed)
            .field("s256", s256)
            .field("no_authorization", no_authorization)
            .field("auth_methods", &auth_methods.as_ref().map(|methods| methods.len()))
            .field("backchannel", backchannel)
            .field("client_id_documents", client_id_documents)
            .field("details_types", &details_types.as_ref().map(|types| types.len()))
            .field("no_form_post", no_form_post)
            .finish()
    }
}

impl Server {
    /// From now on, authorization requests to this server are pushed only (`require_pushed_authorization_requests`, RFC
    /// 9126 §5). A server from its metadata has this setting already.
    #[must_use]
    pub fn require_pushed_authorization_requests(mut self) -> Self {
        self.announced.requires_pushed = true;
        self
    }

    /// Whether authorization requests to this server are pushed only (RFC 9126 §5).
    pub fn requires_pushed_authorization_requests(&self) -> bool {
        self.announced.requires_pushed
    }

    /// How clients authenticate at this server's token endpoint (RFC 8414 §2): `client_secret_basic`,
    /// `client_secret_post`. A client with a secret that would authenticate in another way is then refused when it is
    /// made, so that no secret is sent in a way that the server does not accept. The list replaces the one in the
    /// server's metadata, for a server that accepts more than it announces.
    ///
    /// [`public`](crate::ClientBuilder::public) clients are always accepted: many servers have them and do not list
    /// `none`.
    #[must_use]
    pub fn token_endpoint_auth_methods_supported(mut self, methods: &[&str]) -> Self {
        self.announced.auth_methods = Some(methods.iter().map(|method| (*method).into()).collect());
        self
    }

    /// From now on, this server takes the URL of a metadata document as a client id
    /// (`client_id_metadata_document_supported`, OAuth Client ID Metadata Document §5). A server from its metadata has
    /// this setting already.
    #[must_use]
    pub fn client_id_metadata_document_supported(mut self) -> Self {
        self.announced.client_id_documents = true;
        self
    }

    /// Whether this server takes the URL of a metadata document as a client id:
    /// [`ClientIdDocument::client`](crate::ClientIdDocument::client).
    pub fn supports_client_id_metadata_documents(&self) -> bool {
        self.announced.client_id_documents
    }

    /// The types of authorization details that this server knows (`authorization_details_types_supported`, RFC 9396 §10).
    /// A request with another type is then refused before it is sent. The list replaces the one in the server's metadata,
    /// for a server that knows more than it announces.
    #[must_use]
    pub fn authorization_details_types_supported(mut self, types: &[&str]) -> Self {
        self.announced.details_types = Some(types.iter().map(|kind| (*kind).into()).collect());
        self
    }

    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server lists the types that it knows, and one of these is not among them.
    pub(crate) fn check_details(&self, details: &AuthorizationDetails) -> Result<(), Error> {
        match &self.announced.details_types {
            Some(types) if details.types().any(|kind| !types.iter().any(|known| **known == *kind)) => {
                Err(Error::Misuse(Misuse::AuthorizationDetails(DetailsFault::NotSupported)))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`Misuse::AuthMethod`] if the server announces other methods of client authentication, and not this one.
    pub(crate) fn check_auth_method(&self, method: &'static str) -> Result<(), Error> {
        match &self.announced.auth_methods {
            Some(methods) if !methods.iter().any(|known| **known == *method) => {
                Err(Error::Misuse(Misuse::AuthMethod(method)))
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// [`Misuse::Metadata`] if the server announces a demand that this library cannot meet.
    pub(crate) fn check_authorization(&self) -> Result<(), Error> {
        match self.announced.no_authorization {
            // Without PKCE, its methods do not matter.
            Some(MetadataFault::NoS256) if self.quirks.refuses_pkce => Ok(()),
            Some(fault) => Err(Error::Misuse(Misuse::Metadata(fault))),
            None => Ok(()),
        }
    }
}
