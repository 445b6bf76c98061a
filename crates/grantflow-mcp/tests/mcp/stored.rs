//! What is stored while a person waits, and between two runs of a program.

use grantflow::Env;
use grantflow_mcp::{
    AuthorizationServer, ClientChoice, Clients, Credentials, Error, Grant, LoginReturn, PendingLogin, Resource,
    StoredFault,
};
use serde_json::{Value, json};

use crate::support::*;

fn is(error: &Error, fault: StoredFault) -> bool {
    matches!(error, Error::Stored(found) if *found == fault)
}

#[test]
fn a_login_is_stored_while_the_person_is_away() {
    let mut world = World::new();
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    let key = start.pending.key();
    let stored = start.pending.into_stored();
    assert_eq!((stored.issuer(), stored.resource()), (AS, MCP));
    let stored = serde_json::to_string(&stored).unwrap();
    assert!(!stored.contains(SECRET));
    let clients = serde_json::to_string(&world.clients.to_stored()).unwrap();

    // Another process takes the callback, and asks nobody for metadata.
    world.log.clear();
    let clients = Clients::from_stored(&serde_json::from_str(&clients).unwrap()).unwrap();
    let callback = world.server(AS).visit(start.url.as_str()).unwrap().request().unwrap();
    assert_eq!(grantflow::callback_key(callback.uri()).as_ref(), Some(&key));
    let pending = PendingLogin::from_stored(serde_json::from_str(&stored).unwrap(), &clients).unwrap();
    assert_eq!(pending.issuer(), &issuer(AS));
    let LoginReturn::Granted(exchange) = pending.receive(callback.uri()) else { panic!("not granted") };
    let grant = world.run(exchange).unwrap();
    assert_eq!(world.urls(), ["https://as.example/api/access_token"]);
    assert_eq!(world.log[0].all("resource"), [MCP]);
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn a_grant_is_stored_between_two_runs() {
    let mut world = World::new();
    let grant = world.log_in();
    let stored = grant.into_stored();
    assert_eq!((stored.issuer(), stored.resource()), (AS, MCP));
    let text = serde_json::to_string(&stored).unwrap();
    assert!(!text.contains(SECRET));
    world.log.clear();
    let grant = Grant::from_stored(serde_json::from_str(&text).unwrap(), &world.clients).unwrap();
    assert_eq!(grant.resource(), &resource());
    assert_eq!(grant.issuer(), &issuer(AS));
    let grant = world.refresh(grant);
    assert_eq!(world.urls(), ["https://as.example/api/access_token"], "no metadata is asked for again");
    assert_eq!(world.log[0].all("resource"), [MCP]);
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn everything_that_a_resource_was_allowed_is_stored_with_it() {
    let mut world = World::new();
    world.documents.clear();
    world.clients.add(Credentials::beforehand(&issuer("https://mcp.example"), ID));
    let all = resource().allow_default_endpoints().allow_token_at_whole_origin().allow_metadata_at_any_origin();
    let login = world.login(all.first_contact().unwrap()).unwrap();
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    let stored = serde_json::to_string(&start.pending.into_stored()).unwrap();
    let pending = PendingLogin::from_stored(serde_json::from_str(&stored).unwrap(), &world.clients).unwrap();
    assert_eq!(serde_json::to_string(&pending.into_stored()).unwrap(), stored);

    // And an identifier that is shorter than the URL, of a document that spells it in another way.
    let mut world = World::new();
    world.publish(ROOT_PLACE, &json!({"resource": "https://MCP.example/", "authorization_servers": [AS]}));
    let resource = Resource::new("https://MCP.example/mcp").unwrap().identified_as("https://mcp.example").unwrap();
    let login = world.login(resource.first_contact().unwrap()).unwrap();
    let grant = world.visit(&login);
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = Grant::from_stored(serde_json::from_str(&stored).unwrap(), &world.clients).unwrap();
    assert_eq!((grant.resource(), grant.resource_identifier()), (&resource, "https://MCP.example/"));

    // And the host's document for a resource with a path.
    let mut world = World::new();
    world.documents.clear();
    world.publish(ROOT_PLACE, &json!({"resource": "https://mcp.example", "authorization_servers": [AS]}));
    let grant = world.log_in();
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = Grant::from_stored(serde_json::from_str(&stored).unwrap(), &world.clients).unwrap();
    assert_eq!(grant.resource_identifier(), "https://mcp.example");
}

#[test]
fn what_is_stored_belongs_to_its_client_and_issuer() {
    let mut world = World::new();
    let stored = serde_json::to_string(&world.log_in().into_stored()).unwrap();
    let restore = |clients: &Clients| Grant::from_stored(serde_json::from_str(&stored).unwrap(), clients);
    assert!(restore(&world.clients).is_ok());
    for (other, id) in [(OTHER_AS, ID), (AS, "another-id"), ("https://as.example/", ID)] {
        let mut clients = Clients::new();
        clients.add(Credentials::beforehand(&issuer(other), id).secret(SECRET));
        assert!(is(&restore(&clients).unwrap_err(), StoredFault::NoClient), "{other} {id}");
    }
    assert!(is(&restore(&Clients::new()).unwrap_err(), StoredFault::NoClient));
}

#[test]
fn a_stored_state_that_was_moved_to_another_owner_is_refused() {
    let mut world = World::new();
    let stored = serde_json::to_value(world.log_in().into_stored()).unwrap();
    for (member, value) in [
        ("issuer", json!(OTHER_AS)),
        ("resource", json!("https://evil.example/mcp")),
        ("kind", json!("login")),
        ("v", json!(2)),
        ("v", json!(0)),
        ("sum", json!("0")),
        ("state", json!("{}")),
    ] {
        let mut changed = stored.clone();
        changed[member] = value;
        let restored = Grant::from_stored(serde_json::from_value(changed).unwrap(), &world.clients);
        let fault = if member == "v" { StoredFault::Version } else { StoredFault::Damaged };
        assert!(is(&restored.unwrap_err(), fault), "{member}");
    }
    // Nothing at all.
    let empty = Grant::from_stored(serde_json::from_value(Value::Object(Default::default())).unwrap(), &world.clients);
    assert!(empty.is_err());
    // A login is no grant, and clients are neither.
    let clients = serde_json::to_value(world.clients.to_stored()).unwrap();
    assert!(Grant::from_stored(serde_json::from_value(clients.clone()).unwrap(), &world.clients).is_err());
    assert!(PendingLogin::from_stored(serde_json::from_value(clients).unwrap(), &world.clients).is_err());
    assert!(Clients::from_stored(&serde_json::from_value(stored).unwrap()).is_err());
}

#[test]
fn no_byte_of_a_stored_grant_can_change() {
    let mut world = World::new();
    let stored = serde_json::to_string(&world.log_in().into_stored()).unwrap();
    for at in (0..stored.len()).step_by(7) {
        let mut bytes = stored.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(changed) = serde_json::from_slice(&bytes) else { continue };
        assert!(Grant::from_stored(changed, &world.clients).is_err(), "byte {at}");
    }
}

#[test]
fn a_server_is_stored_while_a_person_registers_the_program_there() {
    let mut world = World::new();
    let grant = world.log_in();
    // The resource has moved, and nobody has registered the program at its new server.
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [OTHER_AS]}));
    world.challenge = "scope=\"files\"".to_owned();
    let refused = world.call(None);
    let challenged = resource().refused(refused.status(), refused.headers()).unwrap().unwrap();
    let first_contact = world.found(challenged).unwrap();
    let after_a_grant = world.found(grant.start_again().unwrap()).unwrap();
    for (server, scope) in [(first_contact, Some("files")), (after_a_grant, None)] {
        let stored = serde_json::to_string(&server.to_stored()).unwrap();
        world.log.clear();
        let restored = AuthorizationServer::from_stored(&serde_json::from_str(&stored).unwrap()).unwrap();
        assert_eq!(serde_json::to_string(&restored.to_stored()).unwrap(), stored);
        let choice = restored.client(&world.application, &world.clients, REDIRECT_URI, world.now());
        match scope {
            None => assert!(matches!(choice, Err(Error::Moved { .. })), "it still knows the move: {choice:?}"),
            Some(scope) => {
                let Ok(ClientChoice::NeedsClient(needs)) = choice else { panic!("{choice:?}") };
                let login = needs.with(&Credentials::beforehand(&issuer(OTHER_AS), ID).secret(SECRET)).unwrap();
                assert_eq!(login.requested_scope().unwrap().as_str(), scope);
            }
        }
        assert!(world.log.is_empty(), "nothing is asked again");
        let moved = stored.replacen(OTHER_AS, AS, 1);
        assert!(AuthorizationServer::from_stored(&serde_json::from_str(&moved).unwrap()).is_err());
    }
}
