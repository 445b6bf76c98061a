//! What the APIs of these servers say when a token does not do (RFC 6750, RFC 9728), and the new login that it leads to.

use grantflow::{Authorization, Challenges, ErrorCode, NoStepUp, StepUp, StepUpAttempts, Tokens};
use grantflow_tests::support::peer::{self, Kind};
use http::{HeaderMap, Request, StatusCode};

use crate::world::{Got, Outcome, REDIRECT_URI, Row, World, check};

const NAMES_NO_SCOPE: &[Kind] =
    &[Kind::DjangoOauthToolkit, Kind::StrictDjangoOauthToolkit, Kind::Authlib, Kind::Keycloak, Kind::Spring];
const WITH_CHALLENGES: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Keycloak,
    Kind::Spring,
    Kind::Hydra,
];
const WITHOUT_CHALLENGES: &[Kind] = &[Kind::Zitadel, Kind::Idpyoidc];
const OIDC_PROVIDER: &[Kind] = &[Kind::OidcProvider];

pub(crate) const CHECKS: [Row; 5] = [
    Row { name: "an API without a token says what it wants", check: without_a_token, on: WITH_CHALLENGES },
    Row { name: "an API calls a token that it does not know invalid", check: unknown_token, on: WITH_CHALLENGES },
    Row {
        name: "an API that names the scope that is missing gets it by a new login",
        check: step_up,
        on: OIDC_PROVIDER,
    },
    Row { name: "an API that names no scope leads to no new login", check: no_scope_named, on: NAMES_NO_SCOPE },
    Row { name: "an API without challenges asks for nothing", check: no_challenges, on: WITHOUT_CHALLENGES },
];

impl World {
    fn call(&self, url: &str, token: Option<&str>) -> Got<(StatusCode, HeaderMap)> {
        let mut request = Request::get(url);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self.agent.send(request.body(grantflow::Body::default())?).map_err(|(_, error)| error)?;
        Ok((response.status(), response.headers().clone()))
    }

    fn call_with(&self, url: &str, tokens: &Tokens) -> Got<(StatusCode, HeaderMap)> {
        let mut request = Request::get(url).body(grantflow::Body::default())?;
        tokens.bearer()?.authorize(&mut request)?;
        let response = self.agent.send(request).map_err(|(_, error)| error)?;
        Ok((response.status(), response.headers().clone()))
    }
}

fn without_a_token(world: &World) -> Outcome {
    let (status, headers) = world.call(&world.api(), None)?;
    check(status == 401 && StepUp::of(status, &headers).is_none(), format!("{status}"))?;
    let challenges = Challenges::of(&headers);
    let bearer: Vec<_> = challenges.bearer().collect();
    let [bearer] = bearer.as_slice() else { return Err(format!("not one Bearer challenge: {challenges:?}").into()) };
    match world.kind() {
        Kind::OidcProvider => {
            // Two lines, and the other one is for DPoP.
            let dpop = challenges.dpop().next().ok_or("no DPoP challenge")?;
            check(dpop.algs().any(|alg| alg == "ES256"), "no ES256")?;
            check(
                bearer.error().is_none() && bearer.challenge().realm() == Some(world.peer.issuer()),
                format!("{challenges:?}"),
            )
        }
        // With the code that it has for every token.
        Kind::Hydra => {
            check(bearer.error().as_ref().map(ErrorCode::as_str) == world.refusal().1, format!("{challenges:?}"))
        }
        Kind::Keycloak => {
            check(bearer.error().is_none() && bearer.challenge().realm() == Some("rotating"), format!("{challenges:?}"))
        }
        // In lower case, and with a word that no RFC knows.
        Kind::Authlib => check(
            bearer.error().is_some_and(|code| code.as_str() == "missing_authorization"),
            format!("{challenges:?}"),
        ),
        _ => {
            // Spring's challenge names the document of the whole origin.
            let path = if world.kind() == Kind::Spring { "" } else { "/api" };
            let metadata = world.peer.at_root(&format!("/.well-known/oauth-protected-resource{path}"));
            let named = bearer.untrusted_resource_metadata() == Some(&*metadata);
            check(bearer.error().is_none() && named, format!("{challenges:?}"))
        }
    }
}

fn unknown_token(world: &World) -> Outcome {
    let (status, headers) = world.call(&world.api(), Some("nobody-knows-it"))?;
    let challenges = Challenges::of(&headers);
    let error = challenges.bearer().find_map(|bearer| bearer.error());
    let said = (status, error.as_ref().map(ErrorCode::as_str));
    check(said == world.refusal(), format!("{status}: {challenges:?}"))?;
    check(StepUp::of(status, &headers).is_none(), "an invalid token needs a refresh, and no step-up")
}

fn step_up(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope("api:read")?;
    let tokens = world.agent.run(world.granted(authorization.clone(), REDIRECT_URI)?)?;
    let (status, headers) = world.call_with(&world.api(), &tokens)?;
    let wanted = StepUp::of(status, &headers).ok_or_else(|| format!("no step-up: {status} {headers:?}"))?;
    check(
        status == 403 && wanted.scope().is_some_and(|scope| scope.as_str() == "openid"),
        format!("{status}: {wanted:?}"),
    )?;
    let mut attempts = StepUpAttempts::new();
    let more = authorization.step_up(&wanted, tokens.scope(), &mut attempts)?;
    let tokens = world.agent.run(world.granted(more, REDIRECT_URI)?)?;
    let granted = tokens.scope().effective().ok_or("no scope")?;
    check(granted.contains("openid") && granted.contains("api:read"), granted.as_str().to_owned())?;
    let (status, _) = world.call_with(&world.api(), &tokens)?;
    check(status == 200, format!("the API answered {status}"))
}

fn no_challenges(world: &World) -> Outcome {
    for token in [None, Some("nobody-knows-it")] {
        let (status, headers) = world.call(&world.api(), token)?;
        check(status == StatusCode::UNAUTHORIZED && Challenges::of(&headers).is_empty(), format!("{status}"))?;
        check(StepUp::of(status, &headers).is_none(), "nothing was asked for")?;
    }
    Ok(())
}

fn no_scope_named(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope("offline_access")?;
    let tokens = world.agent.run(world.granted(authorization.clone(), REDIRECT_URI)?)?;
    let (status, headers) = world.call_with(&world.api(), &tokens)?;
    if world.kind() == Kind::Authlib {
        // It says so in the body alone.
        return check(status == 403 && Challenges::of(&headers).is_empty(), format!("{status}: {headers:?}"));
    }
    let wanted = StepUp::of(status, &headers).ok_or_else(|| format!("no step-up: {status} {headers:?}"))?;
    check(status == 403 && *wanted.reason() == ErrorCode::InsufficientScope, format!("{status}: {wanted:?}"))?;
    let end = authorization.step_up(&wanted, tokens.scope(), &mut StepUpAttempts::new());
    check(matches!(end, Err(NoStepUp::NothingNamed)), "there is nothing to ask for")
}
