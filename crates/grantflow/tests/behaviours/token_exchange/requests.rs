//! The request of a token exchange (RFC 8693 §2.1).

use base64ct::{Base64, Encoding};
use grantflow::{
    AuthorizationDetails, Client, Env, Error, Message, Misuse, Quirk, SecurityToken, Server, TokenExchange,
    TokenTypeIdentifier, UrlRole,
};
use grantflow_testkit::ClientAuth;
use http::header;

use super::*;

/// The subject token of RFC 8693, appendix A.1.
const APPENDIX_A: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6IjE2In0.eyJhdWQiOiJodHRwczovL2FzLmV4YW1wbGUuY29tIiwiaXNzIjoiaHR0cHM6Ly9vcmlnaW5hbC1pc3N1ZXIuZXhhbXBsZS5uZXQiLCJleHAiOjE0NDE5MTA2MDAsIm5iZiI6MTQ0MTkwOTAwMCwic3ViIjoiYmRjQGV4YW1wbGUubmV0Iiwic2NvcGUiOiJvcmRlcnMgcHJvZmlsZSBoaXN0b3J5In0.PRBg-jXn4cJuj1gmYXFiGkZzRuzbXZ_sDxdE98ddW44ufsbWLKd3JJ1VZhF64pbTtfjy4VXFVBDaQpKjn5JzAw";

fn sent(exchange: &TokenExchange) -> String {
    body(&exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap())
}

fn client(settings: impl FnOnce(Server) -> Server) -> Client {
    let server = settings(Server::with_token_endpoint("https://as.example.com/as/token.oauth2").unwrap());
    Client::from(&server.client("rs08").secret_basic("long-secure-random-secret").unwrap())
}

/// RFC 8693 §2.3, byte for byte.
#[test]
fn the_example_of_the_rfc() {
    let exchange =
        TokenExchange::new(client(|server| server), subject()).resource("https://backend.example.com/api").unwrap();
    let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(request.uri(), "https://as.example.com/as/token.oauth2");
    assert_eq!(request.headers()[header::AUTHORIZATION], "Basic cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0");
    assert_eq!(request.headers()[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(
        body(&request),
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
         &resource=https%3A%2F%2Fbackend.example.com%2Fapi\
         &subject_token=accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC\
         &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Aaccess_token"
    );
}

/// RFC 8693, appendix A.1.1: nothing in it names a client.
#[test]
fn the_example_without_a_client() {
    let server = Server::with_token_endpoint("https://as.example.com/as/token.oauth2").unwrap();
    let exchange = TokenExchange::new(&server.unidentified(), SecurityToken::jwt(APPENDIX_A).unwrap())
        .audience("urn:example:cooperation-context")
        .unwrap();
    let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert!(!request.headers().contains_key(header::AUTHORIZATION));
    assert_eq!(
        body(&request),
        format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange\
             &audience=urn%3Aexample%3Acooperation-context&subject_token={APPENDIX_A}\
             &subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt"
        )
    );
}

/// Everything at once, in the order in which RFC 8693 §2.1 describes the parameters, then what other RFCs and the caller add.
#[test]
fn every_parameter_in_its_place() {
    let details = AuthorizationDetails::from_json(r#"[{"type":"stock"}]"#).unwrap();
    let exchange = TokenExchange::new(client(|server| server), subject())
        .scope("b a")
        .and_then(|exchange| exchange.audience("one"))
        .and_then(|exchange| exchange.audience("two words"))
        .and_then(|exchange| exchange.resource("urn:r:1"))
        .and_then(|exchange| exchange.resource("urn:r:2"))
        .and_then(|exchange| exchange.param("requested_subject", "ada"))
        .and_then(|exchange| exchange.authorization_details(details))
        .unwrap()
        .requested_token_type(TokenTypeIdentifier::new("urn:x:y").unwrap())
        .actor(SecurityToken::jwt("a.b.c").unwrap());
    let names: Vec<_> = pairs(&sent(&exchange));
    let expected = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("resource", "urn:r:1"),
        ("resource", "urn:r:2"),
        ("audience", "one"),
        ("audience", "two words"),
        ("scope", "b a"),
        ("requested_token_type", "urn:x:y"),
        ("subject_token", "accVkjcJyb4BWCxGsndESCJQbdFMogUC5PbRDqceLTC"),
        ("subject_token_type", ACCESS_TOKEN),
        ("actor_token", "a.b.c"),
        ("actor_token_type", JWT),
        ("authorization_details", r#"[{"type":"stock"}]"#),
        ("requested_subject", "ada"),
    ];
    assert_eq!(names, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

#[test]
fn every_client_may_ask() {
    let (mut provider, server) = all_endpoints();
    provider.register(testkit::Client::public(APP).grants(&[testkit::Grant::TokenExchange]).scope(SCOPE));
    provider.knobs().accept_unidentified = true;
    let jwt = |audience: &str, provider: &mut testkit::Server| provider.sign_jwt(audience, "ada");
    for (auth, client) in every_client(&server) {
        let subject = SecurityToken::id_token(jwt(client.id(), &mut provider)).unwrap();
        run_to_its_end(&mut provider, TokenExchange::new(&client, subject).for_access_token()).0.unwrap();
        assert_eq!(provider.log().last().unwrap().auth, auth);
    }
    let subject = SecurityToken::jwt(jwt(ISSUER, &mut provider)).unwrap();
    let exchange = TokenExchange::new(&server.unidentified(), subject).for_access_token();
    let tokens = run_to_its_end(&mut provider, exchange).0.unwrap();
    let hit = provider.log().last().unwrap();
    assert_eq!((hit.auth, hit.client_id.as_deref()), (ClientAuth::Absent, None));
    // Such tokens are stored and restored too.
    let stored = serde_json::to_string(&tokens.into_stored()).unwrap();
    assert!(Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &server.unidentified()).is_ok());
    let other = server.client(APP).public().unwrap();
    assert!(Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &other).is_err());
}

/// Where a request must name its client, no client is refused before anything is sent.
#[test]
fn a_flow_that_names_its_client_needs_one() {
    let (_, server) = all_endpoints();
    let nobody = server.unidentified();
    let refused = |error: Error| assert!(matches!(error, Error::Misuse(Misuse::EmptyClientId)), "{error}");
    refused(grantflow::Authorization::new(&nobody, REDIRECT_URI).unwrap_err());
    refused(grantflow::DeviceRequest::new(&nobody).unwrap_err());
}

#[test]
fn quirks_hold_here_too() {
    // A JSON body; what is there twice is a list.
    let exchange = TokenExchange::new(client(|server| server.quirk(Quirk::JsonRequestBody).unwrap()), subject())
        .audience("one")
        .and_then(|exchange| exchange.audience("two"))
        .and_then(|exchange| exchange.resource("urn:r:1"))
        .unwrap();
    let object: serde_json::Value = serde_json::from_str(&sent(&exchange)).unwrap();
    assert_eq!(
        object,
        serde_json::json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "resource": "urn:r:1",
            "audience": ["one", "two"],
            "subject_token": subject().expose_secret(),
            "subject_token_type": ACCESS_TOKEN,
        })
    );
    // Other names, also for a parameter that is an extra one elsewhere.
    let renamed = |server: Server| {
        let names = [("subject_token", "subjectToken"), ("audience", "aud"), ("actor_token_type", "actorType")];
        names.into_iter().fold(server, |server, (standard, actual)| {
            server.quirk(Quirk::renamed(Message::TokenRequest, standard, actual)).unwrap()
        })
    };
    let exchange = TokenExchange::new(client(renamed), subject())
        .actor(SecurityToken::jwt("a.b.c").unwrap())
        .audience("stock")
        .unwrap();
    let text = sent(&exchange);
    for (name, value) in [("subjectToken", subject().expose_secret()), ("aud", "stock"), ("actorType", JWT)] {
        assert_eq!(parameter(&text, name), value);
    }
    assert!(!text.contains("&subject_token=") && !text.contains("&audience=") && !text.contains("&actor_token_type="));
    assert!(exchange.param("aud", "x").is_err(), "the new name is taken");
    // A scope with the server's separator.
    let exchange =
        TokenExchange::new(client(|server| server.quirk(Quirk::ScopeSeparator(',')).unwrap()), subject()).scope("a b");
    assert_eq!(parameter(&sent(&exchange.unwrap()), "scope"), "a,b");
}

#[test]
fn a_parameter_of_the_flow_is_not_given_beside_it() {
    let ask = || TokenExchange::new(client(|server| server), subject());
    let reserved = [
        "subject_token",
        "subject_token_type",
        "actor_token",
        "actor_token_type",
        "requested_token_type",
        "audience",
        "Audience",
        " audience ",
        "resource",
        "scope",
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "SUBJECT_TOKEN",
        "",
    ];
    for name in reserved {
        let error = ask().param(name, "x").unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::ReservedParameter)), "{name}: {error}");
    }
    let twice = |result: Result<TokenExchange, Error>| {
        assert!(matches!(result, Err(Error::Misuse(Misuse::DuplicateParameter))), "{result:?}");
    };
    twice(ask().audience("a").unwrap().audience("a"));
    twice(ask().resource("urn:a").unwrap().resource("urn:a"));
    twice(ask().param("a", "1").unwrap().param("a", "2"));
    for empty in ["", " ", "\t"] {
        assert!(matches!(ask().audience(empty), Err(Error::Misuse(Misuse::EmptyAudience))), "{empty:?}");
    }
    assert!(matches!(ask().resource("api"), Err(Error::Misuse(Misuse::Url { role: UrlRole::Resource, .. }))));
    assert!(matches!(ask().scope("a\"b"), Err(Error::Misuse(Misuse::Scope))));
    // An endpoint that has an audience in its query gets no second one.
    let server = Server::with_token_endpoint("https://as.example/token?audience=x").unwrap();
    let with_query = TokenExchange::new(&server.unidentified(), subject());
    twice(with_query.audience("a"));
}

#[test]
fn every_other_flow_may_still_give_an_audience() {
    let server = Server::with_token_endpoint("https://as.example/token").unwrap();
    let client = server.client("robot").secret_post("s3cret").unwrap();
    let exchange = grantflow::ClientCredentials::new(&client).param("audience", "https://api.example").unwrap();
    let request = exchange.request(&mut Env::new(NOW, &mut Dice(1))).unwrap();
    assert_eq!(parameter(&body(&request), "audience"), "https://api.example");
}

#[test]
fn basic_credentials_of_the_example() {
    let decoded = Base64::decode_vec("cnMwODpsb25nLXNlY3VyZS1yYW5kb20tc2VjcmV0").unwrap();
    assert_eq!(decoded, b"rs08:long-secure-random-secret");
}
