//! The profile of the Model Context Protocol: all the way from a 401 to a token, a step-up and a refresh.

use grantflow::{ClientIdDocument, ClientMetadata, Env, Left};
use grantflow_mcp::{
    Application, AuthorizationServer, ClientChoice, ClientRegistration, Clients, Credentials, Demand, Grant, Login,
    LoginReturn, Operation, Resource, StoredGrant,
};
use grantflow_testkit::{Decision, Endpoint, Misbehaviour};
use grantflow_tests::support::transport::SysRng;
use http::{Request, Response};

use super::Body;
use super::world::*;

pub(crate) const BODIES: &[(&str, Body)] = &[
    ("mcp: from a 401 to a token, a step-up and a refresh", whole_path),
    ("mcp: the fallback of an older revision", older_revision),
    ("mcp: a refresh whose answer is lost is not the end, and one that is refused starts again", refreshes),
    ("mcp: documents that are lost are asked for again", lost_documents),
    ("mcp: the person says no", denied),
    ("mcp: a program is known by its document, or registers itself", by_itself),
    ("mcp: a registration that is refused is tried once more, and one that is lost is not", refused_registrations),
];

fn resource(world: &World) -> Resource {
    Resource::new(&world.provider().resource_url()).unwrap()
}

fn clients(world: &World) -> Clients {
    let mut clients = Clients::new();
    let issuer = world.provider().issuer().to_owned();
    clients.add(Credentials::beforehand(&issuer.as_str().try_into().unwrap(), ID).secret(SECRET));
    clients
}

fn call(world: &World, grant: Option<&Grant>) -> Response<grantflow::Body> {
    let mut request = Request::get(world.provider().resource_url()).body(grantflow::Body::default()).unwrap();
    if let Some(grant) = grant {
        grant.authorize(&mut request).unwrap();
    }
    world.send(request).unwrap()
}

fn login(world: &World, server: &AuthorizationServer) -> Login {
    let choice = server.client(&Application::new(ClientMetadata::new()), &clients(world), REDIRECT_URI, world.now());
    match choice.unwrap() {
        ClientChoice::Ready(login) => *login,
        other => panic!("{other:?}"),
    }
}

fn found(world: &World, resource: &Resource) -> AuthorizationServer {
    let refused = call(world, None);
    let challenged = resource.refused(refused.status(), refused.headers()).unwrap().unwrap();
    let servers = world.run(challenged).unwrap();
    world.run(servers.choose(servers.only().unwrap()).unwrap()).unwrap()
}

fn returned(world: &World, login: &Login) -> LoginReturn {
    let start = login.start(&mut Env::new(world.now(), &mut SysRng)).unwrap();
    let callback = world.provider().visit(start.url.as_str()).unwrap();
    start.pending.receive_url(&callback.url)
}

fn visit(world: &World, login: &Login) -> Grant {
    match returned(world, login) {
        LoginReturn::Granted(exchange) => world.run(exchange).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn demand(world: &World, grant: &Grant, operation: &mut Operation) -> Demand {
    let answer = call(world, Some(grant));
    grant.demand(answer.status(), answer.headers(), operation).unwrap()
}

fn whole_path(world: &World) {
    world.provider().knobs().challenge_names_metadata = true;
    world.provider().knobs().resource_scopes_supported = vec!["read".to_owned()];
    let resource = resource(world);
    let grant = visit(world, &login(world, &found(world, &resource)));
    assert_eq!(call(world, Some(&grant)).status(), 200);

    let mut operation = Operation::new();
    world.provider().knobs().required_scope = Some("write".to_owned());
    let Demand::LogIn(login) = demand(world, &grant, &mut operation) else { panic!("no step-up") };
    let grant = visit(world, &login);
    assert_eq!(grant.tokens().scope().effective().unwrap().as_str(), "read write");
    assert_eq!(call(world, Some(&grant)).status(), 200);

    world.provider().revoke_access_tokens();
    let Demand::Refresh { .. } = demand(world, &grant, &mut operation) else { panic!("no refresh") };
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let stored: StoredGrant = serde_json::from_str(&stored).unwrap();
    let grant = Grant::from_stored(stored, &clients(world)).unwrap();
    let grant = world.run(grant.refresh().unwrap()).unwrap();
    assert_eq!(call(world, Some(&grant)).status(), 200);

    let provider = world.provider();
    let token_requests: Vec<_> = provider.hits_at(Endpoint::Token).collect();
    assert_eq!(token_requests.len(), 3);
    assert!(token_requests.iter().all(|hit| hit.resources == [resource.identifier()]));
}

fn older_revision(world: &World) {
    world.provider().knobs().omit(Endpoint::ResourceMetadata);
    assert!(world.run(resource(world).first_contact().unwrap()).is_err());
    let resource = resource(world).allow_origin_as_issuer();
    let grant = visit(world, &login(world, &found(world, &resource)));
    assert_eq!(call(world, Some(&grant)).status(), 200);
    assert_eq!(grant.resource_identifier(), resource.identifier());
}

fn refreshes(world: &World) {
    world.provider().knobs().challenge_names_metadata = true;
    let grant = visit(world, &login(world, &found(world, &resource(world))));
    world.provider().knobs().misbehave(Misbehaviour::Lost { acts: false });
    let failure = world.run(grant.refresh().unwrap()).unwrap_err();
    let Left::Unknown(exchange) = failure.left else { panic!("{}", failure.error) };
    let grant = world.run(*exchange).unwrap();
    world.provider().revoke_all();
    let Demand::Refresh { otherwise } = demand(world, &grant, &mut Operation::new()) else { panic!("no refresh") };
    let failure = world.run(grant.refresh().unwrap()).unwrap_err();
    assert!(matches!(failure.left, Left::Spent), "{}", failure.error);
    let servers = world.run(*otherwise).unwrap();
    let server = world.run(servers.choose(servers.only().unwrap()).unwrap()).unwrap();
    let grant = visit(world, &login(world, &server));
    assert_eq!(call(world, Some(&grant)).status(), 200);
}

fn lost_documents(world: &World) {
    for at in [Endpoint::ResourceMetadata, Endpoint::ServerMetadata] {
        world.provider().knobs().misbehave_at(at, Misbehaviour::Lost { acts: false });
    }
    let failure = world.run(resource(world).first_contact().unwrap()).unwrap_err();
    let Left::Intact(challenged) = failure.left else { panic!("{}", failure.error) };
    let servers = world.run(*challenged).unwrap();
    let failure = world.run(servers.choose(servers.only().unwrap()).unwrap()).unwrap_err();
    let Left::Intact(discovery) = failure.left else { panic!("{}", failure.error) };
    assert!(world.run(*discovery).is_ok());
}

/// The redirect URI of a program on the person's machine.
const LOOPBACK: &str = "http://127.0.0.1:4711/callback";
const DOCUMENT: &str = "https://editor.example/client.json";

fn registration(world: &World) -> ClientRegistration {
    let server = found(world, &resource(world));
    let choice = server.client(&application(), &Clients::new(), LOOPBACK, world.now());
    match choice.unwrap() {
        ClientChoice::Register(registration) => *registration,
        other => panic!("{other:?}"),
    }
}

fn application() -> Application {
    Application::new(ClientMetadata::new().client_name("Editor").unwrap())
}

fn by_itself(world: &World) {
    let metadata = ClientMetadata::new().client_name("Editor").unwrap().redirect_uri(LOOPBACK).unwrap();
    let metadata = metadata.grant_types(&["authorization_code", "refresh_token"]).unwrap();
    let document = ClientIdDocument::new(DOCUMENT, metadata).unwrap();
    world.provider().publish(DOCUMENT, document.to_json());
    let server = found(world, &resource(world));
    let with_document = application().document(document).unwrap();
    let ClientChoice::Ready(login) = server.client(&with_document, &Clients::new(), LOOPBACK, world.now()).unwrap()
    else {
        panic!("the document is not taken")
    };
    let grant = visit(world, &login);
    assert_eq!((call(world, Some(&grant)).status().as_u16(), grant.connection().client().id()), (200, DOCUMENT));

    let new = world.run(registration(world)).unwrap();
    let mut clients = Clients::new();
    clients.add(new.credentials().clone());
    let grant = visit(world, &new.login().unwrap());
    assert_eq!(call(world, Some(&grant)).status(), 200);
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = Grant::from_stored(serde_json::from_str(&stored).unwrap(), &clients).unwrap();
    assert!(world.run(grant.refresh().unwrap()).is_ok());
    assert_eq!(world.provider().hits_at(Endpoint::Registration).count(), 1);
}

fn refused_registrations(world: &World) {
    let refusal =
        |code: &str| Misbehaviour::Error { status: 400, code: code.to_owned(), description: None, acts: false };
    world.provider().knobs().misbehave_at(Endpoint::Registration, refusal("invalid_client_metadata"));
    world.provider().knobs().misbehave_at(Endpoint::Registration, refusal("invalid_redirect_uri"));
    let failure = world.run(registration(world)).unwrap_err();
    assert!(matches!(failure.left, Left::Intact(_)), "{}", failure.error);
    assert_eq!(failure.error.oauth().unwrap().code().unwrap().as_str(), "invalid_redirect_uri");
    assert_eq!(world.provider().hits_at(Endpoint::Registration).count(), 2);
    world.provider().knobs().misbehave_at(Endpoint::Registration, Misbehaviour::Lost { acts: true });
    let failure = world.run(registration(world)).unwrap_err();
    assert!(matches!(failure.left, Left::Unknown(_)), "{}", failure.error);
    assert_eq!(world.provider().hits_at(Endpoint::Registration).count(), 3);
}

fn denied(world: &World) {
    world.provider().knobs().decision = Decision::Deny;
    let login = login(world, &found(world, &resource(world)));
    assert!(matches!(returned(world, &login), LoginReturn::Denied(_)));
    assert_eq!(world.provider().hits_at(Endpoint::Token).count(), 0);
}
