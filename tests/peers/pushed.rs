//! Authorization requests that are pushed (RFC 9126).

use grantflow::{
    Authorization, Begun, Callback, Client, Discovery, Env, Error, ErrorCode, Left, Misuse, Next, PendingCallback,
    PushedAuthorization, Redirect, Server, Tokens,
};
use grantflow_tests::support::peer::{self, Browser, Kind, Landing};
use grantflow_tests::support::transport::{SysRng, now};
use http::StatusCode;

use crate::person::{Says, is_asked};
use crate::world::{Got, Outcome, REDIRECT_URI, Row, SCOPE, World, check, failed, start};

const HERE: &[Kind] = &[Kind::OidcProvider, Kind::Keycloak, Kind::Spring];
/// idpyoidc gives references, and takes none: see `idpyoidc.rs`.
const REFUSING: &[Kind] = &[Kind::OidcProvider, Kind::Idpyoidc, Kind::Keycloak, Kind::Spring];
const DEMANDED: &[Kind] = &[Kind::PushingOidcProvider];

pub(crate) const CHECKS: [Row; 9] = [
    Row { name: "pushed: with each way to authenticate", check: every_client, on: HERE },
    Row { name: "pushed: a denial is a denial", check: denial, on: HERE },
    Row { name: "pushed: a pending grant survives storing", check: pending_survives_storing, on: HERE },
    Row {
        name: "pushed: a client that must push is refused without",
        check: client_that_must_push,
        on: &[Kind::OidcProvider, Kind::Keycloak],
    },
    Row { name: "pushed: a wrong secret is the configuration's fault", check: wrong_secret, on: REFUSING },
    Row { name: "pushed: a wrong redirect URI is said at once", check: wrong_redirect_uri, on: REFUSING },
    Row { name: "pushed: a reference that was used ends on the server's page", check: used_twice, on: HERE },
    Row { name: "pushed by itself where the metadata demands it", check: by_metadata, on: DEMANDED },
    Row { name: "a server that wants pushed requests refuses others", check: not_pushed, on: DEMANDED },
];

impl World {
    pub(crate) fn pushing_server(&self) -> Result<Server, Error> {
        self.server()?.pushed_authorization_request_endpoint(&self.peer.url(self.places().pushed))
    }

    fn pushing(&self, client: peer::Client) -> Result<Client, Error> {
        let server = self.pushing_server()?;
        match client.secret {
            Some(secret) => Ok(Client::from(&server.client(client.id).secret_basic(secret)?)),
            None => Ok(Client::from(&server.client(client.id).public()?)),
        }
    }

    fn pushed(&self, authorization: &Authorization) -> Got<Redirect> {
        Ok(self.agent.run(push(authorization)?)?)
    }

    /// The person follows the reference.
    fn follows(&self, Redirect { url, pending }: Redirect) -> Got<Callback> {
        let back = Browser::new(REDIRECT_URI).visit(url.as_str())?.callback()?;
        Ok(pending.receive(&back.parse()?))
    }

    fn gets_tokens(&self, redirect: Redirect) -> Got<Tokens> {
        let Callback::Granted(exchange) = self.follows(redirect)? else { return Err("not granted".into()) };
        let tokens = self.agent.run(exchange)?;
        let status = self.at_the_api(&tokens)?;
        check(status == StatusCode::OK, format!("the API answered {status}"))?;
        Ok(tokens)
    }
}

fn asks(client: impl Into<Client>) -> Result<Authorization, Error> {
    // For `offline_access`, the server requires that the person is asked.
    Authorization::new(client, REDIRECT_URI)?.scope(SCOPE)?.param("prompt", "consent")
}

pub(crate) fn push(authorization: &Authorization) -> Result<PushedAuthorization, Error> {
    authorization.push(&mut Env::new(now(), &mut SysRng))
}

fn every_client(world: &World) -> Outcome {
    let secret = peer::POST.secret.unwrap_or_default();
    let post = Client::from(&world.pushing_server()?.client(peer::POST.id).secret_post(secret)?);
    let public = world.pushing(peer::PUBLIC)?;
    for (client, public) in
        [(public, true), (world.pushing(peer::BASIC)?, false), (world.pushing(peer::ODD)?, false), (post, false)]
    {
        let redirect = world.pushed(&asks(&client)?)?;
        let query = redirect.url.as_str().split_once('?').ok_or("no query")?.1.to_owned();
        let names: Vec<_> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
        check(names == ["client_id", "request_uri"], query)?;
        let tokens = world.gets_tokens(redirect)?;
        // Spring gives a public client no refresh token.
        let renewable = !(public && world.kind() == Kind::Spring);
        check(
            tokens.refresh_token().is_some() == renewable && tokens.scope().is_narrowed() == Some(false),
            "the grant is not whole",
        )?;
    }
    Ok(())
}

fn denial(world: &World) -> Outcome {
    let callback = if matches!(world.kind(), Kind::Keycloak | Kind::Spring) {
        is_asked(world, world.pushed(&asks(&world.pushing(peer::ASKS)?)?)?, Says::No)?
    } else {
        let authorization = asks(&world.pushing(peer::BASIC)?)?.param("login_hint", "deny")?;
        world.follows(world.pushed(&authorization)?)?
    };
    match callback {
        Callback::Denied(error) => check(*error.code() == ErrorCode::AccessDenied, error.code().to_string()),
        other => Err(format!("not denied: {other:?}").into()),
    }
}

fn pending_survives_storing(world: &World) -> Outcome {
    let Redirect { url, pending } = world.pushed(&asks(&world.pushing(peer::BASIC)?)?)?;
    let stored = serde_json::to_string(&pending.into_stored())?;
    let pending = PendingCallback::from_stored(serde_json::from_str(&stored)?, &world.pushing(peer::BASIC)?)?;
    world.gets_tokens(Redirect { url, pending }).map(drop)
}

fn client_that_must_push(world: &World) -> Outcome {
    let client = world.pushing(peer::PUSHES)?;
    match world.verdict(asks(&client)?, REDIRECT_URI)? {
        Callback::Denied(error) => check(*error.code() == ErrorCode::InvalidRequest, error.code().to_string())?,
        other => return Err(format!("not denied: {other:?}").into()),
    }
    world.gets_tokens(world.pushed(&asks(&client)?)?).map(drop)
}

fn wrong_secret(world: &World) -> Outcome {
    let client = world.pushing_server()?.client(peer::BASIC.id).secret_basic("wrong")?;
    let (error, left) = failed(world.agent.run(push(&asks(&client)?)?))?;
    check(
        error.code() == Some(&wrong_secret_is(world))
            && error.next() == Next::FixConfiguration
            && matches!(left, Left::Intact(_)),
        error.to_string(),
    )
}

/// What the server calls a wrong secret, here.
fn wrong_secret_is(world: &World) -> ErrorCode {
    match world.kind() {
        // And with 401.
        Kind::Keycloak => ErrorCode::InvalidRequest,
        _ => ErrorCode::InvalidClient,
    }
}

fn wrong_redirect_uri(world: &World) -> Outcome {
    let authorization =
        Authorization::new(&world.pushing(peer::BASIC)?, "https://elsewhere.example/cb")?.scope(SCOPE)?;
    let (error, left) = failed(world.agent.run(push(&authorization)?))?;
    check(
        error.code().is_some()
            && error.status() == Some(StatusCode::BAD_REQUEST)
            && error.next() == Next::FixConfiguration
            && matches!(left, Left::Intact(_)),
        error.to_string(),
    )
}

fn used_twice(world: &World) -> Outcome {
    let redirect = world.pushed(&asks(&world.pushing(peer::BASIC)?)?)?;
    let url = redirect.url.as_str().to_owned();
    world.gets_tokens(redirect)?;
    match Browser::new(REDIRECT_URI).visit(&url)? {
        Landing::Page(page) => check(page.status == 400, format!("the page has status {}", page.status)),
        Landing::Callback(url) => Err(format!("it led to {url}").into()),
    }
}

fn by_metadata(world: &World) -> Outcome {
    let server = world.agent.run(Discovery::new(world.peer.issuer())?)?.server()?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let authorization = asks(&client)?;
    check(matches!(start(&authorization), Err(Error::Misuse(Misuse::NeedsPush))), "it was not pushed")?;
    match authorization.begin(&mut Env::new(now(), &mut SysRng))? {
        Begun::Push(exchange) => world.gets_tokens(world.agent.run(exchange)?).map(drop),
        Begun::Redirect(redirect) => Err(format!("it was not pushed: {redirect:?}").into()),
    }
}

fn not_pushed(world: &World) -> Outcome {
    // Configured by hand, and the metadata does not say that the server demands them.
    match world.verdict(asks(&world.basic(peer::BASIC)?)?, REDIRECT_URI)? {
        Callback::Denied(error) => check(*error.code() == ErrorCode::InvalidRequest, error.code().to_string()),
        other => Err(format!("not denied: {other:?}").into()),
    }
}
