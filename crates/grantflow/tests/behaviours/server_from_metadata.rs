//! The server that comes out of metadata: its endpoints, its issuer, and what it demands.

use grantflow::{
    Authorization, Begun, Callback, ClientCredentials, Discovery, Env, Error, Exchange, MetadataFault, Misuse, Quirk,
    Redirect, Server, ServerMetadata, UrlFault, UrlRole,
};
use grantflow_testkit::{CallbackFault, Client, Endpoint, Misbehaviour};

use crate::support::*;

const TWO: &str =
    r#""authorization_endpoint":"https://as.example/authorize","token_endpoint":"https://as.example/token""#;

fn metadata(members: &str) -> ServerMetadata {
    Discovery::new(ISSUER).unwrap().read(&format!(r#"{{"issuer":"{ISSUER}",{members}}}"#)).unwrap()
}

fn server(members: &str) -> Server {
    metadata(&format!("{TWO},{members}")).server().unwrap()
}

fn misuse<T: std::fmt::Debug>(result: Result<T, Error>) -> Misuse {
    match result.unwrap_err() {
        Error::Misuse(misuse) => misuse,
        other => panic!("{other}"),
    }
}

fn authorization(server: &Server) -> Result<Authorization, Error> {
    Authorization::new(&server.client(ID).secret_post(SECRET).unwrap(), REDIRECT_URI)
}

#[test]
fn a_discovered_server_carries_a_login_and_its_refresh() {
    let mut world = World::new();
    let (found, _) = run_to_its_end(&mut world.provider, Discovery::new(ISSUER).unwrap());
    let server = found.unwrap().server().unwrap().token_for(ISSUER).unwrap();
    world.client = server.client(ID).secret_basic(SECRET).unwrap();
    let tokens = world.tokens();
    let refreshed = world.run(tokens.refresh().unwrap()).unwrap();
    let mut request = http::Request::get(world.provider.resource_url()).body(()).unwrap();
    refreshed.bearer().unwrap().authorize(&mut request).unwrap();
    assert_eq!(world.provider.handle(&request.map(|()| "")).status(), 200);
}

#[test]
fn requests_go_where_the_metadata_says_and_setting_an_endpoint_by_hand_stays() {
    let server = metadata(r#""token_endpoint":"https://tokens.example/t?tenant=1""#).server().unwrap();
    let client = server.client(ID).secret_post(SECRET).unwrap();
    let mut dice = Dice(1);
    let mut env = Env::new(NOW, &mut dice);
    let request = ClientCredentials::new(&client).request(&mut env).unwrap();
    assert_eq!(request.uri(), "https://tokens.example/t?tenant=1");
    // Without an authorization endpoint, no person can take part.
    assert_eq!(misuse(authorization(&server)), Misuse::NoAuthorizationEndpoint);

    let server =
        server.revocation_endpoint("https://as.example/revoke").unwrap().quirk(Quirk::JsonRequestBody).unwrap();
    let client = server.client(ID).secret_post(SECRET).unwrap();
    let request = ClientCredentials::new(&client).request(&mut env).unwrap();
    assert_eq!(request.headers()["content-type"], "application/json");
}

#[test]
fn a_document_of_a_server_that_gives_no_tokens_makes_no_server() {
    let keys_alone = metadata(r#""jwks_uri":"https://as.example/keys""#);
    assert_eq!(misuse(keys_alone.server()), Misuse::Metadata(MetadataFault::NoTokenEndpoint));
}

#[test]
fn an_endpoint_whose_query_is_the_protocols_own_makes_no_server() {
    let odd = metadata(r#""token_endpoint":"https://as.example/token?client_id=other""#);
    assert_eq!(misuse(odd.server()), Misuse::Url { role: UrlRole::Token, fault: UrlFault::ReservedParameter });
}

#[test]
fn the_issuer_is_known_and_iss_is_wanted_where_it_is_announced() {
    for (announced, without_iss) in [("true", "rejected"), ("false", "granted"), ("null", "granted")] {
        let mut world = World::new();
        let json = format!(
            r#"{{"issuer":"{ISSUER}","authorization_endpoint":"{}","token_endpoint":"{}",
                "authorization_response_iss_parameter_supported":{announced}}}"#,
            world.provider.authorize_url(),
            world.provider.token_url()
        );
        let server = Discovery::new(ISSUER).unwrap().read(&json).unwrap().server().unwrap();
        world.client = server.client(ID).secret_post(SECRET).unwrap();
        for (fault, expected) in [
            (None, "granted"),
            (Some(CallbackFault::Remove("iss".to_owned())), without_iss),
            (Some(CallbackFault::set("iss", "https://attacker.example")), "rejected"),
        ] {
            world.provider.knobs().next_callbacks.extend(fault.clone());
            let (pending, url) = world.pending();
            let callback = world.provider.visit(&url).unwrap();
            let callback: Callback = pending.receive_url(&callback.url);
            assert_eq!(verdict(&callback), expected, "{announced} {fault:?}");
        }
    }
}

#[test]
fn a_server_that_lists_pkce_methods_without_s256_gets_no_authorization_request() {
    for methods in [r#"[]"#, r#"["plain"]"#, r#"["plain","s256"]"#] {
        let server = server(&format!(r#""code_challenge_methods_supported":{methods}"#));
        assert_eq!(misuse(authorization(&server)), Misuse::Metadata(MetadataFault::NoS256), "{methods}");
        // Other grants need no PKCE, and a server that refuses it has its word for that.
        let client = server.client(ID).secret_post(SECRET).unwrap();
        assert!(ClientCredentials::new(&client).request(&mut Env::new(NOW, &mut Dice(1))).is_ok());
        let refusing = server.quirk(Quirk::RefusesPkce).unwrap();
        assert!(authorization(&refusing).is_ok(), "{methods}");
    }
    for silent in
        [r#""x":1"#, r#""code_challenge_methods_supported":null"#, r#""code_challenge_methods_supported":["S256"]"#]
    {
        assert!(authorization(&server(silent)).is_ok(), "{silent}");
    }
}

#[test]
fn pkce_cannot_be_left_out_where_the_metadata_announces_it() {
    let announced = server(r#""code_challenge_methods_supported":["plain","S256"]"#);
    assert!(matches!(misuse(announced.quirk(Quirk::RefusesPkce)), Misuse::Quirk(why) if why.contains("S256")));
    let silent = server(r#""x":1"#);
    assert!(silent.quirk(Quirk::RefusesPkce).is_ok());
}

#[test]
fn signed_requests_are_refused_before_a_person_is_sent_away() {
    let server = server(r#""require_signed_request_object":true"#);
    let refused = misuse(authorization(&server));
    assert_eq!(refused, Misuse::Metadata(MetadataFault::SignedRequestObject));
    assert!(refused.to_string().contains("require_signed_request_object"), "{refused}");
    let client = server.client(ID).secret_post(SECRET).unwrap();
    assert!(ClientCredentials::new(&client).request(&mut Env::new(NOW, &mut Dice(1))).is_ok());
}

#[test]
fn bound_tokens_are_refused_when_the_server_is_made_and_certificates_are_only_offered() {
    let bound = metadata(&format!(r#"{TWO},"dpop_bound_access_tokens":true"#));
    assert_eq!(misuse(bound.server()), Misuse::Metadata(MetadataFault::Dpop));
    let offered = metadata(&format!(r#"{TWO},"tls_client_certificate_bound_access_tokens":true"#));
    assert!(offered.tls_client_certificate_bound_access_tokens());
    assert!(authorization(&offered.server().unwrap()).is_ok());
}

#[test]
fn pushed_requests_are_remembered_and_need_their_endpoint() {
    let endpoint = r#""pushed_authorization_request_endpoint":"https://as.example/par""#;
    let demands = r#""require_pushed_authorization_requests":true"#;
    assert!(server(&format!("{endpoint},{demands}")).requires_pushed_authorization_requests());
    assert!(!server(endpoint).requires_pushed_authorization_requests());
    assert!(!server(r#""require_pushed_authorization_requests":false"#).requires_pushed_authorization_requests());
    let nowhere = metadata(&format!("{TWO},{demands}"));
    assert_eq!(misuse(nowhere.server()), Misuse::NoEndpoint(UrlRole::PushedAuthorizationRequest));
    // By hand.
    let by_hand = Server::new("https://as.example/authorize", "https://as.example/token").unwrap();
    assert!(!by_hand.requires_pushed_authorization_requests());
    assert!(by_hand.require_pushed_authorization_requests().requires_pushed_authorization_requests());
}

/// RFC 9126 §5: the metadata demands it, and the login pushes by itself.
#[test]
fn a_login_at_a_server_whose_metadata_demands_pushed_requests_pushes() {
    for demanded in [true, false] {
        let mut world = World::new();
        world.provider.knobs().require_pushed_authorization_requests = demanded;
        let (found, _) = run_to_its_end(&mut world.provider, Discovery::new(ISSUER).unwrap());
        let server = found.unwrap().server().unwrap();
        let client = server.client(ID).secret_basic(SECRET).unwrap();
        let authorization = Authorization::new(&client, REDIRECT_URI).unwrap().scope("read").unwrap();
        let mut dice = Dice(3);
        let mut env = Env::new(world.now(), &mut dice);
        let started = authorization.start(&mut env);
        assert_eq!(started.is_err(), demanded, "nothing goes around what is demanded");
        let redirect = match authorization.begin(&mut env).unwrap() {
            Begun::Push(exchange) => {
                assert!(demanded);
                world.run(exchange).unwrap()
            }
            Begun::Redirect(redirect) => {
                assert!(!demanded);
                redirect
            }
        };
        let callback = world.provider.visit(redirect.url.as_str()).unwrap();
        let exchange = granted(redirect.pending.receive_url(&callback.url));
        assert!(world.run(exchange).is_ok());
        assert_eq!(world.provider.hits_at(Endpoint::PushedAuthorization).count(), usize::from(demanded));
    }
}

#[test]
fn a_secret_is_not_sent_in_a_way_that_the_server_does_not_list() {
    let cases = [
        (r#""x":1"#, true, true),
        (r#""token_endpoint_auth_methods_supported":null"#, true, true),
        (r#""token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post"]"#, true, true),
        (r#""token_endpoint_auth_methods_supported":["client_secret_basic"]"#, true, false),
        (r#""token_endpoint_auth_methods_supported":["client_secret_post"]"#, false, true),
        (r#""token_endpoint_auth_methods_supported":["private_key_jwt"]"#, false, false),
        (r#""token_endpoint_auth_methods_supported":["none"]"#, false, false),
        (r#""token_endpoint_auth_methods_supported":[]"#, false, false),
    ];
    for (members, basic, post) in cases {
        let server = server(members);
        assert_eq!(server.client(ID).secret_basic(SECRET).is_ok(), basic, "{members}");
        assert_eq!(server.client(ID).secret_post(SECRET).is_ok(), post, "{members}");
        // Servers have public clients without saying so.
        assert!(server.client(ID).public().is_ok(), "{members}");
        if !post {
            let refused = misuse(server.client(ID).secret_post(SECRET));
            assert_eq!(refused, Misuse::AuthMethod("client_secret_post"));
            assert!(refused.to_string().contains("does not take client_secret_post"), "{refused}");
        }
        // The list can be mended by hand.
        let mended = server.token_endpoint_auth_methods_supported(&["client_secret_post"]);
        assert!(mended.client(ID).secret_post(SECRET).is_ok() && mended.client(ID).secret_basic(SECRET).is_err());
    }
}

/// What the testkit's server announces changes with its knobs, and the client with it.
#[test]
fn a_client_follows_what_its_server_announces() {
    let mut provider = grantflow_testkit::Server::new(ISSUER);
    provider.register(Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope("read"));
    provider.knobs().accept_post = false;
    provider.knobs().require_pushed_authorization_requests = true;
    let (found, _) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
    let server = found.unwrap().server().unwrap();
    assert!(server.requires_pushed_authorization_requests());
    assert!(server.client(ID).secret_post(SECRET).is_err());
    assert!(server.client(ID).secret_basic(SECRET).is_ok());
}

/// Discovery and login in one: what the metadata of an attacker cannot do.
#[test]
fn a_login_by_metadata_of_another_issuer_never_starts() {
    let mut provider = grantflow_testkit::Server::new(ISSUER);
    let evil = Misbehaviour::set("issuer", "\"https://attacker.example\"");
    provider.knobs().always_at(Endpoint::ServerMetadata, evil);
    let (found, asked) = run_to_its_end(&mut provider, Discovery::new(ISSUER).unwrap());
    assert!(found.is_err());
    assert_eq!(asked.len(), 1);
    assert_eq!(provider.log().len(), 1);
}

#[test]
fn a_stored_login_of_a_discovered_server_is_restored_at_the_same_server_alone() {
    let mut world = World::new();
    let (found, _) = run_to_its_end(&mut world.provider, Discovery::new(ISSUER).unwrap());
    let metadata = found.unwrap();
    let client = |metadata: &ServerMetadata| metadata.server().unwrap().client(ID).secret_post(SECRET).unwrap();
    world.client = client(&metadata);
    let authorization = world.authorization();
    let Redirect { pending, .. } = world.start(&authorization);
    let stored = serde_json::to_string(&pending.into_stored()).unwrap();
    // Another process reads the kept document.
    let again = Discovery::new(ISSUER).unwrap().read(metadata.as_json()).unwrap();
    let restore = |metadata: &ServerMetadata| {
        grantflow::PendingCallback::from_stored(serde_json::from_str(&stored).unwrap(), &client(metadata))
    };
    assert!(restore(&again).is_ok());
    let other = Discovery::new("https://other.example")
        .unwrap()
        .read(&metadata.as_json().replace("\"issuer\":\"https://as.example\"", "\"issuer\":\"https://other.example\""))
        .unwrap();
    assert!(restore(&other).is_err());
}
