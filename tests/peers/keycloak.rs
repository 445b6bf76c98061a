//! What only Keycloak does: realms, and refresh tokens that can be used again.

use grantflow::{Authorization, Callback, Client, Discovery, Left, RejectionReason, Tokens};
use grantflow_tests::support::peer::{self, Browser, Kind};

use crate::person::{Says, is_asked};
use crate::world::{Outcome, REDIRECT_URI, Row, World, check, failed, start};

const HERE: &[Kind] = &[Kind::Keycloak];
const LENIENT: &[Kind] = &[Kind::LenientKeycloak];
const BOTH: &[Kind] = &[Kind::Keycloak, Kind::LenientKeycloak];

pub(crate) const CHECKS: [Row; 7] = [
    Row { name: "a person agrees on its page", check: consent_page, on: HERE },
    Row { name: "a client that may have no offline tokens is told so", check: no_offline, on: HERE },
    Row { name: "another realm is another issuer", check: other_realm, on: BOTH },
    Row { name: "discovery by the realm, and a login by what it says", check: by_metadata, on: LENIENT },
    Row { name: "a refresh token can be used again", check: used_again, on: LENIENT },
    Row { name: "a newer refresh token does not end the older ones", check: older_ones, on: LENIENT },
    Row { name: "a refresh token without offline_access", check: online, on: BOTH },
];

fn consent_page(world: &World) -> Outcome {
    // It asks again, also if it was allowed before.
    let authorization = world.login(&world.basic(peer::ASKS)?, REDIRECT_URI)?.param("prompt", "consent")?;
    let Callback::Granted(exchange) = is_asked(world, start(&authorization)?, Says::Yes)? else {
        return Err("not granted".into());
    };
    let tokens = world.agent.run(exchange)?;
    check(tokens.scope().is_narrowed() == Some(false), format!("{:?}", tokens.scope()))
}

/// The code is good, and then there are no tokens: it says so with a code that is in no RFC.
fn no_offline(world: &World) -> Outcome {
    let client = world.basic(peer::Client { id: "no-offline", ..peer::BASIC })?;
    let exchange = world.granted(world.login(&client, REDIRECT_URI)?, REDIRECT_URI)?;
    let (error, left) = failed(world.agent.run(exchange))?;
    check(error.code().is_some_and(|code| code.as_str() == "not_allowed"), format!("{:?}", error.code()))?;
    check(error.status() == Some(http::StatusCode::BAD_REQUEST) && matches!(left, Left::Unknown(_)), error.to_string())
}

/// Both realms answer at one origin, and only `iss` says which one it was.
fn other_realm(world: &World) -> Outcome {
    let other = if world.kind() == Kind::Keycloak { Kind::LenientKeycloak } else { Kind::Keycloak };
    let other = World::new(world.peer.seen_as(other).into(), world.transport);
    let here = start(&world.login(&world.basic(peer::BASIC)?, REDIRECT_URI)?)?;
    let there = here.url.as_str().replace(world.peer.issuer(), other.peer.issuer());
    let back = Browser::new(REDIRECT_URI).visit(&there)?.callback()?;
    match here.pending.receive(&back.parse()?) {
        Callback::Rejected(rejection) => {
            check(rejection.reason() == RejectionReason::WrongIssuer, rejection.to_string())
        }
        callback => Err(format!("not rejected: {callback:?}").into()),
    }
}

fn by_metadata(world: &World) -> Outcome {
    let server = world.agent.run(Discovery::new(world.peer.issuer())?)?.server()?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let tokens = world.log_in(&client)?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    let status = world.at_the_api(&tokens)?;
    check(status == 200, format!("the API answered {status}"))
}

fn used_again(world: &World) -> Outcome {
    for client in
        [Client::from(&world.basic(peer::BASIC)?), Client::from(&world.server()?.client(peer::PUBLIC.id).public()?)]
    {
        let restore = world.kept(&client)?;
        let first = world.agent.run(restore()?.refresh()?)?;
        let second = world.agent.run(restore()?.refresh()?)?;
        let secret = |tokens: &Tokens| tokens.refresh_token().map(|token| token.expose_secret().to_owned());
        check(secret(&first).is_some() && secret(&first) != secret(&second), "each refresh gives another one")?;
    }
    Ok(())
}

fn older_ones(world: &World) -> Outcome {
    let client = Client::from(&world.basic(peer::BASIC)?);
    let restore = world.kept(&client)?;
    let newer = world.agent.run(restore()?.refresh()?)?;
    let newest = world.agent.run(newer.refresh()?)?;
    world.agent.run(restore()?.refresh()?)?;
    world.agent.run(newest.refresh()?).map(drop).map_err(Into::into)
}

/// By default the refresh token ends with the person's session. It is one all the same.
fn online(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope("openid api:read")?;
    let tokens = world.agent.run(world.granted(authorization, REDIRECT_URI)?)?;
    check(tokens.refresh_token().is_some(), "no refresh token")?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    let status = world.at_the_api(&tokens)?;
    check(status == 200 && tokens.scope().is_narrowed() == Some(false), format!("the API answered {status}"))
}
