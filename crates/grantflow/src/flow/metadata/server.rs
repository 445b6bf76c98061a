//! From a server's metadata to the server.

use super::ServerMetadata;
use crate::error::{Error, MetadataFault, Misuse};
use crate::server::{ENDPOINTS, Server};

impl ServerMetadata {
    /// The server that this metadata describes, with its issuer, its endpoints, and what it demands:
    ///
    /// - [`authorization_response_iss_parameter_supported`](Self::authorization_response_iss_parameter_supported): a callback
    ///   without `iss` is refused, as with [`Server::issuer_always_sent`];
    /// - [`require_pushed_authorization_requests`](Self::require_pushed_authorization_requests), see
    ///   [`Server::require_pushed_authorization_requests`];
    /// - [`token_endpoint_auth_methods_supported`](Self::token_endpoint_auth_methods_supported): a client with a secret
    ///   that the server accepts only in another way is refused when it is made, see
    ///   [`Server::token_endpoint_auth_methods_supported`];
    /// - [`code_challenge_methods_supported`](Self::code_challenge_methods_supported) without `S256`, and
    ///   [`require_signed_request_object`](Self::require_signed_request_object): no authorization request can be made, and
    ///   [`Authorization::new`](crate::Authorization::new) says so; other grants are possible;
    /// - [`backchannel_token_delivery_modes_supported`](Self::backchannel_token_delivery_modes_supported): a backchannel
    ///   request for another way is refused, see [`Server::backchannel_token_delivery_modes_supported`]; and a code of the
    ///   person's, if [`backchannel_user_code_parameter_supported`](Self::backchannel_user_code_parameter_supported) is
    ///   `false`;
    /// - [`authorization_details_types_supported`](Self::authorization_details_types_supported): a request with another
    ///   type of authorization details is refused, see [`Server::authorization_details_types_supported`];
    /// - [`response_modes_supported`](Self::response_modes_supported) without `form_post`: a request with that response
    ///   mode is refused when it is started;
    /// - [`client_id_metadata_document_supported`](Self::client_id_metadata_document_supported), see
    ///   [`Server::client_id_metadata_document_supported`];
    /// - `S256` in it: [`Quirk::RefusesPkce`](crate::Quirk::RefusesPkce) is refused.
    ///
    /// Everything else is set as for any other server: quirks, [`Server::token_for`], endpoints that replace these.
    ///
    /// # Errors
    /// [`Misuse::Metadata`] if it has no token endpoint, or gives only tokens that are bound to a key;
    /// [`Misuse::NoEndpoint`] if requests must be pushed and there is no endpoint for it; [`Misuse::Url`] if an
    /// endpoint's query uses a reserved parameter.
    pub fn server(&self) -> Result<Server, Error> {
        let fault = |fault| Error::Misuse(Misuse::Metadata(fault));
        let token = self.token_endpoint().ok_or(fault(MetadataFault::NoTokenEndpoint))?;
        if self.dpop_bound_access_tokens() {
            return Err(fault(MetadataFault::Dpop));
        }
        let mut server = Server::with_token_endpoint(token)?;
        for row in &ENDPOINTS {
            if let Some(url) = self.endpoint(row.metadata) {
                server = server.endpoint(row.kind, url)?;
            }
        }
        let issuer = self.issuer().as_str();
        server = if self.authorization_response_iss_parameter_supported() {
            server.issuer_always_sent(issuer)?
        } else {
            server.issuer(issuer)?
        };
        if self.require_pushed_authorization_requests() {
            server.needed(crate::server::EndpointKind::PushedAuthorizationRequest)?;
            server = server.require_pushed_authorization_requests();
        }
        server.announced.s256 = self.announces_s256();
        server.announced.no_authorization = if self.require_signed_request_object() {
            Some(MetadataFault::SignedRequestObject)
        } else if self.code_challenge_methods_supported().is_some() && !self.announces_s256() {
            Some(MetadataFault::NoS256)
        } else {
            None
        };
        if let Some(methods) = self.token_endpoint_auth_methods_supported() {
            let methods: Vec<&str> = methods.iter().map(String::as_str).collect();
            server = server.token_endpoint_auth_methods_supported(&methods);
        }
        if let Some(modes) = self.backchannel_token_delivery_modes_supported() {
            let modes: Vec<&str> = modes.iter().map(String::as_str).collect();
            server = server.backchannel_token_delivery_modes_supported(&modes);
        }
        server.announced.backchannel.no_user_code = self.backchannel_user_code_parameter_supported() == Some(false);
        if let Some(types) = self.authorization_details_types_supported() {
            let types: Vec<&str> = types.iter().map(String::as_str).collect();
            server = server.authorization_details_types_supported(&types);
        }
        let has_form_post = |modes: &[String]| modes.iter().any(|mode| mode == "form_post");
        server.announced.no_form_post = self.response_modes_supported().is_some_and(|modes| !has_form_post(modes));
        if self.client_id_metadata_document_supported() {
            server = server.client_id_metadata_document_supported();
        }
        Ok(server)
    }
}
