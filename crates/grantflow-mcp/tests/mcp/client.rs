//! Point 5: which client logs in, and how it authenticates.

use grantflow::{ClientIdDocument, ClientMetadata, Error as OAuthError, Misuse, RedirectUri, UrlFault};
use grantflow_mcp::{AuthenticationFault, ClientChoice, ClientKind, Clients, Credentials, Demand, Error, Operation};
use grantflow_testkit::ClientAuth;
use serde_json::{Value, json};

use crate::support::*;

const DOCUMENT: &str = "https://editor.example/client.json";

fn uri(text: &str) -> RedirectUri {
    RedirectUri::with_undotted_scheme(text).unwrap()
}

/// How the client authenticated at the token endpoint of a login.
fn auth(world: &mut World) -> ClientAuth {
    let _ = world.log_in();
    world.server(AS).hits("authorization_code").last().unwrap().auth
}

/// The server takes client ID metadata documents, and the program has one.
fn with_document(world: &mut World, redirect_uris: &[&str]) {
    let metadata = ClientMetadata::new().client_name("Editor").unwrap();
    let metadata = metadata.grant_types(&["authorization_code", "refresh_token"]).unwrap();
    let metadata = redirect_uris.iter().fold(metadata, |metadata, text| metadata.redirect_uri(uri(text)).unwrap());
    let document = ClientIdDocument::new(DOCUMENT, metadata).unwrap();
    for server in [AS, OTHER_AS] {
        world.server(server).knobs().client_id_documents = true;
        world.server(server).publish(DOCUMENT, document.to_json());
    }
    world.application = application().document(document).unwrap();
}

fn moved(world: &mut World) {
    world.publish(
        OWN_PLACE,
        &json!({"resource": MCP, "authorization_servers": [OTHER_AS], "scopes_supported": ["read"]}),
    );
    world.trusted = OTHER_AS;
}

#[test]
fn credentials_that_were_registered_beforehand_come_first() {
    let mut world = World::new();
    with_document(&mut world, &[REDIRECT_URI]);
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    assert_eq!((login.connection().client_kind(), login.connection().client().id()), (ClientKind::Beforehand, ID));
    // Without them, the document; without support for it, the person is asked.
    world.clients = Clients::new();
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    assert_eq!((login.connection().client_kind(), login.connection().client().id()), (ClientKind::Document, DOCUMENT));
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    assert_eq!(world.server(AS).hits("authorization_code").last().unwrap().auth, ClientAuth::Public);
    for unsupported in [json!(false), json!(null), json!("yes")] {
        world.edit_metadata(AS, |document| document["client_id_metadata_document_supported"] = unsupported);
        let choice = world.choice(resource().first_contact().unwrap(), REDIRECT_URI).unwrap();
        assert!(matches!(choice, ClientChoice::NeedsClient(_)));
    }
}

#[test]
fn the_person_can_be_asked_for_a_client() {
    let mut world = World::new();
    world.clients = Clients::new();
    let choice = world.choice(resource().first_contact().unwrap(), REDIRECT_URI).unwrap();
    let ClientChoice::NeedsClient(needs) = choice else { panic!("{choice:?}") };
    assert_eq!((needs.issuer(), needs.redirect_uri().as_str()), (&issuer(AS), REDIRECT_URI));
    let foreign = Credentials::beforehand(&issuer(OTHER_AS), ID).secret(SECRET);
    assert!(matches!(needs.clone().with(&foreign), Err(Error::OtherIssuer { .. })));
    let login = needs.with(&Credentials::beforehand(&issuer(AS), ID).secret(SECRET)).unwrap();
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn credentials_of_one_issuer_sent_to_another_after_a_move() {
    let mut world = World::new();
    let grant = world.log_in();
    moved(&mut world);
    let mut operation = Operation::new();
    let answer = world.call(Some(&grant));
    let Ok(Demand::Refresh { otherwise }) = grant.demand(answer.status(), answer.headers(), &mut operation) else {
        panic!("no refresh")
    };
    // The refresh goes to the issuer that gave the token, and the new login says what has happened.
    world.server(AS).revoke_all();
    world.log.clear();
    assert!(world.run(grant.refresh().unwrap()).is_err());
    assert_eq!(world.urls(), ["https://as.example/api/access_token"]);
    let error = world.login(*otherwise).unwrap_err();
    assert!(matches!(&error, Error::Moved { from, to } if *from == issuer(AS) && *to == issuer(OTHER_AS)), "{error}");
    assert!(error.to_string().contains(AS) && error.to_string().contains(OTHER_AS));
    assert!(world.server(OTHER_AS).log().iter().all(|hit| hit.auth == ClientAuth::Absent && hit.client_id.is_none()));
    // The old credentials are not taken even if nothing says that there was a move.
    let choice = world.choice(resource().first_contact().unwrap(), REDIRECT_URI).unwrap();
    assert!(matches!(choice, ClientChoice::NeedsClient(_)));
    // With credentials of the new issuer, it goes on.
    world.clients.add(Credentials::beforehand(&issuer(OTHER_AS), ID).secret(SECRET));
    let grant = world.log_in();
    assert_eq!(grant.issuer(), &issuer(OTHER_AS));
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn credentials_for_one_resource_notice_its_move_without_a_grant() {
    let mut world = World::new();
    world.clients = Clients::new();
    world.clients.add(Credentials::beforehand(&issuer(AS), ID).secret(SECRET).only_for(&resource()));
    assert!(world.login(resource().first_contact().unwrap()).is_ok());
    with_document(&mut world, &[REDIRECT_URI]);
    moved(&mut world);
    let error = world.login(resource().first_contact().unwrap()).unwrap_err();
    assert!(matches!(error, Error::Moved { .. }), "no other client takes their place: {error}");
    // They are for no other resource.
    let mut other = World::new();
    other.clients = Clients::new();
    let elsewhere = grantflow_mcp::Resource::new("https://other.example/mcp").unwrap();
    other.clients.add(Credentials::beforehand(&issuer(AS), ID).secret(SECRET).only_for(&elsewhere));
    let choice = other.choice(resource().first_contact().unwrap(), REDIRECT_URI).unwrap();
    assert!(matches!(choice, ClientChoice::NeedsClient(_)));
}

#[test]
fn the_id_of_a_metadata_document_is_portable() {
    let mut world = World::new();
    world.clients = Clients::new();
    with_document(&mut world, &[REDIRECT_URI]);
    let grant = world.log_in();
    assert_eq!((grant.issuer(), grant.connection().client().id()), (&issuer(AS), DOCUMENT));
    moved(&mut world);
    let challenged = grant.start_again().unwrap();
    let login = world.login(challenged).unwrap();
    let grant = world.visit(&login);
    assert_eq!((grant.issuer(), grant.connection().client().id()), (&issuer(OTHER_AS), DOCUMENT));
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // It is restored without any credentials.
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = grantflow_mcp::Grant::from_stored(serde_json::from_str(&stored).unwrap(), &Clients::new()).unwrap();
    assert!(world.run(grant.refresh().unwrap()).is_ok());
}

#[test]
fn a_secret_sent_by_basic_where_the_registration_said_post() {
    for (method, expected) in [
        (Some("client_secret_post"), ClientAuth::Post),
        (Some("client_secret_basic"), ClientAuth::Basic),
        (None, ClientAuth::Basic),
    ] {
        let mut world = World::new();
        world.clients = Clients::new();
        let credentials = Credentials::beforehand(&issuer(AS), ID).secret(SECRET);
        world.clients.add(match method {
            Some(method) => credentials.method(method),
            None => credentials,
        });
        assert_eq!(auth(&mut world), expected, "{method:?}");
    }
    // Where nothing was said, the server's list decides, in the order of RFC 8414's default.
    for (methods, expected) in [
        (json!(["client_secret_post", "client_secret_basic"]), ClientAuth::Basic),
        (json!(["client_secret_post"]), ClientAuth::Post),
        (json!(["private_key_jwt", "client_secret_post", "none"]), ClientAuth::Post),
        (json!(null), ClientAuth::Basic),
    ] {
        let mut world = World::new();
        world.edit_metadata(AS, |document| document["token_endpoint_auth_methods_supported"] = methods.clone());
        assert_eq!(auth(&mut world), expected, "{methods}");
    }
}

#[test]
fn a_secret_sent_to_a_server_that_said_none() {
    let mut world = World::new();
    world.server(AS).register(grantflow_testkit::Client::public("public-id").redirect_uri(REDIRECT_URI));
    let login = |world: &mut World, credentials: Credentials, methods: Value| {
        world.clients = Clients::new();
        world.clients.add(credentials);
        world.edit_metadata(AS, |document| document["token_endpoint_auth_methods_supported"] = methods);
        world.log.clear();
        let auth = auth(world);
        assert!(world.log.iter().all(|sent| !sent.body.contains(SECRET)), "the secret was sent");
        auth
    };
    let credentials = || Credentials::beforehand(&issuer(AS), "public-id").secret(SECRET);
    // The server takes public clients only.
    assert_eq!(login(&mut world, credentials(), json!(["none"])), ClientAuth::Public);
    // The registration says so, and the server takes all of them.
    let all = json!(["client_secret_basic", "client_secret_post", "none"]);
    assert_eq!(login(&mut world, credentials().method("none"), all), ClientAuth::Public);
    assert_eq!(login(&mut world, Credentials::beforehand(&issuer(AS), "public-id"), json!(null)), ClientAuth::Public);
}

#[test]
fn a_client_that_cannot_authenticate_is_an_error() {
    let mut world = World::new();
    let mut error = |credentials: Credentials, methods: Value| {
        world.clients = Clients::new();
        world.clients.add(credentials);
        world.edit_metadata(AS, |document| document["token_endpoint_auth_methods_supported"] = methods);
        world.login(resource().first_contact().unwrap()).unwrap_err()
    };
    let credentials = || Credentials::beforehand(&issuer(AS), ID);
    for (credentials, methods, fault) in [
        (credentials().secret(SECRET).method("private_key_jwt"), json!(null), AuthenticationFault::UnknownMethod),
        (credentials().method("private_key_jwt"), json!(null), AuthenticationFault::UnknownMethod),
        (credentials().method("client_secret_post"), json!(null), AuthenticationFault::NoSecret),
        (credentials().method("client_secret_basic"), json!(null), AuthenticationFault::NoSecret),
        (credentials().secret(SECRET), json!(["private_key_jwt"]), AuthenticationFault::NoSecretMethod),
        (credentials().secret(SECRET), json!([]), AuthenticationFault::NoSecretMethod),
    ] {
        let error = error(credentials, methods);
        assert!(matches!(&error, Error::Authentication(found) if *found == fault), "{error}");
    }
    // A method that the person named and the server does not take.
    let error = error(credentials().secret(SECRET).method("client_secret_post"), json!(["client_secret_basic"]));
    assert!(matches!(&error, Error::OAuth(OAuthError::Misuse(Misuse::AuthMethod(_)))), "{error}");
}

#[test]
fn localhost_registered_and_127_0_0_1_used() {
    let mut world = World::new();
    world.clients = Clients::new();
    world.clients.add(Credentials::beforehand(&issuer(AS), ID).redirect_uri(&uri("http://localhost:4711/callback")));
    for used in ["http://127.0.0.1:4711/callback", "http://[::1]:4711/callback", "http://localhost/callback"] {
        let error = world.choice(resource().first_contact().unwrap(), used).unwrap_err();
        assert!(matches!(error, Error::RedirectUri), "{used}: {error}");
        assert!(error.to_string().contains("localhost is another host than 127.0.0.1"));
    }
    assert!(world.choice(resource().first_contact().unwrap(), "http://localhost:4711/callback").is_ok());
    // The same for a document.
    let mut world = World::new();
    world.clients = Clients::new();
    with_document(&mut world, &["http://localhost/callback"]);
    let choice = world.choice(resource().first_contact().unwrap(), "http://127.0.0.1/callback");
    assert!(matches!(choice, Err(Error::RedirectUri)));
}

#[test]
fn or_another_port() {
    let mut world = World::new();
    world.clients = Clients::new();
    with_document(&mut world, &["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback"]);
    for (used, allowed) in [
        ("http://127.0.0.1:1234/callback", true),
        ("http://[::1]:65535/callback", true),
        ("http://localhost/callback", true),
        // RFC 8252 §7.3 speaks of addresses.
        ("http://localhost:1234/callback", false),
        ("http://127.0.0.1:1234/other", false),
        ("http://127.0.0.1:1234/callback?x", false),
    ] {
        let choice = world.choice(resource().first_contact().unwrap(), used);
        assert_eq!(choice.is_ok(), allowed, "{used}: {choice:?}");
        let Ok(ClientChoice::Ready(login)) = choice else { continue };
        let start = login.start(&mut grantflow::Env::new(world.now(), &mut world.rng)).unwrap();
        // It is sent as it is used, and the server takes it.
        assert!(query(start.url.as_str()).contains(&("redirect_uri".to_owned(), used.to_owned())));
        assert!(world.server(AS).visit(start.url.as_str()).is_ok(), "{used}");
    }
}

#[test]
fn cursor_like_redirect_uris() {
    const CURSOR: &str = "cursor://anysphere.cursor-mcp/oauth/callback";
    let mut world = World::new();
    world.clients = Clients::new();
    with_document(&mut world, &[CURSOR]);
    // As text, such a scheme is refused: any program can claim it.
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let error = server.client(&world.application, &world.clients, CURSOR, world.now()).unwrap_err();
    assert!(matches!(error, Error::OAuth(OAuthError::Misuse(Misuse::Url { fault: UrlFault::Scheme, .. }))), "{error}");
    // The core's door opens it by name.
    let choice = world.choice(resource().first_contact().unwrap(), CURSOR).unwrap();
    let ClientChoice::Ready(login) = choice else { panic!("{choice:?}") };
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // Also where it is stored and restored.
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = grantflow_mcp::Grant::from_stored(serde_json::from_str(&stored).unwrap(), &Clients::new()).unwrap();
    assert!(world.run(grant.refresh().unwrap()).is_ok());
}

#[test]
fn clients_are_kept_by_issuer_and_stored() {
    let mut clients = Clients::new();
    clients.add(Credentials::beforehand(&issuer(AS), "first").secret("secret-1"));
    clients.add(Credentials::beforehand(&issuer(AS), "second").secret("secret-2"));
    clients.add(Credentials::beforehand(&issuer("https://as.example/"), "slash"));
    clients.add(Credentials::beforehand(&issuer(AS), "pinned").only_for(&resource()));
    let ids =
        |issuer: &grantflow::Issuer| clients.at(issuer).map(|known| known.client_id().to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&issuer(AS)), ["second", "pinned"], "a later one replaces the one before");
    assert_eq!(ids(&issuer("https://as.example/")), ["slash"], "a slash makes another issuer");
    assert_eq!(ids(&issuer(OTHER_AS)), [""; 0]);
    let shown = format!("{clients:?} {:?}", clients.to_stored());
    assert!(!shown.contains("secret-2"), "{shown}");
    let text = serde_json::to_string(&clients.to_stored()).unwrap();
    let restored = Clients::from_stored(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(serde_json::to_string(&restored.to_stored()).unwrap(), text);
    assert!(Clients::from_stored(&serde_json::from_str("{}").unwrap()).is_err());
}

#[test]
fn credentials_for_the_resource_come_before_those_for_any() {
    let mut world = World::new();
    world.clients.add(Credentials::beforehand(&issuer(AS), "pinned").secret("other").only_for(&resource()));
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    assert_eq!(login.connection().client().id(), "pinned");
}

#[test]
fn a_document_without_a_name_is_refused() {
    let metadata = ClientMetadata::new().redirect_uri(REDIRECT_URI).unwrap();
    let nameless = ClientIdDocument::new(DOCUMENT, metadata.clone()).unwrap();
    assert!(matches!(application().document(nameless), Err(Error::NoClientName)));
    let named = ClientIdDocument::new(DOCUMENT, metadata.client_name("Editor").unwrap()).unwrap();
    assert!(application().document(named).is_ok());
}
