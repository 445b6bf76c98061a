//! What a server's metadata says, member by member, and what a member that is wrong costs.

use grantflow::{Discovery, Error, ServerMetadata, UrlFault, Violation};
use grantflow_testkit::{Endpoint, Server};

use crate::support::*;

/// A document of `https://as.example` with these members.
fn read(members: &str) -> Result<ServerMetadata, Violation> {
    read_at(ISSUER, members)
}

fn read_at(issuer: &str, members: &str) -> Result<ServerMetadata, Violation> {
    let discovery = Discovery::new(issuer).unwrap();
    discovery.read(&format!(r#"{{"issuer":"{issuer}",{members}}}"#)).map_err(|error| match error {
        Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    })
}

const ENDPOINTS: [&str; 12] = [
    "authorization_endpoint",
    "token_endpoint",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
    "backchannel_authentication_endpoint",
    "userinfo_endpoint",
    "end_session_endpoint",
    "check_session_iframe",
    "jwks_uri",
];

fn endpoints(metadata: &ServerMetadata) -> [Option<&str>; 12] {
    [
        metadata.authorization_endpoint(),
        metadata.token_endpoint(),
        metadata.device_authorization_endpoint(),
        metadata.pushed_authorization_request_endpoint(),
        metadata.introspection_endpoint(),
        metadata.revocation_endpoint(),
        metadata.registration_endpoint(),
        metadata.backchannel_authentication_endpoint(),
        metadata.userinfo_endpoint(),
        metadata.end_session_endpoint(),
        metadata.check_session_iframe(),
        metadata.jwks_uri(),
    ]
}

const LISTS: [&str; 18] = [
    "scopes_supported",
    "response_types_supported",
    "response_modes_supported",
    "grant_types_supported",
    "token_endpoint_auth_methods_supported",
    "token_endpoint_auth_signing_alg_values_supported",
    "revocation_endpoint_auth_methods_supported",
    "introspection_endpoint_auth_methods_supported",
    "code_challenge_methods_supported",
    "dpop_signing_alg_values_supported",
    "authorization_details_types_supported",
    "acr_values_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
    "claims_supported",
    "ui_locales_supported",
    "backchannel_token_delivery_modes_supported",
    "protected_resources",
];

fn lists(metadata: &ServerMetadata) -> [Option<&[String]>; 18] {
    [
        metadata.scopes_supported(),
        metadata.response_types_supported(),
        metadata.response_modes_supported(),
        metadata.grant_types_supported(),
        metadata.token_endpoint_auth_methods_supported(),
        metadata.token_endpoint_auth_signing_alg_values_supported(),
        metadata.revocation_endpoint_auth_methods_supported(),
        metadata.introspection_endpoint_auth_methods_supported(),
        metadata.code_challenge_methods_supported(),
        metadata.dpop_signing_alg_values_supported(),
        metadata.authorization_details_types_supported(),
        metadata.acr_values_supported(),
        metadata.subject_types_supported(),
        metadata.id_token_signing_alg_values_supported(),
        metadata.claims_supported(),
        metadata.ui_locales_supported(),
        metadata.backchannel_token_delivery_modes_supported(),
        metadata.protected_resources(),
    ]
}

const TRUTHS: [&str; 6] = [
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "authorization_response_iss_parameter_supported",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "client_id_metadata_document_supported",
];

fn truths(metadata: &ServerMetadata) -> [bool; 6] {
    [
        metadata.require_pushed_authorization_requests(),
        metadata.require_signed_request_object(),
        metadata.authorization_response_iss_parameter_supported(),
        metadata.dpop_bound_access_tokens(),
        metadata.tls_client_certificate_bound_access_tokens(),
        metadata.client_id_metadata_document_supported(),
    ]
}

#[test]
fn every_member_is_read_under_its_own_name() {
    for (at, name) in ENDPOINTS.iter().enumerate() {
        let url = format!("https://as.example/{name}?x=1");
        let metadata = read(&format!(r#""{name}":"{url}""#)).unwrap();
        let found = endpoints(&metadata);
        assert_eq!(found[at], Some(url.as_str()));
        assert_eq!(found.iter().flatten().count(), 1, "{name}");
        assert!(metadata.tolerated().is_empty());
    }
    for (at, name) in LISTS.iter().enumerate() {
        let metadata = read(&format!(r#""{name}":["a","b c"]"#)).unwrap();
        let found = lists(&metadata);
        assert_eq!(found[at].unwrap(), ["a", "b c"]);
        assert_eq!(found.iter().flatten().count(), 1, "{name}");
    }
    for (at, name) in TRUTHS.iter().enumerate() {
        for truth in [true, false] {
            let metadata = read(&format!(r#""{name}":{truth}"#)).unwrap();
            let found = truths(&metadata);
            assert_eq!(found[at], truth, "{name}");
            assert_eq!(found.iter().filter(|truth| **truth).count(), usize::from(truth), "{name}");
        }
    }
}

#[test]
fn what_is_null_or_missing_is_absent() {
    let all: Vec<&str> = ENDPOINTS.into_iter().chain(LISTS).chain(TRUTHS).collect();
    let nulls = all.iter().map(|name| format!(r#""{name}":null"#)).collect::<Vec<_>>().join(",");
    for members in [nulls.as_str(), r#""x":1"#] {
        let metadata = read(members).unwrap();
        assert!(endpoints(&metadata).iter().all(Option::is_none));
        assert!(lists(&metadata).iter().all(Option::is_none));
        assert_eq!(truths(&metadata), [false; 6]);
        assert!(metadata.tolerated().is_empty());
    }
}

/// Security.md's hostile URLs, and the conformance suite's. Every URL that is asked or opened refuses the document.
#[test]
fn a_wrong_url_refuses_the_document_and_names_its_member() {
    for name in ENDPOINTS {
        for (url, why) in [
            ("http://as.example/x", UrlFault::Insecure),
            ("javascript://as.example/%0aalert(1)", UrlFault::Scheme),
            ("ftp://as.example/x", UrlFault::Scheme),
            ("/x", UrlFault::Relative),
            ("as.example/x", UrlFault::Relative),
            ("https://as.example/x#f", UrlFault::Fragment),
            ("https://user@as.example/x", UrlFault::UserInfo),
            ("https://as.example:0/x", UrlFault::Malformed),
            ("https://127.0.0.1/x", UrlFault::Address),
            ("http://localhost:1/x", UrlFault::Address),
            ("https://[::ffff:127.0.0.1]/x", UrlFault::Address),
            ("https://0177.1/x", UrlFault::Address),
            ("https://2130706433/x", UrlFault::Address),
            ("https://169.254.169.254/latest/meta-data", UrlFault::Address),
        ] {
            let found = read(&format!(r#""{name}":"{url}""#)).unwrap_err();
            assert_eq!(found, Violation::Url { member: name, fault: why }, "{url}");
        }
        for (json, why) in [
            (r#""""#, Violation::Empty(name)),
            ("7", Violation::WrongType(name)),
            ("true", Violation::WrongType(name)),
            (r#"["https://as.example/x"]"#, Violation::WrongType(name)),
            ("{}", Violation::WrongType(name)),
            ("1e999", Violation::WrongType(name)),
            (r#""https://as.example/é""#, Violation::Character(name)),
        ] {
            assert_eq!(read(&format!(r#""{name}":{json}"#)).unwrap_err(), why, "{json}");
        }
        for script in ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x"] {
            assert!(read(&format!(r#""{name}":"{script}""#)).is_err(), "{script}");
        }
    }
    // A shell acts on these; keys are never opened by one.
    let found = read(r#""authorization_endpoint":"https://as.example/$(id)""#).unwrap_err();
    assert_eq!(found, Violation::Url { member: "authorization_endpoint", fault: UrlFault::ShellCharacter });
    assert!(read(r#""jwks_uri":"https://as.example/keys;v=1""#).is_ok());
}

#[test]
fn an_issuer_on_loopback_may_name_loopback() {
    for name in ENDPOINTS {
        let metadata = read_at("http://127.0.0.1:4000", &format!(r#""{name}":"http://localhost:4001/x""#)).unwrap();
        assert_eq!(endpoints(&metadata).into_iter().flatten().next(), Some("http://localhost:4001/x"));
        let found = read_at("http://127.0.0.1:4000", &format!(r#""{name}":"http://as.example/x""#)).unwrap_err();
        assert_eq!(found, Violation::Url { member: name, fault: UrlFault::Insecure });
    }
    let own = read_at("https://10.0.0.1/t", r#""token_endpoint":"https://10.0.0.1:8443/token""#).unwrap();
    assert!(own.token_endpoint().is_some());
    assert!(read_at("https://10.0.0.1/t", r#""token_endpoint":"https://10.0.0.2/token""#).is_err());
}

#[test]
fn a_page_that_cannot_be_opened_costs_itself() {
    for name in ["service_documentation", "op_policy_uri", "op_tos_uri"] {
        let page = |json: &str| {
            let metadata = read(&format!(r#""{name}":{json}"#)).unwrap();
            let found = [metadata.service_documentation(), metadata.op_policy_uri(), metadata.op_tos_uri()];
            let found = found.into_iter().flatten().next().map(str::to_owned);
            let costs = found.is_none() && json != "null";
            assert_eq!(metadata.tolerated().len(), usize::from(costs), "{json}");
            assert!(metadata.tolerated().iter().all(|tolerated| *tolerated == name), "{json}");
            found
        };
        for good in ["https://as.example/docs#top", "http://docs.example/"] {
            assert_eq!(page(&format!("{good:?}")).as_deref(), Some(good));
        }
        for bad in [r#""javascript:alert(1)""#, r#""docs""#, r#""""#, "7", "[]", "null", r#""https://as.example/<b>""#]
        {
            assert_eq!(page(bad), None, "{bad}");
        }
    }
}

#[test]
fn a_list_that_cannot_be_read_costs_itself_unless_it_says_how_codes_are_protected() {
    for name in LISTS {
        for json in [r#""S256""#, "7", "true", "{}", r#"["a",7]"#, r#"[null]"#, r#"[["a"]]"#] {
            let found = read(&format!(r#""{name}":{json}"#));
            if name == "code_challenge_methods_supported" {
                assert_eq!(found.unwrap_err(), Violation::WrongType(name), "{json}");
            } else {
                let metadata = found.unwrap();
                assert_eq!(metadata.tolerated(), [name], "{json}");
                assert!(lists(&metadata).iter().all(Option::is_none));
            }
        }
        // An empty list is one.
        let metadata = read(&format!(r#""{name}":[]"#)).unwrap();
        assert_eq!(lists(&metadata).into_iter().flatten().next().map(<[String]>::len), Some(0));
    }
}

#[test]
fn a_demand_that_cannot_be_read_is_not_taken_for_none() {
    for (at, name) in TRUTHS.into_iter().enumerate() {
        for json in [r#""true""#, "1", "[]", "{}", r#""""#] {
            let found = read(&format!(r#""{name}":{json}"#));
            if at < 4 {
                assert_eq!(found.unwrap_err(), Violation::WrongType(name), "{json}");
            } else {
                assert_eq!(found.unwrap().tolerated(), [name], "{json}");
            }
        }
    }
}

#[test]
fn a_known_member_is_there_once() {
    let all = ENDPOINTS.iter().map(|name| (*name, r#""https://as.example/x""#));
    let all = all.chain(LISTS.iter().map(|name| (*name, r#"["a"]"#))).chain(TRUTHS.iter().map(|name| (*name, "true")));
    for (name, json) in all {
        assert_eq!(read(&format!(r#""{name}":{json},"{name}":{json}"#)).unwrap_err(), Violation::Duplicate(name));
        // An escape does not hide it.
        let escaped = format!("\\u{:04x}{}", name.as_bytes()[0], &name[1..]);
        assert_eq!(read(&format!(r#""{name}":{json},"{escaped}":{json}"#)).unwrap_err(), Violation::Duplicate(name));
    }
}

#[test]
fn unknown_members_can_be_read_as_a_value_of_ones_own() {
    #[derive(serde::Deserialize)]
    struct More {
        mtls_endpoint_aliases: std::collections::BTreeMap<String, String>,
        big: Box<serde_json::value::RawValue>,
    }
    let members =
        r#""mtls_endpoint_aliases":{"token_endpoint":"https://mtls.example/t"},"big":1e400,"scopes_supported":[]"#;
    let more: More = read(members).unwrap().extra().unwrap();
    assert_eq!(more.mtls_endpoint_aliases["token_endpoint"], "https://mtls.example/t");
    assert_eq!(more.big.get(), "1e400");
    #[derive(Debug, serde::Deserialize)]
    struct Scopes {
        scopes_supported: Vec<String>,
    }
    let known = read(members).unwrap().extra::<Scopes>();
    assert!(known.is_err(), "what has a meaning is not there: {:?}", known.map(|known| known.scopes_supported));
}

#[test]
fn what_a_server_supports_has_the_defaults_of_the_rfc() {
    let silent = read(r#""x":1"#).unwrap();
    assert!(silent.supports_grant_type("authorization_code") && silent.supports_grant_type("implicit"));
    assert!(!silent.supports_grant_type("client_credentials"));
    assert!(silent.supports_token_endpoint_auth_method("client_secret_basic"));
    assert!(!silent.supports_token_endpoint_auth_method("client_secret_post"));
    assert!(!silent.announces_s256());

    let lists = r#""grant_types_supported":["client_credentials"],"token_endpoint_auth_methods_supported":["none"],
        "code_challenge_methods_supported":["plain","S256"]"#;
    let says = read(lists).unwrap();
    assert!(says.supports_grant_type("client_credentials") && !says.supports_grant_type("authorization_code"));
    assert!(says.supports_token_endpoint_auth_method("none"));
    assert!(!says.supports_token_endpoint_auth_method("client_secret_basic"));
    assert!(says.announces_s256());
    let plain = read(r#""code_challenge_methods_supported":["plain","s256"]"#).unwrap();
    assert!(!plain.announces_s256(), "the name has capitals (RFC 7636 §6.2)");
}

#[test]
fn both_documents_of_a_whole_server_are_read_without_complaint() {
    for (served, other) in [
        (Endpoint::ServerMetadata, Endpoint::OpenidConfiguration),
        (Endpoint::OpenidConfiguration, Endpoint::ServerMetadata),
    ] {
        let mut provider = Server::new("https://as.example/tenant");
        provider.knobs().scopes_supported = vec!["read".to_owned()];
        provider.knobs().omit(other).serve(served);
        let (found, _) = run_to_its_end(&mut provider, Discovery::new("https://as.example/tenant").unwrap());
        let metadata = found.unwrap();
        assert!(metadata.tolerated().is_empty());
        assert_eq!(metadata.scopes_supported().unwrap(), ["read"]);
        assert!(metadata.authorization_response_iss_parameter_supported() && metadata.announces_s256());
        assert_eq!(metadata.jwks_uri().is_some(), served == Endpoint::OpenidConfiguration);
        let url = |endpoint| provider.endpoint_url(endpoint);
        assert_eq!(metadata.authorization_endpoint(), Some(url(Endpoint::Authorization).as_str()));
        assert_eq!(metadata.token_endpoint(), Some(url(Endpoint::Token).as_str()));
        assert_eq!(metadata.device_authorization_endpoint(), Some(url(Endpoint::DeviceAuthorization).as_str()));
        assert_eq!(metadata.introspection_endpoint(), Some(url(Endpoint::Introspection).as_str()));
        assert_eq!(metadata.revocation_endpoint(), Some(url(Endpoint::Revocation).as_str()));
        assert_eq!(metadata.pushed_authorization_request_endpoint(), Some(url(Endpoint::PushedAuthorization).as_str()));
    }
}

#[test]
fn a_page_whose_fragment_is_no_url_costs_its_own_value() {
    for bad in ["https://as.example/docs#<script>", "https://as.example/docs#a b", "https://as.example/docs#%zz"] {
        let metadata = read(&format!(r#""service_documentation":"{bad}""#)).unwrap();
        assert_eq!(metadata.service_documentation(), None, "{bad}");
        assert_eq!(metadata.tolerated(), ["service_documentation"], "{bad}");
    }
}
