//! Points 1 to 4: challenge, resource metadata, server metadata, PKCE.

use grantflow::{Error as OAuthError, Misuse, UrlFault, Violation};
use grantflow_mcp::{Challenged, Error, Resource};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::support::*;

fn violation(error: &Error) -> Violation {
    match error {
        Error::OAuth(OAuthError::Protocol(broken)) => broken.violation(),
        other => panic!("{other}"),
    }
}

fn challenge(text: &str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, text.parse().unwrap())])
}

fn refused(status: u16, text: &str) -> Result<Option<Challenged>, Error> {
    resource().refused(StatusCode::from_u16(status).unwrap(), &challenge(text))
}

/// The places of the resource's metadata.
fn places(challenged: &Challenged) -> Vec<String> {
    challenged.urls().collect()
}

#[test]
fn a_challenge_names_the_metadata_and_the_scope() {
    let named = "https://mcp.example/.well-known/oauth-protected-resource/elsewhere";
    let text = format!("Basic realm=\"x\", Bearer scope=\"files:read files:write\", resource_metadata=\"{named}\"");
    let challenged = refused(401, &text).unwrap().unwrap();
    assert_eq!(places(&challenged), [named]);
    assert_eq!(challenged.scope().unwrap().as_str(), "files:read files:write");
    // Without a challenge, too, a 401 demands a token.
    let challenged = resource().refused(StatusCode::UNAUTHORIZED, &HeaderMap::new()).unwrap().unwrap();
    assert_eq!(places(&challenged), [OWN_PLACE, ROOT_PLACE]);
    assert!(challenged.scope().is_none());
}

#[test]
fn a_403_counts_only_with_insufficient_scope() {
    let challenged = refused(403, "Bearer error=\"insufficient_scope\", scope=\"admin\"").unwrap().unwrap();
    assert_eq!(challenged.scope().unwrap().as_str(), "admin");
    for (status, text) in [
        (403, "Bearer error=\"invalid_token\""),
        (403, "Bearer"),
        (200, "Bearer error=\"insufficient_scope\""),
        (404, "Bearer error=\"insufficient_scope\""),
        (500, "Bearer"),
    ] {
        assert!(refused(status, text).unwrap().is_none(), "{status} {text}");
    }
}

#[test]
fn a_scope_that_no_url_holds_is_ignored() {
    let long = "x".repeat(5_000);
    assert!(refused(401, &format!("Bearer scope=\"{long}\"")).unwrap().unwrap().scope().is_none());
    assert!(refused(401, "Bearer scope=\"\"").unwrap().unwrap().scope().is_none());
    assert!(refused(401, "Bearer scope=\"a\", scope=\"b\"").unwrap().unwrap().scope().is_none(), "which one?");
}

#[test]
fn only_the_root_well_known_tried() {
    let mut world = World::new();
    let challenged = resource().first_contact().unwrap();
    assert_eq!(places(&challenged), [OWN_PLACE, ROOT_PLACE]);
    let _ = world.run(challenged).unwrap();
    assert_eq!(world.urls(), [OWN_PLACE], "the resource's own place comes first, and has it");

    // A root document is the host's, and may name the host; then that is the resource.
    let document = world.documents.remove(OWN_PLACE).unwrap();
    world.publish(ROOT_PLACE, &json!({"resource": "https://mcp.example", "authorization_servers": [AS]}));
    world.log.clear();
    let servers = world.run(resource().first_contact().unwrap()).unwrap();
    assert_eq!(world.urls(), [OWN_PLACE, ROOT_PLACE]);
    assert_eq!(servers.resource_metadata().unwrap().resource(), "https://mcp.example");
    // Or it may name this resource.
    world.documents.insert(ROOT_PLACE.to_owned(), document);
    assert_eq!(world.run(resource().first_contact().unwrap()).unwrap().resource_metadata().unwrap().resource(), MCP);
    // An own document that is there and wrong ends it.
    world.publish(OWN_PLACE, &json!({"resource": "https://mcp.example/other", "authorization_servers": [AS]}));
    world.log.clear();
    let error = world.run(resource().first_contact().unwrap()).unwrap_err().into_error().into();
    assert_eq!((violation(&error), world.urls()), (Violation::OtherResource, vec![OWN_PLACE]));
}

#[test]
fn query_kept_or_lost() {
    let mut world = World::new();
    let url = "https://mcp.example/mcp?tenant=A&x=%2F";
    let resource = Resource::new(url).unwrap();
    let own = "https://mcp.example/.well-known/oauth-protected-resource/mcp?tenant=A&x=%2F";
    let challenged = resource.first_contact().unwrap();
    assert_eq!(places(&challenged), [own, ROOT_PLACE]);
    world.publish(own, &json!({"resource": url, "authorization_servers": [AS]}));
    let login = world.login(challenged).unwrap();
    let grant = world.visit(&login);
    assert_eq!(grant.resource_identifier(), url);
    assert_eq!(world.log.last().unwrap().all("resource"), [url]);
    // A document of the resource without the query is that of another resource.
    world.publish(own, &json!({"resource": MCP, "authorization_servers": [AS]}));
    assert!(world.run(resource.first_contact().unwrap()).is_err());
}

#[test]
fn resource_metadata_on_another_origin() {
    let mut world = World::new();
    let elsewhere = "https://meta.example/mcp";
    world.publish(elsewhere, &json!({"resource": MCP, "authorization_servers": [AS]}));
    world.challenge = format!("resource_metadata=\"{elsewhere}\"");
    let error = world.challenged(&resource()).unwrap_err();
    assert!(
        matches!(error, Error::OAuth(OAuthError::Misuse(Misuse::Url { fault: UrlFault::OtherOrigin, .. }))),
        "{error}"
    );
    // The door. The document must still be that of the resource.
    let resource = resource().allow_metadata_at_any_origin();
    let challenged = world.challenged(&resource).unwrap();
    assert_eq!(places(&challenged), [elsewhere]);
    assert_eq!(world.run(challenged.clone()).unwrap().issuers(), [issuer(AS)]);
    world.publish(elsewhere, &json!({"resource": "https://meta.example/mcp", "authorization_servers": [AS]}));
    let error = world.run(challenged).unwrap_err().into_error().into();
    assert_eq!(violation(&error), Violation::OtherResource);
    // An address or this machine is never asked.
    for never in ["https://127.0.0.1/x", "https://169.254.169.254/x", "http://meta.example/x", "https://10.0.0.1/x"] {
        world.challenge = format!("resource_metadata=\"{never}\"");
        assert!(world.challenged(&resource).is_err(), "{never}");
    }
}

#[test]
fn resource_with_a_slash_that_the_server_does_not_have() {
    let mut world = World::new();
    // URL libraries write this slash.
    world.publish(ROOT_PLACE, &json!({"resource": "https://mcp.example", "authorization_servers": [AS]}));
    let resource = Resource::new("https://mcp.example/").unwrap();
    let login = world.login(resource.first_contact().unwrap()).unwrap();
    let grant = world.visit(&login);
    assert_eq!(grant.resource_identifier(), "https://mcp.example");
    assert_eq!(world.log.last().unwrap().all("resource"), ["https://mcp.example"]);
    // On a path, someone wrote it, and it is another resource. The error says what to do.
    let resource = Resource::new("https://mcp.example/mcp/").unwrap();
    world.publish(&format!("{OWN_PLACE}/"), &json!({"resource": MCP, "authorization_servers": [AS]}));
    let error = world.run(resource.first_contact().unwrap()).unwrap_err().into_error();
    assert!(error.to_string().contains("only in the slash at the end"), "{error}");
}

#[test]
fn and_the_other_way_round() {
    let mut world = World::new();
    // Someone wrote it into the document: it is sent.
    world.publish(ROOT_PLACE, &json!({"resource": "https://mcp.example/", "authorization_servers": [AS]}));
    let resource = Resource::new("https://mcp.example").unwrap();
    let login = world.login(resource.first_contact().unwrap()).unwrap();
    let grant = world.visit(&login);
    assert_eq!(grant.resource_identifier(), "https://mcp.example/");
    let grant = world.refresh(grant);
    assert_eq!(world.log.last().unwrap().all("resource"), ["https://mcp.example/"]);
    assert_eq!(grant.resource_identifier(), "https://mcp.example/");
    let error = {
        world.publish(OWN_PLACE, &json!({"resource": format!("{MCP}/"), "authorization_servers": [AS]}));
        world.run(crate::support::resource().first_contact().unwrap()).unwrap_err().into_error()
    };
    assert!(error.to_string().contains("only in the slash at the end"), "{error}");
}

#[test]
fn another_spelling_of_scheme_host_or_port_is_the_same_resource() {
    for (asked, named, is_same) in [
        ("HTTPS://MCP.Example:443/mcp", MCP, true),
        (MCP, "HTTPS://MCP.Example:443/mcp", true),
        ("https://MCP.example/mcp", "https://MCP.example/mcp", true),
        (MCP, "https://mcp.example/MCP", false),
        (MCP, "https://mcp.example:8443/mcp", false),
        (MCP, "http://mcp.example/mcp", false),
        (MCP, "https://mcp.example/%6dcp", false),
        (MCP, "https://evil.example/mcp", false),
        (MCP, "https://mcp.example/mcp/", false),
        (MCP, "https://mcp.example/mcp?", false),
        (MCP, "https://mcp.example", false),
        (MCP, "", false),
    ] {
        let mut world = World::new();
        world.publish(OWN_PLACE, &json!({"resource": named, "authorization_servers": [AS]}));
        let challenged = Resource::new(asked).unwrap().first_contact().unwrap();
        match world.run(challenged) {
            Ok(servers) => {
                assert!(is_same, "{asked} {named}");
                // It is sent as the document has it.
                assert_eq!(servers.resource_metadata().unwrap().resource(), named);
            }
            Err(failure) => assert!(!is_same, "{asked} {named}: {failure}"),
        }
    }
}

#[test]
fn the_callers_identifier_can_be_the_start_of_the_url() {
    let mut world = World::new();
    world.publish(ROOT_PLACE, &json!({"resource": "https://mcp.example", "authorization_servers": [AS]}));
    world.challenge = format!("resource_metadata=\"{ROOT_PLACE}\"");
    // The challenge's document must name the requested URL (RFC 9728 §3.3), unless the caller knows better.
    let challenged = world.challenged(&resource()).unwrap();
    assert_eq!(violation(&world.found(challenged).unwrap_err()), Violation::OtherResource);
    let resource = resource().identified_as("https://mcp.example").unwrap();
    let challenged = world.challenged(&resource).unwrap();
    let login = world.login(challenged).unwrap();
    assert_eq!(world.visit(&login).resource_identifier(), "https://mcp.example");
}

#[test]
fn the_first_of_several_authorization_servers_taken_silently() {
    let mut world = World::new();
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [OTHER_AS, AS]}));
    let servers = world.run(resource().first_contact().unwrap()).unwrap();
    assert_eq!(servers.issuers(), [issuer(OTHER_AS), issuer(AS)]);
    assert!(servers.only().is_none());
    // The caller chooses, and only among them.
    let server = world.run(servers.choose(&issuer(AS)).unwrap()).unwrap();
    assert_eq!(server.issuer(), &issuer(AS));
    for other in ["https://as.example/", "https://evil.example"] {
        assert!(servers.choose(&issuer(other)).is_err(), "{other}");
    }
}

#[test]
fn metadata_without_authorization_servers_is_refused() {
    for document in [json!({"resource": MCP}), json!({"resource": MCP, "authorization_servers": []})] {
        let mut world = World::new();
        world.publish(OWN_PLACE, &document);
        // The fallback is not for a document that is there.
        let resource = resource().allow_default_endpoints();
        let error = world.run(resource.first_contact().unwrap()).unwrap_err();
        assert!(matches!(error.into_error(), OAuthError::Protocol(_)));
        assert_eq!(world.urls(), [OWN_PLACE]);
    }
}

#[test]
fn the_places_of_server_metadata_are_asked_in_the_order_of_the_specification() {
    for (issuer_url, places) in [
        (
            "https://as.example/tenant1",
            vec![
                "https://as.example/.well-known/oauth-authorization-server/tenant1",
                "https://as.example/.well-known/openid-configuration/tenant1",
                "https://as.example/tenant1/.well-known/openid-configuration",
            ],
        ),
        (
            "https://as.example",
            vec![
                "https://as.example/.well-known/oauth-authorization-server",
                "https://as.example/.well-known/openid-configuration",
            ],
        ),
    ] {
        for last in 0..places.len() {
            for missing in [404, 400, 401, 403, 405, 410] {
                let mut world = World::new();
                world.servers.clear();
                world.servers.insert(AS, grantflow_testkit::Server::new(AS));
                world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [issuer_url]}));
                for place in &places {
                    world.documents.insert((*place).to_owned(), (missing, String::new()));
                }
                world.publish(
                    places[last],
                    &json!({
                        "issuer": issuer_url,
                        "authorization_endpoint": "https://as.example/a",
                        "token_endpoint": "https://as.example/t",
                        "code_challenge_methods_supported": ["S256"],
                    }),
                );
                world.log.clear();
                let server = world.found(resource().first_contact().unwrap()).unwrap();
                assert_eq!(server.issuer().as_str(), issuer_url);
                assert_eq!(world.urls()[1..], places[..=last]);
            }
        }
    }
}

#[test]
fn a_server_document_that_is_wrong_or_an_outage_ends_the_search() {
    let place = "https://as.example/.well-known/oauth-authorization-server";
    for (status, document) in [
        (200, "{}".to_owned()),
        (200, "<html>".to_owned()),
        (200, json!({"issuer": "https://as.example/", "token_endpoint": "https://as.example/t"}).to_string()),
        (500, String::new()),
        (503, String::new()),
        (429, String::new()),
        (302, String::new()),
    ] {
        let mut world = World::new();
        world.documents.insert(place.to_owned(), (status, document.clone()));
        let resource = resource().allow_default_endpoints();
        let error = world.found(resource.first_contact().unwrap()).unwrap_err();
        assert!(matches!(error, Error::OAuth(_)), "{error}");
        assert_eq!(world.urls(), [OWN_PLACE, place], "{status} {document}");
    }
}

#[test]
fn metadata_whose_issuer_is_the_proxied_upstreams() {
    let mut world = World::new();
    world.edit_metadata(AS, |document| document["issuer"] = json!("https://upstream.example"));
    let error = world.found(resource().first_contact().unwrap()).unwrap_err();
    assert_eq!(violation(&error), Violation::OtherIssuer);
    assert!(
        error.to_string().contains("https://upstream.example")
            && error.to_string().contains("tell the resource's operator"),
        "{error}"
    );
}

#[test]
fn metadata_that_lacks_code_challenge_methods_supported() {
    for methods in [None, Some(json!([])), Some(json!(["plain"])), Some(json!(["s256"])), Some(json!(null))] {
        let mut world = World::new();
        world.edit_metadata(AS, |document| match &methods {
            None => drop(document.as_object_mut().unwrap().remove("code_challenge_methods_supported")),
            Some(methods) => document["code_challenge_methods_supported"] = methods.clone(),
        });
        let error = world.login(resource().first_contact().unwrap()).unwrap_err();
        assert!(matches!(&error, Error::NoPkce(at) if *at == issuer(AS)), "{methods:?}: {error}");
        assert_eq!(world.urls().len(), 2, "nothing is asked after the documents");
    }
    // An OpenID document is no exception.
    let mut world = World::new();
    let openid = "https://as.example/.well-known/openid-configuration";
    world.server(AS).knobs().omit(grantflow_testkit::Endpoint::ServerMetadata);
    world.publish(
        openid,
        &json!({
            "issuer": AS, "authorization_endpoint": "https://as.example/a", "token_endpoint": "https://as.example/t",
        }),
    );
    assert!(matches!(world.login(resource().first_contact().unwrap()), Err(Error::NoPkce(_))));
}

mod older_revisions {
    use super::*;

    fn bare() -> World {
        let mut world = World::new();
        world.documents.clear();
        world
    }

    #[test]
    fn the_resources_origin_as_the_issuer_is_a_door() {
        let mut world = bare();
        let metadata = "https://mcp.example/.well-known/oauth-authorization-server";
        world.publish(
            metadata,
            &json!({
                "issuer": "https://mcp.example",
                "authorization_endpoint": "https://mcp.example/a",
                "token_endpoint": "https://mcp.example/t",
                "code_challenge_methods_supported": ["S256"],
            }),
        );
        let error = world.run(resource().first_contact().unwrap()).unwrap_err().into_error().into();
        assert_eq!(violation(&error), Violation::NoDocument);
        world.log.clear();
        let server = world.found(resource().allow_origin_as_issuer().first_contact().unwrap()).unwrap();
        assert_eq!(world.urls(), [OWN_PLACE, ROOT_PLACE, metadata]);
        assert_eq!(server.issuer().as_str(), "https://mcp.example");
        assert!(server.resource_metadata().is_none());
        // PKCE must be announced here too.
        world.publish(
            metadata,
            &json!({"issuer": "https://mcp.example", "authorization_endpoint": "https://mcp.example/a",
            "token_endpoint": "https://mcp.example/t"}),
        );
        let login = world.login(resource().allow_default_endpoints().first_contact().unwrap());
        assert!(matches!(login, Err(Error::NoPkce(_))), "a document that is there is no missing one");
    }

    #[test]
    fn default_endpoints_are_a_second_door() {
        let mut world = bare();
        let error = world.found(resource().allow_origin_as_issuer().first_contact().unwrap()).unwrap_err();
        assert_eq!(violation(&error), Violation::NoDocument);
        world.clients.add(grantflow_mcp::Credentials::beforehand(&issuer("https://mcp.example"), ID));
        world.log.clear();
        let login = world.login(resource().allow_default_endpoints().first_contact().unwrap()).unwrap();
        let start = login.start(&mut grantflow::Env::new(world.now(), &mut world.rng)).unwrap();
        assert!(start.url.as_str().starts_with("https://mcp.example/authorize?"), "{}", start.url.as_str());
        let query = query(start.url.as_str());
        assert!(query.contains(&("resource".to_owned(), MCP.to_owned())));
        assert!(query.contains(&("code_challenge_method".to_owned(), "S256".to_owned())));
        let state = query.iter().find(|(name, _)| name == "state").unwrap().1.clone();
        // The recorded issuer counts here too.
        let callback = format!("{REDIRECT_URI}?code=c&state={state}&iss=https://evil.example");
        assert!(matches!(start.pending.receive_url(&callback), grantflow_mcp::LoginReturn::Rejected(_)));
    }

    #[test]
    fn a_challenge_that_names_metadata_closes_the_door() {
        let mut world = bare();
        world.challenge = format!("resource_metadata=\"{OWN_PLACE}\"");
        let challenged = world.challenged(&resource().allow_default_endpoints()).unwrap();
        let error = world.run(challenged).unwrap_err().into_error().into();
        assert_eq!(violation(&error), Violation::NoDocument);
    }

    #[test]
    fn an_outage_is_no_missing_document() {
        for status in [500, 503, 429, 302, 204] {
            let mut world = bare();
            world.documents.insert(OWN_PLACE.to_owned(), (status, String::new()));
            let resource = resource().allow_default_endpoints();
            assert!(world.run(resource.first_contact().unwrap()).is_err(), "{status}");
            assert_eq!(world.urls(), [OWN_PLACE], "{status}");
        }
    }
}
