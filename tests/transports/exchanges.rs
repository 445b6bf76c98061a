//! Token exchange, assertion grants, the chain of two, and extension grants.

use grantflow::{
    Assertion, AssertionGrant, Client, Error, ErrorCode, Exchange, Exchanged, ExtensionGrant, IdentityAssertionRequest,
    Left, SecurityToken, Server, TokenExchange, TokenTypeIdentifier, Tokens, Violation,
};
use grantflow_testkit::{ClientAuth, Endpoint, Misbehaviour};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("an access token is exchanged for another, by every client with a secret", exchanged),
    ("what is no access token is another kind of value, and the next grant", not_applicable),
    ("a token exchange without any client", nobody),
    ("a JWT and a SAML assertion get tokens", asserted),
    ("an identity assertion of one step is the grant of the next", chained),
    ("an extension grant gets tokens", extended),
    ("each of these is unknown after its answer was lost, and used up by a verdict only", lost),
    ("an answer without the type of the issued token is refused", untyped),
    ("a redirect of these requests is not followed", redirected),
];

const VOUCHER: &str = "urn:example:grant-type:voucher";

fn clients(server: &Server) -> [(ClientAuth, Client); 2] {
    [
        (ClientAuth::Post, Client::from(&server.client(PLAIN_ID).secret_post(PLAIN_SECRET).unwrap())),
        (ClientAuth::Basic, Client::from(&server.client(ID).secret_basic(SECRET).unwrap())),
    ]
}

fn subject(tokens: &Tokens) -> SecurityToken {
    SecurityToken::access_token(tokens.bearer().unwrap().expose_secret()).unwrap()
}

/// A JWT of the server for itself, which is an assertion, and for its clients, which is an ID token.
fn jwt(world: &World) -> String {
    let mut provider = world.provider();
    let issuer = provider.issuer().to_owned();
    provider.sign_jwt(&issuer, "ada")
}

fn assertion(world: &World, client: impl Into<Client>) -> AssertionGrant {
    AssertionGrant::new(client, Assertion::jwt(jwt(world)).unwrap())
}

fn exchanged(world: &World) {
    for (auth, client) in clients(&world.server()) {
        let tokens = world.log_in(client.clone());
        let exchange = TokenExchange::new(&client, subject(&tokens))
            .resource("https://stock.example/api")
            .and_then(|exchange| exchange.audience("stock"))
            .and_then(|exchange| exchange.scope("read"))
            .unwrap();
        let issued = world.run(exchange).unwrap().into_tokens().unwrap();
        assert_eq!(issued.scope().effective().unwrap().as_str(), "read");
        assert_eq!(world.ask_the_api(&issued).0, 200);
        assert_eq!(world.ask_the_api(&tokens).0, 200, "the subject token stays what it was");
        let provider = world.provider();
        let hit = provider.hits_at(Endpoint::Token).last().unwrap();
        assert_eq!((hit.auth, hit.parameter("audience")), (auth, Some("stock")));
        assert_eq!(hit.resources, ["https://stock.example/api"]);
    }
}

fn not_applicable(world: &World) {
    let client = world.client();
    let tokens = world.log_in(&client);
    let ask = |kind: TokenTypeIdentifier| {
        let exchange = TokenExchange::new(&client, subject(&tokens)).requested_token_type(kind);
        exchange.audience(world.provider().issuer()).unwrap()
    };
    let Exchanged::Issued(token) = world.run(ask(TokenTypeIdentifier::JWT)).unwrap() else { panic!("no access token") };
    assert_eq!(*token.token_type(), TokenTypeIdentifier::JWT);
    let tokens = world.run(AssertionGrant::new(&client, token.to_assertion().unwrap())).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
    let again = TokenExchange::new(&client, token.to_security_token()).for_access_token();
    assert_eq!(world.ask_the_api(&world.run(again).unwrap()).0, 200);
    let failure = world.run(ask(TokenTypeIdentifier::JWT).for_access_token()).unwrap_err();
    let Error::Protocol(broken) = failure.error.oauth().unwrap() else { panic!("{:?}", failure.error) };
    assert_eq!(broken.violation(), Violation::NotAnAccessToken);
    assert!(matches!(failure.left, Left::Unknown(_)));
}

fn nobody(world: &World) {
    let server = world.server();
    let ask = || TokenExchange::new(&server.unidentified(), SecurityToken::jwt(jwt(world)).unwrap()).for_access_token();
    let failure = world.run(ask()).unwrap_err();
    assert_eq!(failure.error.oauth().unwrap().code(), Some(&ErrorCode::InvalidClient));
    assert!(matches!(failure.left, Left::Intact(_)));
    world.provider().knobs().accept_unidentified = true;
    assert_eq!(world.ask_the_api(&world.run(ask()).unwrap()).0, 200);
    assert_eq!(world.provider().log()[1].auth, ClientAuth::Absent);
}

fn asserted(world: &World) {
    for (auth, client) in clients(&world.server()) {
        let tokens = world.run(assertion(world, &client).scope("read").unwrap()).unwrap();
        assert_eq!(world.ask_the_api(&tokens).0, 200);
        let xml = {
            let mut provider = world.provider();
            let issuer = provider.issuer().to_owned();
            provider.sign_saml2(&issuer, "ada")
        };
        let tokens = world.run(AssertionGrant::new(&client, Assertion::saml2_xml(xml).unwrap())).unwrap();
        assert_eq!(world.ask_the_api(&tokens).0, 200);
        for grant in ["urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer"] {
            assert_eq!(world.provider().hits(grant).last().unwrap().auth, auth);
        }
    }
}

/// One server plays both parts.
fn chained(world: &World) {
    let client = world.client();
    let id_token = SecurityToken::id_token(world.provider().sign_jwt(ID, "ada")).unwrap();
    let request = IdentityAssertionRequest::new(&client, id_token, &client).unwrap().scope("read").unwrap();
    let tokens = world.run(request.then(|assertion, _| Ok(assertion.grant()))).unwrap();
    assert_eq!(tokens.scope().effective().unwrap().as_str(), "read");
    assert_eq!(world.ask_the_api(&tokens).0, 200);
    assert_eq!(world.provider().hits_at(Endpoint::Token).count(), 2);
}

fn extended(world: &World) {
    world.provider().knobs().extension_grant = Some(VOUCHER.to_owned());
    let client = world.client();
    let grant = ExtensionGrant::new(&client, VOUCHER).unwrap().param("voucher", "V 1&=").unwrap();
    assert_eq!(world.ask_the_api(&world.run(grant.scope("read").unwrap()).unwrap()).0, 200);
    assert_eq!(world.provider().hits(VOUCHER).next().unwrap().parameter("voucher"), Some("V 1&="));
}

fn lost(world: &World) {
    fn left<X: Exchange>(world: &World, exchange: X, how: Misbehaviour) -> &'static str {
        world.provider().knobs().misbehave(how);
        let failure = world.run(exchange).err().expect("a failure");
        name(&failure.left)
    }
    world.provider().knobs().extension_grant = Some(VOUCHER.to_owned());
    let client = world.client();
    let id_token = || SecurityToken::id_token(world.provider().sign_jwt(ID, "ada")).unwrap();
    let exchange = || TokenExchange::new(&client, id_token());
    let request = || IdentityAssertionRequest::new(&client, id_token(), &client).unwrap();
    let voucher = || ExtensionGrant::new(&client, VOUCHER).unwrap();
    for (how, expected) in [
        (Misbehaviour::Lost { acts: true }, "unknown"),
        (Misbehaviour::Html { status: 502, acts: true }, "unknown"),
        (Misbehaviour::error(400, "invalid_grant"), "spent"),
    ] {
        assert_eq!(left(world, exchange(), how.clone()), expected);
        assert_eq!(left(world, exchange().for_access_token(), how.clone()), expected);
        assert_eq!(left(world, request(), how.clone()), expected);
        assert_eq!(left(world, assertion(world, &client), how.clone()), expected);
        assert_eq!(left(world, voucher(), how.clone()), expected);
        assert_eq!(left(world, voucher().replayable(), how), "intact");
    }
    // A request that was refused does not burn them, except a voucher, of which nothing is known.
    let refused = Misbehaviour::error(401, "invalid_client");
    assert_eq!(left(world, exchange(), refused.clone()), "intact");
    assert_eq!(left(world, assertion(world, &client), refused.clone()), "intact");
    assert_eq!(left(world, voucher(), refused), "spent");
}

fn untyped(world: &World) {
    let client = world.client();
    let tokens = world.log_in(&client);
    for (how, violation) in [
        (Misbehaviour::remove("issued_token_type"), Violation::Missing("issued_token_type")),
        (Misbehaviour::set("issued_token_type", "7"), Violation::WrongType("issued_token_type")),
        (Misbehaviour::duplicate("issued_token_type", "\"urn:x:y\""), Violation::Duplicate("issued_token_type")),
    ] {
        world.provider().clear_log();
        world.provider().knobs().misbehave(how);
        let failure = world.run(TokenExchange::new(&client, subject(&tokens))).unwrap_err();
        let Error::Protocol(broken) = failure.error.oauth().unwrap() else { panic!("{violation:?}") };
        assert_eq!(broken.violation(), violation);
        assert_eq!(world.provider().log().len(), 1, "nothing is sent twice");
    }
}

fn redirected(world: &World) {
    let client = world.client();
    let tokens = world.log_in(&client);
    let elsewhere = world.provider().endpoint_url(Endpoint::Keys);
    for status in [301, 302, 303, 307, 308] {
        let redirect = Misbehaviour::Redirect { status, location: elsewhere.clone(), acts: false };
        for _ in 0..2 {
            world.provider().knobs().misbehave(redirect.clone());
        }
        let failure = world.run(TokenExchange::new(&client, subject(&tokens))).unwrap_err();
        assert_eq!(name(&failure.left), "unknown", "{status}");
        let failure = world.run(assertion(world, &client)).unwrap_err();
        assert_eq!(name(&failure.left), "unknown", "{status}");
    }
    assert_eq!(world.provider().hits_at(Endpoint::Keys).count(), 0);
}
