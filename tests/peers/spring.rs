//! What only Spring Authorization Server does.

use grantflow::{
    Authorization, Callback, Challenges, Client, ClientCredentials, ClientMetadata, DeviceRequest, Discovery, Error,
    ErrorCode, Introspected, Introspection, Left, Registration, ResourceDiscovery, SecurityToken, StoredTokens,
    TokenExchange, TokenTypeIdentifier, Tokens, Violation,
};
use grantflow_tests::support::peer::{self, Kind};
use http::{Request, StatusCode};

use crate::person::{Says, is_asked};
use crate::world::{Got, Outcome, REDIRECT_URI, Row, World, check, failed, start};

const HERE: &[Kind] = &[Kind::Spring];

pub(crate) const CHECKS: [Row; 8] = [
    Row { name: "a person agrees on its page", check: consent_page, on: HERE },
    Row { name: "a refresh token that stays the same", check: same_refresh_token, on: HERE },
    Row { name: "a challenge names the document of another resource", check: challenged, on: HERE },
    Row { name: "from an API to its server to a login", check: from_the_api, on: HERE },
    Row { name: "registration: without a scope, which is of no use", check: registered, on: HERE },
    Row { name: "device: no OpenID Connect", check: device_without_openid, on: HERE },
    Row { name: "exchange: a target changes nothing", check: any_audience, on: HERE },
    Row { name: "exchange: it issues access tokens alone", check: other_types, on: HERE },
];

fn consent_page(world: &World) -> Outcome {
    let authorization = world.login(&world.basic(peer::ASKS)?, REDIRECT_URI)?;
    let Callback::Granted(exchange) = is_asked(world, start(&authorization)?, Says::Yes)? else {
        return Err("not granted".into());
    };
    let tokens = world.agent.run(exchange)?;
    check(tokens.scope().is_narrowed() == Some(false), format!("{:?}", tokens.scope()))
}

/// The client `reuses` has the library's other setting, and each answer holds the refresh token again.
fn same_refresh_token(world: &World) -> Outcome {
    let client = Client::from(&world.basic(peer::Client { id: "reuses", ..peer::BASIC })?);
    let stored = serde_json::to_string(&world.log_in(&client)?.into_stored())?;
    let restore =
        || -> Got<Tokens> { Ok(Tokens::from_stored(serde_json::from_str::<StoredTokens>(&stored)?, &client)?) };
    let secret = |tokens: &Tokens| tokens.refresh_token().map(|token| token.expose_secret().to_owned());
    let first = world.agent.run(restore()?.refresh()?)?;
    let second = world.agent.run(restore()?.refresh()?)?;
    check(secret(&first).is_some() && secret(&first) == secret(&restore()?), "the refresh token changed")?;
    check(secret(&second) == secret(&first), "the refresh token changed later")?;
    check(first.bearer()?.expose_secret() != second.bearer()?.expose_secret(), "the access token did not change")
}

/// RFC 9728, section 3.3: the document must be about the URL that was called, and this one is about its whole origin.
fn challenged(world: &World) -> Outcome {
    let request = Request::get(world.api()).body(grantflow::Body::default())?;
    let refused = world.agent.send(request).map_err(|(_, error)| error)?;
    let discovery = ResourceDiscovery::challenged(&world.api(), &Challenges::of(refused.headers()))?;
    let (error, _) = failed(world.agent.run(discovery))?;
    let Error::Protocol(broken) = &error else { return Err(format!("another kind of error: {error}").into()) };
    check(broken.violation() == Violation::OtherResource, error.to_string())
}

/// Where RFC 9728 would look without a challenge, the document is about the API.
fn from_the_api(world: &World) -> Outcome {
    let resource = world.agent.run(ResourceDiscovery::new(&world.api())?)?;
    check(
        resource.resource() == world.api() && resource.tolerated().is_empty(),
        format!("{:?}", resource.tolerated()),
    )?;
    let issuer = resource.only_authorization_server().ok_or("not one server")?;
    let server = world.agent.run(resource.discovery(issuer)?)?.server()?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let scope = resource.scopes_supported().ok_or("no scopes")?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope(scope.join(" ").as_str())?;
    let tokens = world.agent.run(world.granted(authorization, REDIRECT_URI)?)?;
    let status = world.at_the_api(&tokens)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))
}

/// Who registers without a token may name no scope. The person is then asked to agree to nothing, and that is a no.
fn registered(world: &World) -> Outcome {
    let server = world.agent.run(Discovery::new(world.peer.issuer())?)?.server()?;
    let metadata = || {
        let metadata = ClientMetadata::new().client_name("A client of the tests")?.redirect_uri(REDIRECT_URI)?;
        let metadata = metadata.grant_types(&["authorization_code", "refresh_token"])?;
        metadata.token_endpoint_auth_method("client_secret_basic")
    };
    let (error, left) = failed(world.agent.run(Registration::new(&server, metadata()?.scope("api:read")?)?))?;
    check(error.code() == Some(&ErrorCode::InvalidScope) && matches!(left, Left::Intact(_)), error.to_string())?;
    let registered = world.agent.run(Registration::new(&server, metadata()?)?)?;
    check(registered.has_secret() && registered.tolerated().is_empty(), format!("{registered:?}"))?;
    check(!registered.is_manageable(), "it can be managed")?;
    let client = registered.confidential_client(&server)?;
    match is_asked(world, start(&Authorization::new(&client, REDIRECT_URI)?)?, Says::Yes)? {
        Callback::Denied(error) => check(*error.code() == ErrorCode::AccessDenied, error.code().to_string())?,
        other => return Err(format!("not denied: {other:?}").into()),
    }
    // Its secret is good: another one would be an `invalid_client`.
    let (error, _) = failed(world.agent.run(ClientCredentials::new(&client)))?;
    check(error.code() == Some(&ErrorCode::UnauthorizedClient), error.to_string())
}

fn device_without_openid(world: &World) -> Outcome {
    let server = world.server()?.device_authorization_endpoint(&world.peer.url(world.places().device))?;
    let client = server.client(peer::DEVICE.id).public()?;
    let (error, left) = failed(world.agent.run(DeviceRequest::new(&client)?.scope(world.scope())?))?;
    check(error.code() == Some(&ErrorCode::InvalidScope) && matches!(left, Left::Intact(_)), error.to_string())
}

fn access(tokens: &Tokens) -> Got<SecurityToken> {
    Ok(SecurityToken::access_token(tokens.bearer()?.expose_secret())?)
}

fn any_audience(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let exchange = TokenExchange::new(&client, access(&tokens)?).audience("urn:example:nobody")?;
    let issued = world.agent.run(exchange.for_access_token())?;
    let Introspected::Active(token) =
        world.agent.run(Introspection::new(&client, issued.bearer()?.expose_secret())?)?
    else {
        return Err("it is inactive".into());
    };
    check(token.audience().len() == 1 && token.is_for(peer::BASIC.id), format!("{:?}", token.audience()))
}

/// Its code for that is registered for revocations alone.
fn other_types(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    for wanted in [TokenTypeIdentifier::ID_TOKEN, TokenTypeIdentifier::REFRESH_TOKEN] {
        let exchange = TokenExchange::new(&client, access(&tokens)?).requested_token_type(wanted);
        let (error, left) = failed(world.agent.run(exchange))?;
        check(error.code().is_some_and(|code| code.as_str() == "unsupported_token_type"), error.to_string())?;
        check(
            error.status() == Some(StatusCode::BAD_REQUEST) && matches!(left, Left::Unknown(_)),
            format!("{left:?}"),
        )?;
    }
    Ok(())
}
