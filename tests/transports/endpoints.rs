//! Pushed authorization requests, introspection and revocation.

use grantflow::{
    Authorization, Begun, Callback, Client, Env, Error, Introspected, Introspection, Left, Next, Redirect, Revocation,
    Server, TokenTypeHint, Tokens, Violation,
};
use grantflow_testkit::{ClientAuth, Endpoint, Misbehaviour};
use grantflow_tests::support::transport::{ErrorKind, SysRng};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a request is pushed, and the person carries a reference", pushed),
    ("a server that demands pushed requests gets them", demanded),
    ("a pushed answer with 200 or without a reference is refused, and nothing is lost", odd_push),
    ("a resource asks what a token is worth", introspected),
    ("an answer that does not say whether a token is active is refused", odd_introspection),
    ("a grant is given up, by every client", revoked),
    ("a 503 gives the tokens back, and they are given up later", revoked_later),
    ("a redirect of these requests is not followed", redirected),
    ("each of these requests can be sent again after its answer was lost", lost),
];

fn server(world: &World) -> Server {
    let server = world.server();
    let provider = world.provider();
    server
        .pushed_authorization_request_endpoint(&provider.endpoint_url(Endpoint::PushedAuthorization))
        .and_then(|server| server.introspection_endpoint(&provider.endpoint_url(Endpoint::Introspection)))
        .and_then(|server| server.revocation_endpoint(&provider.endpoint_url(Endpoint::Revocation)))
        .unwrap()
}

fn clients(server: &Server) -> [(ClientAuth, Client); 3] {
    [
        (ClientAuth::Public, Client::from(&server.client(PUBLIC_ID).public().unwrap())),
        (ClientAuth::Post, Client::from(&server.client(PLAIN_ID).secret_post(PLAIN_SECRET).unwrap())),
        (ClientAuth::Basic, Client::from(&server.client(ID).secret_basic(SECRET).unwrap())),
    ]
}

fn authorization(client: impl Into<Client>) -> Authorization {
    Authorization::new(client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap()
}

/// A client with a secret that knows these endpoints.
fn api(world: &World) -> grantflow::ConfidentialClient {
    server(world).client(ID).secret_basic(SECRET).unwrap()
}

fn arrive(world: &World, redirect: Redirect) -> Tokens {
    let callback = world.provider().visit(redirect.url.as_str()).unwrap();
    let Callback::Granted(exchange) = redirect.pending.receive_url(&callback.url) else { panic!("not granted") };
    world.run(exchange).unwrap()
}

fn access(tokens: &Tokens) -> String {
    tokens.bearer().unwrap().expose_secret().to_owned()
}

fn is_active(world: &World, token: &str) -> bool {
    matches!(world.run(Introspection::new(&api(world), token).unwrap()).unwrap(), Introspected::Active(_))
}

fn pushed(world: &World) {
    for (auth, client) in clients(&server(world)) {
        let exchange = authorization(client.clone()).push(&mut Env::new(world.now(), &mut SysRng)).unwrap();
        let redirect = world.run(exchange).unwrap();
        let names: Vec<String> = serde_urlencoded::from_str(redirect.url.as_str().split_once('?').unwrap().1)
            .map(|pairs: Vec<(String, String)>| pairs.into_iter().map(|(name, _)| name).collect())
            .unwrap();
        assert_eq!(names, ["client_id", "request_uri"]);
        let hit = world.provider().hits_at(Endpoint::PushedAuthorization).last().unwrap().clone();
        assert_eq!((hit.auth, hit.parameter("client_id")), (auth, Some(client.id())));
        assert!(hit.parameter("request_uri").is_none());
        assert_eq!(world.ask_the_api(&arrive(world, redirect)).0, 200);
    }
    assert_eq!(world.provider().hits_at(Endpoint::PushedAuthorization).count(), 3, "each is sent once");
}

fn demanded(world: &World) {
    world.provider().knobs().require_pushed_authorization_requests = true;
    let discovery = grantflow::Discovery::new(world.provider().issuer()).unwrap();
    let metadata = world.run(discovery).unwrap();
    let client = metadata.server().unwrap().client(ID).secret_basic(SECRET).unwrap();
    let begun = authorization(&client).begin(&mut Env::new(world.now(), &mut SysRng)).unwrap();
    let Begun::Push(exchange) = begun else { panic!("the server demands it") };
    let redirect = world.run(exchange).unwrap();
    assert_eq!(world.ask_the_api(&arrive(world, redirect)).0, 200);
}

fn odd_push(world: &World) {
    for (misbehaviour, violation) in [
        (Misbehaviour::Status(200), Violation::UnexpectedStatus),
        (Misbehaviour::remove("request_uri"), Violation::Missing("request_uri")),
        (Misbehaviour::set("request_uri", "null"), Violation::WrongType("request_uri")),
    ] {
        world.provider().clear_log();
        world.provider().knobs().misbehave_at(Endpoint::PushedAuthorization, misbehaviour);
        let exchange = authorization(&api(world)).push(&mut Env::new(world.now(), &mut SysRng)).unwrap();
        let failure = world.run(exchange).unwrap_err();
        let Error::Protocol(broken) = failure.error.oauth().unwrap() else { panic!("{violation:?}") };
        assert_eq!(broken.violation(), violation);
        assert_eq!(world.provider().log().len(), 1, "nothing is sent twice");
        let Left::Intact(left) = failure.left else { panic!("the request is lost") };
        let redirect = world.run(*left).unwrap();
        assert_eq!(world.ask_the_api(&arrive(world, redirect)).0, 200);
    }
}

fn introspected(world: &World) {
    let tokens = world.log_in(&server(world).client(PUBLIC_ID).public().unwrap());
    for (_, client) in clients(&server(world)).into_iter().skip(1) {
        let with_secret = match client.id() {
            ID => api(world),
            _ => server(world).client(PLAIN_ID).secret_post(PLAIN_SECRET).unwrap(),
        };
        let question = Introspection::new(&with_secret, &access(&tokens)).unwrap().hint(TokenTypeHint::AccessToken);
        let Introspected::Active(said) = world.run(question).unwrap() else { panic!("it is active") };
        assert_eq!(said.client_id(), Some(PUBLIC_ID));
        assert_eq!(said.scope().unwrap().as_str(), SCOPE);
        assert!(said.is_for(&world.provider().resource_url()));
        assert!(said.expires_at() > said.issued_at());
    }
    assert!(!is_active(world, "made-up"));
    world.provider().revoke_all();
    assert!(!is_active(world, &access(&tokens)));
}

fn odd_introspection(world: &World) {
    let tokens = world.log_in(&api(world));
    for json in ["\"true\"", "1", "null", "[true]"] {
        world.provider().clear_log();
        world.provider().knobs().misbehave_at(Endpoint::Introspection, Misbehaviour::set("active", json));
        let failure = world.run(Introspection::new(&api(world), &access(&tokens)).unwrap()).unwrap_err();
        let Error::Protocol(broken) = failure.error.oauth().unwrap() else { panic!("{json}") };
        assert_eq!(broken.violation(), Violation::WrongType("active"), "{json}");
        assert_eq!(world.provider().log().len(), 1, "nothing is sent twice");
        let Left::Intact(left) = failure.left else { panic!("{json}: the question is lost") };
        assert!(matches!(world.run(*left).unwrap(), Introspected::Active(_)));
    }
}

fn revoked(world: &World) {
    for (auth, client) in clients(&server(world)) {
        let tokens = world.log_in(client.clone());
        let access = access(&tokens);
        assert!(is_active(world, &access));
        world.run(tokens.revoke().unwrap()).unwrap();
        let hit = world.provider().hits_at(Endpoint::Revocation).last().unwrap().clone();
        assert_eq!((hit.auth, hit.parameter("token_type_hint")), (auth, Some("refresh_token")));
        assert!(!is_active(world, &access));
        // What the server does not know any more is no error.
        world.run(Revocation::of_token(client, access, None).unwrap()).unwrap();
    }
}

fn revoked_later(world: &World) {
    for (misbehaviour, wait) in [
        (Misbehaviour::Html { status: 503, acts: false }, None),
        (
            Misbehaviour::RetryAfter { status: 503, value: "7".to_owned(), acts: false },
            Some(std::time::Duration::from_secs(7)),
        ),
    ] {
        world.provider().clear_log();
        let tokens = world.log_in(&api(world));
        let access = access(&tokens);
        world.provider().knobs().misbehave_at(Endpoint::Revocation, misbehaviour);
        let failure = world.run(tokens.revoke().unwrap()).unwrap_err();
        let error = failure.error.oauth().unwrap();
        assert_eq!((error.status().unwrap().as_u16(), error.next()), (503, Next::RetryLater(wait)));
        assert_eq!(world.provider().hits_at(Endpoint::Revocation).count(), 1, "nothing is sent twice");
        let Left::Intact(left) = failure.left else { panic!("the tokens are lost") };
        let tokens = left.into_tokens().unwrap();
        assert_eq!(world.ask_the_api(&tokens).0, 200);
        world.run(tokens.revoke().unwrap()).unwrap();
        assert!(!is_active(world, &access));
    }
}

fn redirected(world: &World) {
    let tokens = world.log_in(&api(world));
    let elsewhere = world.provider().endpoint_url(Endpoint::Keys);
    for status in [301, 302, 303, 307, 308] {
        let redirect = Misbehaviour::Redirect { status, location: elsewhere.clone(), acts: false };
        for endpoint in [Endpoint::PushedAuthorization, Endpoint::Introspection, Endpoint::Revocation] {
            world.provider().knobs().misbehave_at(endpoint, redirect.clone());
        }
        let push = authorization(&api(world)).push(&mut Env::new(world.now(), &mut SysRng)).unwrap();
        let question = Introspection::new(&api(world), &access(&tokens)).unwrap();
        let revocation = Revocation::of_token(&api(world), access(&tokens), None).unwrap();
        let failures = [
            world.run(push).map(drop).map_err(|failure| (failure.error, name(&failure.left))),
            world.run(question).map(drop).map_err(|failure| (failure.error, name(&failure.left))),
            world.run(revocation).map_err(|failure| (failure.error, name(&failure.left))),
        ];
        for failed in failures {
            let (error, left) = failed.unwrap_err();
            let Error::Protocol(broken) = error.oauth().unwrap() else { panic!("{status}: {error:?}") };
            assert_eq!((broken.violation(), left), (Violation::Redirect, "intact"), "{status}");
        }
    }
    assert_eq!(world.provider().hits_at(Endpoint::Keys).count(), 0);
}

fn lost(world: &World) {
    let tokens = world.log_in(&api(world));
    let access = access(&tokens);
    for endpoint in [Endpoint::PushedAuthorization, Endpoint::Introspection, Endpoint::Revocation] {
        world.provider().knobs().misbehave_at(endpoint, Misbehaviour::Lost { acts: true });
    }
    let push = authorization(&api(world)).push(&mut Env::new(world.now(), &mut SysRng)).unwrap();
    let failure = world.run(push).unwrap_err();
    assert!(matches!(failure.error.kind(), ErrorKind::Transport), "{:?}", failure.error);
    let Left::Intact(left) = failure.left else { panic!("the request is lost") };
    let redirect = world.run(*left).unwrap();
    assert_eq!(world.ask_the_api(&arrive(world, redirect)).0, 200);

    let failure = world.run(Introspection::new(&api(world), &access).unwrap()).unwrap_err();
    let Left::Intact(left) = failure.left else { panic!("the question is lost") };
    assert!(matches!(world.run(*left).unwrap(), Introspected::Active(_)));

    // The server has done it; the second time it says that all is well.
    let failure = world.run(tokens.revoke().unwrap()).unwrap_err();
    let Left::Intact(left) = failure.left else { panic!("the tokens are lost") };
    assert!(!is_active(world, &access));
    world.run(*left).unwrap();
    assert_eq!(world.provider().hits_at(Endpoint::Revocation).count(), 2);
}
