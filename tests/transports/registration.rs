//! Registration and its management, and clients that are known by a document.

use grantflow::{
    Authorization, ClientIdDocument, ClientMetadata, Discovery, Error, ErrorCode, Failure, Left, Registered,
    Registration, Server,
};
use grantflow_testkit::{ClientAuth, Endpoint, Misbehaviour};
use grantflow_tests::support::transport::AnyError;

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("a client registers itself with each authentication, and logs in", registered),
    ("a registration is read, changed and deleted", managed),
    ("new credentials come with each answer, and the old ones are over", rotated),
    ("a refused registration leaves no client", refused),
    ("a lost answer to a registration may have made a client", lost),
    ("a lost answer to a change leaves the registration as it was", lost_change),
    ("a redirect of these requests is not followed", redirected),
    ("a person logs in at a client that is known by its document", by_document),
];

fn server(world: &World) -> Server {
    let issuer = world.provider().issuer().to_owned();
    world.run(Discovery::new(issuer.as_str()).unwrap()).unwrap().server().unwrap()
}

fn metadata(method: &str) -> ClientMetadata {
    ClientMetadata::new()
        .client_name("Clubs")
        .and_then(|new| new.redirect_uri(REDIRECT_URI))
        .and_then(|new| new.grant_types(&["authorization_code", "refresh_token"]))
        .and_then(|new| new.token_endpoint_auth_method(method))
        .and_then(|new| new.scope(SCOPE))
        .unwrap()
}

fn register(world: &World, server: &Server) -> Registered {
    world.run(Registration::new(server, metadata("client_secret_basic")).unwrap()).unwrap()
}

fn changes() -> ClientMetadata {
    ClientMetadata::new().client_name("Other").unwrap()
}

/// The error of the protocol, and what is left.
fn failed<X: std::fmt::Debug>(failure: Failure<X, AnyError>) -> (Option<Error>, Left<X>) {
    (failure.error.oauth().cloned(), failure.left)
}

fn registered(world: &World) {
    let server = server(world);
    for (method, auth) in [
        ("none", ClientAuth::Public),
        ("client_secret_basic", ClientAuth::Basic),
        ("client_secret_post", ClientAuth::Post),
    ] {
        world.provider().knobs().initial_access_token = Some("initial".to_owned());
        let registration = Registration::new(&server, metadata(method)).unwrap();
        let registered = world.run(registration.initial_access_token("initial").unwrap()).unwrap();
        let client = registered.client(&server).unwrap();
        let tokens = world.run(world.granted(&Authorization::new(&client, REDIRECT_URI).unwrap())).unwrap();
        assert_eq!(world.ask_the_api(&tokens).0, 200);
        assert_eq!(world.provider().hits_at(Endpoint::Token).last().unwrap().auth, auth);
    }
    assert!(world.provider().sent_twice(Endpoint::Token).is_none());
    assert_eq!(world.provider().hits_at(Endpoint::Registration).count(), 3, "each is sent once");
}

fn managed(world: &World) {
    let server = server(world);
    let registered = register(world, &server);
    let registered = world.run(registered.read().unwrap()).unwrap();
    let registered = world.run(registered.update(changes()).unwrap()).unwrap();
    assert_eq!(registered.client_name(), Some("Other"));
    assert_eq!(registered.scope(), Some(SCOPE));
    let stored = serde_json::to_string(&registered.into_stored()).unwrap();
    let registered = Registered::from_stored(serde_json::from_str(&stored).unwrap(), &server).unwrap();
    world.run(registered.delete().unwrap()).unwrap();
    let methods: Vec<String> =
        world.provider().hits_at(Endpoint::ClientConfiguration).map(|hit| hit.method.to_string()).collect();
    assert_eq!(methods, ["GET", "PUT", "DELETE"]);
    let gone = Registered::from_stored(serde_json::from_str(&stored).unwrap(), &server).unwrap();
    let (error, left) = failed(world.run(gone.read().unwrap()).unwrap_err());
    assert_eq!(error.unwrap().status().unwrap(), 401);
    assert!(matches!(left, Left::Intact(_)));
}

fn rotated(world: &World) {
    world.provider().knobs().rotate_registration = true;
    let server = server(world);
    let mut registered = register(world, &server);
    for _ in 0..3 {
        registered = world.run(registered.read().unwrap()).unwrap();
        registered = world.run(registered.update(changes()).unwrap()).unwrap();
        let tokens = world.log_in(registered.client(&server).unwrap());
        assert_eq!(world.ask_the_api(&tokens).0, 200);
    }
    world.run(registered.delete().unwrap()).unwrap();
}

fn refused(world: &World) {
    let server = server(world);
    let native = metadata("none").application_type(grantflow::ApplicationType::Native);
    let bad = native.redirect_uri("https://app.example/cb2").and_then(|new| new.software_statement("no-jwt")).unwrap();
    let (error, left) = failed(world.run(Registration::new(&server, bad).unwrap()).unwrap_err());
    assert_eq!(error.unwrap().code(), Some(&ErrorCode::InvalidSoftwareStatement));
    let Left::Intact(registration) = left else { panic!("it is refused, and so it is intact") };
    assert_eq!(registration.metadata().redirect_uris().len(), 2);
    for (status, code) in
        [(400, "invalid_redirect_uri"), (400, "unapproved_software_statement"), (403, "insufficient_scope")]
    {
        world.provider().knobs().misbehave_at(Endpoint::Registration, Misbehaviour::error(status, code));
        let (error, left) = failed(world.run(Registration::new(&server, metadata("none")).unwrap()).unwrap_err());
        assert_eq!(error.unwrap().code().unwrap().as_str(), code);
        assert!(matches!(left, Left::Intact(_)));
    }
}

fn lost(world: &World) {
    let server = server(world);
    for how in [Misbehaviour::Lost { acts: true }, Misbehaviour::CutShort { keep: 20, announced: true }] {
        world.provider().knobs().misbehave_at(Endpoint::Registration, how);
        let (_, left) = failed(world.run(Registration::new(&server, metadata("none")).unwrap()).unwrap_err());
        assert_eq!(name(&left), "unknown");
    }
    assert_eq!(world.provider().hits_at(Endpoint::Registration).count(), 2, "nothing is sent twice");
}

fn lost_change(world: &World) {
    let server = server(world);
    let registered = register(world, &server);
    let at = Endpoint::ClientConfiguration;
    world.provider().knobs().misbehave_at(at, Misbehaviour::Lost { acts: true });
    let (_, left) = failed(world.run(registered.update(changes()).unwrap()).unwrap_err());
    let Left::Unknown(update) = left else { panic!("the change may have been made") };
    // The credentials have not changed, so the client can ask what came of it.
    let registered = world.run(update.into_registered().read().unwrap()).unwrap();
    assert_eq!(registered.client_name(), Some("Other"));
    world.provider().knobs().misbehave_at(at, Misbehaviour::CutShort { keep: 9, announced: true });
    let (_, left) = failed(world.run(registered.read().unwrap()).unwrap_err());
    let Left::Intact(read) = left else { panic!("a read does no harm") };
    world.provider().knobs().misbehave_at(at, Misbehaviour::Lost { acts: true });
    let (_, left) = failed(world.run(read.into_registered().delete().unwrap()).unwrap_err());
    let Left::Intact(deletion) = left else { panic!("a client is deleted only once") };
    let (error, _) = failed(world.run(*deletion).unwrap_err());
    assert_eq!(error.unwrap().status().unwrap(), 401, "it is gone");
}

fn redirected(world: &World) {
    let server = server(world);
    let registered = register(world, &server);
    let elsewhere = world.provider().endpoint_url(Endpoint::Registration);
    for status in [301, 302, 307, 308] {
        let redirect = Misbehaviour::Redirect { status, location: elsewhere.clone(), acts: false };
        for at in [Endpoint::Registration, Endpoint::ClientConfiguration] {
            world.provider().knobs().misbehave_at(at, redirect.clone());
        }
        world.provider().clear_log();
        let (_, left) = failed(world.run(Registration::new(&server, metadata("none")).unwrap()).unwrap_err());
        assert_eq!(name(&left), "unknown");
        assert_eq!(world.provider().log().len(), 1, "it is not followed");
        world.provider().knobs().behave_at(Endpoint::ClientConfiguration);
    }
    let redirect = Misbehaviour::Redirect { status: 307, location: elsewhere, acts: false };
    world.provider().knobs().misbehave_at(Endpoint::ClientConfiguration, redirect);
    world.provider().clear_log();
    let (_, left) = failed(world.run(registered.read().unwrap()).unwrap_err());
    assert_eq!((name(&left), world.provider().log().len()), ("intact", 1));
}

fn by_document(world: &World) {
    let url = "https://app.example/oauth/client.json";
    let plain = ClientMetadata::new().redirect_uri(REDIRECT_URI).and_then(|new| new.scope(SCOPE)).unwrap();
    let document = ClientIdDocument::new(url, plain).unwrap();
    world.provider().publish(url, document.to_json());
    let client = document.client(&server(world)).unwrap();
    let tokens = world.log_in(&client);
    assert_eq!(world.ask_the_api(&tokens).0, 200);
    let tokens = world.run(tokens.refresh().unwrap()).unwrap();
    assert_eq!(world.ask_the_api(&tokens).0, 200);
}
