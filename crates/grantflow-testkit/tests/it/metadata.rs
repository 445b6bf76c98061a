use grantflow_testkit::{Endpoint, Misbehaviour as M};
use serde_json::json;

use super::*;

const DOCUMENTS: [Endpoint; 3] =
    [Endpoint::ServerMetadata, Endpoint::OpenidConfiguration, Endpoint::OpenidConfigurationInserted];

fn document(server: &mut Server) -> Value {
    let (status, body) = read(&get(server, Endpoint::ServerMetadata));
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn says_what_is_true_of_the_server() {
    let mut server = server();
    let response = get(&mut server, Endpoint::ServerMetadata);
    assert_eq!(response.headers()["content-type"], "application/json");
    let document = read(&response).1;
    assert_eq!(document["issuer"], server.issuer());
    assert_eq!(document["authorization_endpoint"], server.authorize_url());
    assert_eq!(document["token_endpoint"], server.token_url());
    assert_eq!(document["response_types_supported"], json!(["code"]));
    assert_eq!(document["response_modes_supported"], json!(["query", "form_post"]));
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let methods = json!(["client_secret_basic", "client_secret_post", "none"]);
    assert_eq!(document["token_endpoint_auth_methods_supported"], methods);
    assert_eq!(document["revocation_endpoint"], server.endpoint_url(Endpoint::Revocation));
    assert_eq!(document["revocation_endpoint_auth_methods_supported"], methods);
    assert_eq!(document["introspection_endpoint"], server.endpoint_url(Endpoint::Introspection));
    let methods = json!(["client_secret_basic", "client_secret_post"]);
    assert_eq!(document["introspection_endpoint_auth_methods_supported"], methods);
    assert_eq!(document["registration_endpoint"], server.endpoint_url(Endpoint::Registration));
    assert_eq!(document["client_id_metadata_document_supported"], true);
    for absent in ["scopes_supported", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"] {
        assert_eq!(document.get(absent), None, "{absent}");
    }
}

#[test]
fn every_announced_endpoint_is_there() {
    let mut server = server();
    for endpoint in DOCUMENTS {
        server.knobs().serve(endpoint);
        let document = read(&get(&mut server, endpoint)).1;
        let urls: Vec<_> = document.as_object().unwrap().iter().filter(|(name, _)| is_url(name)).collect();
        assert!(urls.len() >= 2);
        for (name, url) in urls {
            let request = Request::get(url.as_str().unwrap()).body("").unwrap();
            assert_ne!(server.handle(&request).status(), 404, "{name}");
        }
    }
}

fn is_url(name: &str) -> bool {
    name.ends_with("_endpoint") || name == "jwks_uri"
}

#[test]
fn follows_the_knobs() {
    let mut server = server();
    server.knobs().allow_plain_pkce = true;
    server.knobs().accept_basic = false;
    server.knobs().scopes_supported = vec!["read".to_owned(), "write".to_owned()];
    server.knobs().omit(Endpoint::Authorization).omit(Endpoint::Introspection).omit(Endpoint::Revocation);
    let document = document(&mut server);
    let names = document.as_object().unwrap().keys();
    assert_eq!(names.filter(|name| name.starts_with("revocation") || name.starts_with("introspection")).count(), 0);
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256", "plain"]));
    assert_eq!(document["token_endpoint_auth_methods_supported"], json!(["client_secret_post", "none"]));
    assert_eq!(document["scopes_supported"], json!(["read", "write"]));
    assert_eq!(document.get("authorization_endpoint"), None);
    let url = authorize_url(&server, &[]);
    assert_eq!(server.handle(&Request::get(url).body("").unwrap()).status(), 404);
}

#[test]
fn the_openid_document_has_the_members_that_openid_demands() {
    let mut server = server();
    server.knobs().serve(Endpoint::OpenidConfiguration);
    let document = read(&get(&mut server, Endpoint::OpenidConfiguration)).1;
    assert_eq!(document["issuer"], server.issuer());
    assert_eq!(document["jwks_uri"], "https://as.example/oauth/jwks");
    assert_eq!(document["subject_types_supported"], json!(["public"]));
    assert_eq!(document["id_token_signing_alg_values_supported"], json!(["RS256"]));
    assert_eq!(read(&get(&mut server, Endpoint::Keys)), (200, json!({"keys": []})));
}

#[test]
fn the_documents_are_where_the_standards_have_them() {
    for (issuer, urls) in [
        (
            "https://as.example",
            [
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
                "https://as.example/.well-known/openid-configuration",
            ],
        ),
        (
            "https://as.example/",
            [
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
                "https://as.example/.well-known/openid-configuration",
            ],
        ),
        (
            "http://127.0.0.1:4000/a/b",
            [
                "http://127.0.0.1:4000/.well-known/oauth-authorization-server/a/b",
                "http://127.0.0.1:4000/a/b/.well-known/openid-configuration",
                "http://127.0.0.1:4000/.well-known/openid-configuration/a/b",
            ],
        ),
        (
            "http://h/t",
            [
                "http://h/.well-known/oauth-authorization-server/t",
                "http://h/t/.well-known/openid-configuration",
                "http://h/.well-known/openid-configuration/t",
            ],
        ),
        (
            "https://as.example/tenant/",
            [
                "https://as.example/.well-known/oauth-authorization-server/tenant",
                "https://as.example/tenant/.well-known/openid-configuration",
                "https://as.example/.well-known/openid-configuration/tenant",
            ],
        ),
    ] {
        for (endpoint, url) in DOCUMENTS.into_iter().zip(urls) {
            let mut server = Server::new(issuer);
            server.knobs().omit(Endpoint::ServerMetadata).serve(endpoint);
            assert_eq!(server.endpoint_url(endpoint), url);
            let (status, document) = read(&get(&mut server, endpoint));
            assert_eq!((status, &document["issuer"]), (200, &issuer.into()), "{url}");
            assert_eq!(server.log()[0].endpoint, Some(endpoint));
            for other in DOCUMENTS {
                let there = server.endpoint_url(other) == url;
                let expected = if there { 200 } else { 404 };
                assert_eq!(get(&mut server, other).status(), expected, "{issuer} {other:?}");
            }
        }
    }
    let mut tenant = Server::new("https://as.example/tenant");
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/oauth-authorization-server/other"] {
        let request = Request::get(format!("https://as.example{path}")).body("").unwrap();
        assert_eq!(tenant.handle(&request).status(), 404);
        assert_eq!(tenant.log().last().unwrap().endpoint, None);
    }
}

#[test]
fn openid_documents_are_off_until_served() {
    let mut server = Server::new("https://as.example/tenant");
    for endpoint in DOCUMENTS {
        let there = endpoint == Endpoint::ServerMetadata;
        assert_eq!(get(&mut server, endpoint).status(), if there { 200 } else { 404 });
        // A request to what is not there counts all the same.
        assert_eq!(server.hits_at(endpoint).count(), 1);
    }
    server.knobs().serve(Endpoint::OpenidConfiguration).omit(Endpoint::ServerMetadata);
    assert_eq!(get(&mut server, Endpoint::OpenidConfiguration).status(), 200);
    assert_eq!(get(&mut server, Endpoint::ServerMetadata).status(), 404);
}

#[test]
fn members_can_be_changed_added_doubled_and_removed() {
    let mut server = server();
    for how in [
        M::text("issuer", "https://attacker.example"),
        M::append("issuer", "INVALID"),
        M::text("token_endpoint", "javascript:alert(1)"),
        M::set("authorization_endpoint", "null"),
        M::remove("token_endpoint"),
        M::set("require_pushed_authorization_requests", "true"),
        M::append("response_types_supported", "x"),
    ] {
        server.knobs().misbehave_at(Endpoint::ServerMetadata, how);
    }
    assert_eq!(document(&mut server)["issuer"], "https://attacker.example");
    assert_eq!(document(&mut server)["issuer"], "https://as.exampleINVALID");
    assert_eq!(document(&mut server)["token_endpoint"], "javascript:alert(1)");
    assert_eq!(document(&mut server)["authorization_endpoint"], Value::Null);
    assert_eq!(document(&mut server).get("token_endpoint"), None);
    assert_eq!(document(&mut server)["require_pushed_authorization_requests"], true);
    // No text, so nothing to append to.
    assert_eq!(document(&mut server)["response_types_supported"], json!(["code"]));
    server.knobs().misbehave_at(Endpoint::ServerMetadata, M::duplicate("issuer", "\"https://attacker.example\""));
    let twice = get(&mut server, Endpoint::ServerMetadata);
    assert_eq!(String::from_utf8_lossy(twice.body()).matches("\"issuer\":").count(), 2);
    assert_eq!(document(&mut server)["issuer"], server.issuer());
}

#[test]
fn other_answers_take_the_place_of_the_document() {
    let mut server = server();
    let elsewhere = "https://as.example/elsewhere".to_owned();
    for how in [
        M::Huge { size: 2 << 20 },
        M::Html { status: 200, acts: true },
        M::Redirect { status: 301, location: elsewhere, acts: true },
        M::RetryAfter { status: 503, value: "1".to_owned(), acts: false },
    ] {
        server.knobs().misbehave_at(Endpoint::ServerMetadata, how);
    }
    assert_eq!(get(&mut server, Endpoint::ServerMetadata).body().len(), 2 << 20);
    assert_eq!(get(&mut server, Endpoint::ServerMetadata).headers()["content-type"], "text/html");
    let moved = get(&mut server, Endpoint::ServerMetadata);
    assert_eq!(moved.status(), 301);
    assert_eq!(moved.headers()["location"], "https://as.example/elsewhere");
    assert_eq!(get(&mut server, Endpoint::ServerMetadata).headers()["retry-after"], "1");
    server.knobs().misbehave_at(Endpoint::ServerMetadata, M::Lost { acts: true });
    let request = Request::get(server.endpoint_url(Endpoint::ServerMetadata)).body("").unwrap();
    assert!(server.try_handle(&request).is_none());
}
