//! The device grant (RFC 8628).

use std::time::Duration;

use grantflow::{Client, DeviceGrant, DeviceRequest, Discovery, Error, ErrorCode, Left, Next, Quirk, Server};
use grantflow_tests::support::peer::{self, Kind};

use crate::person::{Comes, Says, answers, decides, polls};
use crate::world::{DJANGO, Got, Outcome, Row, World, check, failed, is_too_early};

const HERE: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Zitadel,
    Kind::Keycloak,
    Kind::Spring,
];
const AUTHLIB: &[Kind] = &[Kind::Authlib];
const ANNOUNCED: &[Kind] = &[Kind::OidcProvider, Kind::Authlib, Kind::Zitadel, Kind::Keycloak, Kind::Spring];
const WITH_PAGES: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Zitadel,
    Kind::Keycloak,
    Kind::Spring,
];

pub(crate) const CHECKS: [Row; 10] = [
    Row { name: "device: pending, then the person says yes", check: pending_then_yes, on: HERE },
    Row { name: "device with a secret, and the person types the code in", check: typed_in, on: WITH_PAGES },
    Row { name: "device: the person says no", check: says_no, on: HERE },
    Row { name: "device: a grant survives storing", check: survives_storing, on: HERE },
    Row { name: "device by what the metadata says", check: by_metadata, on: ANNOUNCED },
    Row { name: "device: a wrong secret gets no code", check: wrong_secret, on: HERE },
    Row { name: "device: a wrong secret while it polls costs nothing", check: wrong_secret_meanwhile, on: HERE },
    Row { name: "device with Basic wants client_id in the body", check: wants_client_id, on: DJANGO },
    Row { name: "device: slow_down adds five seconds", check: slow_down, on: AUTHLIB },
    Row { name: "device: a code that has expired is spent", check: expired, on: AUTHLIB },
];

impl World {
    fn device_server(&self) -> Result<Server, Error> {
        self.server()?.device_authorization_endpoint(&self.peer.url(self.places().device))
    }

    fn device(&self) -> Result<Client, Error> {
        Ok(Client::from(&self.device_server()?.client(peer::DEVICE.id).public()?))
    }

    fn device_with_secret(&self, secret: &str) -> Result<Client, Error> {
        let mut server = self.device_server()?;
        if DJANGO.contains(&self.kind()) {
            server = server.quirk(Quirk::ClientIdBesideBasic)?;
        }
        Ok(Client::from(&server.client(peer::DEVICE_BASIC.id).secret_basic(secret)?))
    }

    fn shows_a_code(&self, client: &Client) -> Got<DeviceGrant> {
        let grant = self.agent.run(DeviceRequest::new(client)?.scope(self.device_scope())?)?;
        check(grant.verification_uri().starts_with(self.peer.issuer()), grant.verification_uri())?;
        check(!grant.user_code().is_empty(), "no code to show")?;
        // These do not say how often a client may poll.
        let interval = if matches!(self.kind(), Kind::OidcProvider | Kind::Spring) { 5 } else { 1 };
        check(grant.interval() == Duration::from_secs(interval), format!("{:?}", grant.interval()))?;
        Ok(grant)
    }

    /// The person opens the link.
    fn says(&self, grant: &DeviceGrant, says: Says) -> Outcome {
        let link = grant.verification_uri_complete().ok_or("no link")?;
        check(link.contains(grant.user_code()), format!("{link} without the code"))?;
        decides(self, Comes::ByLink(link), grant.user_code(), says)
    }
}

fn pending_then_yes(world: &World) -> Outcome {
    let grant = world.shows_a_code(&world.device()?)?;
    if world.kind() == Kind::OidcProvider {
        is_too_early(&grant, grant.interval())?;
    }
    let interval = grant.interval();
    let grant = world.asks_once(grant)?;
    check(grant.interval() == interval && grant.trouble().is_none(), format!("{:?}", grant.trouble()))?;
    world.says(&grant, Says::Yes)?;
    let tokens = world.agent.run(grant)?;
    check(tokens.scope().is_narrowed() == Some(false), format!("{:?}", tokens.scope()))?;
    world.are_good(&tokens)?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    world.are_good(&tokens)
}

fn typed_in(world: &World) -> Outcome {
    let client = world.device_with_secret(peer::DEVICE_BASIC.secret.unwrap_or_default())?;
    let grant = world.shows_a_code(&client)?;
    decides(world, Comes::Typing(grant.verification_uri()), grant.user_code(), Says::Yes)?;
    world.are_good(&world.agent.run(grant)?)
}

fn says_no(world: &World) -> Outcome {
    let grant = world.shows_a_code(&world.device()?)?;
    world.says(&grant, Says::No)?;
    let (error, left) = failed(world.agent.run(grant))?;
    check(error.code() == Some(&ErrorCode::AccessDenied) && matches!(left, Left::Spent), error.to_string())
}

fn survives_storing(world: &World) -> Outcome {
    let grant = world.shows_a_code(&world.device()?)?;
    world.says(&grant, Says::Yes)?;
    let stored = serde_json::to_string(&grant.into_stored())?;
    // Another process has its own server and client values.
    let grant = DeviceGrant::from_stored(serde_json::from_str(&stored)?, &world.device()?)?;
    world.are_good(&world.agent.run(grant)?)
}

fn by_metadata(world: &World) -> Outcome {
    let server = world.agent.run(Discovery::new(world.peer.issuer())?)?.server()?;
    let client = Client::from(&server.client(peer::DEVICE.id).public()?);
    world.shows_a_code(&client).map(drop)
}

fn wrong_secret(world: &World) -> Outcome {
    let client = world.device_with_secret("wrong")?;
    let (error, left) = failed(world.agent.run(DeviceRequest::new(&client)?.scope(world.device_scope())?))?;
    check(
        error.code() == Some(&wrong_secret_is(world))
            && error.next() == Next::FixConfiguration
            && matches!(left, Left::Intact(_)),
        error.to_string(),
    )
}

/// What the server calls a wrong secret of a device.
fn wrong_secret_is(world: &World) -> ErrorCode {
    match world.kind() {
        // And with 400.
        Kind::Zitadel => ErrorCode::UnauthorizedClient,
        _ => world.wrong_secret(),
    }
}

fn wrong_secret_meanwhile(world: &World) -> Outcome {
    let client = world.device_with_secret(peer::DEVICE_BASIC.secret.unwrap_or_default())?;
    let grant = world.shows_a_code(&client)?;
    world.says(&grant, Says::Yes)?;
    let grant = DeviceGrant::from_stored(grant.into_stored(), &world.device_with_secret("wrong")?)?;
    let (error, left) = failed(world.agent.run(grant))?;
    check(error.code() == Some(&wrong_secret_is(world)), error.to_string())?;
    let Left::Intact(grant) = left else { return Err("a wrong secret cost the grant".into()) };
    let grant = DeviceGrant::from_stored(grant.into_stored(), &client)?;
    world.are_good(&world.agent.run(grant)?)
}

fn wants_client_id(world: &World) -> Outcome {
    let secret = peer::DEVICE_BASIC.secret.unwrap_or_default();
    let client = world.device_server()?.client(peer::DEVICE_BASIC.id).secret_basic(secret)?;
    let (error, left) = failed(world.agent.run(DeviceRequest::new(&client)?.scope(world.device_scope())?))?;
    check(error.code() == Some(&ErrorCode::InvalidRequest) && matches!(left, Left::Intact(_)), error.to_string())
}

fn slow_down(world: &World) -> Outcome {
    let grant = world.shows_a_code(&world.device()?)?;
    let code = grant.user_code().to_owned();
    answers(world, &code, "slow_down,allow")?;
    let grant = world.asks_once(grant)?;
    check(grant.interval() == Duration::from_secs(6), format!("{:?}", grant.interval()))?;
    is_too_early(&grant, grant.interval())?;
    world.are_good(&world.agent.run(grant)?)?;
    // It answers `slow_down` again to a poll that comes after less than six seconds.
    let polls = polls(world, &code)?;
    check(polls == ["slow_down", "allow"], format!("{polls:?}"))
}

fn expired(world: &World) -> Outcome {
    let grant = world.shows_a_code(&world.device()?)?;
    answers(world, grant.user_code(), "expire")?;
    let (error, left) = failed(world.agent.run(grant))?;
    check(error.code() == Some(&ErrorCode::ExpiredToken) && matches!(left, Left::Spent), error.to_string())
}
