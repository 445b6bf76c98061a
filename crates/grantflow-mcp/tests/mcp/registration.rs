//! Point 5: a program that registers itself.

use grantflow::{ClientMetadata, Error as OAuthError, ErrorCode, Left, UnixTime};
use grantflow_mcp::{
    Application, ClientChoice, ClientKind, ClientRegistration, Clients, Demand, Error, Grant, Login, NewClient,
    Operation,
};
use grantflow_testkit::{ClientAuth, Endpoint, Misbehaviour};
use serde_json::{Value, json};

use crate::support::*;

const REGISTER: &str = "https://as.example/oauth/register";

/// Servers that let programs register, and a program that knows none of them.
fn world() -> World {
    let mut world = World::new();
    world.clients = Clients::new();
    for server in [AS, OTHER_AS] {
        world.server(server).knobs().serve(Endpoint::Registration);
    }
    world
}

fn registration(world: &mut World, redirect_uri: &str) -> ClientRegistration {
    match world.choice(resource().first_contact().unwrap(), redirect_uri).unwrap() {
        ClientChoice::Register(registration) => *registration,
        other => panic!("{other:?}"),
    }
}

/// Registers, and keeps the credentials.
fn registered(world: &mut World, redirect_uri: &str) -> Login {
    let registration = registration(world, redirect_uri);
    let new = world.run(registration).unwrap();
    world.clients.add(new.credentials().clone());
    new.login().unwrap()
}

/// The metadata of the registrations, in order.
fn sent(world: &World) -> Vec<Value> {
    let bodies = world.log.iter().filter(|sent| sent.url.ends_with("/oauth/register")).map(|sent| &sent.body);
    bodies.map(|body| serde_json::from_str(body).unwrap()).collect()
}

/// The registration endpoint answers with this.
fn answers(world: &mut World, status: u16, answer: &Value) {
    world.documents.insert(REGISTER.to_owned(), (status, answer.to_string()));
}

#[test]
fn a_program_registers_itself_where_no_document_is_taken() {
    let mut world = world();
    let login = registered(&mut world, REDIRECT_URI);
    let metadata = &sent(&world)[0];
    assert_eq!(metadata["application_type"], "native", "always sent");
    assert_eq!(metadata["grant_types"], json!(["authorization_code", "refresh_token"]));
    assert_eq!(metadata["redirect_uris"], json!([REDIRECT_URI]));
    assert_eq!(metadata["token_endpoint_auth_method"], "none");
    assert_eq!(metadata["client_name"], "Editor");
    assert!(metadata.get("scope").is_none(), "a step-up would be refused");
    assert_eq!(login.connection().client_kind(), ClientKind::Registered);
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    let grant = world.refresh(grant);
    assert_eq!(world.call(Some(&grant)).status(), 200);

    // The next login uses the same client, also after a restart.
    let clients = serde_json::to_string(&world.clients.to_stored()).unwrap();
    world.clients = Clients::from_stored(&serde_json::from_str(&clients).unwrap()).unwrap();
    let again = world.log_in();
    assert_eq!(again.connection().client().id(), grant.connection().client().id());
    assert_eq!(sent(&world).len(), 1);
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    assert!(Grant::from_stored(serde_json::from_str(&stored).unwrap(), &world.clients).is_ok());
    assert!(Grant::from_stored(serde_json::from_str(&stored).unwrap(), &Clients::new()).is_err());
}

#[test]
fn the_kind_of_program_follows_from_its_redirect_uri() {
    for (redirect_uri, kind, method) in [
        ("http://127.0.0.1:1/callback", "native", "none"),
        ("http://localhost:1/callback", "native", "none"),
        ("com.example.editor:/callback", "native", "none"),
        ("cursor://anysphere.cursor-mcp/callback", "native", "none"),
        ("https://editor.example/callback", "web", "client_secret_basic"),
    ] {
        let mut world = world();
        let _ = registered(&mut world, redirect_uri);
        let metadata = &sent(&world)[0];
        assert_eq!(
            (&metadata["application_type"], &metadata["token_endpoint_auth_method"]),
            (&json!(kind), &json!(method))
        );
    }
    // The method is one that the server takes.
    for (redirect_uri, taken, method) in [
        (REDIRECT_URI, json!(["client_secret_post"]), "client_secret_post"),
        (REDIRECT_URI, json!(["client_secret_post", "client_secret_basic"]), "client_secret_basic"),
        ("https://editor.example/callback", json!(["none", "client_secret_post"]), "client_secret_post"),
        ("https://editor.example/callback", json!(["none"]), "none"),
    ] {
        let mut world = world();
        world.edit_metadata(AS, |document| document["token_endpoint_auth_methods_supported"] = taken);
        let metadata: Value =
            serde_json::from_str(&registration(&mut world, redirect_uri).metadata().to_json()).unwrap();
        assert_eq!(metadata["token_endpoint_auth_method"], method);
    }
}

#[test]
fn what_the_program_says_about_itself_is_kept() {
    let mut world = world();
    let metadata = ClientMetadata::new().client_name("Tool").unwrap().client_uri("https://tool.example").unwrap();
    let metadata = metadata.grant_types(&["client_credentials"]).unwrap();
    let metadata = metadata.redirect_uri("http://[::1]/callback").unwrap();
    let metadata = metadata.token_endpoint_auth_method("client_secret_post").unwrap();
    world.application = Application::new(metadata);
    let metadata: Value = serde_json::from_str(&registration(&mut world, REDIRECT_URI).metadata().to_json()).unwrap();
    assert_eq!(metadata["client_uri"], "https://tool.example");
    assert_eq!(metadata["grant_types"], json!(["client_credentials", "authorization_code", "refresh_token"]));
    assert_eq!(metadata["redirect_uris"], json!(["http://[::1]/callback", REDIRECT_URI]));
    assert_eq!(metadata["token_endpoint_auth_method"], "client_secret_post");
}

#[test]
fn a_resource_that_moves_makes_the_program_register_anew() {
    let mut world = world();
    let login = registered(&mut world, REDIRECT_URI);
    let grant = world.visit(&login);
    let old = grant.connection().client().id().to_owned();
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [OTHER_AS]}));
    world.trusted = OTHER_AS;
    world.server(AS).revoke_all();
    let answer = world.call(Some(&grant));
    let demand = grant.demand(answer.status(), answer.headers(), &mut Operation::new()).unwrap();
    let Demand::Refresh { otherwise } = demand else { panic!("{demand:?}") };
    assert!(world.run(grant.refresh().unwrap()).is_err());
    world.log.clear();
    let ClientChoice::Register(registration) = world.choice(*otherwise, REDIRECT_URI).unwrap() else {
        panic!("not anew")
    };
    let new = world.run(*registration).unwrap();
    assert_eq!(new.credentials().issuer(), OTHER_AS);
    world.clients.add(new.credentials().clone());
    let grant = world.visit(&new.login().unwrap());
    assert_eq!(world.call(Some(&grant)).status(), 200);
    assert!(world.server(OTHER_AS).log().iter().all(|hit| hit.client_id.as_deref() != Some(&old)));
    assert!(world.log.iter().all(|sent| !sent.body.contains(&old) && !sent.url.contains(&old)));
    // Both are kept, each under its issuer; and each is used at its own.
    assert_eq!(world.clients.iter().count(), 2);
    assert_eq!(world.clients.at(&issuer(AS)).next().unwrap().client_id(), old);
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [AS]}));
    world.trusted = AS;
    assert_eq!(world.log_in().connection().client().id(), old);
}

#[test]
fn a_refusal_is_tried_once_with_another_application_type() {
    for (first, code) in
        [("native", "invalid_redirect_uri"), ("native", "invalid_client_metadata"), ("web", "invalid_client_metadata")]
    {
        let mut world = world();
        let redirect_uri = if first == "native" { REDIRECT_URI } else { "https://editor.example/callback" };
        let registration = registration(&mut world, redirect_uri);
        answers(&mut world, 400, &json!({"error": code, "error_description": "no"}));
        let failure = world.run(registration).unwrap_err();
        let kinds: Vec<_> = sent(&world).iter().map(|metadata| metadata["application_type"].clone()).collect();
        let second = if first == "native" { "web" } else { "native" };
        assert_eq!(kinds, [json!(first), json!(second)], "twice, and no more");
        // It is an error that a person can read, and nothing is lost.
        assert_eq!(failure.error.code().unwrap().as_str(), code);
        assert!(failure.error.to_string().contains(code), "{failure}");
        assert!(matches!(failure.left, Left::Intact(_)));
    }
    // A server that takes the second one.
    let mut world = world();
    world.server(AS).knobs().misbehave_at(
        Endpoint::Registration,
        Misbehaviour::Error { status: 400, code: "invalid_redirect_uri".to_owned(), description: None, acts: false },
    );
    let login = registered(&mut world, "https://editor.example/callback");
    let kinds: Vec<_> = sent(&world).iter().map(|metadata| metadata["application_type"].clone()).collect();
    assert_eq!(kinds, [json!("web"), json!("native")]);
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // Another refusal is no reason to try again.
    for (status, code) in
        [(400, "invalid_software_statement"), (403, "access_denied"), (401, "invalid_token"), (500, "server_error")]
    {
        let mut world = self::world();
        let registration = registration(&mut world, REDIRECT_URI);
        answers(&mut world, status, &json!({"error": code}));
        assert!(world.run(registration).is_err());
        assert_eq!(sent(&world).len(), 1, "{code}");
    }
}

/// The client of an answer, and what it sent with the code.
fn login_with(answer: Value) -> (World, Result<ClientAuth, Error>) {
    let mut world = world();
    let registration = registration(&mut world, REDIRECT_URI);
    answers(&mut world, 201, &answer);
    let new = world.run(registration).unwrap();
    let client = match answer["token_endpoint_auth_method"].as_str() {
        Some("none") => grantflow_testkit::Client::public("dynamic"),
        _ => grantflow_testkit::Client::confidential("dynamic", SECRET),
    };
    world.server(AS).register(client.redirect_uri(REDIRECT_URI));
    let login = match new.login() {
        Ok(login) => login,
        Err(error) => return (world, Err(error)),
    };
    let _ = world.visit(&login);
    let auth = world.server(AS).hits("authorization_code").last().unwrap().auth;
    (world, Ok(auth))
}

#[test]
fn the_method_is_the_one_that_the_server_returned() {
    for (method, expected) in [
        (Some("client_secret_post"), ClientAuth::Post),
        (Some("client_secret_basic"), ClientAuth::Basic),
        (Some("none"), ClientAuth::Public),
    ] {
        let mut answer = json!({"client_id": "dynamic", "client_secret": SECRET, "client_secret_expires_at": 0});
        answer["token_endpoint_auth_method"] = json!(method);
        let (world, auth) = login_with(answer);
        assert_eq!(auth.unwrap(), expected, "{method:?}");
        if method == Some("none") {
            assert!(world.log.iter().all(|sent| !sent.body.contains(SECRET)), "the secret was sent");
        }
    }
    let unknown = json!({"client_id": "dynamic", "token_endpoint_auth_method": "private_key_jwt"});
    assert!(matches!(login_with(unknown).1, Err(Error::OAuth(OAuthError::Misuse(_)))));
    let without = json!({"client_id": "dynamic", "token_endpoint_auth_method": "client_secret_post"});
    assert!(matches!(login_with(without).1, Err(Error::OAuth(OAuthError::Misuse(_)))));
}

#[test]
fn a_redirect_uri_that_the_server_did_not_register_is_not_used() {
    let other = json!({"client_id": "dynamic", "redirect_uris": ["http://localhost:4711/callback"]});
    assert!(matches!(login_with(other).1, Err(Error::RedirectUri)));
    // Any port of a loopback address will do.
    let port = json!({"client_id": "dynamic", "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": "none"});
    assert_eq!(login_with(port).1.unwrap(), ClientAuth::Public);
}

#[test]
fn another_redirect_uri_makes_the_program_register_anew() {
    let mut world = world();
    let _ = registered(&mut world, "http://localhost:1/callback");
    // Servers need not take another port for a name.
    let _ = registered(&mut world, "http://localhost:2/callback");
    assert_eq!(sent(&world).len(), 2);
    let _ = registered(&mut world, "http://127.0.0.1:1/callback");
    let choice = world.choice(resource().first_contact().unwrap(), "http://127.0.0.1:2/callback").unwrap();
    assert!(matches!(choice, ClientChoice::Ready(_)), "another port of an address is the same");
    // An earlier grant may belong to an earlier one; and there is an end to it.
    assert_eq!(world.clients.iter().count(), 3);
    let again = world.choice(resource().first_contact().unwrap(), "http://localhost:1/callback").unwrap();
    assert!(matches!(again, ClientChoice::Ready(_)));
    for port in 10..30 {
        let _ = registered(&mut world, &format!("http://localhost:{port}/callback"));
    }
    assert_eq!(world.clients.iter().count(), 8, "the last ones are kept");
    let first = world.choice(resource().first_contact().unwrap(), "http://localhost:1/callback").unwrap();
    assert!(matches!(first, ClientChoice::Register(_)));
    let last = world.choice(resource().first_contact().unwrap(), "http://localhost:29/callback").unwrap();
    assert!(matches!(last, ClientChoice::Ready(_)));
}

#[test]
fn a_secret_that_has_expired_makes_the_program_register_anew() {
    for (expires_at, is_over) in [(0, false), (1_750_000_000, true), (1_750_000_001, false), (1, true)] {
        let mut world = world();
        let registration = registration(&mut world, REDIRECT_URI);
        answers(
            &mut world,
            201,
            &json!({"client_id": "dynamic", "client_secret": SECRET, "client_secret_expires_at": expires_at}),
        );
        let new = world.run(registration).unwrap();
        assert_eq!(new.credentials().is_expired(UnixTime::from_secs(1_750_000_000)), is_over);
        world.clients.add(new.credentials().clone());
        let choice = world.choice(resource().first_contact().unwrap(), REDIRECT_URI).unwrap();
        assert_eq!(matches!(choice, ClientChoice::Register(_)), is_over, "{expires_at}");
    }
}

#[test]
fn a_client_that_the_server_has_forgotten_is_registered_anew() {
    let mut world = world();
    let login = registered(&mut world, REDIRECT_URI);
    let grant = world.visit(&login);
    let old = grant.connection().client().id().to_owned();
    // A server that keeps its clients in memory was started again.
    let mut fresh = grantflow_testkit::Server::new(AS);
    fresh.set_seed(7);
    world.servers.insert(AS, fresh);
    let connection = grant.connection().clone();
    let failure = world.run(grant.refresh().unwrap()).unwrap_err();
    assert_eq!(failure.error.code(), Some(&ErrorCode::InvalidClient));
    assert!(world.clients.refused(&connection, &failure.error));
    assert!(!world.clients.refused(&connection, &failure.error), "once");
    let login = registered(&mut world, REDIRECT_URI);
    assert_ne!(login.connection().client().id(), old);
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // Another error is no reason.
    let connection = grant.connection().clone();
    world.server(AS).revoke_all();
    let over = world.run(grant.refresh().unwrap()).unwrap_err();
    assert_eq!(over.error.code(), Some(&ErrorCode::InvalidGrant));
    assert!(!world.clients.refused(&connection, &over.error));
    // What a person registered is not removed.
    let mut beforehand = World::new();
    let grant = beforehand.log_in();
    assert!(!beforehand.clients.refused(grant.connection(), &failure.error));
    assert_eq!(beforehand.clients.iter().count(), 1);
}

#[test]
fn a_registration_without_an_answer_may_have_made_a_client() {
    let mut world = world();
    let registration = registration(&mut world, REDIRECT_URI);
    answers(&mut world, 502, &json!({}));
    let failure = world.run(registration).unwrap_err();
    assert!(matches!(failure.left, Left::Unknown(_)), "{failure}");
    assert_eq!(sent(&world).len(), 1);
}

#[test]
fn a_server_may_demand_a_token_before_it_registers_a_client() {
    let mut world = world();
    world.server(AS).knobs().initial_access_token = Some("let-me-in".to_owned());
    let first = registration(&mut world, REDIRECT_URI);
    let failure = world.run(first).unwrap_err();
    assert_eq!(failure.error.status().unwrap(), 401);
    let second = registration(&mut world, REDIRECT_URI).initial_access_token("let-me-in").unwrap();
    let new = world.run(second).unwrap();
    assert!(!format!("{new:?}").contains("let-me-in"));
    assert!(new.login().is_ok());
}

#[test]
fn a_registration_can_be_managed_at_its_issuer_only() {
    let mut world = world();
    let login = registered(&mut world, REDIRECT_URI);
    let credentials = world.clients.iter().next().unwrap().clone();
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let of_server = credentials.registration(&server).unwrap().unwrap();
    assert_eq!(of_server.client_id(), login.connection().client().id());
    let read = world.run(of_server.read().unwrap()).unwrap();
    let again = credentials.registered_again(read).unwrap();
    world.clients.add(again.clone());
    assert_eq!(world.clients.iter().count(), 1);
    assert_eq!(world.log_in().connection().client().id(), credentials.client_id());
    // Beforehand, there is nothing to manage.
    let beforehand = grantflow_mcp::Credentials::beforehand(&issuer(AS), ID);
    assert!(beforehand.registration(&server).unwrap().is_none());
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [OTHER_AS]}));
    let other = world.found(resource().first_contact().unwrap()).unwrap();
    assert!(matches!(credentials.registration(&other), Err(Error::OtherIssuer { .. })));
    // And the program can delete it.
    let delete = again.registration(&server).unwrap().unwrap().delete().unwrap();
    world.run(delete).unwrap();
    assert!(world.clients.forget_registered(login.connection()));
    assert!(!world.clients.forget_registered(login.connection()));
}

#[test]
fn the_default_endpoints_of_an_older_revision_take_registrations() {
    let mut world = World::new();
    world.documents.clear();
    world.clients = Clients::new();
    world.documents.insert(
        "https://mcp.example/register".to_owned(),
        (201, json!({"client_id": "dynamic", "redirect_uris": [REDIRECT_URI]}).to_string()),
    );
    let resource = resource().allow_default_endpoints();
    let choice = world.choice(resource.first_contact().unwrap(), REDIRECT_URI).unwrap();
    let ClientChoice::Register(registration) = choice else { panic!("{choice:?}") };
    let new: NewClient = world.run(*registration).unwrap();
    assert_eq!((new.credentials().issuer(), new.credentials().client_id()), ("https://mcp.example", "dynamic"));
    let login = new.login().unwrap();
    let start = login.start(&mut grantflow::Env::new(world.now(), &mut world.rng)).unwrap();
    assert!(start.url.as_str().starts_with("https://mcp.example/authorize?"));
}

#[test]
fn a_registered_client_with_a_secret_acts_for_itself() {
    let mut world = world();
    let registration = registration(&mut world, REDIRECT_URI);
    answers(
        &mut world,
        201,
        &json!({"client_id": "dynamic", "client_secret": SECRET, "client_secret_expires_at": 0,
        "token_endpoint_auth_method": "client_secret_post"}),
    );
    let new = world.run(registration).unwrap();
    world.server(AS).register(grantflow_testkit::Client::confidential("dynamic", SECRET).redirect_uri(REDIRECT_URI));
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let grant = world.run(server.client_credentials(new.credentials()).unwrap()).unwrap();
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn an_empty_list_of_redirect_uris_allows_only_what_was_asked_for() {
    let mut world = world();
    let registration = registration(&mut world, "http://localhost:1/callback");
    answers(
        &mut world,
        201,
        &json!({"client_id": "dynamic", "redirect_uris": [], "token_endpoint_auth_method": "none"}),
    );
    let new = world.run(registration).unwrap();
    world.clients.add(new.credentials().clone());
    let choice = world.choice(resource().first_contact().unwrap(), "http://localhost:2/callback").unwrap();
    assert!(matches!(choice, ClientChoice::Register(_)));
}
