//! The members of a server's metadata that this library knows (RFC 8414 §2, OpenID Connect Discovery §3, and IANA's
//! registry for both).

use crate::wire::object::{Scalar, Table};

/// A member of a server's metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Member {
    Issuer,
    AuthorizationEndpoint,
    TokenEndpoint,
    DeviceAuthorizationEndpoint,
    PushedAuthorizationRequestEndpoint,
    IntrospectionEndpoint,
    RevocationEndpoint,
    RegistrationEndpoint,
    BackchannelAuthenticationEndpoint,
    UserinfoEndpoint,
    EndSessionEndpoint,
    CheckSessionIframe,
    JwksUri,
    ServiceDocumentation,
    OpPolicyUri,
    OpTosUri,
    ScopesSupported,
    ResponseTypesSupported,
    ResponseModesSupported,
    GrantTypesSupported,
    TokenEndpointAuthMethodsSupported,
    TokenEndpointAuthSigningAlgValuesSupported,
    RevocationEndpointAuthMethodsSupported,
    IntrospectionEndpointAuthMethodsSupported,
    CodeChallengeMethodsSupported,
    DpopSigningAlgValuesSupported,
    AuthorizationDetailsTypesSupported,
    AcrValuesSupported,
    SubjectTypesSupported,
    IdTokenSigningAlgValuesSupported,
    ClaimsSupported,
    UiLocalesSupported,
    BackchannelTokenDeliveryModesSupported,
    ProtectedResources,
    BackchannelUserCodeParameterSupported,
    RequirePushedAuthorizationRequests,
    RequireSignedRequestObject,
    AuthorizationResponseIssParameterSupported,
    DpopBoundAccessTokens,
    TlsClientCertificateBoundAccessTokens,
    ClientIdMetadataDocumentSupported,
}

/// The kind of a member's value, and the treatment of one that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Compared with the configured value.
    Identity,
    /// The target of a request or a person, perhaps with credentials: a wrong one refuses the document.
    Endpoint,
    /// The place of keys: a wrong one refuses the document.
    Keys,
    /// A page for people: a wrong one costs its own value.
    Page,
    /// Texts: a wrong list costs its own value.
    List,
    /// Texts that say how an answer is protected: a wrong list refuses the document.
    Guard,
    /// A truth value: a wrong one costs its own value.
    Truth,
    /// A truth value that turns a check on: a wrong one refuses the document, because it could turn the check off.
    Demand,
}

/// One row for each member, in the order of [`Member`].
const ROWS: [(Member, &str, Kind); 41] = [
    (Member::Issuer, "issuer", Kind::Identity),
    (Member::AuthorizationEndpoint, "authorization_endpoint", Kind::Endpoint),
    (Member::TokenEndpoint, "token_endpoint", Kind::Endpoint),
    (Member::DeviceAuthorizationEndpoint, "device_authorization_endpoint", Kind::Endpoint),
    (Member::PushedAuthorizationRequestEndpoint, "pushed_authorization_request_endpoint", Kind::Endpoint),
    (Member::IntrospectionEndpoint, "introspection_endpoint", Kind::Endpoint),
    (Member::RevocationEndpoint, "revocation_endpoint", Kind::Endpoint),
    (Member::RegistrationEndpoint, "registration_endpoint", Kind::Endpoint),
    (Member::BackchannelAuthenticationEndpoint, "backchannel_authentication_endpoint", Kind::Endpoint),
    (Member::UserinfoEndpoint, "userinfo_endpoint", Kind::Endpoint),
    (Member::EndSessionEndpoint, "end_session_endpoint", Kind::Endpoint),
    (Member::CheckSessionIframe, "check_session_iframe", Kind::Endpoint),
    (Member::JwksUri, "jwks_uri", Kind::Keys),
    (Member::ServiceDocumentation, "service_documentation", Kind::Page),
    (Member::OpPolicyUri, "op_policy_uri", Kind::Page),
    (Member::OpTosUri, "op_tos_uri", Kind::Page),
    (Member::ScopesSupported, "scopes_supported", Kind::List),
    (Member::ResponseTypesSupported, "response_types_supported", Kind::List),
    (Member::ResponseModesSupported, "response_modes_supported", Kind::List),
    (Member::GrantTypesSupported, "grant_types_supported", Kind::List),
    (Member::TokenEndpointAuthMethodsSupported, "token_endpoint_auth_methods_supported", Kind::List),
    (
        Member::TokenEndpointAuthSigningAlgValuesSupported,
        "token_endpoint_auth_signing_alg_values_supported",
        Kind::List,
    ),
    (Member::RevocationEndpointAuthMethodsSupported, "revocation_endpoint_auth_methods_supported", Kind::List),
    (Member::IntrospectionEndpointAuthMethodsSupported, "introspection_endpoint_auth_methods_supported", Kind::List),
    (Member::CodeChallengeMethodsSupported, "code_challenge_methods_supported", Kind::Guard),
    (Member::DpopSigningAlgValuesSupported, "dpop_signing_alg_values_supported", Kind::List),
    (Member::AuthorizationDetailsTypesSupported, "authorization_details_types_supported", Kind::List),
    (Member::AcrValuesSupported, "acr_values_supported", Kind::List),
    (Member::SubjectTypesSupported, "subject_types_supported", Kind::List),
    (Member::IdTokenSigningAlgValuesSupported, "id_token_signing_alg_values_supported", Kind::List),
    (Member::ClaimsSupported, "claims_supported", Kind::List),
    (Member::UiLocalesSupported, "ui_locales_supported", Kind::List),
    (Member::BackchannelTokenDeliveryModesSupported, "backchannel_token_delivery_modes_supported", Kind::List),
    (Member::ProtectedResources, "protected_resources", Kind::List),
    (Member::BackchannelUserCodeParameterSupported, "backchannel_user_code_parameter_supported", Kind::Truth),
    (Member::RequirePushedAuthorizationRequests, "require_pushed_authorization_requests", Kind::Demand),
    (Member::RequireSignedRequestObject, "require_signed_request_object", Kind::Demand),
    (
        Member::AuthorizationResponseIssParameterSupported,
        "authorization_response_iss_parameter_supported",
        Kind::Demand,
    ),
    (Member::DpopBoundAccessTokens, "dpop_bound_access_tokens", Kind::Demand),
    (Member::TlsClientCertificateBoundAccessTokens, "tls_client_certificate_bound_access_tokens", Kind::Truth),
    (Member::ClientIdMetadataDocumentSupported, "client_id_metadata_document_supported", Kind::Truth),
];

/// The members of [`ROWS`].
const ALL: [Member; ROWS.len()] = {
    let mut all = [Member::Issuer; ROWS.len()];
    let (mut places, mut rows): (&mut [Member], &[(Member, &str, Kind)]) = (&mut all, &ROWS);
    while let ([place, other_places @ ..], [(member, ..), other_rows @ ..]) = (places, rows) {
        *place = *member;
        (places, rows) = (other_places, other_rows);
    }
    all
};

impl Member {
    fn row(self) -> (&'static str, Kind) {
        ROWS.get(self as usize).map_or(("", Kind::Truth), |(_, name, kind)| (*name, *kind))
    }

    pub(super) fn kind(self) -> Kind {
        self.row().1
    }
}

impl Table for Member {
    const ALL: &'static [Self] = &ALL;

    type Slots<'a> = Slots<'a>;

    fn named(name: &str) -> Option<Self> {
        ROWS.iter().find(|(_, known, _)| *known == name).map(|(member, ..)| *member)
    }

    fn name(self) -> &'static str {
        self.row().0
    }

    fn slot(self) -> usize {
        self as usize
    }

    fn is_raw(self) -> bool {
        matches!(self.kind(), Kind::List | Kind::Guard)
    }
}

/// A place for the value of each member. Arrays have `Default` up to 32 places only.
#[derive(Debug)]
pub(crate) struct Slots<'a>([Option<Scalar<'a>>; ROWS.len()]);

impl Default for Slots<'_> {
    fn default() -> Self {
        Self([const { None }; ROWS.len()])
    }
}

impl<'a> AsRef<[Option<Scalar<'a>>]> for Slots<'a> {
    fn as_ref(&self) -> &[Option<Scalar<'a>>] {
        &self.0
    }
}

impl<'a> AsMut<[Option<Scalar<'a>>]> for Slots<'a> {
    fn as_mut(&mut self) -> &mut [Option<Scalar<'a>>] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_stands_in_its_place_and_has_a_name_once() {
        for (at, (member, name, _)) in ROWS.iter().enumerate() {
            assert_eq!(*member as usize, at);
            assert_eq!(Member::named(name), Some(*member));
            assert_eq!(Member::ALL[at], *member);
        }
        // One bit for each shows which one occurs twice.
        assert!(ROWS.len() <= 64);
    }

    #[test]
    fn each_endpoint_that_the_server_can_have_is_an_endpoint_here() {
        for row in &crate::server::ENDPOINTS {
            assert_eq!(Member::named(row.metadata).map(Member::kind), Some(Kind::Endpoint), "{}", row.metadata);
        }
    }
}
