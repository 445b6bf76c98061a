//! Clients that are known by the URL of their metadata (OAuth Client ID Metadata Document).

use grantflow::{
    Authorization, ClientIdDocument, ClientMetadata, ClientMetadataFault, Discovery, Env, Error, Misuse, Server,
    UrlFault, UrlRole,
};
use grantflow_testkit as testkit;
use serde_json::{Value, json};

use crate::support::*;

const URL: &str = "https://app.example/oauth/client.json";

fn metadata() -> ClientMetadata {
    ClientMetadata::new().client_name("Clubs").and_then(|new| new.redirect_uri(REDIRECT_URI)).unwrap()
}

fn fault(metadata: ClientMetadata) -> ClientMetadataFault {
    match ClientIdDocument::new(URL, metadata).unwrap_err() {
        Error::Misuse(Misuse::ClientMetadata(fault)) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn a_person_logs_in_at_each_server_that_reads_documents() {
    let document = ClientIdDocument::new(URL, metadata()).unwrap();
    for issuer in ["https://one.example", "https://two.example/tenant"] {
        let mut provider = testkit::Server::new(issuer);
        provider.publish(URL, document.to_json());
        let server = run_to_its_end(&mut provider, Discovery::new(issuer).unwrap()).0.unwrap().server().unwrap();
        assert!(server.supports_client_id_metadata_documents());
        let client = document.client(&server).unwrap();
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap();
        let redirect = authorization.start(&mut Env::new(NOW, &mut Dice(3))).unwrap();
        assert_eq!(parameter(redirect.url.as_str(), "client_id"), URL);
        log_in(&mut provider, redirect);
        assert_eq!(provider.log().last().unwrap().auth, testkit::ClientAuth::Public);
    }
}

#[test]
fn the_document_names_its_own_url_and_no_secret() {
    let document = ClientIdDocument::new(URL, metadata()).unwrap();
    let read: Value = serde_json::from_str(document.to_json()).unwrap();
    let expected = json!({
        "client_id": URL,
        "client_name": "Clubs",
        "redirect_uris": [REDIRECT_URI],
        "application_type": "web",
        "token_endpoint_auth_method": "none",
    });
    assert_eq!(read, expected);
    assert_eq!(document.client_id(), URL);
    let response = document.response();
    assert_eq!((response.status().as_u16(), response.body().as_str()), (200, document.to_json()));
    assert_eq!(response.headers()["content-type"], "application/json");
    for method in ["client_secret_basic", "client_secret_post", "client_secret_jwt", "Client_Secret_Basic"] {
        let metadata = metadata().token_endpoint_auth_method(method).unwrap();
        assert_eq!(fault(metadata), ClientMetadataFault::SharedSecret, "{method}");
    }
    assert_eq!(fault(ClientMetadata::new()), ClientMetadataFault::NoRedirectUri);
    assert_eq!(fault(metadata().member("x", &"y".repeat(5 * 1024)).unwrap()), ClientMetadataFault::TooLong);
    assert!(ClientIdDocument::new(URL, metadata().token_endpoint_auth_method("none").unwrap()).is_ok());
}

#[test]
fn a_server_that_does_not_read_documents_is_not_asked() {
    let document = ClientIdDocument::new(URL, metadata()).unwrap();
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    assert!(matches!(document.client(&server), Err(Error::Misuse(Misuse::NoClientIdDocuments))));
    let mut provider = testkit::Server::new(ISSUER);
    provider.knobs().client_id_documents = false;
    let by_metadata = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap()).0.unwrap().server().unwrap();
    let error = document.client(&by_metadata).unwrap_err();
    assert!(error.to_string().contains("client_id_metadata_document_supported"), "{error}");
    assert!(document.client(&server.client_id_metadata_document_supported()).is_ok());
}

#[test]
fn a_document_for_another_method_can_be_written_and_makes_no_client() {
    let keys = metadata()
        .token_endpoint_auth_method("private_key_jwt")
        .and_then(|new| new.jwks_uri("https://app.example/keys"))
        .unwrap();
    let document = ClientIdDocument::new(URL, keys).unwrap();
    assert!(document.to_json().contains("private_key_jwt"));
    let server = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    let error = document.client(&server.client_id_metadata_document_supported()).unwrap_err();
    assert!(matches!(error, Error::Misuse(Misuse::ClientMetadata(ClientMetadataFault::AuthMethod))), "{error}");
}

#[test]
fn the_url_is_one_that_servers_take() {
    for good in [
        URL,
        "https://app.example:8443/c",
        "https://APP.example/C.json",
        "https://app.example/a/...",
        "https://app.example//",
    ] {
        assert_eq!(ClientIdDocument::new(good, metadata()).unwrap().client_id(), good);
    }
    for (bad, why) in [
        ("http://app.example/client.json", UrlFault::Scheme),
        ("http://127.0.0.1/client.json", UrlFault::Scheme),
        ("ftp://app.example/client.json", UrlFault::Scheme),
        ("com.example.app://client/c", UrlFault::Scheme),
        ("https://app.example", UrlFault::NoPath),
        ("https://app.example/", UrlFault::NoPath),
        ("https://app.example/client.json?v=1", UrlFault::Query),
        ("https://app.example/client.json?", UrlFault::Query),
        ("https://app.example/client.json#x", UrlFault::Fragment),
        ("https://app.example/client.json#", UrlFault::Fragment),
        ("https://u@app.example/client.json", UrlFault::UserInfo),
        ("https://u:p@app.example/client.json", UrlFault::UserInfo),
        ("https://app.example/a/../client.json", UrlFault::DotSegment),
        ("https://app.example/./client.json", UrlFault::DotSegment),
        ("https://app.example/a/..", UrlFault::DotSegment),
        ("https://app.example/a/%2e%2E/b", UrlFault::DotSegment),
        ("https://app.example/a/.%2e/b", UrlFault::DotSegment),
        ("https://app.example/a b", UrlFault::Character),
        ("https://app.example/%zz", UrlFault::Escape),
        ("/client.json", UrlFault::Relative),
        ("app", UrlFault::Relative),
        ("", UrlFault::Empty),
    ] {
        let found = match ClientIdDocument::new(bad, metadata()) {
            Err(Error::Misuse(Misuse::Url { role: UrlRole::ClientId, fault })) => fault,
            other => panic!("{bad}: {other:?}"),
        };
        assert_eq!(found, why, "{bad}");
    }
}
