//! Metadata of servers (RFC 8414, OpenID Connect Discovery) and of a resource (RFC 9728), and logins by what they say.

use grantflow::{
    Authorization, Challenges, Discovery, Error, ResourceDiscovery, Server, ServerMetadata, Violation, WellKnown,
};
use grantflow_tests::support::peer::{self, Kind};
use http::{Request, StatusCode};

use crate::world::{ALL, DJANGO, Got, Outcome, REDIRECT_URI, Row, World, check, failed};

const OPENID: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Zitadel,
    Kind::Idpyoidc,
    Kind::Keycloak,
    Kind::Spring,
    Kind::Hydra,
];
const OAUTH: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Keycloak,
    Kind::Spring,
];
const ONE_PLACE: &[Kind] = &[Kind::Authlib, Kind::Zitadel, Kind::Idpyoidc, Kind::Hydra];
const WITHOUT_RESOURCES: &[Kind] =
    &[Kind::OidcProvider, Kind::Authlib, Kind::Zitadel, Kind::Idpyoidc, Kind::Keycloak, Kind::Hydra];

pub(crate) const CHECKS: [Row; 8] = [
    Row { name: "discovery by RFC 8414, and a login by what it says", check: by_rfc_8414, on: OAUTH },
    Row { name: "discovery by OpenID Connect, and a login by what it says", check: by_openid, on: OPENID },
    Row { name: "discovery goes on where there is no document", check: goes_on, on: ONE_PLACE },
    Row { name: "discovery with a slash too many is another issuer's", check: other_issuer, on: ALL },
    Row { name: "discovery ends where no place has a document", check: no_document, on: ONE_PLACE },
    Row { name: "a kept document gives the same server", check: kept_document, on: ALL },
    Row { name: "from an API's challenge to its server to a login", check: from_a_challenge, on: DJANGO },
    Row { name: "an API without metadata has no document", check: no_resource_metadata, on: WITHOUT_RESOURCES },
];

/// The metadata says what the checks by hand have to know, and a public and a confidential client log in by it.
fn is_right(world: &World, metadata: &ServerMetadata) -> Outcome {
    check(metadata.issuer().as_str() == world.peer.issuer(), metadata.issuer().to_string())?;
    check(metadata.tolerated().is_empty(), format!("{:?}", metadata.tolerated()))?;
    check(metadata.authorization_endpoint() == Some(&world.authorization_endpoint()), "authorization endpoint")?;
    check(metadata.token_endpoint() == Some(&world.token_endpoint()), "token endpoint")?;
    check(metadata.announces_s256(), "S256")?;
    let iss = metadata.authorization_response_iss_parameter_supported();
    check(iss == world.kind().sends_issuer(), "whether `iss` comes back")?;
    logs_in(world, &world.with_quirks(metadata.server()?)?)
}

fn logs_in(world: &World, server: &Server) -> Outcome {
    let basic = server.clone().client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let tokens = world.log_in(&basic)?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    let status = world.at_the_api(&tokens)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))?;
    let public = server.clone().client(peer::PUBLIC.id).public()?;
    world.log_in(&public).map(drop)
}

fn by_rfc_8414(world: &World) -> Outcome {
    let metadata = world.agent.run(Discovery::new(world.peer.issuer())?.at(&[WellKnown::OAuth])?)?;
    is_right(world, &metadata)?;
    // The first place that is asked if nothing is said.
    let first = Discovery::new(world.peer.issuer())?;
    check(world.agent.run(first)?.as_json() == metadata.as_json(), "another document")?;
    endpoints_are_right(world, &metadata)
}

fn endpoints_are_right(world: &World, metadata: &ServerMetadata) -> Outcome {
    let places = world.places();
    let url = |name: &str| Some(world.peer.url(name)).filter(|_| name != peer::NONE);
    // django-oauth-toolkit has a device endpoint, and does not say so.
    let device = url(places.device).filter(|_| !DJANGO.contains(&world.kind()));
    check(metadata.device_authorization_endpoint() == device.as_deref(), "device authorization endpoint")?;
    // Hydra's is for administrators.
    let introspection = url(places.introspection).filter(|_| world.kind() != Kind::Hydra);
    check(metadata.introspection_endpoint() == introspection.as_deref(), "introspection endpoint")?;
    check(metadata.revocation_endpoint() == url(places.revocation).as_deref(), "revocation endpoint")?;
    let pushed = url(places.pushed);
    check(metadata.pushed_authorization_request_endpoint() == pushed.as_deref(), "where requests are pushed")
}

fn by_openid(world: &World) -> Outcome {
    let metadata = world.agent.run(Discovery::new(world.peer.issuer())?.at(&[WellKnown::OpenIdAppended])?)?;
    is_right(world, &metadata)?;
    if !DJANGO.contains(&world.kind()) {
        // Its document for OpenID names fewer.
        endpoints_are_right(world, &metadata)?;
    }
    check(metadata.userinfo_endpoint().is_some() && metadata.jwks_uri().is_some(), "what OpenID has beside RFC 8414")?;
    // Where the issuer has a path, nothing is at the place where RFC 8414 would look for this document.
    let order = [WellKnown::OpenIdInserted, WellKnown::OpenIdAppended];
    let discovery = Discovery::new(world.peer.issuer())?.at(&order)?;
    let places = if matches!(world.kind(), Kind::DjangoOauthToolkit | Kind::Keycloak) { 2 } else { 1 };
    check(discovery.urls().count() == places, format!("{:?}", discovery.urls().collect::<Vec<_>>()))?;
    check(world.agent.run(discovery)?.as_json() == metadata.as_json(), "another document")
}

fn goes_on(world: &World) -> Outcome {
    let mut order = [WellKnown::OpenIdAppended, WellKnown::OAuth];
    if OPENID.contains(&world.kind()) {
        order.reverse();
    }
    let metadata = world.agent.run(Discovery::new(world.peer.issuer())?.at(&order)?)?;
    is_right(world, &metadata)
}

fn other_issuer(world: &World) -> Outcome {
    let asked = format!("{}/", world.peer.issuer());
    let (place, path) = if OAUTH.contains(&world.kind()) {
        (WellKnown::OAuth, "/.well-known/oauth-authorization-server")
    } else {
        (WellKnown::OpenIdAppended, "/.well-known/openid-configuration")
    };
    let discovery = Discovery::new(&*asked)?.at(&[place])?;
    let (error, _) = failed(world.agent.run(discovery))?;
    let Error::Protocol(broken) = &error else { return Err(format!("another kind of error: {error}").into()) };
    let mismatch = broken.mismatch().ok_or_else(|| error.to_string())?;
    check(
        broken.violation() == Violation::OtherIssuer
            && mismatch.expected() == asked
            && mismatch.untrusted_received() == world.peer.issuer()
            && mismatch.received_from().contains(path),
        error.to_string(),
    )
}

fn no_document(world: &World) -> Outcome {
    let discovery = Discovery::new(&*world.peer.url("/nobody"))?;
    check(discovery.urls().count() == 3, "three places")?;
    let (error, _) = failed(world.agent.run(discovery))?;
    let Error::Protocol(broken) = &error else { return Err(format!("another kind of error: {error}").into()) };
    check(
        broken.violation() == Violation::NoDocument && error.status() == Some(StatusCode::NOT_FOUND),
        error.to_string(),
    )
}

fn kept_document(world: &World) -> Outcome {
    let discovery = Discovery::new(world.peer.issuer())?;
    let kept = world.agent.run(discovery.clone())?.as_json().to_owned();
    is_right(world, &discovery.read(&kept)?)
}

fn from_a_challenge(world: &World) -> Outcome {
    let api = world.api();
    let request = Request::get(&api).body(grantflow::Body::default())?;
    let refused = world.agent.send(request).map_err(|(_, error)| error)?;
    let resource = world.agent.run(ResourceDiscovery::challenged(&api, &Challenges::of(refused.headers()))?)?;
    check(resource.resource() == api && resource.tolerated().is_empty(), format!("{:?}", resource.tolerated()))?;
    check(resource.untrusted_resource_name() == Some("The API of this test peer"), "its name")?;
    // The same without a challenge.
    let unasked = world.agent.run(ResourceDiscovery::new(&api)?)?;
    check(unasked.as_json() == resource.as_json(), "another document")?;

    let issuer = resource.only_authorization_server().ok_or("not one server")?;
    let metadata = world.agent.run(resource.discovery(issuer)?)?;
    is_right(world, &metadata)?;

    let server = metadata.server()?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let scope = resource.scopes_supported().ok_or("no scopes")?;
    let scope = scope.iter().find(|scope| *scope == "api:read").ok_or("no api:read")?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope(scope.as_str())?;
    let tokens = world.agent.run(world.granted(authorization, REDIRECT_URI)?)?;
    let status = world.at_the_api(&tokens)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))
}

fn no_resource_metadata(world: &World) -> Outcome {
    let outcome: Got<()> = match failed(world.agent.run(ResourceDiscovery::new(&world.api())?)) {
        Ok((Error::Protocol(broken), _)) if broken.violation() == Violation::NoDocument => Ok(()),
        Ok((error, _)) => Err(error.into()),
        Err(text) => Err(text.into()),
    };
    outcome
}
