//! What only Hydra does: a refresh token that may come again for a while, and a listener for administrators.

use grantflow::{Client, ErrorCode, Introspection, Left, Tokens};
use grantflow_tests::support::peer::{self, Kind};

use crate::world::{Outcome, Row, World, check, failed};

const HERE: &[Kind] = &[Kind::Hydra];
const GRACEFUL: &[Kind] = &[Kind::GracefulHydra];

pub(crate) const CHECKS: [Row; 3] = [
    Row { name: "a refresh token can be sent again soon after its first use", check: sent_again, on: GRACEFUL },
    Row { name: "revocation ends the grant, grace period or not", check: no_grace_when_revoked, on: GRACEFUL },
    Row { name: "introspection at its administrators' listener asks nobody", check: asks_nobody, on: HERE },
];

/// So a client whose answer was lost asks again, and has a token. Both answers are good.
fn sent_again(world: &World) -> Outcome {
    for client in
        [Client::from(&world.basic(peer::BASIC)?), Client::from(&world.server()?.client(peer::PUBLIC.id).public()?)]
    {
        let restore = world.kept(&client)?;
        let lost = world.agent.run(restore()?.refresh()?)?;
        let again = world.agent.run(restore()?.refresh()?)?;
        let secret = |tokens: &Tokens| tokens.refresh_token().map(|token| token.expose_secret().to_owned());
        check(secret(&lost).is_some() && secret(&lost) != secret(&again), "each answer has another token")?;
        for tokens in [lost, again] {
            let newer = world.agent.run(tokens.refresh()?)?;
            let status = world.at_the_api(&newer)?;
            check(status == 200, format!("the API answered {status}"))?;
        }
    }
    Ok(())
}

fn no_grace_when_revoked(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let restore = world.kept(&Client::from(&client))?;
    let newer = world.agent.run(restore()?.refresh()?)?;
    world.agent.run(newer.revoke().map_err(|failure| failure.error)?)?;
    let (error, left) = failed(world.agent.run(restore()?.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())
}

fn asks_nobody(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let token = world.log_in(&client)?.bearer()?.expose_secret().to_owned();
    let places = world.places();
    let server = world.server()?.introspection_endpoint(&world.peer.url(places.introspection))?;
    let wrong = server.client(peer::BASIC.id).secret_basic("wrong")?;
    let said = world.agent.run(Introspection::new(&wrong, &token)?)?;
    check(said.active().is_some(), "it is inactive")
}
