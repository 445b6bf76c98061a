//! The extensions: grants for which no person is sent to the resource's authorization server.

use grantflow::{Assertion, Left, SecurityToken, Server};
use grantflow_mcp::{ClientKind, Clients, Credentials, Demand, Error, Grant, Operation};
use grantflow_testkit::ClientAuth;

use crate::support::*;

const COMPANY: &str = "https://idp.example";

fn credentials(world: &World) -> Credentials {
    world.clients.iter().next().unwrap().clone()
}

/// A company's server, which the resource's authorization server trusts, and an ID token of its login.
fn company(world: &mut World) -> (grantflow::ConfidentialClient, String) {
    let mut company = grantflow_testkit::Server::new(COMPANY);
    company.register(grantflow_testkit::Client::confidential("at-company", "company-secret"));
    company.knobs().client_ids_elsewhere.insert(AS.to_owned(), ID.to_owned());
    let id_token = company.sign_jwt("at-company", "ada");
    let client = Server::with_token_endpoint(&company.token_url()).unwrap();
    let client = client.client("at-company").secret_post("company-secret").unwrap();
    world.servers.insert(COMPANY, company);
    world.server(AS).knobs().trusted_issuers.push(COMPANY.to_owned());
    (client, id_token)
}

#[test]
fn enterprise_managed_authorization_is_a_chain_of_two() {
    let mut world = World::new();
    let (at_company, id_token) = company(&mut world);
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    world.log.clear();
    let subject = SecurityToken::id_token(id_token.clone()).unwrap();
    let exchange = server.enterprise_managed(&at_company, subject, &credentials(&world)).unwrap();
    let grant = world.run(exchange).unwrap();

    let [first, second] = &*world.log else { panic!("{:?}", world.urls()) };
    assert_eq!(first.url, "https://idp.example/api/access_token");
    assert_eq!(first.all("grant_type"), ["urn:ietf:params:oauth:grant-type:token-exchange"]);
    assert_eq!(first.all("requested_token_type"), ["urn:ietf:params:oauth:token-type:id-jag"]);
    assert_eq!(first.all("subject_token"), [id_token]);
    assert_eq!((first.all("audience"), first.all("resource")), (vec![AS.to_owned()], vec![MCP.to_owned()]));
    assert_eq!(first.all("scope"), ["read write"]);
    assert_eq!(second.url, "https://as.example/api/access_token");
    assert_eq!(second.all("grant_type"), ["urn:ietf:params:oauth:grant-type:jwt-bearer"]);
    assert_eq!(second.all("resource"), [MCP]);
    assert!(first.all("client_secret") != [SECRET] && second.body.find("company-secret").is_none());
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // No person was sent away, so a step-up is not possible.
    world.server(AS).knobs().required_scope = Some("admin".to_owned());
    let answer = world.call(Some(&grant));
    let end = grant.demand(answer.status(), answer.headers(), &mut Operation::new());
    assert!(matches!(end, Err(Error::NoPerson)), "{end:?}");
}

#[test]
fn a_company_that_refuses_ends_it_before_the_second_step() {
    let mut world = World::new();
    let (at_company, _) = company(&mut world);
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let foreign = world.server(OTHER_AS).sign_jwt("at-company", "eve");
    world.log.clear();
    let subject = SecurityToken::id_token(foreign).unwrap();
    let exchange = server.enterprise_managed(&at_company, subject, &credentials(&world)).unwrap();
    assert!(world.run(exchange).is_err());
    assert_eq!(world.urls(), ["https://idp.example/api/access_token"]);
    // The credentials are those of the resource's server.
    let foreign = Credentials::beforehand(&issuer(COMPANY), "at-company").secret("company-secret");
    let subject = SecurityToken::id_token("a.b.c").unwrap();
    let end = server.enterprise_managed(&at_company, subject, &foreign);
    assert!(matches!(end, Err(Error::OtherIssuer { .. })));
}

#[test]
fn a_workload_has_a_token_of_its_platform() {
    let mut world = World::new();
    world.servers.insert(COMPANY, grantflow_testkit::Server::new(COMPANY));
    world.server(AS).knobs().trusted_issuers.push(COMPANY.to_owned());
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let jwt = world.server(COMPANY).sign_jwt(AS, "workload-7");
    let exchange = server.workload_identity(Assertion::jwt(jwt.clone()).unwrap(), Some(&credentials(&world))).unwrap();
    let grant = world.run(exchange).unwrap();
    let sent = world.log.last().unwrap();
    assert_eq!((sent.all("assertion"), sent.all("resource")), (vec![jwt.clone()], vec![MCP.to_owned()]));
    assert_eq!(world.server(AS).log().last().unwrap().auth, ClientAuth::Basic);
    assert_eq!(world.call(Some(&grant)).status(), 200);
    // A JWT that is over.
    world.advance(100_000);
    let late = server.workload_identity(Assertion::jwt(jwt).unwrap(), Some(&credentials(&world))).unwrap();
    assert!(matches!(world.run(late).unwrap_err().left, Left::Spent));
    let foreign = Credentials::beforehand(&issuer(OTHER_AS), ID).secret(SECRET);
    let end = server.workload_identity(Assertion::jwt("a.b.c").unwrap(), Some(&foreign));
    assert!(matches!(end, Err(Error::OtherIssuer { .. })));
}

#[test]
fn a_workload_without_a_client_names_none() {
    let mut world = World::new();
    let server = world.found(resource().first_contact().unwrap()).unwrap();
    let exchange = server.workload_identity(Assertion::jwt("a.b.c").unwrap(), None).unwrap();
    assert!(world.run(exchange).is_err(), "the testkit's server wants a client");
    let sent = world.log.last().unwrap();
    assert!(sent.all("client_id").is_empty() && sent.authorization.is_none());
    assert_eq!((sent.all("assertion"), sent.all("resource")), (vec!["a.b.c".to_owned()], vec![MCP.to_owned()]));
    // With a server that takes it.
    world.documents.insert(
        "https://as.example/api/access_token".to_owned(),
        (200, r#"{"access_token":"at","token_type":"Bearer","expires_in":60}"#.to_owned()),
    );
    let exchange = server.workload_identity(Assertion::jwt("a.b.c").unwrap(), None).unwrap();
    let grant = world.run(exchange).unwrap();
    assert_eq!(grant.connection().client_kind(), ClientKind::Unidentified);
    let stored = serde_json::to_string(&grant.into_stored()).unwrap();
    let grant = Grant::from_stored(serde_json::from_str(&stored).unwrap(), &Clients::new()).unwrap();
    let unauthorized = http::StatusCode::UNAUTHORIZED;
    let demand = grant.demand(unauthorized, &http::HeaderMap::new(), &mut Operation::new());
    assert!(matches!(demand, Ok(Demand::StartAgain(_))), "the platform has a newer JWT");
}
