//! What a server may answer to a registration, and what it may change.

use grantflow::{RedirectUri, UnixTime, Violation};

use super::*;

const GOOD: &str = r#"{"client_id":"c","client_secret":"s3cret","client_secret_expires_at":0,
    "registration_access_token":"t0ken","registration_client_uri":"https://as.example/register/c",
    "redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"client_secret_basic"}"#;

fn with(member: &str, value: &str) -> String {
    let mut answer: serde_json::Map<String, Value> = serde_json::from_str(GOOD).unwrap();
    answer.insert(member.to_owned(), serde_json::from_str(value).unwrap());
    Value::Object(answer).to_string()
}

#[test]
fn created_and_ok_mean_the_same_and_nothing_else_does() {
    for status in [200, 201] {
        let registered = answered(status, GOOD).unwrap();
        assert_eq!((registered.client_id(), registered.issuer().as_str()), ("c", ISSUER));
        assert!(registered.has_secret() && registered.is_manageable() && registered.tolerated().is_empty());
    }
    for status in [202, 203, 204, 206, 302, 307, 400, 401, 404, 500, 502, 503] {
        let failure = answered(status, GOOD).unwrap_err();
        assert_eq!(failure.error.status().unwrap().as_u16(), status);
    }
}

#[test]
fn the_id_is_required() {
    for (answer, violation) in [
        (r#"{"client_secret":"s3cret"}"#.to_owned(), Violation::Missing("client_id")),
        (with("client_id", "\"\""), Violation::Empty("client_id")),
        (with("client_id", "42"), Violation::WrongType("client_id")),
        (with("client_id", "null"), Violation::WrongType("client_id")),
        (with("client_id", "\"a\\r\\nb\""), Violation::Character("client_id")),
        (r#"{"client_id":"a","client_id":"b"}"#.to_owned(), Violation::Duplicate("client_id")),
        (
            r#"{"client_id":"a","client_secret":"b","client_secret":"c"}"#.to_owned(),
            Violation::Duplicate("client_secret"),
        ),
        ("[{\"client_id\":\"c\"}]".to_owned(), Violation::NotAnObject),
        (String::new(), Violation::EmptyBody),
    ] {
        let failure = answered(201, &answer).unwrap_err();
        assert_eq!(super::super::support::violation(&failure), violation, "{answer}");
        assert!(matches!(failure.left, grantflow::Left::Unknown(_)), "a client may exist: {answer}");
    }
}

#[test]
fn a_member_that_cannot_be_read_costs_its_own_value_alone() {
    for (member, value) in [
        ("client_secret", "42"),
        ("client_secret", "[\"s3cret\"]"),
        ("client_secret_expires_at", "\"soon\""),
        ("client_secret_expires_at", "-1"),
        ("client_secret_expires_at", "{}"),
        ("client_id_issued_at", "\"yesterday\""),
        ("client_id_issued_at", "true"),
        ("registration_access_token", "42"),
        ("registration_access_token", "\"a b\""),
        ("registration_access_token", "\"a\\r\\nb: c\""),
        ("registration_client_uri", "42"),
        ("registration_client_uri", "\"/register/c\""),
        ("registration_client_uri", "\"javascript:alert(1)\""),
        ("redirect_uris", "\"https://app.example/cb\""),
        ("redirect_uris", "[42]"),
        ("token_endpoint_auth_method", "42"),
        ("grant_types", "\"authorization_code\""),
        ("response_types", "{}"),
        ("scope", "[\"read\"]"),
        ("client_name", "42"),
    ] {
        let registered = answered(201, &with(member, value)).unwrap();
        assert_eq!(registered.tolerated(), [member], "{value}");
        assert_eq!(registered.client_id(), "c");
        assert!(registered.client_name().is_none() && registered.issued_at().is_none());
    }
    // `null` and the empty text say that there is none.
    for member in ["client_secret", "registration_access_token", "client_name", "scope", "redirect_uris"] {
        for value in ["null", "\"\""] {
            if (member, value) != ("redirect_uris", "\"\"") {
                assert!(answered(201, &with(member, value)).unwrap().tolerated().is_empty(), "{member} {value}");
            }
        }
    }
    let doubled = GOOD.replace("\"redirect_uris\"", "\"client_name\":\"a\",\"client_name\":\"b\",\"redirect_uris\"");
    let registered = answered(201, &doubled).unwrap();
    assert_eq!((registered.client_name(), registered.tolerated()), (None, &["client_name"][..]));
}

#[test]
fn a_number_may_be_a_text_and_zero_means_never() {
    let expires = |json: &str| answered(201, &with("client_secret_expires_at", json)).unwrap().secret_expires_at();
    for (json, expected) in [
        ("0", None),
        ("\"0\"", None),
        ("null", None),
        ("1893456000", Some(1_893_456_000)),
        ("\"1893456000\"", Some(1_893_456_000)),
        ("1893456000.9", Some(1_893_456_000)),
    ] {
        assert_eq!(expires(json), expected.map(UnixTime::from_secs), "{json}");
    }
    let issued = answered(201, &with("client_id_issued_at", "\"1750000000\"")).unwrap();
    assert_eq!(issued.issued_at(), Some(NOW));
    // Without a secret, there is nothing that expires.
    let public = answered(201, r#"{"client_id":"c","client_secret_expires_at":1893456000}"#).unwrap();
    assert_eq!((public.has_secret(), public.secret_expires_at()), (false, None));
}

#[test]
fn what_the_server_changed_is_seen() {
    let (mut provider, server) = registering();
    let changed = testkit::Misbehaviour::set("redirect_uris", "[\"https://app.example/other\"]");
    provider.knobs().misbehave_at(Endpoint::Registration, changed);
    let metadata = app().redirect_uri("https://app.example/cb2").unwrap();
    let registered = run_to_its_end(&mut provider, Registration::new(&server, metadata).unwrap()).0.unwrap();
    let dropped: Vec<&str> = registered.dropped_redirect_uris().collect();
    assert_eq!(dropped, [REDIRECT_URI, "https://app.example/cb2"]);
    let own = RedirectUri::new(REDIRECT_URI).unwrap();
    assert_eq!(registered.has_redirect_uri(&own), Some(false));
    assert_eq!(registered.redirect_uris(), Some(&["https://app.example/other".to_owned()][..]));

    // A server that does not say what it registered may have registered all of it.
    let silent = answered(201, r#"{"client_id":"c"}"#).unwrap();
    assert!(silent.dropped_redirect_uris().next().is_none());
    assert_eq!((silent.has_redirect_uri(&own), silent.grant_types(), silent.scope()), (None, None, None));
    let answer = r#"{"client_id":"c","grant_types":["authorization_code"],"response_types":["code"],"scope":"read",
        "software_version":"2","client_name":"Clubs"}"#;
    let registered = answered(201, answer).unwrap();
    assert_eq!(registered.grant_types(), Some(&["authorization_code".to_owned()][..]));
    assert_eq!(registered.response_types(), Some(&["code".to_owned()][..]));
    assert_eq!((registered.scope(), registered.client_name()), (Some("read"), Some("Clubs")));
    let all: std::collections::BTreeMap<String, Value> = registered.metadata().unwrap();
    assert_eq!(all["software_version"], "2");
    assert!(!all.contains_key("client_id"));
    assert!(registered.metadata::<Vec<u8>>().is_err());
}

#[test]
fn a_secret_may_have_any_character() {
    let (mut provider, server) = registering();
    provider.knobs().odd_characters = true;
    for method in ["client_secret_basic", "client_secret_post"] {
        let metadata = ClientMetadata::new()
            .grant_types(&["client_credentials"])
            .and_then(|new| new.token_endpoint_auth_method(method))
            .unwrap();
        let registered = run_to_its_end(&mut provider, Registration::new(&server, metadata).unwrap()).0.unwrap();
        let client = registered.confidential_client(&server).unwrap();
        run_to_its_end(&mut provider, grantflow::ClientCredentials::new(&client)).0.unwrap();
    }
    let registered = answered(201, "{\"client_id\":\"c\",\"client_secret\":\"p\u{e4}ss:w&rd+%25\\n\"}").unwrap();
    assert!(registered.has_secret() && registered.tolerated().is_empty());
}
