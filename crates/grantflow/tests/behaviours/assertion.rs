//! Assertion grants (RFC 7521 §4.1, RFC 7523 §2.1, RFC 7522 §2.1).

use grantflow::{
    Assertion, AssertionGrant, AuthorizationDetails, Client, Env, Error, ErrorCode, Exchange, Left, Message, Misuse,
    Next, Quirk, Sent, Server, Tokens, Violation,
};
use grantflow_testkit as testkit;
use http::header;

use crate::support::*;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SAML2_BEARER: &str = "urn:ietf:params:oauth:grant-type:saml2-bearer";

fn name<X>(left: &Left<X>) -> &'static str {
    match left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}

fn jwt() -> Assertion {
    Assertion::jwt("eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi.J9l-ZhwP").unwrap()
}

fn sent(grant: &AssertionGrant) -> String {
    body(&grant.request(&mut Env::new(NOW, &mut Dice(1))).unwrap())
}

fn ask(provider: &mut testkit::Server, grant: AssertionGrant) -> Result<Tokens, grantflow::Failure<AssertionGrant>> {
    run_to_its_end(provider, grant).0
}

/// RFC 7523 §4 and RFC 7522 §4, with the beginning and the end of their assertions.
#[test]
fn the_examples_of_the_rfcs() {
    let server = Server::with_token_endpoint("https://as.example.com/token.oauth2").unwrap();
    let grant = AssertionGrant::new(&server.unidentified(), jwt());
    let request = grant.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert!(!request.headers().contains_key(header::AUTHORIZATION));
    assert_eq!(
        body(&request),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer\
         &assertion=eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi.J9l-ZhwP"
    );
    let saml =
        Assertion::saml2("PEFzc2VydGlvbiBJc3N1ZUluc3RhbnQ9IjIwMTEtMDU-aG5TdGF0ZW1lbnQ-PC9Bc3NlcnRpb24-").unwrap();
    assert_eq!(
        sent(&AssertionGrant::new(&server.unidentified(), saml)),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer\
         &assertion=PEFzc2VydGlvbiBJc3N1ZUluc3RhbnQ9IjIwMTEtMDU-aG5TdGF0ZW1lbnQ-PC9Bc3NlcnRpb24-"
    );
}

#[test]
fn every_client_may_send_one() {
    let (mut provider, server) = all_endpoints();
    provider.register(testkit::Client::public(APP).grants(&[testkit::Grant::Assertion]).scope(SCOPE));
    provider.knobs().accept_unidentified = true;
    let nobody = (testkit::ClientAuth::Absent, Client::from(&server.unidentified()));
    for (auth, client) in every_client(&server).into_iter().chain([nobody]) {
        let signed = provider.sign_jwt(ISSUER, "ada");
        let tokens = ask(&mut provider, AssertionGrant::new(&client, Assertion::jwt(signed).unwrap())).unwrap();
        assert!(!tokens.bearer().unwrap().expose_secret().is_empty());
        let xml = provider.sign_saml2(ISSUER, "ada");
        ask(&mut provider, AssertionGrant::new(&client, Assertion::saml2_xml(xml).unwrap())).unwrap();
        for grant_type in [JWT_BEARER, SAML2_BEARER] {
            assert_eq!(provider.hits(grant_type).last().unwrap().auth, auth);
        }
    }
}

#[test]
fn scope_resources_details_and_parameters_are_as_elsewhere() {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let client = Client::from(&server.client("app").secret_post("s").unwrap());
    let details = AuthorizationDetails::from_json(r#"[{"type":"a"}]"#).unwrap();
    let grant = AssertionGrant::new(&client, jwt())
        .scope("a b")
        .and_then(|grant| grant.resource("urn:r:1"))
        .and_then(|grant| grant.resource("urn:r:2"))
        .and_then(|grant| grant.authorization_details(details))
        .and_then(|grant| grant.param("requested_token_use", "on_behalf_of"))
        .unwrap();
    let expected = [
        ("grant_type", JWT_BEARER),
        ("assertion", "eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJpc3Mi.J9l-ZhwP"),
        ("scope", "a b"),
        ("resource", "urn:r:1"),
        ("resource", "urn:r:2"),
        ("authorization_details", r#"[{"type":"a"}]"#),
        ("requested_token_use", "on_behalf_of"),
        ("client_id", "app"),
        ("client_secret", "s"),
    ];
    assert_eq!(pairs(&sent(&grant)), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    for name in
        ["assertion", "Assertion", "grant_type", "scope", "resource", "client_id", "client_assertion", "subject_token"]
    {
        let error = AssertionGrant::new(&client, jwt()).param(name, "x").unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::ReservedParameter)), "{name}");
    }
    let renamed = server.quirk(Quirk::renamed(Message::TokenRequest, "assertion", "ticket")).unwrap();
    let json = renamed.clone().quirk(Quirk::JsonRequestBody).unwrap();
    assert!(sent(&AssertionGrant::new(&renamed.unidentified(), jwt())).contains("&ticket=eyJ"));
    let object: serde_json::Value =
        serde_json::from_str(&sent(&AssertionGrant::new(&json.unidentified(), jwt()))).unwrap();
    assert_eq!((&object["grant_type"], &object["ticket"]), (&JWT_BEARER.into(), &jwt().expose_secret().into()));
}

/// RFC 7521 §4.1 expects none; one that is there is not thrown away.
#[test]
fn a_refresh_token_is_kept_if_there_is_one() {
    let (mut provider, server) = all_endpoints();
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    let grant = |provider: &mut testkit::Server| {
        let signed = provider.sign_jwt(ISSUER, "ada");
        let grant = AssertionGrant::new(&client, Assertion::jwt(signed).unwrap()).resource("urn:r:1").unwrap();
        ask(provider, grant).unwrap()
    };
    assert!(grant(&mut provider).refresh_token().is_none());
    provider.knobs().refresh_token_without_person = true;
    let tokens = grant(&mut provider);
    assert!(tokens.refresh_token().is_some());
    let again = run_to_its_end(&mut provider, tokens.refresh().unwrap()).0.unwrap();
    assert!(again.bearer().is_ok());
    assert_eq!(provider.hits("refresh_token").last().unwrap().resources, ["urn:r:1"]);
}

#[test]
fn each_answer_leaves_what_it_must() {
    let error = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    let mut world = World::new();
    for (status, body, what, next) in [
        // RFC 7521 §4.1.1.
        (400, error("invalid_grant"), "spent", Next::Reauthorize),
        (401, error("invalid_client"), "intact", Next::FixConfiguration),
        (400, error("invalid_scope"), "intact", Next::FixConfiguration),
        (400, error("invalid_request"), "intact", Next::FixConfiguration),
        (400, error("unsupported_grant_type"), "intact", Next::FixConfiguration),
        (503, error("temporarily_unavailable"), "unknown", Next::RetryLater(None)),
        (400, error("made_up"), "unknown", Next::FixConfiguration),
        (502, "<html>".to_owned(), "unknown", Next::RetryLater(None)),
        (200, "{}".to_owned(), "unknown", Next::FixConfiguration),
    ] {
        let grant = AssertionGrant::new(&world.client, jwt());
        let failure = world.answer(grant, json(status, &body)).unwrap_err();
        assert_eq!((name(&failure.left), failure.error.next()), (what, next), "{status} {body}");
    }
    for (sent, what) in [(Sent::NotSent, "intact"), (Sent::MaybeSent, "unknown")] {
        let grant = AssertionGrant::new(&world.client, jwt());
        let failure = grant.unanswered(&mut Env::new(NOW, &mut Dice(1)), sent).unwrap_err();
        assert_eq!(name(&failure.left), what);
    }
}

/// After a lost answer, a server that accepts an assertion only once refuses it; the next assertion is good.
#[test]
fn an_assertion_whose_answer_was_lost_may_be_used_up() {
    let (mut provider, server) = all_endpoints();
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    provider.knobs().misbehave(testkit::Misbehaviour::Lost { acts: true });
    let signed = provider.sign_jwt(ISSUER, "ada");
    let failure = ask(&mut provider, AssertionGrant::new(&client, Assertion::jwt(signed).unwrap())).unwrap_err();
    let Left::Unknown(grant) = failure.left else { panic!("{}", name(&failure.left)) };
    let failure = ask(&mut provider, *grant).unwrap_err();
    assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidGrant));
    assert!(matches!(failure.left, Left::Spent));
    let next = provider.sign_jwt(ISSUER, "ada");
    assert!(ask(&mut provider, AssertionGrant::new(&client, Assertion::jwt(next).unwrap())).is_ok());
}

/// Another issuer, another audience, an old one: the verdict of the server.
#[test]
fn what_a_server_does_not_accept_is_spent() {
    let (mut provider, server) = all_endpoints();
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    let stranger = testkit::Server::new("https://b.example").sign_jwt(ISSUER, "ada");
    let elsewhere = provider.sign_jwt("https://b.example", "ada");
    let old = provider.sign_jwt(ISSUER, "ada");
    provider.advance(301);
    for bad in [stranger, elsewhere, old] {
        let failure = ask(&mut provider, AssertionGrant::new(&client, Assertion::jwt(bad).unwrap())).unwrap_err();
        assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidGrant));
        assert!(matches!(failure.left, Left::Spent));
    }
}

#[test]
fn an_unreadable_id_token_is_refused_where_one_was_asked_for() {
    let mut world = World::new();
    let text = r#"{"access_token":"t","token_type":"Bearer","id_token":7}"#;
    let grant = AssertionGrant::new(&world.client, jwt()).scope("openid read").unwrap();
    let failure = world.answer(grant, json(200, text)).unwrap_err();
    assert_eq!(violation(&failure), Violation::WrongType("id_token"));
    let grant = AssertionGrant::new(&world.client, jwt()).scope("read").unwrap();
    assert_eq!(world.answer(grant, json(200, text)).unwrap().tolerated(), ["id_token"]);
}
