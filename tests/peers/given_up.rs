//! What a server says about a token (RFC 7662), and tokens that are revoked (RFC 7009).

use std::collections::BTreeSet;
use std::time::Duration;

use grantflow::{
    ClientCredentials, ConfidentialClient, Error, ErrorCode, Introspected, Introspection, Left, Next, Revocation,
    Server, TokenTypeHint, Tokens, UnixTime,
};
use grantflow_tests::support::peer::{self, Kind};
use http::StatusCode;

use crate::world::{ALL, DJANGO, Got, Outcome, REDIRECT_URI, Row, World, check, failed};

const OTHERS_ARE_REFUSED: &[Kind] =
    &[Kind::OidcProvider, Kind::Authlib, Kind::Zitadel, Kind::Idpyoidc, Kind::Keycloak, Kind::Spring];
const OTHERS_DO_NOTHING: &[Kind] = &[Kind::DjangoOauthToolkit, Kind::StrictDjangoOauthToolkit, Kind::Hydra];
const KNOWS_REFRESH_TOKENS: &[Kind] =
    &[Kind::OidcProvider, Kind::Authlib, Kind::Idpyoidc, Kind::Keycloak, Kind::Spring, Kind::Hydra];
/// With the refresh token, the access token ends.
const WHOLE: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Zitadel,
    Kind::Keycloak,
    Kind::Spring,
    Kind::Hydra,
];
/// They ask who introspects. Hydra lets all who reach its listener for administrators.
const ASKING: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Zitadel,
    Kind::Idpyoidc,
    Kind::Keycloak,
    Kind::Spring,
];
const ALONE: &[Kind] = &[Kind::Idpyoidc];
/// An answer takes less time, even on a busy machine; tokens live longer.
const SLOW: Duration = Duration::from_secs(30);

pub(crate) const CHECKS: [Row; 12] = [
    Row { name: "introspection of a token of a person", check: active, on: ALL },
    Row { name: "introspection of a token of a client", check: active_of_a_client, on: ALL },
    Row { name: "introspection of a refresh token", check: refresh_token, on: KNOWS_REFRESH_TOKENS },
    Row { name: "introspection of a token that nobody knows is inactive", check: made_up, on: ALL },
    Row { name: "introspection with a wrong secret says nothing of the token", check: wrong_secret, on: ASKING },
    Row { name: "revocation ends the grant, and introspection says so", check: grant_is_over, on: WHOLE },
    Row { name: "revocation of a refresh token ends it alone", check: refresh_token_is_over, on: ALONE },
    Row { name: "revocation of an access token, and introspection says so", check: access_token_is_over, on: ALL },
    Row { name: "revocation of what nobody knows, or twice, is well", check: nothing_to_give_up, on: ALL },
    Row { name: "revocation with a wrong secret leaves the tokens", check: revocation_with_wrong_secret, on: ALL },
    Row { name: "revocation of another client's token is refused", check: token_of_another, on: OTHERS_ARE_REFUSED },
    Row { name: "revocation of another client's token does nothing", check: nothing_of_another, on: OTHERS_DO_NOTHING },
];

impl World {
    fn token_server(&self) -> Result<Server, Error> {
        let places = self.places();
        self.server()?
            .introspection_endpoint(&self.peer.url(places.introspection))?
            .revocation_endpoint(&self.peer.url(places.revocation))
    }

    pub(crate) fn with_secret(&self, client: peer::Client) -> Result<ConfidentialClient, Error> {
        self.token_server()?.client(client.id).secret_basic(client.secret.unwrap_or_default())
    }

    /// The server's answer to the API about the token.
    fn says_of(&self, token: &str) -> Got<Introspected> {
        Ok(self.agent.run(Introspection::new(&self.with_secret(peer::BASIC)?, token)?)?)
    }

    fn is_active(&self, token: &str) -> Got<bool> {
        Ok(self.says_of(token)?.active().is_some())
    }
}

fn access(tokens: &Tokens) -> Got<String> {
    Ok(tokens.bearer()?.expose_secret().to_owned())
}

fn refresh(tokens: &Tokens) -> Got<String> {
    Ok(tokens.refresh_token().ok_or("no refresh token")?.expose_secret().to_owned())
}

fn active(world: &World) -> Outcome {
    let tokens = world.log_in(&world.with_secret(peer::BASIC)?)?;
    let said = world.says_of(&access(&tokens)?)?;
    let token = said.active().ok_or("it is inactive")?;
    // In any order.
    let parts = |scope: &str| scope.split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    let same = token.scope().is_some_and(|scope| parts(scope.as_str()) == parts(world.scope()));
    check(same, format!("{:?}", token.scope()))?;
    check(token.client_id() == Some(peer::BASIC.id), format!("{:?}", token.client_id()))?;
    let ends = tokens.expires_at().ok_or("the tokens never end")?;
    let said = token.expires_at().ok_or("it never ends")?;
    // Each side has looked at its clock at another moment, and counts whole seconds.
    check(gap(ends, said) <= SLOW, format!("{ends:?} and {said:?}"))?;
    match world.kind() {
        Kind::OidcProvider => {
            check(token.subject() == Some("alice") && token.username().is_none(), "who")?;
            check(token.issuer() == Some(world.peer.issuer()) && token.token_type() == Some("Bearer"), "what")
        }
        Kind::Authlib => {
            check(token.subject() == Some("alice") && token.username() == Some("alice"), "who")?;
            check(token.issued_at().is_some_and(|at| gap(at, tokens.received_at()) <= SLOW), "when")?;
            check(token.audience().len() == 2 && token.is_for(&world.api()), format!("{:?}", token.audience()))
        }
        Kind::Zitadel => {
            check(token.subject() == Some("alice") && token.username() == Some("alice"), "who")?;
            check(token.issued_at().is_some_and(|at| gap(at, tokens.received_at()) <= SLOW), "when")?;
            check(token.audience().len() == 1 && token.is_for(peer::BASIC.id), format!("{:?}", token.audience()))
        }
        Kind::Idpyoidc => {
            // The subject is a hash.
            check(token.subject().is_some_and(|sub| sub.len() == 64) && token.username().is_none(), "who")?;
            check(token.issuer() == Some(world.peer.issuer()), format!("{:?}", token.issuer()))?;
            check(token.issued_at().is_some_and(|at| gap(at, tokens.received_at()) <= SLOW), "when")?;
            check(token.audience().len() == 1 && token.is_for(peer::BASIC.id), format!("{:?}", token.audience()))
        }
        Kind::Spring => {
            check(token.subject() == Some("alice") && token.username().is_none(), "who")?;
            check(token.issuer() == Some(world.peer.issuer()) && token.token_type() == Some("Bearer"), "what")?;
            check(token.audience().len() == 1 && token.is_for(peer::BASIC.id), format!("{:?}", token.audience()))
        }
        Kind::Hydra => {
            check(token.subject() == Some("alice") && token.username().is_none(), "who")?;
            check(token.issuer() == Some(world.peer.issuer()) && token.token_type() == Some("Bearer"), "what")?;
            check(token.issued_at().is_some_and(|at| gap(at, tokens.received_at()) <= SLOW), "when")?;
            check(token.audience().is_empty(), format!("{:?}", token.audience()))
        }
        Kind::Keycloak => {
            // The subject is a random identifier of the account.
            check(token.subject().is_some_and(|sub| sub.len() == 36) && token.username() == Some("alice"), "who")?;
            check(token.issuer() == Some(world.peer.issuer()) && token.token_type() == Some("Bearer"), "what")?;
            check(token.audience().len() == 1 && token.is_for(peer::BASIC.id), format!("{:?}", token.audience()))
        }
        // It names no subject and no audience.
        _ => {
            check(token.subject().is_none() && token.username() == Some("alice"), "who")?;
            check(token.audience().is_empty() && !token.is_for(&world.api()), format!("{:?}", token.audience()))
        }
    }
}

fn gap(a: UnixTime, b: UnixTime) -> Duration {
    Duration::from_secs(a.as_secs().abs_diff(b.as_secs()))
}

fn active_of_a_client(world: &World) -> Outcome {
    let client = world.with_secret(peer::M2M)?;
    let tokens = world.agent.run(ClientCredentials::new(&client).scope("api:read")?)?;
    let said = world.says_of(&access(&tokens)?)?;
    let token = said.active().ok_or("it is inactive")?;
    // Keycloak has an account for each such client.
    let account = Some("service-account-m2m").filter(|_| world.kind() == Kind::Keycloak);
    check(token.client_id() == Some(peer::M2M.id) && token.username() == account, "who")?;
    // idpyoidc gives a client every scope that it may have.
    let scope = if world.kind() == Kind::Idpyoidc { "api:read api:write" } else { "api:read" };
    check(token.scope().is_some_and(|said| said.as_str() == scope), format!("{:?}", token.scope()))
}

fn refresh_token(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let question = Introspection::new(&client, &refresh(&tokens)?)?.hint(TokenTypeHint::RefreshToken);
    let said = world.agent.run(question)?;
    check(said.active().is_some_and(|token| token.client_id() == Some(peer::BASIC.id)), "it is inactive")
}

fn made_up(world: &World) -> Outcome {
    check(!world.is_active("nobody-knows-it")?, "it is active")
}

fn wrong_secret(world: &World) -> Outcome {
    let client = world.token_server()?.client(peer::BASIC.id).secret_basic("wrong")?;
    let tokens = world.log_in(&world.with_secret(peer::BASIC)?)?;
    let (error, left) = failed(world.agent.run(Introspection::new(&client, &access(&tokens)?)?))?;
    check(error.next() == Next::FixConfiguration && matches!(left, Left::Intact(_)), error.to_string())?;
    if DJANGO.contains(&world.kind()) {
        // It has no body.
        return check(error.code().is_none() && error.status() == Some(StatusCode::FORBIDDEN), error.to_string());
    }
    if world.kind() == Kind::Zitadel {
        // Its body is a text.
        return check(error.code().is_none() && error.status() == Some(StatusCode::UNAUTHORIZED), error.to_string());
    }
    check(
        error.code() == Some(&ErrorCode::InvalidClient) && error.status() == Some(StatusCode::UNAUTHORIZED),
        error.to_string(),
    )
}

fn grant_is_over(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let access = access(&tokens)?;
    check(world.is_active(&access)?, "it is inactive before")?;
    let kept = serde_json::to_string(&tokens.into_stored())?;
    let restore = || -> Got<Tokens> { Ok(Tokens::from_stored(serde_json::from_str(&kept)?, &client)?) };
    world.agent.run(restore()?.revoke().map_err(|failure| failure.error)?)?;
    let (error, left) = failed(world.agent.run(restore()?.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())?;
    check(!world.is_active(&access)?, "the access token is active")?;
    let status = world.at_the_api(&restore()?)?;
    check(status == world.refusal().0, format!("the API answered {status}"))
}

fn refresh_token_is_over(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let kept = serde_json::to_string(&tokens.into_stored())?;
    let restore = || -> Got<Tokens> { Ok(Tokens::from_stored(serde_json::from_str(&kept)?, &client)?) };
    world.agent.run(Revocation::of_token(&client, refresh(&restore()?)?, Some(TokenTypeHint::RefreshToken))?)?;
    let (error, left) = failed(world.agent.run(restore()?.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())?;
    check(world.is_active(&access(&restore()?)?)?, "the access token is over")?;
    let status = world.at_the_api(&restore()?)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))?;
    // Both are given up, one after the other.
    world.agent.run(restore()?.revoke().map_err(|failure| failure.error)?)?;
    world.agent.run(Revocation::of_token(&client, access(&restore()?)?, Some(TokenTypeHint::AccessToken))?)?;
    check(!world.is_active(&access(&restore()?)?)?, "the access token is active")
}

fn access_token_is_over(world: &World) -> Outcome {
    // A public client: it only proves that it has the token.
    let client = world.token_server()?.client(peer::PUBLIC.id).public()?;
    let tokens = world.log_in(&client)?;
    let token = access(&tokens)?;
    check(world.is_active(&token)?, "it is inactive before")?;
    world.agent.run(Revocation::of_token(&client, token.clone(), Some(TokenTypeHint::AccessToken))?)?;
    check(!world.is_active(&token)?, "it is active")?;
    let status = world.at_the_api(&tokens)?;
    check(status == world.refusal().0, format!("the API answered {status}"))?;
    if world.kind() == Kind::Spring {
        return check(tokens.refresh_token().is_none(), "it gives a public client no refresh token");
    }
    // RFC 7009, section 2.1, lets a server end the grant with it.
    if matches!(world.kind(), Kind::Zitadel | Kind::Idpyoidc | Kind::Keycloak) {
        return Ok(world.agent.run(tokens.refresh()?).map(drop)?);
    }
    let (error, left) = failed(world.agent.run(tokens.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())
}

fn nothing_to_give_up(world: &World) -> Outcome {
    let client = world.with_secret(peer::BASIC)?;
    world.agent.run(Revocation::of_token(&client, "nobody-knows-it", None)?)?;
    let token = refresh(&world.log_in(&client)?)?;
    world.agent.run(Revocation::of_token(&client, token.clone(), Some(TokenTypeHint::RefreshToken))?)?;
    Ok(world.agent.run(Revocation::of_token(&client, token, None)?)?)
}

fn revocation_with_wrong_secret(world: &World) -> Outcome {
    let (client, wrong) =
        (world.with_secret(peer::BASIC)?, world.token_server()?.client(peer::BASIC.id).secret_basic("wrong")?);
    let tokens = Tokens::from_stored(world.log_in(&client)?.into_stored(), &wrong)?;
    let (error, left) = failed(world.agent.run(tokens.revoke().map_err(|failure| failure.error)?))?;
    check(error.code() == Some(&world.wrong_secret()) && error.next() == Next::FixConfiguration, error.to_string())?;
    let Left::Intact(revocation) = left else { return Err("a wrong secret cost the tokens".into()) };
    let tokens = revocation.into_tokens().ok_or("the tokens are gone")?;
    check(world.is_active(&access(&tokens)?)?, "it is inactive")?;
    let tokens = Tokens::from_stored(tokens.into_stored(), &client)?;
    Ok(world.agent.run(tokens.refresh()?).map(drop)?)
}

fn token_of_another(world: &World) -> Outcome {
    let (owner, other) = (world.with_secret(peer::BASIC)?, world.with_secret(peer::M2M)?);
    let authorization = world.login(&owner, REDIRECT_URI)?;
    let tokens = world.agent.run(world.granted(authorization, REDIRECT_URI)?)?;
    let token = access(&tokens)?;
    let (error, left) = failed(world.agent.run(Revocation::of_token(&other, token.clone(), None)?))?;
    check(error.code().is_some() && matches!(left, Left::Intact(_)), error.to_string())?;
    check(world.is_active(&token)?, "it is inactive")
}

fn nothing_of_another(world: &World) -> Outcome {
    let (owner, other) = (world.with_secret(peer::BASIC)?, world.with_secret(peer::M2M)?);
    let token = access(&world.log_in(&owner)?)?;
    // The server says that it is done.
    world.agent.run(Revocation::of_token(&other, token.clone(), None)?)?;
    check(world.is_active(&token)?, "it is inactive")
}
