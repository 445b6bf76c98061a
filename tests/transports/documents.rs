//! Metadata: from an issuer, or from an API that refuses, to a server.

use grantflow::{
    Challenges, Discovery, Env, Error, Exchange, Failure, Left, ResourceDiscovery, Server, Violation, WellKnown,
};
use grantflow_testkit::{Endpoint, Misbehaviour};
use grantflow_tests::support::transport::{AnyError, ErrorKind};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a server is found by its metadata, and a person logs in there", found),
    ("a server is found by OpenID's document where there is no other", openid),
    ("from an API's 401 to its metadata, to its server, to a token", from_a_401),
    ("a document of two megabytes is refused", too_large),
    ("a redirect of a document is not followed", redirected),
    ("a document of another issuer ends the search", another_issuer),
    ("a document that is lost can be asked for again", lost),
    ("both documents meet every misbehaviour as the core alone does", compared),
];

fn discovery(world: &World) -> Discovery {
    Discovery::new(world.provider().issuer()).unwrap()
}

/// A login and a refresh at a server that was found.
fn works(world: &World, server: &Server) {
    let client = server.client(ID).secret_basic(SECRET).unwrap();
    let tokens = world.log_in(&client);
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}

fn found(world: &World) {
    let metadata = world.run(discovery(world)).unwrap();
    works(world, &metadata.server().unwrap());
    let provider = world.provider();
    let hit = provider.hits_at(Endpoint::ServerMetadata).next().unwrap();
    assert_eq!(hit.method, http::Method::GET);
    assert_eq!(hit.headers.get("accept").unwrap(), "application/json");
    assert!(hit.headers.get("authorization").is_none() && hit.query.is_none());
}

fn openid(world: &World) {
    world.provider().knobs().omit(Endpoint::ServerMetadata).serve(Endpoint::OpenidConfiguration);
    let metadata = world.run(discovery(world)).unwrap();
    assert!(metadata.jwks_uri().is_some());
    works(world, &metadata.server().unwrap());
    let counts = world.provider().counts();
    assert_eq!((counts[&Endpoint::ServerMetadata], counts[&Endpoint::OpenidConfiguration]), (1, 1));
    let failure = world.run(discovery(world).at(&[WellKnown::OAuth]).unwrap()).unwrap_err();
    assert!(matches!(failure.left, Left::Intact(_)));
}

fn from_a_401(world: &World) {
    world.provider().knobs().challenge_names_metadata = true;
    let api = world.provider().resource_url();
    let refused = world.send(http::Request::get(&api).body(grantflow::Body::default()).unwrap()).unwrap();
    assert_eq!(refused.status(), 401);
    let challenges = Challenges::of(refused.headers());
    let resource = world.run(ResourceDiscovery::challenged(&api, &challenges).unwrap()).unwrap();
    assert_eq!(resource.resource(), api);
    let issuer = resource.only_authorization_server().unwrap();
    let metadata = world.run(resource.discovery(issuer).unwrap()).unwrap();
    works(world, &metadata.server().unwrap());
    // The two documents in one run.
    let chain = ResourceDiscovery::new(&api).unwrap().then(|resource, _: &mut Env<'_>| {
        resource.discovery(resource.only_authorization_server().expect("there is one"))
    });
    assert_eq!(world.run(chain).unwrap().issuer(), metadata.issuer());
}

fn too_large(world: &World) {
    world.provider().knobs().misbehave_at(Endpoint::ServerMetadata, Misbehaviour::Huge { size: 2 * 1024 * 1024 });
    let failure = world.run(discovery(world)).unwrap_err();
    assert!(matches!(failure.error.kind(), ErrorKind::TooLarge { .. }), "{:?}", failure.error);
    let Left::Intact(left) = failure.left else { panic!("the search is lost") };
    assert!(world.run(*left).is_ok());
}

fn redirected(world: &World) {
    let there = world.provider().endpoint_url(Endpoint::OpenidConfiguration);
    world.provider().knobs().serve(Endpoint::OpenidConfiguration);
    for status in [301, 302, 303, 307, 308] {
        let redirect = Misbehaviour::Redirect { status, location: there.clone(), acts: false };
        world.provider().knobs().misbehave_at(Endpoint::ServerMetadata, redirect);
        let failure = world.run(discovery(world)).unwrap_err();
        let Error::Protocol(broken) = failure.error.oauth().unwrap() else { panic!("{status}") };
        assert_eq!(broken.violation(), Violation::Redirect, "{status}");
        assert!(matches!(failure.left, Left::Intact(_)), "{status}");
    }
    assert_eq!(world.provider().hits_at(Endpoint::OpenidConfiguration).count(), 0);
}

fn another_issuer(world: &World) {
    world.provider().knobs().serve(Endpoint::OpenidConfiguration);
    world.provider().knobs().misbehave_at(Endpoint::ServerMetadata, Misbehaviour::append("issuer", "/"));
    let failure = world.run(discovery(world)).unwrap_err();
    let Error::Protocol(broken) = failure.error.oauth().unwrap() else { panic!("another issuer was taken") };
    let mismatch = broken.mismatch().unwrap();
    assert_eq!(mismatch.expected(), world.provider().issuer());
    assert_eq!(mismatch.received_from(), world.provider().endpoint_url(Endpoint::ServerMetadata));
    assert_eq!(world.provider().log().len(), 1, "nothing follows");
}

fn lost(world: &World) {
    world.provider().knobs().misbehave_at(Endpoint::ServerMetadata, Misbehaviour::Lost { acts: false });
    let failure = world.run(discovery(world)).unwrap_err();
    let Left::Intact(left) = failure.left else { panic!("the search is lost: {:?}", failure.error) };
    assert!(world.run(*left).is_ok());
}

/// A member's value is the same to each transport, and a document names its own server's address, so the members are left out.
fn is_about_the_answer(how: &Misbehaviour) -> bool {
    use Misbehaviour as M;
    !matches!(how, M::SetMember { .. } | M::DuplicateMember { .. } | M::AppendToMember { .. } | M::Reflect { .. })
}

fn compared(world: &World) {
    let measure = World::new(Carrier::Function);
    let (mut found, mut failed) = (0, 0);
    for at in [Endpoint::ServerMetadata, Endpoint::ResourceMetadata] {
        for how in Misbehaviour::all_at(at).into_iter().filter(is_about_the_answer) {
            let outcome = meet(world, at, &how);
            assert_eq!(
                outcome,
                meet(&measure, at, &how),
                "{how:?}: on the right, the core without {}",
                world.carrier.name()
            );
            if outcome.starts_with("found") { found += 1 } else { failed += 1 }
        }
    }
    assert!(found > 5 && failed > 20, "{found} found, {failed} failed");
}

/// What comes of a search, in words that do not depend on where the server is; and then, of what is left of it.
fn meet(world: &World, at: Endpoint, how: &Misbehaviour) -> String {
    world.provider().clear_log();
    world.provider().knobs().misbehave_at(at, how.clone());
    let api = world.provider().resource_url();
    let outcome = match at {
        Endpoint::ServerMetadata => told(world, world.run(discovery(world))),
        _ => told(world, world.run(ResourceDiscovery::new(&api).unwrap())),
    };
    world.provider().knobs().behave_at(at);
    let hits = world.provider().hits_at(at).count();
    let issuer = world.provider().issuer().to_owned();
    format!("{outcome} after {hits}").replace(&issuer, "HERE")
}

fn told<X: Exchange>(world: &World, outcome: Result<X::Output, Failure<X, AnyError>>) -> String {
    let failure = match outcome {
        Ok(_) => return "found".to_owned(),
        Err(failure) => failure,
    };
    let error = match failure.error.kind() {
        // The column depends on how long the server's address is.
        ErrorKind::OAuth(Error::Protocol(broken)) if matches!(broken.violation(), Violation::NotJson { .. }) => {
            format!("no JSON {:?}", failure.error.oauth().map(Error::next))
        }
        ErrorKind::OAuth(error) => format!("{error} {:?}", error.next()),
        ErrorKind::Transport | ErrorKind::TimedOut => "transport".to_owned(),
        ErrorKind::TooLarge { status, limit } => format!("too large {status} {limit}"),
        other => panic!("{other:?}"),
    };
    let Left::Intact(left) = failure.left else { panic!("a search is lost: {error}") };
    let again = if world.run(*left).is_ok() { "found" } else { "not found" };
    format!("{error}, then {again}")
}
