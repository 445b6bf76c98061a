//! What tokens are for: authorization details (RFC 9396) and resources (RFC 8707).

use serde_json::json;

use super::*;

const DETAILS: &str = r#"[{"type":"pay","amount":"7"}]"#;

fn login_for(server: &mut Server, changes: &[(&str, &str)]) -> Value {
    let url = authorize_url(server, changes);
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    redeem(server, &code).1
}

fn renewed(server: &mut Server, tokens: &Value, more: &[(&str, &str)]) -> (u16, Value) {
    let refresh = text(tokens, "refresh_token");
    let pairs = [("grant_type", "refresh_token"), ("client_id", "app"), ("refresh_token", refresh.as_str())];
    post(server, &[pairs.as_slice(), more].concat())
}

fn described(server: &mut Server, tokens: &Value) -> Value {
    let token = text(tokens, "access_token");
    let pairs = [("client_id", "service"), ("client_secret", "s3cret"), ("token", token.as_str())];
    post_to(server, Endpoint::Introspection, &pairs).1
}

#[test]
fn details_are_granted_as_requested_and_every_token_of_the_grant_has_them() {
    let mut server = server();
    let tokens = login_for(&mut server, &[("authorization_details", DETAILS)]);
    let details = json!([{"type": "pay", "amount": "7"}]);
    assert_eq!(tokens["authorization_details"], details);
    assert_eq!(described(&mut server, &tokens)["authorization_details"], details);
    let (_, tokens) = renewed(&mut server, &tokens, &[]);
    assert_eq!(tokens["authorization_details"], details);
    let (_, tokens) = renewed(&mut server, &tokens, &[("authorization_details", r#"[{"type":"look"}]"#)]);
    assert_eq!(tokens["authorization_details"], json!([{"type": "look"}]));
    assert_eq!(described(&mut server, &tokens)["authorization_details"], json!([{"type": "look"}]));
    // The grant is what the person approved.
    assert_eq!(renewed(&mut server, &tokens, &[]).1["authorization_details"], details);

    assert_eq!(login(&mut server).get("authorization_details"), None);
}

#[test]
fn a_knob_grants_other_details() {
    let mut server = server();
    server.knobs().granted_authorization_details = Some("7".to_owned());
    assert_eq!(login_for(&mut server, &[("authorization_details", DETAILS)])["authorization_details"], 7);
    assert_eq!(login(&mut server).get("authorization_details"), None, "none were requested");
}

#[test]
fn malformed_and_unknown_details_are_refused() {
    let mut server = server();
    server.knobs().authorization_details_types_supported = vec!["pay".to_owned()];
    for (details, is_good) in [
        (DETAILS, true),
        ("x", false),
        ("{}", false),
        ("[{}]", false),
        ("[7]", false),
        (r#"[{"type":""}]"#, false),
        (r#"[{"type":"pay"},{"type":"look"}]"#, false),
    ] {
        let url = authorize_url(&server, &[("authorization_details", details)]);
        let error = server.visit(&url).unwrap().parameter("error");
        assert_eq!(error.as_deref(), (!is_good).then_some("invalid_authorization_details"), "{details}");
        let pairs = [("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", "s3cret")];
        let (status, body) = post(&mut server, &[pairs.as_slice(), &[("authorization_details", details)]].concat());
        assert_eq!(status == 200, is_good, "{details}: {body}");
    }
    let document = get(&mut server, Endpoint::ServerMetadata);
    assert_eq!(document["authorization_details_types_supported"], json!(["pay"]));
}

#[test]
fn a_token_is_for_the_resources_that_its_request_names() {
    let mut server = server();
    let url = format!("{}&resource=https%3A%2F%2Fa&resource=urn%3Ab", authorize_url(&server, &[]));
    let code = server.visit(&url).unwrap().parameter("code").unwrap();
    let tokens = redeem(&mut server, &code).1;
    assert_eq!(described(&mut server, &tokens)["aud"], json!(["https://a", "urn:b"]));
    let (_, tokens) = renewed(&mut server, &tokens, &[("resource", "urn:b")]);
    assert_eq!(described(&mut server, &tokens)["aud"], "urn:b");
    let (status, body) = renewed(&mut server, &tokens, &[("resource", "urn:c")]);
    assert_eq!((status, &body["error"]), (400, &json!("invalid_target")));
    let (_, tokens) = renewed(&mut server, &tokens, &[]);
    assert_eq!(described(&mut server, &tokens)["aud"], json!(["https://a", "urn:b"]), "the refusal spent nothing");
}

#[test]
fn a_server_may_have_no_form_post() {
    let mut server = server();
    server.knobs().form_post = false;
    let url = authorize_url(&server, &[("response_mode", "form_post")]);
    assert_eq!(server.visit(&url).unwrap().parameter("error").as_deref(), Some("invalid_request"));
    assert_eq!(get(&mut server, Endpoint::ServerMetadata)["response_modes_supported"], json!(["query"]));
}

fn get(server: &mut Server, endpoint: Endpoint) -> Value {
    let request = Request::get(server.endpoint_url(endpoint)).body(String::new()).unwrap();
    serde_json::from_slice(server.handle(&request).body()).unwrap()
}
