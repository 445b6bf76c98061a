use grantflow_testkit::Misbehaviour as M;
use serde_json::json;

use super::*;

fn document(server: &mut Server, endpoint: Endpoint) -> Value {
    let (status, body) = read(&get(server, endpoint));
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn names_the_resource_and_its_server() {
    let mut server = server();
    let expected = json!({
        "resource": "https://as.example/api/user",
        "authorization_servers": ["https://as.example"],
        "bearer_methods_supported": ["header"],
    });
    assert_eq!(document(&mut server, Endpoint::ResourceMetadata), expected);
    // The server names the resource, too.
    let metadata = document(&mut server, Endpoint::ServerMetadata);
    assert_eq!(metadata["protected_resources"], json!(["https://as.example/api/user"]));

    server.knobs().resource_scopes_supported = vec!["read".to_owned(), "write".to_owned()];
    server.knobs().authorization_servers =
        Some(vec!["https://one.example".to_owned(), "https://two.example".to_owned()]);
    let document = document(&mut server, Endpoint::ResourceMetadata);
    assert_eq!(document["scopes_supported"], json!(["read", "write"]));
    assert_eq!(document["authorization_servers"], json!(["https://one.example", "https://two.example"]));
}

#[test]
fn is_where_the_standard_has_it() {
    for (issuer, at_path, at_root) in [
        (
            "https://as.example",
            "https://as.example/.well-known/oauth-protected-resource/api/user",
            "https://as.example",
        ),
        (
            "http://127.0.0.1:4000/a/b/",
            "http://127.0.0.1:4000/.well-known/oauth-protected-resource/a/b/api/user",
            "http://127.0.0.1:4000",
        ),
    ] {
        let mut server = Server::new(issuer);
        assert_eq!(server.endpoint_url(Endpoint::ResourceMetadata), at_path);
        assert_eq!(document(&mut server, Endpoint::ResourceMetadata)["resource"], server.resource_url());
        assert_eq!(document(&mut server, Endpoint::ResourceMetadata)["authorization_servers"], json!([issuer]));
        let root = format!("{at_root}/.well-known/oauth-protected-resource");
        assert_eq!(server.endpoint_url(Endpoint::ResourceMetadataAtRoot), root);
        assert_eq!(get(&mut server, Endpoint::ResourceMetadataAtRoot).status(), 404);
        server.knobs().serve(Endpoint::ResourceMetadataAtRoot).omit(Endpoint::ResourceMetadata);
        assert_eq!(document(&mut server, Endpoint::ResourceMetadataAtRoot)["resource"], at_root);
        assert_eq!(get(&mut server, Endpoint::ResourceMetadata).status(), 404);
        assert_eq!(document(&mut server, Endpoint::ServerMetadata).get("protected_resources"), None);
    }
}

#[test]
fn goes_wrong_as_told() {
    let mut server = server();
    let all = M::all_at(Endpoint::ResourceMetadata);
    for how in [
        M::text("resource", "https://attacker.example/api/user"),
        M::append("resource", "1"),
        M::remove("resource"),
        M::set("authorization_servers", "[]"),
        M::remove("authorization_servers"),
        M::Huge { size: 2 << 20 },
    ] {
        assert!(all.contains(&how), "{how:?}");
    }
    server.knobs().misbehave_at(Endpoint::ResourceMetadata, M::append("resource", "/"));
    assert_eq!(document(&mut server, Endpoint::ResourceMetadata)["resource"], "https://as.example/api/user/");
}
