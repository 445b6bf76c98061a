//! Values of members, as raw JSON text, that real servers send or that a client must refuse.

use crate::endpoint::Endpoint;

/// Members of this endpoint's answers that are worth a test: names and values.
pub(crate) fn odd_members(endpoint: Endpoint) -> Vec<(&'static str, &'static str)> {
    match endpoint {
        Endpoint::ServerMetadata | Endpoint::OpenidConfiguration | Endpoint::OpenidConfigurationInserted => metadata(),
        Endpoint::DeviceAuthorization => device(),
        Endpoint::BackchannelAuthentication => backchannel(),
        Endpoint::Introspection => INTROSPECTION.to_vec(),
        Endpoint::ResourceMetadata | Endpoint::ResourceMetadataAtRoot => RESOURCE_METADATA.to_vec(),
        Endpoint::Registration | Endpoint::ClientConfiguration => registration(),
        Endpoint::PushedAuthorization => REQUEST_URIS
            .iter()
            .map(|json| ("request_uri", *json))
            .chain(NUMBERS.map(|json| ("expires_in", json)))
            .collect(),
        _ => Vec::new(),
    }
}

/// Members of this endpoint's answers that real servers call by another name: the standard's name and theirs.
pub(crate) fn misspellings(endpoint: Endpoint) -> &'static [(&'static str, &'static str)] {
    match endpoint {
        Endpoint::DeviceAuthorization => {
            &[("verification_uri", "verification_url"), ("verification_uri_complete", "verification_url_complete")]
        }
        _ => &[],
    }
}

fn metadata() -> Vec<(&'static str, &'static str)> {
    let urls = Endpoint::ALL.into_iter().filter_map(Endpoint::member);
    let urls = urls.flat_map(|name| URLS.iter().map(move |url| (name, *url)));
    urls.chain(METADATA).collect()
}

/// Errors of this endpoint, beside those that any endpoint can give: statuses and codes.
pub(crate) fn errors(endpoint: Endpoint) -> &'static [(u16, &'static str)] {
    match endpoint {
        Endpoint::DeviceAuthorization => {
            &[(400, "unauthorized_client"), (400, "invalid_scope"), (400, "unsupported_grant_type"), (429, "slow_down")]
        }
        Endpoint::BackchannelAuthentication => &[
            (400, "expired_login_hint_token"),
            (400, "unknown_user_id"),
            (400, "unauthorized_client"),
            (400, "missing_user_code"),
            (400, "invalid_user_code"),
            (400, "invalid_binding_message"),
            (400, "invalid_scope"),
            (403, "access_denied"),
            (400, "expired_id_token_hint"),
            (400, "invalid_id_token_hint"),
            (200, "unknown_user_id"),
            (429, "slow_down"),
            (503, "temporarily_unavailable"),
        ],
        Endpoint::Registration | Endpoint::ClientConfiguration => &[
            (400, "invalid_redirect_uri"),
            (400, "invalid_client_metadata"),
            (400, "invalid_software_statement"),
            (400, "unapproved_software_statement"),
            (400, "invalid_request"),
            (401, "invalid_token"),
            (403, "insufficient_scope"),
            (200, "invalid_client_metadata"),
            (201, "invalid_client_metadata"),
            (400, "Bad Request"),
            (405, "invalid_request"),
            (503, "temporarily_unavailable"),
        ],
        Endpoint::Introspection => &[(200, "invalid_token"), (401, "invalid_token"), (403, "access_denied")],
        Endpoint::Revocation => {
            &[(400, "unsupported_token_type"), (200, "unsupported_token_type"), (503, "temporarily_unavailable")]
        }
        Endpoint::PushedAuthorization => &[
            (200, "invalid_request"),
            (201, "invalid_request"),
            (400, "invalid_request"),
            (400, "invalid_scope"),
            (400, "unauthorized_client"),
            (405, "invalid_request"),
            (413, "invalid_request"),
            (429, "temporarily_unavailable"),
            (503, "temporarily_unavailable"),
        ],
        _ => &[],
    }
}

fn backchannel() -> Vec<(&'static str, &'static str)> {
    let ids =
        ["\"\"", "\" \"", "null", "42", "[\"ar\"]", "{}", "true", "\"a\\u0000\\r\\nb\"", "\"\u{e9}\"", "\"a&b=c+%25\""];
    let ids = ids.into_iter().map(|json| ("auth_req_id", json));
    ids.chain(NUMBERS.map(|json| ("interval", json))).chain(NUMBERS.map(|json| ("expires_in", json))).collect()
}

fn registration() -> Vec<(&'static str, &'static str)> {
    let numbers = ["client_id_issued_at", "client_secret_expires_at"].into_iter();
    let numbers = numbers.flat_map(|name| NUMBERS.map(move |json| (name, json)));
    let urls = URLS.iter().map(|url| ("registration_client_uri", *url));
    numbers.chain(urls).chain(REGISTRATION).collect()
}

fn device() -> Vec<(&'static str, &'static str)> {
    let urls = ["verification_uri", "verification_uri_complete"].into_iter();
    let urls = urls.flat_map(|name| URLS.iter().map(move |url| (name, *url)));
    urls.chain(DEVICE)
        .chain(NUMBERS.map(|json| ("interval", json)))
        .chain(NUMBERS.map(|json| ("expires_in", json)))
        .collect()
}

/// What may stand in place of a number of seconds.
const NUMBERS: [&str; 16] = [
    "0",
    "-1",
    "1.5",
    "1000000000",
    "18446744073709551615",
    "18446744073709551616",
    "1e400",
    "-0",
    "\"5\"",
    "\"soon\"",
    "\"\"",
    "null",
    "true",
    "[5]",
    "{}",
    "\"5 \"",
];

/// What may stand in place of a request URI.
const REQUEST_URIS: [&str; 13] = [
    "\"\"",
    "\" \"",
    "null",
    "42",
    "[\"urn:x:y\"]",
    "\"http://as.example/requests/1\"",
    "\"https://as.example/requests/1\"",
    "\"https://attacker.example/requests/1\"",
    "\"javascript:alert(1)\"",
    "\"urn:x:y&client_id=other\"",
    "\"urn:x:y#fragment\"",
    "\"urn:x:\\u0000\\r\\ny\"",
    "\"no uri\"",
];

const REGISTRATION: [(&str, &str); 34] = [
    ("client_id", "\"\""),
    ("client_id", "null"),
    ("client_id", "42"),
    ("client_id", "\"another\""),
    ("client_id", "\"a\\r\\nb\""),
    ("client_secret", "\"\""),
    ("client_secret", "null"),
    ("client_secret", "42"),
    ("client_secret", "\"p\u{e4}ss:w&rd+%25\""),
    ("registration_access_token", "\"\""),
    ("registration_access_token", "null"),
    ("registration_access_token", "42"),
    ("registration_access_token", "\"a\\r\\nb: c\""),
    ("registration_access_token", "\"a b\""),
    ("registration_client_uri", "\"https://as.example.attacker.example/oauth/client\""),
    ("registration_client_uri", "\"https://as.example@attacker.example/oauth/client\""),
    ("registration_client_uri", "\"https://as.example:8443/oauth/client\""),
    ("token_endpoint_auth_method", "\"none\""),
    ("token_endpoint_auth_method", "\"client_secret_post\""),
    ("token_endpoint_auth_method", "\"private_key_jwt\""),
    ("token_endpoint_auth_method", "\"NONE\""),
    ("token_endpoint_auth_method", "\"\""),
    ("token_endpoint_auth_method", "null"),
    ("token_endpoint_auth_method", "[\"none\"]"),
    ("redirect_uris", "[]"),
    ("redirect_uris", "null"),
    ("redirect_uris", "\"https://app.example/cb\""),
    ("redirect_uris", "[\"https://attacker.example/cb\",42]"),
    ("redirect_uris", "[\"https://attacker.example/cb\"]"),
    ("grant_types", "[\"implicit\",\"password\"]"),
    ("grant_types", "\"authorization_code\""),
    ("response_types", "[\"token\"]"),
    ("scope", "[\"read\",\"write\"]"),
    ("client_name", "{}"),
];

const RESOURCE_METADATA: [(&str, &str); 32] = [
    ("resource", "\"https://attacker.example/api/user\""),
    ("resource", "\"https://as.example/api/user/\""),
    ("resource", "\"https://as.example/api/other\""),
    ("resource", "\"https://as.example\""),
    ("resource", "\"https://AS.example/api/user\""),
    ("resource", "\"http://as.example/api/user\""),
    ("resource", "\"https://as.example/api/user#fragment\""),
    ("resource", "\"\""),
    ("resource", "null"),
    ("resource", "42"),
    ("resource", "[\"https://as.example/api/user\"]"),
    ("authorization_servers", "[\"https://attacker.example\"]"),
    ("authorization_servers", "[\"https://one.example\",\"https://two.example\"]"),
    ("authorization_servers", "[\"http://as.example\"]"),
    ("authorization_servers", "[\"javascript:alert(1)\"]"),
    ("authorization_servers", "[\"https://as.example?a=b\"]"),
    ("authorization_servers", "[\"\"]"),
    ("authorization_servers", "[\"https://as.example\",42]"),
    ("authorization_servers", "[null]"),
    ("authorization_servers", "[]"),
    ("authorization_servers", "{}"),
    ("authorization_servers", "null"),
    ("authorization_servers", "\"https://as.example\""),
    ("scopes_supported", "\"read write\""),
    ("scopes_supported", "[\"read\",42]"),
    ("scopes_supported", "[\"re\\\"ad\"]"),
    ("scopes_supported", "null"),
    ("bearer_methods_supported", "[\"query\"]"),
    ("bearer_methods_supported", "[]"),
    ("dpop_bound_access_tokens_required", "true"),
    ("tls_client_certificate_bound_access_tokens", "true"),
    ("signed_metadata", "\"a.b.c\""),
];

/// What the resource may say in `WWW-Authenticate`: well-formed and malformed, for Bearer and other schemes.
pub(crate) const CHALLENGES: [&[&str]; 26] = [
    &[],
    &["Bearer"],
    &["bearer realm=\"x\""],
    &["Basic realm=\"x\""],
    &["Basic realm=\"x\", Bearer error=\"invalid_token\""],
    &["Basic realm=\"x\"", "Bearer error=\"invalid_token\""],
    &["Bearer error=\"invalid_token\"", "Bearer error=\"insufficient_scope\""],
    &["Bearer error=\"invalid_token\", error_description=\"\\\"it\\\\ expired\""],
    &["Bearer error=invalid_token"],
    &["Bearer error=\"insufficient_scope\", scope=\"admin\""],
    &["Bearer error=\"insufficient_scope\""],
    &["Bearer error=\"insufficient_scope\", scope=\"read  write\""],
    &["Bearer error=\"insufficient_scope\", scope=\"\""],
    &["Bearer error=\"insufficient_user_authentication\", acr_values=\"gold silver\", max_age=\"5\""],
    &["Bearer error=\"insufficient_user_authentication\", max_age=5"],
    &["Bearer error=\"insufficient_user_authentication\", max_age=\"-1\""],
    &["Bearer error=\"insufficient_user_authentication\", max_age=\"soon\""],
    &["Bearer error=\"insufficient_user_authentication\", acr_values=\"\""],
    &["Bearer resource_metadata=\"https://attacker.example/.well-known/oauth-protected-resource\""],
    &["Bearer resource_metadata=\"http://as.example/.well-known/oauth-protected-resource\""],
    &["Bearer resource_metadata=\"javascript:alert(1)\""],
    &["Bearer resource_metadata=\"\""],
    &["DPoP error=\"use_dpop_nonce\", algs=\"ES256\""],
    &["Bearer scope=\"read\", scope=\"write\""],
    &["Bearer error=\"invalid_token"],
    &["Bearer =, ,\u{e9}"],
];

const INTROSPECTION: [(&str, &str); 44] = [
    ("active", "\"true\""),
    ("active", "\"false\""),
    ("active", "\"\""),
    ("active", "1"),
    ("active", "0"),
    ("active", "null"),
    ("active", "[true]"),
    ("active", "{}"),
    ("active", "false"),
    ("error", "\"invalid_token\""),
    ("scope", "\"\""),
    ("scope", "null"),
    ("scope", "[\"read\",\"write\"]"),
    ("scope", "42"),
    ("client_id", "\"\""),
    ("client_id", "null"),
    ("client_id", "42"),
    ("username", "null"),
    ("username", "{}"),
    ("username", "\"\\u001b[31mada\\r\\n\""),
    ("token_type", "\"DPoP\""),
    ("token_type", "\"access_token\""),
    ("token_type", "null"),
    ("exp", "0"),
    ("exp", "-1"),
    ("exp", "1.5"),
    ("exp", "1e400"),
    ("exp", "18446744073709551616"),
    ("exp", "\"1750000000\""),
    ("exp", "null"),
    ("iat", "\"soon\""),
    ("iat", "99999999999"),
    ("nbf", "99999999999"),
    ("nbf", "null"),
    ("sub", "42"),
    ("sub", "null"),
    ("aud", "\"\""),
    ("aud", "null"),
    ("aud", "42"),
    ("aud", "[]"),
    ("aud", "[\"https://as.example/api/user\",42]"),
    ("aud", "[\"https://as.example/api/user\",\"https://attacker.example\"]"),
    ("iss", "\"https://attacker.example\""),
    ("jti", "[]"),
];

const DEVICE: [(&str, &str); 14] = [
    ("device_code", "\"\""),
    ("device_code", "null"),
    ("device_code", "42"),
    ("device_code", "\"a\\r\\nb: c\""),
    ("device_code", "\"a&client_id=b\""),
    ("user_code", "\"\""),
    ("user_code", "null"),
    ("user_code", "12345678"),
    ("user_code", "[\"BCDF-GHJK\"]"),
    ("user_code", "\"\\u001b[31mBCDF\""),
    ("user_code", "\"BCDF\\r\\nGHJK\""),
    ("user_code", "\"\\u202eKJHG\""),
    ("user_code", "\"bcdf ghjk\""),
    ("verification_uri_complete", "\"https://as.example/device\""),
];

/// What may stand in place of an endpoint's address.
const URLS: [&str; 13] = [
    "\"javascript:alert(1)\"",
    "\"data:text/html,x\"",
    "\"file:///etc/passwd\"",
    "\"http://as.example/endpoint\"",
    "\"https://attacker.example/endpoint\"",
    "\"https://user:secret@as.example/endpoint\"",
    "\"https://as.example/endpoint#fragment\"",
    "\"/endpoint\"",
    "\"\"",
    "null",
    "42",
    "[\"https://as.example/endpoint\"]",
    "{}",
];

const METADATA: [(&str, &str); 32] = [
    ("issuer", "\"https://attacker.example\""),
    ("issuer", "\"http://as.example\""),
    ("issuer", "\"https://AS.example\""),
    ("issuer", "\"https://as.example:443\""),
    ("issuer", "\"https://as.example/\""),
    ("issuer", "\"https://as.example?a=b\""),
    ("issuer", "\"https://login.example/{tenantid}/v2.0\""),
    ("issuer", "\"javascript:alert(1)\""),
    ("issuer", "\"\""),
    ("issuer", "null"),
    ("issuer", "42"),
    ("issuer", "[\"https://as.example\"]"),
    ("code_challenge_methods_supported", "null"),
    ("code_challenge_methods_supported", "[]"),
    ("code_challenge_methods_supported", "[\"plain\"]"),
    ("code_challenge_methods_supported", "[\"s256\"]"),
    ("code_challenge_methods_supported", "[256]"),
    ("code_challenge_methods_supported", "\"S256\""),
    ("authorization_response_iss_parameter_supported", "\"true\""),
    ("authorization_response_iss_parameter_supported", "null"),
    ("authorization_response_iss_parameter_supported", "1"),
    ("require_pushed_authorization_requests", "true"),
    ("require_pushed_authorization_requests", "\"true\""),
    ("require_pushed_authorization_requests", "null"),
    ("require_signed_request_object", "true"),
    ("tls_client_certificate_bound_access_tokens", "true"),
    ("token_endpoint_auth_methods_supported", "null"),
    ("token_endpoint_auth_methods_supported", "[]"),
    ("token_endpoint_auth_methods_supported", "[\"private_key_jwt\"]"),
    ("token_endpoint_auth_methods_supported", "\"client_secret_basic\""),
    ("response_types_supported", "[\"token\"]"),
    ("scopes_supported", "\"read write\""),
];
