//! No secret, and no text of a server, is in anything that can be printed.

use grantflow::{Env, SecurityToken};
use grantflow_mcp::{ClientChoice, Clients, Demand, Grant, LoginBegun, LoginReturn, Operation};
use serde_json::json;

use crate::support::*;

/// Texts that a server or an attacker chooses.
const HOSTILE: &str = "hostile-text-of-a-server";

/// Collects what is printed.
#[derive(Default)]
struct Printed(String);

impl Printed {
    fn debug(&mut self, value: &impl core::fmt::Debug) {
        self.0.push_str(&format!("{value:?}\n{value:#?}\n"));
    }

    fn error(&mut self, error: &(impl std::error::Error + ?Sized)) {
        self.0.push_str(&format!("{error}\n{error:?}\n"));
        let mut cause = error.source();
        while let Some(error) = cause {
            self.0.push_str(&format!("{error}\n{error:?}\n"));
            cause = error.source();
        }
    }
}

#[test]
fn no_secret_is_printed() {
    let mut world = World::new();
    let mut printed = Printed::default();
    // The scope is that of the resource's metadata.
    world.challenge = format!("realm=\"{HOSTILE}\"");
    world.edit_metadata(AS, |document| {
        document["scopes_supported"] = json!([HOSTILE]);
        document["service_documentation"] = json!(format!("https://as.example/{HOSTILE}"));
        document[HOSTILE] = json!(HOSTILE);
    });
    let resource = grantflow_mcp::Resource::new(&format!("{MCP}?key=query-secret")).unwrap();
    printed.debug(&resource);
    let own = format!("{OWN_PLACE}?key=query-secret");
    world.publish(&own, &json!({
        "resource": resource.url(), "authorization_servers": [AS], "scopes_supported": [HOSTILE], "resource_name": HOSTILE,
    }));

    let challenged = world.challenged(&resource).unwrap();
    printed.debug(&challenged);
    world.challenge = format!("scope=\"{HOSTILE}\"");
    printed.debug(&world.challenged(&resource).unwrap());
    let servers = world.run(challenged).unwrap();
    printed.debug(&servers);
    let discovery = servers.choose(servers.only().unwrap()).unwrap();
    printed.debug(&discovery);
    let server = world.run(discovery).unwrap();
    printed.debug(&server);
    printed.debug(&world.application);
    printed.debug(&world.clients);
    printed.debug(&world.clients.to_stored());
    let choice = server.client(&world.application, &world.clients, REDIRECT_URI, world.now()).unwrap();
    printed.debug(&choice);
    printed.debug(&server.client(&world.application, &Clients::new(), REDIRECT_URI, world.now()).unwrap());
    let ClientChoice::Ready(login) = choice else { panic!("no client") };
    printed.debug(&login.offline_access().unwrap());
    let ClientChoice::Ready(login) =
        server.client(&world.application, &world.clients, REDIRECT_URI, world.now()).unwrap()
    else {
        panic!("no client")
    };
    let start = login.start(&mut Env::new(world.now(), &mut world.rng)).unwrap();
    printed.debug(&start);
    let parameters = query(start.url.as_str());
    let state = parameters.iter().find(|(name, _)| name == "state").unwrap().1.clone();
    let url = start.url.as_str().to_owned();
    let stored = start.pending.into_stored();
    printed.debug(&stored);
    let stored = serde_json::to_string(&stored).unwrap();
    let verifier = stored.split("verifier\\\":\\\"").nth(1).unwrap().split('\\').next().unwrap().to_owned();
    assert_eq!(verifier.len(), 43, "{stored}");
    let restored = grantflow_mcp::PendingLogin::from_stored(serde_json::from_str(&stored).unwrap(), &world.clients);
    let pending = restored.unwrap();
    printed.debug(&pending);

    let callback = world.server(AS).visit(&url).unwrap();
    let code = callback.parameter("code").unwrap();
    let LoginReturn::Granted(exchange) = pending.receive_url(&callback.url) else { panic!("not granted") };
    printed.debug(&exchange);
    let grant = world.run(exchange).unwrap();
    printed.debug(&grant);
    let access = grant.tokens().bearer().unwrap().expose_secret().to_owned();
    let refresh = grant.tokens().refresh_token().unwrap().expose_secret().to_owned();
    printed.debug(grant.connection());
    printed.debug(&grant.connection().to_stored());
    let more = format!("Bearer error=\"insufficient_scope\", scope=\"another-{HOSTILE}\"").parse().unwrap();
    let headers = http::HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, more)]);
    let mut operation = Operation::new();
    let demand = grant.demand(http::StatusCode::FORBIDDEN, &headers, &mut operation).unwrap();
    printed.debug(&demand);
    printed.debug(&operation);
    let Demand::LogIn(step_up) = demand else { panic!("no step-up") };
    let LoginBegun::Redirect(begun) = step_up.begin(&mut Env::new(world.now(), &mut world.rng)).unwrap() else {
        panic!("pushed")
    };
    printed.debug(&begun);
    printed.debug(&grant.demand(http::StatusCode::UNAUTHORIZED, &headers, &mut operation));
    printed.debug(&grant.demand(http::StatusCode::UNAUTHORIZED, &http::HeaderMap::new(), &mut operation));
    let stored = grant.into_stored();
    printed.debug(&stored);
    let text = serde_json::to_string(&stored).unwrap();
    let grant = Grant::from_stored(stored, &world.clients).unwrap();
    let exchange = grant.refresh().unwrap();
    printed.debug(&exchange);

    // Failures, also of a server that quotes what was sent.
    world.documents.insert(
        "https://as.example/api/access_token".to_owned(),
        (
            400,
            json!({"error": "invalid_grant", "error_description": format!("{HOSTILE} {refresh} {SECRET}")}).to_string(),
        ),
    );
    let failure = world.run(exchange).unwrap_err();
    printed.error(&failure);
    printed.debug(&failure);
    world
        .publish(&own, &json!({"resource": format!("https://mcp.example/{HOSTILE}?x"), "authorization_servers": [AS]}));
    let failure = world.run(resource.first_contact().unwrap()).unwrap_err();
    printed.error(&failure);
    let mut damaged = text.clone();
    damaged.insert(damaged.len() / 2, 'x');
    if let Ok(damaged) = serde_json::from_str(&damaged) {
        printed.error(&Grant::from_stored(damaged, &world.clients).unwrap_err());
    }
    let subject = SecurityToken::id_token("eyJh.subject-token.x").unwrap();
    let company = grantflow::Server::with_token_endpoint("https://idp.example/t").unwrap();
    let company = company.client("c").secret_basic("company-secret").unwrap();
    let credentials = world.clients.iter().next().unwrap();
    printed.debug(credentials);
    printed.debug(&server.enterprise_managed(&company, subject, credentials).unwrap());
    let assertion = grantflow::Assertion::jwt("eyJh.assertion-text.x").unwrap();
    printed.debug(&server.workload_identity(assertion, None).unwrap());
    printed.debug(&server.client_credentials(credentials).unwrap());

    assert!(printed.0.len() > 5_000, "little was printed");
    for (name, secret) in [
        ("the client's secret", SECRET),
        ("state", &state),
        ("the verifier", &verifier),
        ("the code", &code),
        ("the access token", &access),
        ("the refresh token", &refresh),
        ("a key in the resource's query", "query-secret"),
        ("a text of a server", HOSTILE),
        ("the company's secret", "company-secret"),
        ("the subject token", "subject-token"),
        ("the assertion", "assertion-text"),
    ] {
        assert!(secret.len() >= 8, "{name} is no secret");
        let found = printed.0.lines().find(|line| line.contains(secret));
        assert!(found.is_none(), "{name} is printed: {}", found.unwrap_or_default());
    }
}
