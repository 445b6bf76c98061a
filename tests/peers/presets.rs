//! The preset of a server that runs here: it names the endpoints that the server's own metadata names, and a login with it works.

use grantflow::{Discovery, ErrorCode, Left, Server, ServerMetadata, WellKnown};
use grantflow_tests::support::peer::{self, Kind};

use crate::world::{Got, Outcome, Row, World, check, failed};

pub(crate) const CHECKS: [Row; 2] = [
    Row { name: "its preset names what its metadata names", check: names_the_endpoints, on: &[Kind::Keycloak] },
    Row { name: "its preset logs in, refreshes and reads a refusal", check: logs_in, on: &[Kind::Keycloak] },
];

/// The issuer of a realm is the URL of the installation and the name of the realm.
fn server(world: &World) -> Got<Server> {
    let (base, realm) = world.peer.issuer().split_once("/realms/").ok_or("the issuer names no realm")?;
    Ok(grantflow_providers::keycloak(base, realm)?)
}

/// The preset's URL for the realm.
fn filled(world: &World, template: Option<&str>) -> Got<Option<String>> {
    let (base, realm) = world.peer.issuer().split_once("/realms/").ok_or("the issuer names no realm")?;
    Ok(template.map(|template| template.replace("{base}", base).replace("{realm}", realm)))
}

fn names_the_endpoints(world: &World) -> Outcome {
    let discovery = Discovery::new(world.peer.issuer())?.at(&[WellKnown::OpenIdAppended])?;
    let metadata: ServerMetadata = world.agent.run(discovery)?;
    let preset = grantflow_providers::KEYCLOAK;
    for (role, found, template) in [
        ("issuer", Some(metadata.issuer().as_str()), preset.issuer),
        ("authorization", metadata.authorization_endpoint(), preset.authorization),
        ("token", metadata.token_endpoint(), Some(preset.token)),
        ("device", metadata.device_authorization_endpoint(), preset.device_authorization),
        ("pushed", metadata.pushed_authorization_request_endpoint(), preset.pushed_authorization_request),
        ("introspection", metadata.introspection_endpoint(), preset.introspection),
        ("revocation", metadata.revocation_endpoint(), preset.revocation),
    ] {
        let named = filled(world, template)?;
        check(found == named.as_deref(), format!("{role}: {found:?}, but the preset has {named:?}"))?;
    }
    check(metadata.announces_s256(), "S256")
}

fn logs_in(world: &World) -> Outcome {
    let server = server(world)?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let tokens = world.log_in(&client)?;
    check(tokens.tolerated().is_empty(), format!("{:?}", tokens.tolerated()))?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    world.agent.run(tokens.revoke()?)?;

    let dead = grantflow::Tokens::of_refresh_token(&client, "dead")?.build();
    let (error, left) = failed(world.agent.run(dead.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant), error.to_string())?;
    check(matches!(left, Left::Spent), "a dead refresh token is spent")
}
