//! Extension grants (RFC 6749 §4.5).

use grantflow::{
    AuthorizationDetails, Client, Env, Error, Exchange, ExtensionGrant, Left, Message, Misuse, Quirk, Sent, Server,
};
use grantflow_testkit as testkit;

use crate::support::*;

const VOUCHER: &str = "urn:example:grant-type:voucher";

fn client(url: &str) -> Client {
    Client::from(&Server::with_token_endpoint(url).unwrap().client("till").secret_post("s3cret").unwrap())
}

fn grant() -> ExtensionGrant {
    ExtensionGrant::new(client("https://as.example/token"), VOUCHER).unwrap()
}

fn sent(grant: &ExtensionGrant) -> String {
    body(&grant.request(&mut Env::new(NOW, &mut Dice(1))).unwrap())
}

fn name<X>(left: &Left<X>) -> &'static str {
    match left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}

#[test]
fn a_grant_of_a_servers_own() {
    let mut provider = testkit::Server::new(ISSUER);
    provider.register(testkit::Client::confidential("till", "s3cret").scope("drinks"));
    let client = client(&provider.token_url());
    let grant = |client: &Client| ExtensionGrant::new(client, VOUCHER).unwrap().param("voucher", "V-1").unwrap();
    let failure = run_to_its_end(&mut provider, grant(&client)).0.unwrap_err();
    assert_eq!(failure.error.code(), Some(&grantflow::ErrorCode::UnsupportedGrantType));
    provider.knobs().extension_grant = Some(VOUCHER.to_owned());
    let ask = grant(&client).scope("drinks").unwrap().resource("urn:bar").unwrap();
    let tokens = run_to_its_end(&mut provider, ask).0.unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "drinks");
    let hit = provider.hits(VOUCHER).last().unwrap();
    assert!(hit.parameters.contains(&("voucher".to_owned(), "V-1".to_owned())));
    assert_eq!(hit.resources, ["urn:bar"]);
}

#[test]
fn all_that_is_sent() {
    let details = AuthorizationDetails::from_json(r#"[{"type":"a"}]"#).unwrap();
    let grant = grant()
        .param("voucher", "V&1")
        .and_then(|grant| grant.param("assertion", "x"))
        .and_then(|grant| grant.scope("a b"))
        .and_then(|grant| grant.resource("urn:r"))
        .and_then(|grant| grant.authorization_details(details))
        .unwrap();
    let expected = [
        ("grant_type", VOUCHER),
        ("voucher", "V&1"),
        ("assertion", "x"),
        ("scope", "a b"),
        ("resource", "urn:r"),
        ("authorization_details", r#"[{"type":"a"}]"#),
        ("client_id", "till"),
        ("client_secret", "s3cret"),
    ];
    assert_eq!(pairs(&sent(&grant)), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// Any type except the removed ones and those with a flow, whose checks would be left out.
#[test]
fn which_types_may_be_given() {
    let client = client("https://as.example/token");
    for good in
        [VOUCHER, "fb_exchange_token", "ig_exchange_token", "http://oauth.net/grant_type/device/1.0", "passwordless"]
    {
        assert!(ExtensionGrant::new(&client, good).is_ok(), "{good}");
    }
    for bad in [
        "",
        " ",
        "password",
        "Password",
        " password\n",
        "implicit",
        "authorization_code",
        "refresh_token",
        "REFRESH_TOKEN",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:Token-Exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:saml2-bearer",
    ] {
        let error = ExtensionGrant::new(&client, bad).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::GrantType)), "{bad:?}: {error}");
        assert!(error.to_string().contains("grant type"), "{error}");
    }
}

#[test]
fn a_parameter_that_is_not_the_grants_is_refused_when_it_is_given() {
    for name in [
        "grant_type",
        "Grant_Type",
        "client_id",
        "client_secret",
        "CLIENT_SECRET",
        "client_assertion",
        "client_assertion_type",
        "scope",
        "resource",
        "authorization_details",
        "username",
        "password",
        " scope ",
        "",
        " ",
    ] {
        let error = grant().param(name, "x").unwrap_err();
        assert!(
            matches!(error, Error::Misuse(Misuse::ReservedParameter | Misuse::DuplicateParameter)),
            "{name:?}: {error}"
        );
    }
    let twice = grant().param("voucher", "1").unwrap().param("voucher", "2").unwrap_err();
    assert!(matches!(twice, Error::Misuse(Misuse::DuplicateParameter)));
    let in_query = ExtensionGrant::new(client("https://as.example/token?voucher=1"), VOUCHER).unwrap();
    assert!(matches!(in_query.param("voucher", "2"), Err(Error::Misuse(Misuse::DuplicateParameter))));
    assert!(grant().resource("bar").is_err() && grant().scope("a\\b").is_err());
}

#[test]
fn quirks_hold_here_too() {
    let server = Server::with_token_endpoint("https://as.example/token")
        .and_then(|server| server.quirk(Quirk::renamed(Message::TokenRequest, "assertion", "ticket")))
        .and_then(|server| server.quirk(Quirk::JsonRequestBody))
        .unwrap();
    let client = server.client("till").secret_basic("s3cret").unwrap();
    let grant = ExtensionGrant::new(&client, VOUCHER).unwrap().param("assertion", "x").unwrap();
    let object: serde_json::Value = serde_json::from_str(&sent(&grant)).unwrap();
    assert_eq!(object, serde_json::json!({ "grant_type": VOUCHER, "ticket": "x" }));
    assert!(grant.param("ticket", "y").is_err());
    let mut world = World::with(|server| server.quirk(Quirk::token_path(&["data"])).unwrap());
    let grant = ExtensionGrant::new(&world.client, VOUCHER).unwrap();
    let tokens = world.answer(grant, json(200, r#"{"data":{"access_token":"t","token_type":"Bearer"}}"#)).unwrap();
    assert_eq!(tokens.bearer().unwrap().expose_secret(), "t");
}

/// Like a code, unless the caller says that it may be sent twice.
#[test]
fn what_a_failure_leaves() {
    let error = |code: &str| format!(r#"{{"error":"{code}"}}"#);
    let mut world = World::new();
    for (status, body, what) in [
        (400, error("invalid_grant"), "spent"),
        (401, error("invalid_client"), "spent"),
        (400, error("made_up"), "unknown"),
        (429, String::new(), "intact"),
        (502, "<html>".to_owned(), "unknown"),
        (200, "{}".to_owned(), "unknown"),
    ] {
        let once = world.answer(grant(), json(status, &body)).unwrap_err();
        assert_eq!(name(&once.left), what, "{status} {body}");
        let again = world.answer(grant().replayable(), json(status, &body)).unwrap_err();
        assert_eq!(name(&again.left), "intact", "{status} {body}");
    }
    let lost =
        |grant: ExtensionGrant, sent| name(&grant.unanswered(&mut Env::new(NOW, &mut Dice(1)), sent).unwrap_err().left);
    assert_eq!(lost(grant(), Sent::MaybeSent), "unknown");
    assert_eq!(lost(grant(), Sent::NotSent), "intact");
    assert_eq!(lost(grant().replayable(), Sent::MaybeSent), "intact");
}

#[test]
fn every_client_may_ask() {
    let (mut provider, server) = all_endpoints();
    provider.register(testkit::Client::public(APP).grants(&[testkit::Grant::Extension]).scope(SCOPE));
    provider.knobs().accept_unidentified = true;
    provider.knobs().extension_grant = Some(VOUCHER.to_owned());
    let nobody = (testkit::ClientAuth::Absent, Client::from(&server.unidentified()));
    for (auth, client) in every_client(&server).into_iter().chain([nobody]) {
        run_to_its_end(&mut provider, ExtensionGrant::new(&client, VOUCHER).unwrap()).0.unwrap();
        assert_eq!(provider.log().last().unwrap().auth, auth);
    }
}

#[test]
fn the_values_are_not_printed() {
    let text = format!("{:?}", grant().param("voucher", "V-secret-1").unwrap());
    assert!(text.contains("voucher") && text.contains(VOUCHER) && !text.contains("V-secret"), "{text}");
}
