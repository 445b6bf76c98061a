//! What a server's metadata says, member by member, under the names of the registry.

use super::{Member, ServerMetadata};

/// Where requests go. Each URL was checked: `https`, or loopback if the issuer is on loopback.
impl ServerMetadata {
    /// RFC 6749 §3.1.
    pub fn authorization_endpoint(&self) -> Option<&str> {
        self.text(Member::AuthorizationEndpoint)
    }

    /// RFC 6749 §3.2.
    pub fn token_endpoint(&self) -> Option<&str> {
        self.text(Member::TokenEndpoint)
    }

    /// RFC 8628 §3.1.
    pub fn device_authorization_endpoint(&self) -> Option<&str> {
        self.text(Member::DeviceAuthorizationEndpoint)
    }

    /// RFC 9126 §2.
    pub fn pushed_authorization_request_endpoint(&self) -> Option<&str> {
        self.text(Member::PushedAuthorizationRequestEndpoint)
    }

    /// RFC 7662 §2.
    pub fn introspection_endpoint(&self) -> Option<&str> {
        self.text(Member::IntrospectionEndpoint)
    }

    /// RFC 7009 §2.
    pub fn revocation_endpoint(&self) -> Option<&str> {
        self.text(Member::RevocationEndpoint)
    }

    /// RFC 7591 §3.
    pub fn registration_endpoint(&self) -> Option<&str> {
        self.text(Member::RegistrationEndpoint)
    }

    /// OpenID Connect CIBA §7.
    pub fn backchannel_authentication_endpoint(&self) -> Option<&str> {
        self.text(Member::BackchannelAuthenticationEndpoint)
    }

    /// OpenID Connect Core §5.3.
    pub fn userinfo_endpoint(&self) -> Option<&str> {
        self.text(Member::UserinfoEndpoint)
    }

    /// OpenID Connect RP-Initiated Logout §2.1.
    pub fn end_session_endpoint(&self) -> Option<&str> {
        self.text(Member::EndSessionEndpoint)
    }

    /// OpenID Connect Session Management §3.3.
    pub fn check_session_iframe(&self) -> Option<&str> {
        self.text(Member::CheckSessionIframe)
    }

    /// Where the server's keys are (RFC 7517 §5).
    pub fn jwks_uri(&self) -> Option<&str> {
        self.text(Member::JwksUri)
    }
}

/// Pages for people: `https` or `http`, with or without a fragment.
impl ServerMetadata {
    /// For developers.
    pub fn service_documentation(&self) -> Option<&str> {
        self.text(Member::ServiceDocumentation)
    }

    /// What the server does with data.
    pub fn op_policy_uri(&self) -> Option<&str> {
        self.text(Member::OpPolicyUri)
    }

    /// Terms of service.
    pub fn op_tos_uri(&self) -> Option<&str> {
        self.text(Member::OpTosUri)
    }
}

/// What the server can do. `None` if it does not say; a server does not have to list everything (RFC 8414 §2).
impl ServerMetadata {
    /// RFC 6749 §3.3.
    pub fn scopes_supported(&self) -> Option<&[String]> {
        self.list(Member::ScopesSupported)
    }

    /// RFC 7591 §2.
    pub fn response_types_supported(&self) -> Option<&[String]> {
        self.list(Member::ResponseTypesSupported)
    }

    /// OAuth 2.0 Multiple Response Types §2.1.
    pub fn response_modes_supported(&self) -> Option<&[String]> {
        self.list(Member::ResponseModesSupported)
    }

    /// RFC 7591 §2.
    pub fn grant_types_supported(&self) -> Option<&[String]> {
        self.list(Member::GrantTypesSupported)
    }

    /// Whether the server says that it has this grant type: `client_credentials`,
    /// `urn:ietf:params:oauth:grant-type:device_code`. If it lists none, these are `authorization_code` and `implicit`
    /// (RFC 8414 §2). No flow asks this: many servers list less than they have, and a request for a missing grant costs
    /// nothing.
    pub fn supports_grant_type(&self, grant_type: &str) -> bool {
        supports(self.grant_types_supported(), &["authorization_code", "implicit"], grant_type)
    }

    /// The ways in which clients authenticate at the token endpoint (RFC 7591 §2).
    pub fn token_endpoint_auth_methods_supported(&self) -> Option<&[String]> {
        self.list(Member::TokenEndpointAuthMethodsSupported)
    }

    /// Whether the server says that clients may authenticate in this way at the token endpoint: `client_secret_post`.
    /// If it lists none, this is `client_secret_basic` (RFC 8414 §2).
    pub fn supports_token_endpoint_auth_method(&self, method: &str) -> bool {
        supports(self.token_endpoint_auth_methods_supported(), &["client_secret_basic"], method)
    }

    /// The algorithms of signed client assertions (RFC 8414 §2).
    pub fn token_endpoint_auth_signing_alg_values_supported(&self) -> Option<&[String]> {
        self.list(Member::TokenEndpointAuthSigningAlgValuesSupported)
    }

    /// RFC 8414 §2.
    pub fn revocation_endpoint_auth_methods_supported(&self) -> Option<&[String]> {
        self.list(Member::RevocationEndpointAuthMethodsSupported)
    }

    /// RFC 8414 §2.
    pub fn introspection_endpoint_auth_methods_supported(&self) -> Option<&[String]> {
        self.list(Member::IntrospectionEndpointAuthMethodsSupported)
    }

    /// The methods of PKCE (RFC 7636 §4.2). `None` says that the server has no PKCE (RFC 8414 §2), but some servers
    /// with PKCE do not say so, for example Entra ID.
    pub fn code_challenge_methods_supported(&self) -> Option<&[String]> {
        self.list(Member::CodeChallengeMethodsSupported)
    }

    /// Whether the server announces PKCE with `S256`. If a profile demands that (the Model Context Protocol does),
    /// refuse a server for which this is false.
    pub fn announces_s256(&self) -> bool {
        supports(self.code_challenge_methods_supported(), &[], "S256")
    }

    /// RFC 9449 §5.1.
    pub fn dpop_signing_alg_values_supported(&self) -> Option<&[String]> {
        self.list(Member::DpopSigningAlgValuesSupported)
    }

    /// RFC 9396 §10.
    pub fn authorization_details_types_supported(&self) -> Option<&[String]> {
        self.list(Member::AuthorizationDetailsTypesSupported)
    }

    /// OpenID Connect Discovery §3, RFC 9470 §4.
    pub fn acr_values_supported(&self) -> Option<&[String]> {
        self.list(Member::AcrValuesSupported)
    }

    /// OpenID Connect Discovery §3.
    pub fn subject_types_supported(&self) -> Option<&[String]> {
        self.list(Member::SubjectTypesSupported)
    }

    /// OpenID Connect Discovery §3.
    pub fn id_token_signing_alg_values_supported(&self) -> Option<&[String]> {
        self.list(Member::IdTokenSigningAlgValuesSupported)
    }

    /// OpenID Connect Discovery §3.
    pub fn claims_supported(&self) -> Option<&[String]> {
        self.list(Member::ClaimsSupported)
    }

    /// The languages of the server's pages (RFC 5646).
    pub fn ui_locales_supported(&self) -> Option<&[String]> {
        self.list(Member::UiLocalesSupported)
    }

    /// OpenID Connect CIBA §4: `poll`, `ping`, `push`.
    pub fn backchannel_token_delivery_modes_supported(&self) -> Option<&[String]> {
        self.list(Member::BackchannelTokenDeliveryModesSupported)
    }

    /// OpenID Connect CIBA §4: whether the server takes a code of the person's with a backchannel authentication request.
    /// `None` if it does not say; by the standard, it then does not.
    pub fn backchannel_user_code_parameter_supported(&self) -> Option<bool> {
        self.truth(Member::BackchannelUserCodeParameterSupported)
    }

    /// The identifiers of resources that take this server's tokens (RFC 9728 §4).
    pub fn protected_resources(&self) -> Option<&[String]> {
        self.list(Member::ProtectedResources)
    }

    /// Whether the server takes the URL of a client's metadata document as its id (OAuth Client ID Metadata Document).
    pub fn client_id_metadata_document_supported(&self) -> bool {
        self.truth(Member::ClientIdMetadataDocumentSupported) == Some(true)
    }

    /// Whether the server can bind access tokens to a client's certificate (RFC 8705 §3.3). It can, and need not: it
    /// also gives tokens that are not bound.
    pub fn tls_client_certificate_bound_access_tokens(&self) -> bool {
        self.truth(Member::TlsClientCertificateBoundAccessTokens) == Some(true)
    }
}

/// What the server demands. False if it does not say.
impl ServerMetadata {
    /// Authorization requests must be pushed (RFC 9126 §5).
    pub fn require_pushed_authorization_requests(&self) -> bool {
        self.truth(Member::RequirePushedAuthorizationRequests) == Some(true)
    }

    /// Authorization requests must be signed request objects (RFC 9101 §10.5).
    pub fn require_signed_request_object(&self) -> bool {
        self.truth(Member::RequireSignedRequestObject) == Some(true)
    }

    /// Every callback has `iss` (RFC 9207 §3).
    pub fn authorization_response_iss_parameter_supported(&self) -> bool {
        self.truth(Member::AuthorizationResponseIssParameterSupported) == Some(true)
    }

    /// Access tokens must be bound to a key by DPoP. The registry has this name for clients (RFC 9449 §5.2); a server
    /// that says it of itself says it of all its clients.
    pub fn dpop_bound_access_tokens(&self) -> bool {
        self.truth(Member::DpopBoundAccessTokens) == Some(true)
    }
}

fn supports(list: Option<&[String]>, default: &[&str], what: &str) -> bool {
    match list {
        Some(list) => list.iter().any(|known| known == what),
        None => default.contains(&what),
    }
}
