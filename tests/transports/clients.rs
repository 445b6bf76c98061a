//! The ways to authenticate, and what a wrong secret costs.

use grantflow::{ClientCredentials, ConfidentialClient, ErrorCode, Left, Next, Quirk, Tokens};
use grantflow_testkit::ClientAuth;

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a public client sends its id", public),
    ("a secret in the body arrives as it is", post),
    ("Basic credentials arrive as they are", basic),
    ("Basic credentials without encoding, for a server that does not decode", unencoded),
    ("a wrong secret is the configuration's fault, and costs no refresh token", wrong_secret),
    ("a server that accepts no Basic credentials says so", basic_refused),
];

fn auths(world: &World) -> Vec<(ClientAuth, Option<String>)> {
    let provider = world.provider();
    provider.log().iter().filter(|hit| hit.grant_type.is_some()).map(|hit| (hit.auth, hit.client_id.clone())).collect()
}

fn all_three(world: &World, client: &ConfidentialClient) {
    world.run(world.log_in(client).refresh().unwrap()).unwrap();
    world.run(ClientCredentials::new(client)).unwrap();
}

fn public(world: &World) {
    let client = world.server().client(PUBLIC_ID).public().unwrap();
    world.run(world.log_in(&client).refresh().unwrap()).unwrap();
    assert_eq!(auths(world), vec![(ClientAuth::Public, Some(PUBLIC_ID.to_owned())); 2]);
}

fn post(world: &World) {
    all_three(world, &world.server().client(ID).secret_post(SECRET).unwrap());
    assert_eq!(auths(world), vec![(ClientAuth::Post, Some(ID.to_owned())); 3]);
}

fn basic(world: &World) {
    all_three(world, &world.server().client(ID).secret_basic(SECRET).unwrap());
    assert_eq!(auths(world), vec![(ClientAuth::Basic, Some(ID.to_owned())); 3]);
}

fn unencoded(world: &World) {
    world.provider().knobs().raw_basic = true;
    let refused = world.server().client(PLAIN_ID).secret_basic(PLAIN_SECRET).unwrap();
    let failure = world.run(ClientCredentials::new(&refused)).unwrap_err();
    assert_eq!(failure.error.oauth().unwrap().code(), Some(&ErrorCode::InvalidClient));
    let server = world.server().quirk(Quirk::UnencodedBasic).unwrap();
    all_three(world, &server.client(PLAIN_ID).secret_basic(PLAIN_SECRET).unwrap());
}

fn wrong_secret(world: &World) {
    for wrong in [
        world.server().client(ID).secret_basic("wrong").unwrap(),
        world.server().client(ID).secret_post("wrong").unwrap(),
    ] {
        let check = |error: &grantflow::Error| {
            assert_eq!((error.code(), error.next()), (Some(&ErrorCode::InvalidClient), Next::FixConfiguration));
            assert_eq!(error.status(), Some(http::StatusCode::UNAUTHORIZED));
        };
        let failure = world.run(ClientCredentials::new(&wrong)).unwrap_err();
        check(failure.error.oauth().unwrap());
        assert!(matches!(failure.left, Left::Intact(_)));
        let failure = world.run(world.code(&wrong)).unwrap_err();
        check(failure.error.oauth().unwrap());
        assert!(matches!(failure.left, Left::Spent), "a code may be burned by any refusal");

        let tokens = Tokens::from_stored(world.log_in(&world.client()).into_stored(), &wrong).unwrap();
        let failure = world.run(tokens.refresh().unwrap()).unwrap_err();
        check(failure.error.oauth().unwrap());
        let Left::Intact(exchange) = failure.left else { panic!("a wrong secret cost the grant") };
        let tokens = Tokens::from_stored(exchange.into_tokens().into_stored(), &world.client()).unwrap();
        world.run(tokens.refresh().unwrap()).unwrap();
    }
}

fn basic_refused(world: &World) {
    world.provider().knobs().accept_basic = false;
    let failure = world.run(ClientCredentials::new(&world.client())).unwrap_err();
    let error = failure.error.oauth().unwrap();
    assert_eq!(error.code(), Some(&ErrorCode::InvalidClient));
    // The server's challenge reached the error.
    let challenge = error.answer().unwrap().untrusted_challenge().expect("no challenge");
    assert!(challenge.starts_with(b"Basic"));
}
