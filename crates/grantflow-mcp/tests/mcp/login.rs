//! Points 6 to 9: scope, resource, issuer, and where the token goes.

use grantflow::{Env, Error as OAuthError, Misuse, RejectionReason};
use grantflow_mcp::{Error, LoginBegun, LoginReturn, NotCovered, Resource};
use grantflow_testkit::{CallbackFault, ClientAuth};
use http::Request;
use serde_json::json;

use crate::support::*;

fn requested(world: &mut World, resource: &Resource) -> Option<String> {
    let challenged = world.challenged(resource).unwrap();
    let login = world.login(challenged).unwrap();
    sent_scope(world, &login)
}

fn sent_scope(world: &mut World, login: &grantflow_mcp::Login) -> Option<String> {
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    query(start.url.as_str()).into_iter().find(|(name, _)| name == "scope").map(|(_, scope)| scope)
}

#[test]
fn the_scope_is_what_the_challenge_names_else_all_of_the_resources_else_none() {
    let mut world = World::new();
    world.challenge = "scope=\"files:read\"".to_owned();
    assert_eq!(requested(&mut world, &resource()).as_deref(), Some("files:read"));
    world.challenge.clear();
    assert_eq!(requested(&mut world, &resource()).as_deref(), Some("read write"));
    for (supported, scope) in [
        (json!([]), None),
        (json!(null), None),
        (json!("read"), None),
        (json!(["read", "", "two words", "qu\"ote", "write"]), Some("read write")),
        (json!(["x".repeat(5_000)]), None),
    ] {
        world.publish(
            OWN_PLACE,
            &json!({"resource": MCP, "authorization_servers": [AS], "scopes_supported": supported}),
        );
        assert_eq!(requested(&mut world, &resource()).as_deref(), scope, "{supported}");
    }
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [AS]}));
    assert_eq!(requested(&mut world, &resource()), None);
}

#[test]
fn offline_access_is_added_only_where_the_server_has_it() {
    for (supported, scope) in [
        (vec!["offline_access", "read"], "read write offline_access"),
        (vec!["read"], "read write"),
        (vec![], "read write"),
    ] {
        let mut world = World::new();
        world.server(AS).knobs().scopes_supported = supported.into_iter().map(str::to_owned).collect();
        let login = world.login(resource().first_contact().unwrap()).unwrap();
        assert_eq!(sent_scope(&mut world, &login).as_deref(), Some("read write"), "not by itself");
        let login = login.offline_access().unwrap().offline_access().unwrap();
        assert_eq!(sent_scope(&mut world, &login).as_deref(), Some(scope));
    }
    // Alone, a server would take it in place of its default.
    let mut world = World::new();
    world.server(AS).knobs().scopes_supported = vec!["offline_access".to_owned()];
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [AS]}));
    let login = world.login(resource().first_contact().unwrap()).unwrap().offline_access().unwrap();
    assert_eq!(sent_scope(&mut world, &login), None);
}

#[test]
fn the_caller_may_ask_for_another_scope_and_for_more_parameters() {
    let mut world = World::new();
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    let login = login.scope("read").unwrap().param("prompt", "consent").unwrap();
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    let query = query(start.url.as_str());
    for (name, value) in [("scope", "read"), ("prompt", "consent"), ("resource", MCP), ("client_id", ID)] {
        assert!(query.contains(&(name.to_owned(), value.to_owned())), "{name}: {query:?}");
    }
    assert!(login.clone().param("resource", "https://evil.example").is_err());
    assert!(login.scope("a\"b").is_err());
}

#[test]
fn refresh_without_resource_tokens_die_after_an_hour() {
    let mut world = World::new();
    let grant = world.log_in();
    world.advance(3_601);
    assert!(grant.is_expired(world.now()));
    assert_eq!(world.call(Some(&grant)).status(), 401);
    world.log.clear();
    let grant = world.refresh(grant);
    assert_eq!(world.log[0].all("resource"), [MCP], "a refresh names the resource");
    assert_eq!(world.log[0].all("grant_type"), ["refresh_token"]);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // And the next one.
    world.advance(3_601);
    world.log.clear();
    let grant = world.refresh(grant);
    assert_eq!(world.log[0].all("resource"), [MCP]);
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn every_request_for_a_token_names_the_resource() {
    let mut world = World::new();
    let grant = world.log_in();
    let _ = world.refresh(grant);
    let asked: Vec<_> = world.server(AS).log().iter().filter(|hit| !hit.parameters.is_empty()).collect();
    assert_eq!(asked.len(), 3, "the authorization request, the code, the refresh");
    assert!(asked.iter().all(|hit| hit.resources == [MCP]));
}

#[test]
fn the_recorded_issuer_is_compared_byte_for_byte_before_anything_else() {
    for (fault, reason) in [
        (CallbackFault::set("iss", "https://as.example/"), RejectionReason::WrongIssuer),
        (CallbackFault::set("iss", OTHER_AS), RejectionReason::WrongIssuer),
        (CallbackFault::remove("iss"), RejectionReason::MissingIssuer),
    ] {
        for denied in [false, true] {
            let mut world = World::new();
            if denied {
                world.server(AS).knobs().decision = grantflow_testkit::Decision::Deny;
            }
            world.server(AS).knobs().spoil_callback(fault.clone());
            let login = world.login(resource().first_contact().unwrap()).unwrap();
            let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
            let callback = world.server(AS).visit(start.url.as_str()).unwrap();
            match start.pending.receive_url(&callback.url) {
                LoginReturn::Rejected(rejection) => assert_eq!(rejection.reason(), reason),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn an_iss_that_nobody_announced_is_compared_too() {
    let mut world = World::new();
    world.edit_metadata(AS, |document| {
        document.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
    });
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    for (fault, granted) in [
        (CallbackFault::remove("iss"), true),
        (CallbackFault::set("iss", AS), true),
        (CallbackFault::set("iss", OTHER_AS), false),
    ] {
        world.server(AS).knobs().spoil_callback(fault);
        let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
        let callback = world.server(AS).visit(start.url.as_str()).unwrap();
        let returned = start.pending.receive_url(&callback.url);
        assert_eq!(matches!(returned, LoginReturn::Granted(_)), granted, "{returned:?}");
    }
}

#[test]
fn strangers_and_refusals() {
    let mut world = World::new();
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    let forged = format!("{REDIRECT_URI}?error=access_denied&state=forged");
    let LoginReturn::Unrelated { pending, .. } = start.pending.receive_url(&forged) else { panic!("it counted") };
    world.server(AS).knobs().decision = grantflow_testkit::Decision::Deny;
    let callback = world.server(AS).visit(start.url.as_str()).unwrap().request().unwrap();
    assert!(matches!(pending.receive(callback.uri()), LoginReturn::Denied(_)));
}

#[test]
fn a_listener_gets_the_cores_pending_grant() {
    let mut world = World::new();
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    let callback = world.server(AS).visit(start.url.as_str()).unwrap();
    let returned = start.pending.receive_by(|pending| Ok::<_, core::fmt::Error>(pending.receive_url(&callback.url)));
    let Ok(LoginReturn::Granted(exchange)) = returned else { panic!("not granted") };
    assert_eq!(world.run(exchange).unwrap().resource().identifier(), MCP);
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    assert!(start.pending.receive_by(|_| Err(core::fmt::Error)).is_err());
}

#[test]
fn a_server_that_wants_the_request_pushed_gets_it_pushed() {
    let mut world = World::new();
    world.server(AS).knobs().require_pushed_authorization_requests = true;
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    let needs_push = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap_err();
    assert!(matches!(needs_push, OAuthError::Misuse(Misuse::NeedsPush)));
    let begun = login.begin(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    let LoginBegun::Push(push) = begun else { panic!("not pushed") };
    let redirect = world.run(push).unwrap();
    assert_eq!(world.log.last().unwrap().all("resource"), [MCP]);
    let callback = world.server(AS).visit(redirect.url.as_str()).unwrap();
    let LoginReturn::Granted(exchange) = redirect.pending.receive_url(&callback.url) else { panic!("not granted") };
    let grant = world.run(exchange).unwrap();
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // Where it is not demanded, nothing is pushed.
    world.server(AS).knobs().require_pushed_authorization_requests = false;
    let login = world.login(resource().first_contact().unwrap()).unwrap();
    let begun = login.begin(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    assert!(matches!(begun, LoginBegun::Redirect(_)));
}

#[test]
fn the_token_goes_to_its_resource_only() {
    let mut world = World::new();
    let grant = world.log_in();
    for own in [MCP, "https://MCP.example:443/mcp?session=1", "https://mcp.example/mcp/stream"] {
        let mut request = Request::post(own).body(()).unwrap();
        grant.authorize(&mut request).unwrap();
        let header = &request.headers()["authorization"];
        assert!(header.is_sensitive() && header.to_str().unwrap().starts_with("Bearer "));
    }
    for (other, why) in [
        ("https://mcp.example/", NotCovered::OtherPath),
        ("https://mcp.example/mcp-admin", NotCovered::OtherPath),
        ("https://mcp.example/mcp/../admin", NotCovered::OtherPath),
        ("https://mcp.example/mcp/..;/admin", NotCovered::OtherPath),
        ("https://mcp.example/mcp/%2e%2e;a=b/admin", NotCovered::OtherPath),
        ("https://as.example/mcp", NotCovered::OtherOrigin),
        ("http://mcp.example/mcp", NotCovered::OtherOrigin),
        ("/mcp", NotCovered::NoOrigin),
    ] {
        let mut request = Request::post(other).body(()).unwrap();
        let error = grant.authorize(&mut request).unwrap_err();
        assert!(matches!(error, Error::NotCovered(found) if found == why), "{other}: {error}");
        assert!(request.headers().is_empty(), "{other}");
    }
    let mut twice = Request::post(MCP).header("authorization", "Bearer x").body(()).unwrap();
    assert!(grant.authorize(&mut twice).is_err());
    // What leaves the grant is still bound to the origin.
    let mut request = Request::post("https://as.example/mcp").body(()).unwrap();
    assert!(grant.into_tokens().bearer().unwrap().authorize(&mut request).is_err());
}

#[test]
fn the_older_transports_second_url_is_a_door() {
    let mut world = World::new();
    let resource = resource().allow_token_at_whole_origin();
    let challenged = world.challenged(&resource).unwrap();
    let login = world.login(challenged).unwrap();
    let grant = world.visit(&login);
    let mut request = Request::post("https://mcp.example/messages?session=1").body(()).unwrap();
    grant.authorize(&mut request).unwrap();
    let mut request = Request::post("https://other.example/messages").body(()).unwrap();
    assert!(grant.authorize(&mut request).is_err());
}

#[test]
fn a_clients_own_grant_needs_no_person() {
    let mut world = World::new();
    let credentials = world.clients.iter().next().unwrap().clone();
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let grant = world.run(server.client_credentials(&credentials).unwrap()).unwrap();
    let sent = world.log.last().unwrap();
    assert_eq!(
        (sent.all("grant_type"), sent.all("resource")),
        (vec!["client_credentials".to_owned()], vec![MCP.to_owned()])
    );
    assert_eq!(sent.all("scope"), ["read write"]);
    assert_eq!(world.server(AS).log().last().unwrap().auth, ClientAuth::Basic);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // Such a server needs no PKCE and no authorization endpoint.
    world.edit_metadata(AS, |document| {
        document.as_object_mut().unwrap().remove("authorization_endpoint");
        document.as_object_mut().unwrap().remove("code_challenge_methods_supported");
    });
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    assert!(world.run(server.client_credentials(&credentials).unwrap()).is_ok());
    // It needs a secret, of this issuer.
    let public = grantflow_mcp::Credentials::beforehand(&issuer(AS), ID);
    assert!(matches!(server.client_credentials(&public), Err(Error::Authentication(_))));
    let foreign = grantflow_mcp::Credentials::beforehand(&issuer(OTHER_AS), ID).secret(SECRET);
    assert!(matches!(server.client_credentials(&foreign), Err(Error::OtherIssuer { .. })));
}
