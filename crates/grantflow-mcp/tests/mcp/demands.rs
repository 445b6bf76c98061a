//! Points 10 and 11: what a resource demands of a program that has a token.

use grantflow::{Left, NoStepUp};
use grantflow_mcp::{Demand, Error, Grant, Login, Operation};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::support::*;

fn demand(world: &mut World, grant: &Grant, operation: &mut Operation) -> Result<Demand, Error> {
    let answer = world.call(Some(grant));
    grant.demand(answer.status(), answer.headers(), operation)
}

fn log_in_again(demand: Result<Demand, Error>) -> Login {
    match demand {
        Ok(Demand::LogIn(login)) => *login,
        other => panic!("{other:?}"),
    }
}

fn challenge(text: &str) -> HeaderMap {
    HeaderMap::from_iter([(http::header::WWW_AUTHENTICATE, text.parse().unwrap())])
}

fn scope(grant: &Grant) -> &str {
    grant.tokens().scope().effective().unwrap().as_str()
}

#[test]
fn a_good_answer_demands_nothing() {
    let mut world = World::new();
    let grant = world.log_in();
    let mut operation = Operation::new();
    assert!(matches!(demand(&mut world, &grant, &mut operation), Ok(Demand::Nothing)));
    for status in [200, 400, 403, 404, 429, 500, 503] {
        let status = StatusCode::from_u16(status).unwrap();
        assert!(matches!(grant.demand(status, &HeaderMap::new(), &mut operation), Ok(Demand::Nothing)), "{status}");
    }
    let other = challenge("Bearer error=\"invalid_token\"");
    assert!(matches!(grant.demand(StatusCode::FORBIDDEN, &other, &mut operation), Ok(Demand::Nothing)));
}

#[test]
fn scopes_replaced_instead_of_united_on_step_up() {
    let mut world = World::new();
    world.publish(OWN_PLACE, &json!({"resource": MCP, "authorization_servers": [AS], "scopes_supported": ["read"]}));
    let grant = world.log_in();
    assert_eq!(scope(&grant), "read");
    let mut operation = Operation::new();
    world.server(AS).knobs().required_scope = Some("write".to_owned());
    let login = log_in_again(demand(&mut world, &grant, &mut operation));
    let grant = world.visit(&login);
    assert_eq!(scope(&grant), "read write", "what was asked before, and what the challenge names");
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // A second tool wants yet another scope; its challenge names only that one.
    world.server(AS).knobs().required_scope = Some("admin".to_owned());
    let login = log_in_again(demand(&mut world, &grant, &mut operation));
    let grant = world.visit(&login);
    assert_eq!(scope(&grant), "read write admin");
    // The step-up is for the same resource, and its refresh too.
    assert_eq!(world.log.last().unwrap().all("resource"), [MCP]);
    let grant = world.refresh(grant);
    assert_eq!(world.log.last().unwrap().all("resource"), [MCP]);
    assert_eq!(scope(&grant), "read write admin");
}

#[test]
fn a_step_up_after_a_restart_knows_the_scope_that_was_granted() {
    let mut world = World::new();
    let grant = world.log_in();
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = Grant::from_stored(serde_json::from_str(&stored).unwrap(), &world.clients).unwrap();
    world.server(AS).knobs().required_scope = Some("admin".to_owned());
    let login = log_in_again(demand(&mut world, &grant, &mut Operation::new()));
    assert_eq!(scope(&world.visit(&login)), "read write admin");
}

#[test]
fn endless_loops_of_403() {
    let mut world = World::new();
    let mut grant = world.log_in();
    // The server wants another scope each time.
    let mut operation = Operation::new();
    let mut logins = 0;
    let end = loop {
        world.server(AS).knobs().required_scope = Some(format!("more-{logins}"));
        match demand(&mut world, &grant, &mut operation) {
            Ok(Demand::LogIn(login)) => grant = world.visit(&login),
            other => break other,
        }
        logins += 1;
        assert!(logins < 10, "no end");
    };
    assert!(matches!(end, Err(Error::NoStepUp(NoStepUp::TooOften))), "{end:?}");
    assert_eq!((logins, operation.step_ups().made()), (3, 3));
    // The server wants the same again.
    let mut operation = Operation::new();
    let again = challenge("Bearer error=\"insufficient_scope\", scope=\"read\"");
    let end = grant.demand(StatusCode::FORBIDDEN, &again, &mut operation);
    assert!(matches!(end, Err(Error::NoStepUp(NoStepUp::NothingNew))), "{end:?}");
    // It wants more and does not say what.
    let silent = challenge("Bearer error=\"insufficient_scope\"");
    let end = grant.demand(StatusCode::FORBIDDEN, &silent, &mut operation);
    assert!(matches!(end, Err(Error::NoStepUp(NoStepUp::NothingNamed))), "{end:?}");
    // The caller allows none.
    let more = challenge("Bearer error=\"insufficient_scope\", scope=\"new\"");
    let end = grant.demand(StatusCode::FORBIDDEN, &more, &mut Operation::up_to(0));
    assert!(matches!(end, Err(Error::NoStepUp(NoStepUp::TooOften))), "{end:?}");
}

#[test]
fn a_scope_that_the_person_did_not_grant_is_asked_for_once_more_and_then_no_more() {
    let mut world = World::new();
    let mut grant = world.log_in();
    world.server(AS).knobs().narrow_scope = Some("read".to_owned());
    world.server(AS).knobs().required_scope = Some("admin".to_owned());
    let mut operation = Operation::new();
    let mut logins = 0;
    let end = loop {
        match demand(&mut world, &grant, &mut operation) {
            Ok(Demand::LogIn(login)) => grant = world.visit(&login),
            other => break other,
        }
        logins += 1;
        assert!(logins < 10, "no end");
    };
    assert!(matches!(end, Err(Error::NoStepUp(NoStepUp::NothingNew))), "{end:?}");
    assert_eq!(logins, 1);
}

#[test]
fn another_login_of_the_person_can_be_demanded() {
    let mut world = World::new();
    let grant = world.log_in();
    world.server(AS).knobs().required_acr_values = vec!["gold".to_owned()];
    let login = log_in_again(demand(&mut world, &grant, &mut Operation::new()));
    let grant = world.visit(&login);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    assert_eq!(scope(&grant), "read write");
}

#[test]
fn a_client_on_its_own_behalf_stops_at_once() {
    let mut world = World::new();
    let credentials = world.clients.iter().next().unwrap().clone();
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let grant = world.run(server.client_credentials(&credentials).unwrap()).unwrap();
    world.server(AS).knobs().required_scope = Some("admin".to_owned());
    let end = demand(&mut world, &grant, &mut Operation::new());
    assert!(matches!(end, Err(Error::NoPerson)), "{end:?}");
    // A 401 asks for a new token; there is nothing to refresh.
    world.server(AS).revoke_access_tokens();
    let mut operation = Operation::new();
    assert!(matches!(demand(&mut world, &grant, &mut operation), Ok(Demand::StartAgain(_))));
    assert!(matches!(demand(&mut world, &grant, &mut operation), Err(Error::RefusedAgain)));
}

#[test]
fn a_401_with_a_token_in_hand_asks_for_a_refresh() {
    let mut world = World::new();
    let grant = world.log_in();
    world.server(AS).revoke_access_tokens();
    let mut operation = Operation::new();
    let Ok(Demand::Refresh { .. }) = demand(&mut world, &grant, &mut operation) else { panic!("no refresh") };
    let grant = world.refresh(grant);
    assert_eq!(world.call(Some(&grant)).status(), 200);
}

#[test]
fn a_refresh_that_fails_for_good_starts_again_from_the_challenge() {
    let mut world = World::new();
    let grant = world.log_in();
    world.server(AS).revoke_all();
    world.challenge = "scope=\"files\"".to_owned();
    let Ok(Demand::Refresh { otherwise }) = demand(&mut world, &grant, &mut Operation::new()) else {
        panic!("no refresh")
    };
    let failure = world.run(grant.refresh().unwrap()).unwrap_err();
    assert!(matches!(failure.left, Left::Spent), "{failure}");
    assert_eq!(otherwise.scope().unwrap().as_str(), "files");
    let login = world.login(*otherwise).unwrap();
    assert_eq!(scope(&world.visit(&login)), "files");
}

#[test]
fn a_refresh_without_an_answer_is_not_the_end_of_the_grant() {
    let mut world = World::new();
    let grant = world.log_in();
    world.server(AS).knobs().misbehave(grantflow_testkit::Misbehaviour::Html { status: 502, acts: false });
    let failure = world.run(grant.refresh().unwrap()).unwrap_err();
    let Left::Unknown(exchange) = failure.left else { panic!("{}", failure.error) };
    let grant = exchange.into_grant().unwrap();
    assert!(world.run(grant.refresh().unwrap()).is_ok());
}

#[test]
fn a_resource_that_refuses_every_token_ends_the_operation() {
    let mut world = World::new();
    let mut grant = world.log_in();
    let mut operation = Operation::new();
    let mut steps = Vec::new();
    let end = loop {
        world.server(AS).revoke_access_tokens();
        match demand(&mut world, &grant, &mut operation) {
            Ok(Demand::Refresh { .. }) => {
                steps.push("refresh");
                grant = world.refresh(grant);
            }
            Ok(Demand::StartAgain(challenged)) => {
                steps.push("login");
                let login = world.login(*challenged).unwrap();
                grant = world.visit(&login);
            }
            other => break other,
        }
        assert!(steps.len() < 10, "no end");
    };
    assert!(matches!(end, Err(Error::RefusedAgain)), "{end:?}");
    assert_eq!(steps, ["refresh", "login"]);
}

#[test]
fn without_a_refresh_token_it_starts_again() {
    let mut world = World::new();
    world.server(AS).knobs().issue_refresh_token = false;
    let grant = world.log_in();
    world.server(AS).revoke_access_tokens();
    let mut operation = Operation::new();
    let Ok(Demand::StartAgain(challenged)) = demand(&mut world, &grant, &mut operation) else { panic!("not again") };
    let failure = grant.refresh().unwrap_err();
    let Left::Intact(grant) = failure.left else { panic!("the grant is gone") };
    assert_eq!(grant.resource().identifier(), MCP);
    let login = world.login(*challenged).unwrap();
    let grant = world.visit(&login);
    world.server(AS).revoke_access_tokens();
    assert!(matches!(demand(&mut world, &grant, &mut operation), Err(Error::RefusedAgain)));
}

#[test]
fn an_operation_can_be_stored_while_the_person_is_away() {
    let mut operation = Operation::up_to(1);
    let mut world = World::new();
    let grant = world.log_in();
    let more = challenge("Bearer error=\"insufficient_scope\", scope=\"new\"");
    let _ = log_in_again(grant.demand(StatusCode::FORBIDDEN, &more, &mut operation));
    let stored = serde_json::to_string(&operation).unwrap();
    let mut operation: Operation = serde_json::from_str(&stored).unwrap();
    let other = challenge("Bearer error=\"insufficient_scope\", scope=\"newer\"");
    let end = grant.demand(StatusCode::FORBIDDEN, &other, &mut operation);
    assert!(matches!(end, Err(Error::NoStepUp(NoStepUp::TooOften))), "{end:?}");
}

#[test]
fn a_challenge_that_must_not_be_followed_does_not_prevent_a_refresh() {
    let mut world = World::new();
    let grant = world.log_in();
    let other = challenge("Bearer error=\"invalid_token\", resource_metadata=\"https://meta.example/x\"");
    let mut operation = Operation::new();
    let first = grant.demand(StatusCode::UNAUTHORIZED, &other, &mut operation);
    assert!(matches!(first, Ok(Demand::Refresh { .. })));
    assert!(matches!(grant.demand(StatusCode::UNAUTHORIZED, &other, &mut operation), Err(Error::OAuth(_))));
}
