//! Registration (RFC 7591), its management (RFC 7592), and clients that are known by a document.

use grantflow_testkit::ClientAuth;
use serde_json::json;

use super::*;

fn ask(server: &mut Server, method: &str, url: &str, token: &str, body: &Value) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(url).header("content-type", "application/json");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    read(&server.handle(&request.body(body).unwrap()))
}

fn register(server: &mut Server, metadata: &Value) -> (u16, Value) {
    let url = server.endpoint_url(Endpoint::Registration);
    ask(server, "POST", &url, "", metadata)
}

fn web() -> Value {
    json!({ "redirect_uris": [CALLBACK], "client_name": "Clubs", "x": [1] })
}

/// Client credentials of a client, with its secret in the body or in the header.
fn authenticates(server: &mut Server, client: &Value, auth: ClientAuth) -> (u16, Value) {
    let (id, secret) = (text(client, "client_id"), text(client, "client_secret"));
    let mut pairs = vec![("grant_type", "client_credentials")];
    let mut request = Request::post(server.token_url()).header("content-type", "application/x-www-form-urlencoded");
    if auth == ClientAuth::Basic {
        use base64ct::Encoding as _;
        let encoded = base64ct::Base64::encode_string(format!("{id}:{secret}").as_bytes());
        request = request.header("authorization", format!("Basic {encoded}"));
    } else {
        pairs.extend([("client_id", id.as_str()), ("client_secret", secret.as_str())]);
    }
    read(&server.handle(&request.body(form(&pairs)).unwrap()))
}

#[test]
fn registers_what_it_is_asked_for_with_its_defaults() {
    let mut server = server();
    let (status, client) = register(&mut server, &web());
    assert_eq!(status, 201, "{client}");
    for (name, value) in [
        ("redirect_uris", json!([CALLBACK])),
        ("client_name", json!("Clubs")),
        ("x", json!([1])),
        ("grant_types", json!(["authorization_code"])),
        ("response_types", json!(["code"])),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("application_type", json!("web")),
        ("client_secret_expires_at", json!(0)),
        ("client_id_issued_at", json!(server.now())),
    ] {
        assert_eq!(client[name], value, "{name}");
    }
    let hit = server.hits_at(Endpoint::Registration).last().unwrap();
    assert!(hit.acted && !hit.issued);
    assert_eq!(hit.parameter("client_name"), Some("\"Clubs\""));
    // No client can use a grant that it did not register.
    assert_eq!(authenticates(&mut server, &client, ClientAuth::Basic).1["error"], "unauthorized_client");
}

#[test]
fn a_registered_client_must_authenticate_as_it_registered() {
    for (method, right, wrong) in [
        ("client_secret_basic", ClientAuth::Basic, ClientAuth::Post),
        ("client_secret_post", ClientAuth::Post, ClientAuth::Basic),
    ] {
        let mut server = server();
        let metadata = json!({
            "grant_types": ["client_credentials"], "response_types": [], "token_endpoint_auth_method": method,
        });
        let client = register(&mut server, &metadata).1;
        assert_eq!(authenticates(&mut server, &client, right).0, 200);
        assert_eq!(
            authenticates(&mut server, &client, wrong),
            (
                401,
                json!({
                    "error": "invalid_client", "error_description": "the client registered another client authentication",
                })
            )
        );
    }
    let mut server = server();
    let public = register(&mut server, &json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" })).1;
    assert!(public.get("client_secret").is_none() && public.get("client_secret_expires_at").is_none());
    server.knobs().registered_auth_method = Some("private_key_jwt".to_owned());
    let other = register(&mut server, &web()).1;
    assert_eq!(other["token_endpoint_auth_method"], "private_key_jwt");
    assert_eq!(authenticates(&mut server, &other, ClientAuth::Basic).0, 401);
}

#[test]
fn bad_metadata_is_refused() {
    let mut server = server();
    for (change, error) in [
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": "https://app.example/cb" }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://app.example/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://app.example/cb#x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://127.0.0.1:5/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["cb"] }), "invalid_redirect_uri"),
        (json!({ "grant_types": ["implicit"] }), "invalid_client_metadata"),
        (json!({ "grant_types": "authorization_code" }), "invalid_client_metadata"),
        (json!({ "response_types": ["token"] }), "invalid_client_metadata"),
        (json!({ "response_types": [] }), "invalid_client_metadata"),
        (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "invalid_client_metadata"),
        (json!({ "scope": "a  b" }), "invalid_client_metadata"),
        (json!({ "jwks": {}, "jwks_uri": "https://app.example/keys" }), "invalid_client_metadata"),
        (json!({ "client_id": "mine" }), "invalid_client_metadata"),
        (json!({ "registration_access_token": "mine" }), "invalid_client_metadata"),
        (json!({ "software_statement": "no-jwt" }), "invalid_software_statement"),
    ] {
        let mut metadata = web();
        metadata.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (status, answer) = register(&mut server, &metadata);
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{change}");
    }
    assert!(server.hits_at(Endpoint::Registration).all(|hit| !hit.acted));
    let url = server.endpoint_url(Endpoint::Registration);
    let form = Request::post(url).header("content-type", "application/x-www-form-urlencoded").body("{}").unwrap();
    assert_eq!(server.handle(&form).status(), 400);
    let native = json!({ "redirect_uris": ["http://127.0.0.1/cb", "com.example:/cb"], "application_type": "native" });
    assert_eq!(register(&mut server, &native).0, 201);
}

#[test]
fn an_initial_access_token_can_be_demanded() {
    let mut server = server();
    server.knobs().initial_access_token = Some("initial".to_owned());
    let url = server.endpoint_url(Endpoint::Registration);
    assert_eq!(ask(&mut server, "POST", &url, "", &web()).0, 401);
    assert_eq!(ask(&mut server, "POST", &url, "wrong", &web()).0, 401);
    assert_eq!(ask(&mut server, "POST", &url, "initial", &web()).0, 201);
}

#[test]
fn a_client_reads_changes_and_ends_its_registration() {
    let mut server = server();
    let client = register(&mut server, &web()).1;
    let (url, token) = (text(&client, "registration_client_uri"), text(&client, "registration_access_token"));
    assert_eq!(ask(&mut server, "GET", &url, &token, &Value::Null), (200, client.clone()));
    for wrong in ["", "wrong"] {
        for method in ["GET", "PUT", "DELETE"] {
            assert_eq!(ask(&mut server, method, &url, wrong, &web()).0, 401, "{method} {wrong}");
        }
    }
    let mut metadata = web();
    metadata["client_name"] = json!("Other");
    assert_eq!(ask(&mut server, "PUT", &url, &token, &metadata).1["error"], "invalid_client_metadata", "no client_id");
    metadata["client_id"] = client["client_id"].clone();
    metadata["client_secret"] = json!("wrong");
    assert_eq!(ask(&mut server, "PUT", &url, &token, &metadata).0, 400);
    metadata["client_secret"] = client["client_secret"].clone();
    metadata.as_object_mut().unwrap().remove("x");
    let (status, changed) = ask(&mut server, "PUT", &url, &token, &metadata);
    assert_eq!((status, changed["client_name"].as_str(), changed.get("x")), (200, Some("Other"), None));
    assert_eq!(changed["client_secret"], client["client_secret"]);
    assert_eq!(ask(&mut server, "DELETE", &url, &token, &Value::Null), (204, Value::Null));
    assert_eq!(ask(&mut server, "GET", &url, &token, &Value::Null).0, 401);
    assert_eq!(authenticates(&mut server, &client, ClientAuth::Basic).1["error"], "invalid_client");
}

#[test]
fn credentials_can_be_new_in_each_answer() {
    let mut server = server();
    server.knobs().rotate_registration = true;
    server.knobs().client_secret_lifetime = Some(60);
    let client = register(&mut server, &web()).1;
    assert_eq!(client["client_secret_expires_at"], json!(server.now() + 60));
    let (url, token) = (text(&client, "registration_client_uri"), text(&client, "registration_access_token"));
    let (status, read) = ask(&mut server, "GET", &url, &token, &Value::Null);
    assert_eq!(status, 200);
    for name in ["client_secret", "registration_access_token"] {
        assert_ne!(read[name], client[name], "{name}");
    }
    assert_eq!(ask(&mut server, "GET", &url, &token, &Value::Null).0, 401);
    server.knobs().omit(Endpoint::ClientConfiguration);
    let unmanaged = register(&mut server, &web()).1;
    assert!(unmanaged.get("registration_access_token").is_none() && unmanaged.get("registration_client_uri").is_none());
}

#[test]
fn a_document_is_a_client() {
    let mut server = server();
    let url = "https://app.example/client.json";
    let document = json!({ "client_id": url, "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none" });
    let visit = |server: &mut Server| {
        let url = authorize_url(server, &[("client_id", url)]);
        server.visit(&url).is_ok()
    };
    assert!(!visit(&mut server), "it is not there yet");
    server.publish(url, &document.to_string());
    assert!(visit(&mut server));
    for (name, value) in [
        ("client_id", json!("https://app.example/other.json")),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
        ("client_secret", json!("s3cret")),
        ("redirect_uris", json!(["https://app.example/other"])),
    ] {
        let mut changed = document.clone();
        changed[name] = value;
        server.publish(url, &changed.to_string());
        assert!(!visit(&mut server), "{name}");
    }
    server.publish(url, &document.to_string());
    server.knobs().client_id_documents = false;
    assert!(!visit(&mut server));
}
