//! What holds for every resource, every challenge and every metadata.

use std::collections::BTreeSet;

use grantflow_mcp::{ClientChoice, Clients, Credentials, Demand, Error, Operation, Resource};
use http::{HeaderMap, StatusCode, Uri};
use proptest::prelude::*;
use serde_json::json;

use crate::support::*;

fn url() -> impl Strategy<Value = String> {
    let host = prop_oneof![
        Just("mcp.example"),
        Just("MCP.Example"),
        Just("mcp.example."),
        Just("other.example"),
        Just("[2001:DB8::1]")
    ];
    let port = prop_oneof![Just(""), Just(":443"), Just(":0443"), Just(":8443"), Just(":80")];
    let rest = "(/([a-cA-C.]|%2e|%2F|%5c){0,4}){0,3}(\\?[ab]=[01](&[ab]=[01]){0,2})?";
    (prop_oneof![Just("https"), Just("HTTPS")], host, port, rest)
        .prop_map(|(scheme, host, port, rest)| format!("{scheme}://{host}{port}{rest}"))
}

fn scope() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(vec!["read", "write", "admin", "files:read", "offline_access"], 1..=4).prop_shuffle()
}

fn tokens(scope: &str) -> BTreeSet<&str> {
    scope.split(' ').filter(|token| !token.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_identifier_is_the_same_however_its_url_is_spelt(text in url()) {
        let Ok(resource) = Resource::new(&text) else { return Ok(()) };
        let again = Resource::new(resource.identifier()).unwrap();
        prop_assert_eq!(again.identifier(), resource.identifier());
        prop_assert_eq!(resource.url(), &text);
        let (origin, rest) = resource.identifier().split_at(resource.origin().len());
        prop_assert_eq!(origin, origin.to_ascii_lowercase());
        prop_assert!(!origin.ends_with(":443") && !origin.contains(":0"));
        // Nothing after the host is changed, but for a slash that nobody wrote.
        prop_assert!(text.ends_with(rest));
        prop_assert_ne!(rest, "/");
        let own: Uri = text.parse().unwrap();
        prop_assert!(resource.covers(&own).is_ok());
    }

    #[test]
    fn a_token_goes_nowhere_above_or_beside_its_resource(of in url(), to in url()) {
        let (Ok(resource), Ok(uri)) = (Resource::new(&of), to.parse::<Uri>()) else { return Ok(()) };
        if resource.covers(&uri).is_err() {
            return Ok(());
        }
        let other = Resource::new(&to).unwrap();
        prop_assert_eq!(resource.origin(), other.origin());
        let path = |resource: &Resource| resource.identifier()[resource.origin().len()..].split('?').next().unwrap().to_owned();
        let (own, requested) = (path(&resource), path(&other));
        let below = requested.strip_prefix(&*own);
        prop_assert!(below.is_some() || own == "/", "{} {}", own, requested);
        let below = below.unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
        prop_assert!(below.split('/').all(|segment| segment != ".." && segment != "."), "{}", below);
        prop_assert!(!below.contains("%2f") && !below.contains("%5c"), "{}", below);
    }

    #[test]
    fn a_step_up_asks_for_the_union(asked in scope(), named in scope(), more in scope()) {
        let mut world = World::new();
        let login = world.login(resource().first_contact().unwrap()).unwrap().scope(&asked.join(" ")).unwrap();
        let mut grant = world.visit(&login);
        let mut known: BTreeSet<&str> = asked.iter().copied().collect();
        let mut operation = Operation::new();
        for named in [named, more] {
            let text = format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", named.join(" "));
            let headers = HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, text.parse().unwrap())]);
            let new = named.iter().any(|token| !known.contains(token));
            match grant.demand(StatusCode::FORBIDDEN, &headers, &mut operation) {
                Ok(Demand::LogIn(login)) => {
                    prop_assert!(new);
                    known.extend(named);
                    grant = world.visit(&login);
                    let granted = grant.tokens().scope().effective().unwrap().as_str().to_owned();
                    prop_assert_eq!(tokens(&granted), known.clone());
                    prop_assert_eq!(granted.split(' ').count(), known.len(), "each once");
                }
                Err(Error::NoStepUp(_)) => prop_assert!(!new),
                other => prop_assert!(false, "{other:?}"),
            }
        }
    }

    #[test]
    fn credentials_never_reach_another_issuer_whatever_the_metadata_says(
        trusted in proptest::sample::subsequence(vec![AS, OTHER_AS, "https://as.example/", "https://evil.example"], 1..=4).prop_shuffle(),
        known in proptest::sample::subsequence(vec![AS, OTHER_AS, "https://as.example/"], 0..=3),
        claimed in prop_oneof![Just(None), Just(Some(AS)), Just(Some(OTHER_AS)), Just(Some("https://evil.example"))],
        pinned in any::<bool>(),
    ) {
        let mut world = World::new();
        world.clients = Clients::new();
        for at in &known {
            let credentials = Credentials::beforehand(&issuer(at), &format!("id at {at}")).secret(format!("secret at {at}"));
            world.clients.add(if pinned { credentials.only_for(&resource()) } else { credentials });
        }
        world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": trusted}));
        if let Some(claimed) = claimed {
            world.edit_metadata(AS, |document| {
                document["issuer"] = json!(claimed);
                document["token_endpoint"] = json!("https://evil.example/token");
            });
        }
        let servers = world.run(resource().first_contact().unwrap()).unwrap();
        for at in trusted {
            let Ok(server) = world.run(servers.choose(&issuer(at)).unwrap()) else { continue };
            match server.client(&world.application, &world.clients, REDIRECT_URI, world.now()) {
                Ok(ClientChoice::Ready(login)) => {
                    prop_assert!(known.contains(&at));
                    let id = format!("id at {at}");
                    prop_assert_eq!(login.connection().client().id(), &id);
                    prop_assert_eq!(login.connection().issuer().as_str(), at);
                }
                Ok(_) => prop_assert!(!known.contains(&at) && (!pinned || known.is_empty())),
                Err(Error::Moved { from, to }) => {
                    prop_assert!(pinned && !known.contains(&at));
                    prop_assert!(known.contains(&from.as_str()) && to.as_str() == at);
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        for sent in &world.log {
            prop_assert!(!sent.body.contains("secret") && sent.authorization.is_none());
        }
    }
}
