//! The server's metadata (RFC 8414 section 2, OpenID Connect Discovery section 3). It follows the knobs.

use crate::answer::{Answer, Members};
use crate::assertion::{JWT_BEARER, SAML2_BEARER};
use crate::endpoint::Endpoint;
use crate::exchange::TOKEN_EXCHANGE;
use crate::form::{json_string, json_strings};
use crate::server::Server;
use crate::token::{CIBA, DEVICE_CODE};

impl Server {
    /// The document of RFC 8414 section 3.2.
    pub(crate) fn server_metadata(&self) -> Answer {
        Answer::document(self.metadata())
    }

    /// The same document with the other members that OpenID Connect Discovery section 3 requires. This server issues no
    /// ID tokens, so these members have the least that the standard allows.
    pub(crate) fn openid_configuration(&self) -> Answer {
        let mut members = self.metadata();
        let mut add = |name: &str, json| members.push((name.to_owned(), json));
        add("jwks_uri", json_string(&self.endpoint_url(Endpoint::Keys)));
        add("subject_types_supported", json_strings(&["public"]));
        add("id_token_signing_alg_values_supported", json_strings(&["RS256"]));
        Answer::document(members)
    }

    fn metadata(&self) -> Members {
        let knobs = &self.knobs;
        let mut members = vec![("issuer".to_owned(), json_string(&self.issuer))];
        for endpoint in Endpoint::ALL.into_iter().filter(|endpoint| knobs.serves(*endpoint)) {
            let url = || json_string(&self.endpoint_url(endpoint));
            members.extend(endpoint.member().map(|name| (name.to_owned(), url())));
        }
        let mut add = |name: &str, json| members.push((name.to_owned(), json));
        if !knobs.scopes_supported.is_empty() {
            add("scopes_supported", json_strings(&knobs.scopes_supported));
        }
        add("response_types_supported", json_strings(&["code"]));
        add(
            "response_modes_supported",
            json_strings(if knobs.form_post { &["query", "form_post"][..] } else { &["query"] }),
        );
        add("grant_types_supported", json_strings(&self.grant_types()));
        add(
            "code_challenge_methods_supported",
            json_strings(match knobs.allow_plain_pkce {
                true => &["S256", "plain"][..],
                false => &["S256"],
            }),
        );
        add("authorization_response_iss_parameter_supported", "true".to_owned());
        add("token_endpoint_auth_methods_supported", json_strings(&self.auth_methods(true)));
        if knobs.serves(Endpoint::PushedAuthorization) {
            add("require_pushed_authorization_requests", knobs.require_pushed_authorization_requests.to_string());
        }
        if knobs.serves(Endpoint::BackchannelAuthentication) {
            add("backchannel_token_delivery_modes_supported", json_strings(&["poll", "ping"]));
            add("backchannel_user_code_parameter_supported", knobs.person_code.is_some().to_string());
        }
        if knobs.serves(Endpoint::Introspection) {
            add("introspection_endpoint_auth_methods_supported", json_strings(&self.auth_methods(false)));
        }
        if knobs.serves(Endpoint::Revocation) {
            add("revocation_endpoint_auth_methods_supported", json_strings(&self.auth_methods(true)));
        }
        add("client_id_metadata_document_supported", knobs.client_id_documents.to_string());
        if knobs.serves(Endpoint::ResourceMetadata) {
            // RFC 9728 section 4.
            add("protected_resources", json_strings(&[self.resource_url()]));
        }
        if !knobs.trusted_issuers.is_empty() {
            // draft-ietf-oauth-identity-assertion-authz-grant.
            let profiles = json_strings(&["urn:ietf:params:oauth:grant-profile:id-jag"]);
            add("authorization_grant_profiles_supported", profiles);
        }
        if !knobs.acr_values_supported.is_empty() {
            add("acr_values_supported", json_strings(&knobs.acr_values_supported));
        }
        if !knobs.authorization_details_types_supported.is_empty() {
            add("authorization_details_types_supported", json_strings(&knobs.authorization_details_types_supported));
        }
        members
    }

    fn grant_types(&self) -> Vec<&str> {
        let mut types = vec!["authorization_code", "refresh_token", "client_credentials"];
        types.extend(self.knobs.serves(Endpoint::DeviceAuthorization).then_some(DEVICE_CODE));
        types.extend(self.knobs.serves(Endpoint::BackchannelAuthentication).then_some(CIBA));
        types.extend([TOKEN_EXCHANGE, JWT_BEARER, SAML2_BEARER]);
        types.extend(self.knobs.extension_grant.as_deref());
        types
    }

    /// By the names of RFC 7591 section 2, in the order of preference.
    pub(crate) fn auth_methods(&self, public_clients: bool) -> Vec<&'static str> {
        let methods = [
            (self.knobs.accept_basic, "client_secret_basic"),
            (self.knobs.accept_post, "client_secret_post"),
            (public_clients, "none"),
        ];
        methods.into_iter().filter(|(accepted, _)| *accepted).map(|(_, name)| name).collect()
    }
}
