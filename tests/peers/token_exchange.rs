//! Token exchange (RFC 8693). A server is set up for it like this: the client [`peer::BASIC`] may exchange its own access
//! tokens; another scope is granted if it is a part of the subject token's; and a row for each thing that it does besides.

use grantflow::{
    Authorization, Client, Error, ErrorCode, Exchanged, Left, SecurityToken, TokenExchange, TokenTypeIdentifier,
    Tokens, Violation,
};
use grantflow_tests::support::peer::{self, Kind};
use http::StatusCode;

use crate::world::{Got, Outcome, REDIRECT_URI, Row, World, check, failed};

/// The servers that exchange tokens.
const EXCHANGES: &[Kind] = &[Kind::Zitadel, Kind::Idpyoidc, Kind::Keycloak, Kind::Spring];

/// These issue refresh tokens as well.
const REFRESHES: &[Kind] = &[Kind::Zitadel, Kind::Keycloak];

/// These issue ID tokens as well, and look at the target.
const MORE: &[Kind] = &[Kind::Zitadel, Kind::Idpyoidc, Kind::Keycloak];

pub(crate) const CHECKS: [Row; 8] = [
    Row { name: "exchange: an access token for another", check: access_token, on: EXCHANGES },
    Row { name: "exchange: for less scope", check: less_scope, on: EXCHANGES },
    Row { name: "exchange: only an access token is of use", check: for_access_token, on: EXCHANGES },
    Row { name: "exchange: a refresh token comes beside an access token", check: refresh_token, on: REFRESHES },
    Row { name: "exchange: an ID token is no access token", check: id_token, on: MORE },
    Row { name: "exchange: a subject token that is not known", check: unknown_subject, on: EXCHANGES },
    Row { name: "exchange: a target that is not known", check: unknown_target, on: MORE },
    Row { name: "exchange: a wrong secret costs nothing", check: wrong_secret, on: EXCHANGES },
];

impl World {
    /// The client that exchanges, and its tokens.
    fn subject(&self) -> Got<(Client, Tokens)> {
        let client = Client::from(&self.basic(peer::BASIC)?);
        let tokens = self.log_in(&client)?;
        Ok((client, tokens))
    }
}

fn access(tokens: &Tokens) -> Got<SecurityToken> {
    Ok(SecurityToken::access_token(tokens.bearer()?.expose_secret())?)
}

/// The issued token is used where the subject token was.
fn access_token(world: &World) -> Outcome {
    let (client, tokens) = world.subject()?;
    let exchange = TokenExchange::new(&client, access(&tokens)?)
        .requested_token_type(TokenTypeIdentifier::ACCESS_TOKEN)
        .scope("openid api:read")?;
    let exchanged = world.agent.run(exchange)?;
    check(
        *exchanged.issued_token_type() == TokenTypeIdentifier::ACCESS_TOKEN,
        format!("{:?}", exchanged.issued_token_type()),
    )?;
    let issued = exchanged.into_tokens().map_err(Error::from)?;
    check(issued.bearer()?.expose_secret() != tokens.bearer()?.expose_secret(), "it is the same token")?;
    check(issued.expires_at().is_some(), "it does not say how long it lives")?;
    let status = world.at_the_api(&issued)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))
}

fn less_scope(world: &World) -> Outcome {
    let (client, tokens) = world.subject()?;
    let issued = world.agent.run(TokenExchange::new(&client, access(&tokens)?).scope("openid")?.for_access_token())?;
    let scope = issued.scope().effective().ok_or("no scope")?;
    check(scope.contains("openid") && !scope.contains("api:read"), format!("{scope:?}"))
}

/// No token type is asked for: every server chooses an access token.
fn for_access_token(world: &World) -> Outcome {
    let (client, tokens) = world.subject()?;
    let issued =
        world.agent.run(TokenExchange::new(&client, access(&tokens)?).scope("openid api:read")?.for_access_token())?;
    check(!issued.bearer()?.expose_secret().is_empty(), "no token")
}

fn refresh_token(world: &World) -> Outcome {
    let client = Client::from(&world.basic(peer::BASIC)?);
    // Keycloak gives none for a login that is to last without the person.
    let tokens = match world.kind() {
        Kind::Keycloak => {
            let login = Authorization::new(&client, REDIRECT_URI)?.scope("openid api:read")?;
            world.agent.run(world.granted(login, REDIRECT_URI)?)?
        }
        _ => world.log_in(&client)?,
    };
    let exchange = TokenExchange::new(&client, access(&tokens)?)
        .requested_token_type(TokenTypeIdentifier::REFRESH_TOKEN)
        .scope(match world.kind() {
            Kind::Keycloak => "openid api:read",
            _ => "openid offline_access api:read",
        })?;
    let exchanged = world.agent.run(exchange)?;
    check(
        *exchanged.issued_token_type() == TokenTypeIdentifier::REFRESH_TOKEN,
        format!("{:?}", exchanged.issued_token_type()),
    )?;
    let issued = exchanged.into_tokens().map_err(Error::from)?;
    let status = world.at_the_api(&issued)?;
    check(status == StatusCode::OK, format!("the API answered {status}"))?;
    let renewed = world.agent.run(issued.refresh()?)?;
    check(!renewed.bearer()?.expose_secret().is_empty(), "no token")
}

fn id_token(world: &World) -> Outcome {
    let (client, tokens) = world.subject()?;
    let ask = || {
        let exchange = TokenExchange::new(&client, access(&tokens)?);
        Ok::<_, Box<dyn std::error::Error>>(
            exchange.requested_token_type(TokenTypeIdentifier::ID_TOKEN).scope("openid")?,
        )
    };
    let Exchanged::Issued(issued) = world.agent.run(ask()?)? else {
        return Err("an ID token is no access token".into());
    };
    check(*issued.token_type() == TokenTypeIdentifier::ID_TOKEN, format!("{:?}", issued.token_type()))?;
    check(issued.expose_secret().split('.').count() == 3, "it is no JWT")?;
    // Where only an access token is of use, this is an answer that broke what was asked for.
    let (error, left) = failed(world.agent.run(ask()?.for_access_token()))?;
    let violation = match &error {
        Error::Protocol(error) => Some(error.violation()),
        _ => None,
    };
    check(
        violation == Some(Violation::NotAnAccessToken) && matches!(left, Left::Unknown(_)),
        format!("{error}; {left:?}"),
    )
}

fn unknown_subject(world: &World) -> Outcome {
    let (client, _) = world.subject()?;
    let subject = SecurityToken::access_token("no-token-of-this-server")?;
    let (error, left) = failed(world.agent.run(TokenExchange::new(&client, subject)))?;
    let code = match world.kind() {
        Kind::Spring => ErrorCode::InvalidGrant,
        // RFC 8693, section 2.2.2.
        _ => ErrorCode::InvalidRequest,
    };
    check(error.code() == Some(&code), error.to_string())?;
    let intact = world.kind() != Kind::Spring;
    check(matches!(left, Left::Intact(_)) == intact, format!("{left:?}"))
}

fn unknown_target(world: &World) -> Outcome {
    let (client, tokens) = world.subject()?;
    let exchange = TokenExchange::new(&client, access(&tokens)?).audience("nobody")?;
    let (error, left) = failed(world.agent.run(exchange))?;
    let code = match world.kind() {
        // Its audiences are clients.
        Kind::Keycloak => ErrorCode::InvalidClient,
        _ => ErrorCode::InvalidTarget,
    };
    check(error.code() == Some(&code) && matches!(left, Left::Intact(_)), format!("{error}; {left:?}"))
}

fn wrong_secret(world: &World) -> Outcome {
    let (client, tokens) = world.subject()?;
    let impostor = world.server()?.client(peer::BASIC.id).secret_basic("wrong")?;
    let (error, left) = failed(world.agent.run(TokenExchange::new(&impostor, access(&tokens)?)))?;
    let refused = matches!(error.code(), Some(ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient));
    check(refused && matches!(left, Left::Intact(_)), format!("{error}; {left:?}"))?;
    // The subject token is still good.
    let exchange = TokenExchange::new(&client, access(&tokens)?).scope("openid api:read")?.for_access_token();
    check(!world.agent.run(exchange)?.bearer()?.expose_secret().is_empty(), "no token")
}
