//! Registration (RFC 7591) and its management (RFC 7592).

use grantflow::{
    Authorization, Client, ClientCredentials, ClientMetadata, Discovery, Env, Error, ErrorCode, Exchange, Left,
    RedirectUri, Registered, Registration, RegistrationUpdate, Server, Tokens,
};
use grantflow_tests::support::peer::Kind;
use grantflow_tests::support::transport::SysRng;
use http::{HeaderValue, StatusCode, header};

use crate::world::{DJANGO, Got, Outcome, REDIRECT_URI, Row, World, check, failed, request};

/// They let clients register.
const REGISTERING: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Hydra,
    Kind::Keycloak,
];
/// They let a registered client read, change and delete its registration.
const MANAGING: &[Kind] = REGISTERING;
/// They look at the method to authenticate. Hydra takes every word.
const LOOKING: &[Kind] =
    &[Kind::OidcProvider, Kind::DjangoOauthToolkit, Kind::StrictDjangoOauthToolkit, Kind::Authlib, Kind::Keycloak];
/// They give a new registration access token with each change.
const ROTATING: &[Kind] =
    &[Kind::OidcProvider, Kind::DjangoOauthToolkit, Kind::StrictDjangoOauthToolkit, Kind::Hydra, Kind::Keycloak];
/// They register only clients with an initial access token.
const GUARDED: &[Kind] = &[Kind::PushingOidcProvider];

pub(crate) const CHECKS: [Row; 11] = [
    Row { name: "registration: a public client logs in", check: public, on: REGISTERING },
    Row { name: "registration: a client with Basic logs in", check: basic, on: REGISTERING },
    Row { name: "registration: a client with its secret in the body logs in", check: post, on: REGISTERING },
    Row { name: "registration: a client for itself", check: robot, on: REGISTERING },
    Row { name: "registration: refused metadata", check: refused, on: LOOKING },
    Row {
        name: "registration: a client survives storing, and no other issuer gets it",
        check: stored,
        on: REGISTERING,
    },
    Row { name: "registration: it wants an initial access token", check: guarded, on: GUARDED },
    Row { name: "registration management: read, change, delete", check: managed, on: MANAGING },
    Row { name: "registration management: a wrong access token costs nothing", check: wrong_token, on: MANAGING },
    Row { name: "registration management: a refused change costs nothing", check: refused_change, on: LOOKING },
    Row { name: "registration management: old access tokens are over", check: rotated, on: ROTATING },
];

/// The initial access token of a server that demands one.
fn initial_access_token(kind: Kind) -> Option<&'static str> {
    GUARDED.contains(&kind).then_some("an-initial-access-token-of-this-test-peer-only")
}

/// What a client for people asks for.
fn for_people(world: &World, method: &str) -> Result<ClientMetadata, Error> {
    ClientMetadata::new()
        .client_name("A client of the tests")?
        .redirect_uri(REDIRECT_URI)?
        .grant_types(&["authorization_code", "refresh_token"])?
        .token_endpoint_auth_method(method)?
        .scope(world.scope())
}

impl World {
    /// The server by its metadata: it says where clients register.
    fn registering_server(&self) -> Got<Server> {
        Ok(self.agent.run(Discovery::new(self.peer.issuer())?)?.server()?)
    }

    fn registration(&self, server: &Server, metadata: ClientMetadata) -> Result<Registration, Error> {
        let registration = Registration::new(server, metadata)?;
        match initial_access_token(self.kind()) {
            Some(token) => registration.initial_access_token(token),
            None => Ok(registration),
        }
    }

    fn registers(&self, server: &Server, method: &str) -> Got<Registered> {
        let registered = self.agent.run(self.registration(server, for_people(self, method)?)?)?;
        check(registered.issuer().as_str() == self.peer.issuer(), registered.issuer().as_str())?;
        check(registered.tolerated().is_empty(), format!("{:?}", registered.tolerated()))?;
        Ok(registered)
    }

    fn logs_in_registered(&self, client: &Client) -> Got<Tokens> {
        let authorization = Authorization::new(client, REDIRECT_URI)?.scope(self.scope())?;
        let tokens = self.agent.run(self.granted(authorization, REDIRECT_URI)?)?;
        check(self.at_the_api(&tokens)? == StatusCode::OK, "the API does not take the token")?;
        Ok(self.agent.run(tokens.refresh()?)?)
    }
}

/// Registers a client with this method, and logs in with it.
fn logs_in(world: &World, method: &str) -> Outcome {
    let server = world.registering_server()?;
    let registered = world.registers(&server, method)?;
    // django-oauth-toolkit does not tell the two apart, and says that each client with a secret uses Basic.
    let is_basic = DJANGO.contains(&world.kind()) && method == "client_secret_post";
    let said = registered.token_endpoint_auth_method();
    check(said == Some(if is_basic { "client_secret_basic" } else { method }), format!("{said:?}"))?;
    // authlib gives a public client a secret, too.
    let has_secret = method != "none" || world.kind() == Kind::Authlib;
    check(registered.has_secret() == has_secret, format!("{registered:?}"))?;
    let client = registered.client(&server)?;
    check(format!("{client:?}").contains(&format!("auth: {}", said.unwrap_or_default())), format!("{client:?}"))?;
    check(registered.has_redirect_uri(&RedirectUri::new(REDIRECT_URI)?) == Some(true), "another redirect URI")?;
    check(registered.dropped_redirect_uris().next().is_none(), "it dropped a redirect URI")?;
    check(registered.secret_expires_at().is_none(), format!("{:?}", registered.secret_expires_at()))?;
    world.logs_in_registered(&registered.client(&server)?).map(drop)
}

fn public(world: &World) -> Outcome {
    logs_in(world, "none")
}

fn basic(world: &World) -> Outcome {
    logs_in(world, "client_secret_basic")
}

fn post(world: &World) -> Outcome {
    logs_in(world, "client_secret_post")
}

fn robot(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let metadata = ClientMetadata::new()
        .client_name("A program of the tests")?
        .grant_types(&["client_credentials"])?
        .token_endpoint_auth_method("client_secret_basic")?
        .scope("api:read")?;
    let registered = world.agent.run(world.registration(&server, metadata)?)?;
    let client = registered.confidential_client(&server)?;
    let tokens = world.agent.run(ClientCredentials::new(&client).scope("api:read")?)?;
    check(tokens.refresh_token().is_none(), "a refresh token without a person")
}

fn refused(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let metadata = for_people(world, "a-method-that-does-not-exist")?;
    let (error, left) = failed(world.agent.run(world.registration(&server, metadata)?))?;
    check(error.code() == Some(&ErrorCode::InvalidClientMetadata) && matches!(left, Left::Intact(_)), error.to_string())
}

fn stored(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let stored = serde_json::to_string(&world.registers(&server, "client_secret_basic")?.into_stored())?;
    let other = server.clone().issuer("https://other.example")?;
    match Registered::from_stored(serde_json::from_str(&stored)?, &other) {
        Err(Error::OtherIssuer(issuers)) => {
            check(
                issuers.expected() == world.peer.issuer() && issuers.received() == "https://other.example",
                "issuers",
            )?;
        }
        other => return Err(format!("{other:?}").into()),
    }
    let registered = Registered::from_stored(serde_json::from_str(&stored)?, &server)?;
    world.logs_in_registered(&registered.client(&server)?).map(drop)
}

fn guarded(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let without = || Registration::new(&server, for_people(world, "none")?);
    for registration in [without()?, without()?.initial_access_token("wrong")?] {
        let (error, left) = failed(world.agent.run(registration))?;
        check(error.status() == Some(StatusCode::UNAUTHORIZED), error.to_string())?;
        check(matches!(left, Left::Intact(_)), "it may have been registered")?;
    }
    world.registers(&server, "none").map(drop)
}

fn managed(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let registered = world.registers(&server, "client_secret_basic")?;
    check(registered.is_manageable(), "it cannot be managed")?;
    let registered = world.agent.run(registered.read()?)?;
    check(registered.client_name() == Some("A client of the tests"), format!("{:?}", registered.client_name()))?;
    check(registered.has_secret(), "the secret is lost")?;

    let registered = world.agent.run(renames(world, registered)?)?;
    check(registered.has_secret(), "the secret is lost with a change")?;
    check(registered.client_name() == Some("Another name"), format!("{:?}", registered.client_name()))?;
    check(registered.has_redirect_uri(&RedirectUri::new(REDIRECT_URI)?) == Some(true), "the redirect URI is lost")?;
    let client = registered.client(&server)?;
    world.logs_in_registered(&client)?;

    let confidential = registered.confidential_client(&server)?;
    world.agent.run(registered.delete()?)?;
    let (error, _) = failed(world.agent.run(ClientCredentials::new(&confidential)))?;
    check(error.code() == Some(&ErrorCode::InvalidClient), error.to_string())
}

/// A change of the client's name.
fn renames(world: &World, registered: Registered) -> Got<RegistrationUpdate> {
    let update = registered.update(ClientMetadata::new().client_name("Another name")?)?;
    Ok(match world.kind() {
        // It refuses what it has said itself.
        Kind::Hydra => update.remove("metadata")?.without_secret(),
        _ => update,
    })
}

fn wrong_token(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let registered = world.registers(&server, "none")?;
    let read = unauthorized(world, registered.read()?)?;
    let deletion = unauthorized(world, read.into_registered().delete()?)?;
    // It is still there.
    world.logs_in_registered(&deletion.into_registered().client(&server)?).map(drop)
}

/// Sends an exchange with a registration access token that the server did not give. It is left intact.
fn unauthorized<X: Exchange>(world: &World, exchange: X) -> Got<X> {
    let mut request = request(&exchange)?;
    request.headers_mut().insert(header::AUTHORIZATION, HeaderValue::from_static("Bearer wrong"));
    let response = world.agent.send(request).map_err(|(_, error)| error)?;
    match exchange.respond(&mut Env::new(world.agent.now(), &mut SysRng), response) {
        Ok(_) => Err("a wrong access token is good".into()),
        Err(failure) => {
            let (error, Left::Intact(exchange)) = (failure.error, failure.left) else {
                return Err("a wrong access token costs something".into());
            };
            // authlib has no 401 here.
            let refused =
                if world.kind() == Kind::Authlib { StatusCode::BAD_REQUEST } else { StatusCode::UNAUTHORIZED };
            check(error.status() == Some(refused), error.to_string())?;
            Ok(*exchange)
        }
    }
}

fn refused_change(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let registered = world.registers(&server, "none")?;
    let changes = ClientMetadata::new().token_endpoint_auth_method("a-method-that-does-not-exist")?;
    let (error, left) = failed(world.agent.run(registered.update(changes)?))?;
    check(error.code() == Some(&ErrorCode::InvalidClientMetadata), error.to_string())?;
    let Left::Intact(update) = left else { return Err("a refused change has an unknown end".into()) };
    let registered = world.agent.run(update.into_registered().read()?)?;
    check(registered.token_endpoint_auth_method() == Some("none"), "it was changed")
}

fn rotated(world: &World) -> Outcome {
    let server = world.registering_server()?;
    let registered = world.registers(&server, "none")?;
    let text = serde_json::to_string(&registered.into_stored())?;
    let restored = || Got::Ok(Registered::from_stored(serde_json::from_str(&text)?, &server)?);
    let changed = world.agent.run(renames(world, restored()?)?)?;
    let (error, left) = failed(world.agent.run(restored()?.read()?))?;
    check(error.status() == Some(StatusCode::UNAUTHORIZED) && matches!(left, Left::Intact(_)), error.to_string())?;
    world.agent.run(changed.read()?).map(drop).map_err(Into::into)
}
