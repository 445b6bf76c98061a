//! Token exchange, assertion grants and the extension grant.

use grantflow_testkit::{ClientAuth, Grant};
use serde_json::json;

use super::*;

const SERVICE: [(&str, &str); 2] = [("client_id", "service"), ("client_secret", "s3cret")];
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const ISSUER: &str = "https://as.example";

fn kind(word: &str) -> String {
    format!("urn:ietf:params:oauth:token-type:{word}")
}

/// A token exchange by the client `service`.
fn exchange(server: &mut Server, parameters: &[(&str, &str)]) -> (u16, Value) {
    post(server, &[SERVICE.as_slice(), &[("grant_type", EXCHANGE)], parameters].concat())
}

fn assert_grant(server: &mut Server, grant_type: &str, assertion: &str) -> (u16, Value) {
    post(server, &[SERVICE.as_slice(), &[("grant_type", grant_type), ("assertion", assertion)]].concat())
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}

#[test]
fn each_type_of_token_is_issued() {
    let mut server = server();
    let subject = server.sign_jwt("service", "ada");
    let (jwt, id_token) = (kind("jwt"), kind("id_token"));
    for (wanted, token_type, refresh) in [
        ("access_token", "Bearer", false),
        ("refresh_token", "Bearer", true),
        ("id_token", "N_A", false),
        ("jwt", "N_A", false),
        ("saml1", "N_A", false),
        ("saml2", "N_A", false),
    ] {
        let wanted = kind(wanted);
        let asked = [
            ("subject_token", subject.as_str()),
            ("subject_token_type", id_token.as_str()),
            ("requested_token_type", wanted.as_str()),
        ];
        let (status, body) = exchange(&mut server, &asked);
        assert_eq!(
            (status, &body["token_type"], &body["issued_token_type"]),
            (200, &json!(token_type), &json!(wanted))
        );
        assert_eq!(body.get("refresh_token").is_some(), refresh, "{body}");
        // What was issued is accepted as the next subject.
        let issued = text(&body, "access_token");
        let next = [("subject_token", issued.as_str()), ("subject_token_type", wanted.as_str())];
        let expected = if refresh { 400 } else { 200 };
        assert_eq!(exchange(&mut server, &next).0, expected, "{wanted}");
    }
    server.knobs().issued_jwt_is_bearer = true;
    let asked =
        [("subject_token", subject.as_str()), ("subject_token_type", &id_token), ("requested_token_type", &jwt)];
    let (_, body) = exchange(&mut server, &asked);
    assert_eq!((&body["token_type"], &body["issued_token_type"]), (&json!("Bearer"), &json!(jwt)));
    assert_eq!(get_user(&mut server, &text(&body, "access_token")), 200);
}

#[test]
fn what_is_missing_or_not_known_is_refused() {
    let mut server = server();
    let subject = server.sign_jwt("service", "ada");
    let stranger = Server::new("https://b.example").sign_jwt("service", "ada");
    let (jwt, access) = (kind("jwt"), kind("access_token"));
    server.knobs().exchange_targets = Some(vec!["stock".to_owned()]);
    let good = [("subject_token", subject.as_str()), ("subject_token_type", jwt.as_str())];
    for (more, expected) in [
        (vec![("audience", "stock")], (200, "")),
        (vec![("audience", "stock"), ("audience", "stock")], (200, "")),
        (vec![("audience", "orders")], (400, "invalid_target")),
        (vec![("resource", "urn:orders")], (400, "invalid_target")),
        (vec![("scope", "admin")], (400, "invalid_scope")),
        (vec![("requested_token_type", "urn:x:y")], (400, "invalid_request")),
        (vec![("actor_token", subject.as_str())], (400, "invalid_request")),
        (vec![("actor_token_type", jwt.as_str())], (400, "invalid_request")),
        (vec![("actor_token", "x"), ("actor_token_type", jwt.as_str())], (400, "invalid_request")),
        (vec![("actor_token", subject.as_str()), ("actor_token_type", jwt.as_str())], (200, "")),
        (vec![("scope", "read"), ("scope", "read")], (400, "invalid_request")),
    ] {
        let answer = exchange(&mut server, &[good.as_slice(), &more].concat());
        assert_eq!(error(&answer), expected, "{more:?}");
    }
    for bad in [
        vec![("subject_token", subject.as_str())],
        vec![("subject_token_type", jwt.as_str())],
        vec![("subject_token", stranger.as_str()), ("subject_token_type", &jwt)],
        vec![("subject_token", subject.as_str()), ("subject_token_type", &access)],
        vec![("subject_token", "at-1"), ("subject_token_type", &access)],
        vec![("subject_token", "V-1"), ("subject_token_type", "urn:example:voucher")],
    ] {
        assert_eq!(error(&exchange(&mut server, &bad)), (400, "invalid_request"), "{bad:?}");
    }
    server.knobs().subject_token_types.push("urn:example:voucher".to_owned());
    let own = [("subject_token", "V-1"), ("subject_token_type", "urn:example:voucher")];
    assert_eq!(exchange(&mut server, &own).0, 200);
    // Without the grant, a client may not exchange; `audience` may repeat in an exchange only.
    server.register(Client::confidential("service", "s3cret").grants(&[Grant::ClientCredentials]));
    assert_eq!(error(&exchange(&mut server, &good)), (400, "unauthorized_client"));
    let twice = [("grant_type", "client_credentials"), ("audience", "a"), ("audience", "b")];
    assert_eq!(error(&post(&mut server, &[SERVICE.as_slice(), &twice].concat())), (400, "invalid_request"));
}

#[test]
fn an_assertion_is_accepted_once_by_its_audience_while_it_lives() {
    let mut server = server();
    let jwt = server.sign_jwt(ISSUER, "ada");
    let (status, body) = assert_grant(&mut server, JWT_BEARER, &jwt);
    assert_eq!(status, 200, "{body}");
    assert!(body.get("refresh_token").is_none());
    assert_eq!(get_user(&mut server, &text(&body, "access_token")), 200);
    assert_eq!(error(&assert_grant(&mut server, JWT_BEARER, &jwt)), (400, "invalid_grant"), "it was used before");
    server.knobs().assertions_once = false;
    server.knobs().refresh_token_without_person = true;
    assert!(assert_grant(&mut server, JWT_BEARER, &jwt).1.get("refresh_token").is_some());

    let url = server.token_url();
    let at_the_endpoint = server.sign_jwt(&url, "ada");
    assert_eq!(assert_grant(&mut server, JWT_BEARER, &at_the_endpoint).0, 200);
    let elsewhere = server.sign_jwt("https://b.example", "ada");
    let stranger = Server::new("https://b.example").sign_jwt(ISSUER, "ada");
    for bad in [elsewhere.as_str(), &stranger, "a.b.c", "PHg-"] {
        assert_eq!(error(&assert_grant(&mut server, JWT_BEARER, bad)), (400, "invalid_grant"), "{bad}");
    }
    assert_eq!(error(&assert_grant(&mut server, JWT_BEARER, "")), (400, "invalid_request"));
    server.knobs().trusted_issuers.push("https://b.example".to_owned());
    assert_eq!(assert_grant(&mut server, JWT_BEARER, &stranger).0, 200);
    server.advance(300);
    assert_eq!(error(&assert_grant(&mut server, JWT_BEARER, &jwt)), (400, "invalid_grant"), "it has expired");
}

#[test]
fn a_saml_assertion_goes_by_its_own_grant() {
    let mut server = server();
    let xml = server.sign_saml2(ISSUER, "ada");
    let encoded = base64url(xml.as_bytes());
    let jwt = server.sign_jwt(ISSUER, "ada");
    assert_eq!(assert_grant(&mut server, SAML2_BEARER, &encoded).0, 200);
    for (grant, assertion) in [(SAML2_BEARER, jwt.as_str()), (JWT_BEARER, &encoded), (SAML2_BEARER, &xml)] {
        assert_eq!(error(&assert_grant(&mut server, grant, assertion)), (400, "invalid_grant"));
    }
}

/// An identity assertion names the client that may send it, and what for.
#[test]
fn an_identity_assertion_is_for_one_client_at_one_server() {
    let mut company = server();
    let mut chat = Server::new("https://chat.example");
    chat.register(Client::confidential("service", "s3cret")).register(Client::confidential("other", "s3cret"));
    chat.knobs().trusted_issuers.push(ISSUER.to_owned());
    let id_token = company.sign_jwt("service", "ada");
    let (id, jag) = (kind("id_token"), kind("id-jag"));
    let asked = [
        ("subject_token", id_token.as_str()),
        ("subject_token_type", id.as_str()),
        ("requested_token_type", jag.as_str()),
        ("scope", "read"),
    ];
    assert_eq!(error(&exchange(&mut company, &asked)), (400, "invalid_request"), "it is for one audience");
    let asked = [asked.as_slice(), &[("audience", "https://chat.example")]].concat();
    let (_, body) = exchange(&mut company, &asked);
    assert_eq!((&body["token_type"], &body["scope"]), (&json!("N_A"), &json!("read")));
    let assertion = text(&body, "access_token");
    let other =
        [("client_id", "other"), ("client_secret", "s3cret"), ("grant_type", JWT_BEARER), ("assertion", &assertion)];
    assert_eq!(error(&post(&mut chat, &other)), (400, "invalid_grant"));
    let more =
        [SERVICE.as_slice(), &[("grant_type", JWT_BEARER), ("assertion", &assertion), ("scope", "write")]].concat();
    assert_eq!(error(&post(&mut chat, &more)), (400, "invalid_scope"));
    let (status, body) = assert_grant(&mut chat, JWT_BEARER, &assertion);
    assert_eq!((status, &body["scope"]), (200, &json!("read")), "the assertion says the scope");

    // The client has another id there, and an access token does not say who the person is.
    company.knobs().client_ids_elsewhere.insert("https://chat.example".to_owned(), "other".to_owned());
    let assertion = text(&exchange(&mut company, &asked).1, "access_token");
    assert_eq!(error(&assert_grant(&mut chat, JWT_BEARER, &assertion)), (400, "invalid_grant"));
    let own = text(&post(&mut company, &service_pairs()).1, "access_token");
    let access = kind("access_token");
    let asked = [
        ("subject_token", own.as_str()),
        ("subject_token_type", &access),
        ("requested_token_type", &jag),
        ("audience", "https://chat.example"),
    ];
    assert_eq!(error(&exchange(&mut company, &asked)), (400, "invalid_request"));
}

#[test]
fn no_client_is_needed_where_the_knob_says_so() {
    let mut server = server();
    let jwt = server.sign_jwt(ISSUER, "ada");
    let nobody = [("grant_type", JWT_BEARER), ("assertion", jwt.as_str())];
    assert_eq!(error(&post(&mut server, &nobody)), (401, "invalid_client"));
    server.knobs().accept_unidentified = true;
    assert_eq!(post(&mut server, &nobody).0, 200);
    assert_eq!(server.log().last().unwrap().auth, ClientAuth::Absent);
    // The other grants still need one.
    let (status, _) = post(&mut server, &[("grant_type", "client_credentials")]);
    assert_eq!(status, 400);
}

#[test]
fn an_extension_grant_is_known_by_the_knob() {
    let mut server = server();
    let asked =
        [SERVICE.as_slice(), &[("grant_type", "urn:example:voucher"), ("voucher", "V-1"), ("scope", "read")]].concat();
    assert_eq!(error(&post(&mut server, &asked)), (400, "unsupported_grant_type"));
    server.knobs().extension_grant = Some("urn:example:voucher".to_owned());
    let (status, body) = post(&mut server, &asked);
    assert_eq!((status, &body["scope"]), (200, &json!("read")));
    assert_eq!(server.hits("urn:example:voucher").filter(|hit| hit.issued).count(), 1);
}

fn base64url(bytes: &[u8]) -> String {
    use base64ct::{Base64UrlUnpadded, Encoding};
    Base64UrlUnpadded::encode_string(bytes)
}
