use super::*;
use crate::error::{ClientMetadataFault, Misuse};

fn fault_of(result: Result<ClientMetadata, Error>) -> ClientMetadataFault {
    match result.unwrap_err() {
        Error::Misuse(Misuse::ClientMetadata(fault)) => fault,
        other => panic!("{other}"),
    }
}

fn new() -> ClientMetadata {
    ClientMetadata::new()
}

#[test]
fn the_kind_of_program_follows_from_the_redirect_uris() {
    for (uris, kind) in [
        (&[][..], "web"),
        (&["https://app.example/cb"], "web"),
        (&["http://127.0.0.1/cb"], "native"),
        (&["http://[::1]:1/cb"], "native"),
        (&["http://localhost:3000/cb"], "native"),
        (&["https://localhost/cb"], "native"),
        (&["com.example.app:/cb"], "native"),
        (&["https://app.example/cb", "com.example.app:/cb"], "native"),
    ] {
        let metadata = uris.iter().fold(new(), |metadata, uri| metadata.redirect_uri(*uri).unwrap());
        let member = format!("\"application_type\":\"{kind}\"");
        assert!(metadata.to_json().contains(&member), "{uris:?} {}", metadata.to_json());
    }
    let metadata = new().redirect_uri("http://127.0.0.1/cb").unwrap().application_type(ApplicationType::Web);
    assert!(metadata.to_json().contains("\"web\""));
}

#[test]
fn a_change_has_only_what_was_set() {
    assert!(new().members(true).is_empty());
    let names = |metadata: ClientMetadata| -> Vec<String> {
        metadata.members(true).iter().map(|(name, _)| name.to_string()).collect()
    };
    assert_eq!(names(new().client_name("x").unwrap()), ["client_name"]);
    let moved = new().redirect_uri("https://app.example/cb").unwrap();
    assert_eq!(names(moved), ["redirect_uris", "application_type"]);
}

#[test]
fn removed_grants_cannot_be_written() {
    for bad in ["implicit", "IMPLICIT", " implicit", "password", "Password", "password\n"] {
        assert_eq!(
            fault_of(new().grant_types(&["authorization_code", bad])),
            ClientMetadataFault::RemovedGrant,
            "{bad}"
        );
    }
    for bad in ["token", "Token", "id_token", "code token", "code id_token", "id_token  token", "code\ttoken"] {
        assert_eq!(fault_of(new().response_types(&["code", bad])), ClientMetadataFault::RemovedGrant, "{bad}");
    }
    for name in ["grant_types", "Grant_Types", " grant_types ", "response_types", "grant_types#en"] {
        assert_eq!(fault_of(new().member(name, &["implicit"])), ClientMetadataFault::Reserved, "{name}");
    }
    for bad in ["", " ", "a b", "ü"] {
        assert_eq!(fault_of(new().grant_types(&[bad])), ClientMetadataFault::Value("grant_types"), "{bad:?}");
    }
}

#[test]
fn a_grant_without_codes_has_no_response_type() {
    let robot = new().grant_types(&["client_credentials"]).unwrap();
    assert!(robot.to_json().contains("\"response_types\":[]") && robot.check().is_ok());
    assert!(!new().to_json().contains("response_types"));
    let both = |grants: &[&str], types: &[&str]| {
        let uri = new().redirect_uri("https://app.example/cb").unwrap();
        uri.grant_types(grants).unwrap().response_types(types).unwrap().check()
    };
    assert!(both(&["authorization_code"], &["code"]).is_ok());
    assert!(both(&["client_credentials"], &[]).is_ok());
    for (grants, types) in [(&["client_credentials"][..], &["code"][..]), (&["authorization_code"], &[])] {
        let error = both(grants, types).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::ClientMetadata(ClientMetadataFault::ResponseTypes))), "{error}");
    }
}

#[test]
fn codes_need_a_redirect_uri() {
    let error = new().check().unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::ClientMetadata(ClientMetadataFault::NoRedirectUri))), "{error}");
    assert!(new().software_statement("a.b.c").unwrap().check().is_ok(), "the statement may name one");
    assert!(new().redirect_uri("javascript:alert(1)").is_err());
    assert!(new().redirect_uri("http://app.example/cb").is_err());
}

#[test]
fn keys_are_public_and_in_one_place() {
    let public = serde_json::json!({ "keys": [{ "kty": "EC", "x": "1", "y": "2" }] });
    assert!(new().jwks(&public).unwrap().to_json().contains("\"kty\""));
    for bad in
        [serde_json::json!([]), serde_json::json!({}), serde_json::json!({ "keys": [1] }), serde_json::json!([[]])]
    {
        assert_eq!(fault_of(new().jwks(&bad)), ClientMetadataFault::KeySet, "{bad}");
    }
    for member in ["d", "k", "p", "oth", "priv"] {
        let private = serde_json::json!({ "keys": [{ "kty": "EC" }, { member: "s3cret" }] });
        assert_eq!(fault_of(new().jwks(&private)), ClientMetadataFault::PrivateKey, "{member}");
    }
    let url = "https://app.example/keys";
    assert_eq!(fault_of(new().jwks(&public).unwrap().jwks_uri(url)), ClientMetadataFault::TwoKeySets);
    assert_eq!(fault_of(new().jwks_uri(url).unwrap().jwks(&public)), ClientMetadataFault::TwoKeySets);
    assert!(new().jwks_uri("http://app.example/keys").is_err());
}

#[test]
fn a_member_may_have_languages() {
    let metadata = new()
        .client_name("Clubs")
        .unwrap()
        .client_name_in("ja", "クラブ")
        .unwrap()
        .client_name_in("JA", "クラブズ")
        .unwrap()
        .translated("tos_uri", "de-CH", "https://app.example/agb")
        .unwrap();
    let json = metadata.to_json();
    assert!(json.contains("\"client_name\":\"Clubs\"") && json.contains("\"tos_uri#de-CH\""), "{json}");
    assert!(json.contains("\"client_name#JA\":\"クラブズ\"") && !json.contains("client_name#ja"), "{json}");
    for (member, language) in [("scope", "ja"), ("client_name", ""), ("client_name", "ja "), ("client_name", "ja-")] {
        assert_eq!(
            fault_of(new().translated(member, language, "x")),
            ClientMetadataFault::Language,
            "{member}#{language}"
        );
    }
    assert!(new().translated("logo_uri", "ja", "javascript:alert(1)").is_err());
}

#[test]
fn pages_are_web_pages_and_texts_are_not_blank() {
    for page in
        [ClientMetadata::client_uri, ClientMetadata::logo_uri, ClientMetadata::tos_uri, ClientMetadata::policy_uri]
    {
        assert!(page(new(), "https://app.example/x#y").is_ok());
        for bad in ["", "app.example", "javascript:alert(1)", "data:text/html,x"] {
            assert!(page(new(), bad).is_err(), "{bad}");
        }
    }
    for text in [ClientMetadata::client_name, ClientMetadata::software_id, ClientMetadata::software_version] {
        assert!(text(new(), "x").is_ok() && text(new(), " ").is_err());
    }
    assert!(new().contacts(&["a@app.example", ""]).is_err());
    assert!(new().scope("\"").is_err());
}

#[test]
fn any_other_member_may_have_any_value() {
    let metadata = new()
        .member("default_max_age", &3600)
        .unwrap()
        .member("nothing", &None::<u8>)
        .unwrap()
        .member("deep", &serde_json::json!({ "a": [1, { "b": true }] }))
        .unwrap()
        .member("default_max_age", &60)
        .unwrap();
    let json = metadata.to_json();
    assert!(json.contains(r#""default_max_age":60,"nothing":null,"deep":{"a":[1,{"b":true}]}"#), "{json}");
    for name in ["client_id", "Client_Secret", "registration_access_token", "", " ", "#ja", "client_name#ja"] {
        assert_eq!(fault_of(new().member(name, "x")), ClientMetadataFault::Reserved, "{name}");
    }
    let unwritable = std::collections::BTreeMap::from([(vec![1], 1)]);
    assert_eq!(fault_of(new().member("x", &unwritable)), ClientMetadataFault::NotWritable);
}

#[test]
fn no_value_is_printed() {
    let metadata = new().software_statement("s3cret.s3cret.s3cret").unwrap().member("x", "s3cret").unwrap();
    assert!(!format!("{metadata:?}").contains("s3cret"));
    assert!(format!("{metadata:?}").contains("software_statement"));
}
