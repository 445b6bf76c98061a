//! What only idpyoidc does.

use grantflow::{
    Client, ClientCredentials, Exchanged, Left, Redirect, SecurityToken, TokenExchange, TokenTypeIdentifier,
};
use grantflow_tests::support::peer::{self, Browser, Kind, Landing};

use crate::pushed::push;
use crate::world::{Outcome, REDIRECT_URI, Row, World, check, failed};

const HERE: &[Kind] = &[Kind::Idpyoidc];

pub(crate) const CHECKS: [Row; 4] = [
    Row { name: "a client gets each scope that it may have, and asked for one", check: every_scope, on: HERE },
    Row { name: "a reference to a pushed request leads to its page", check: unusable_reference, on: HERE },
    Row { name: "exchange: a refresh token instead of an access token", check: refresh_token_alone, on: HERE },
    Row { name: "a spent refresh token looks like a wrong request", check: spent_without_quirk, on: HERE },
];

fn every_scope(world: &World) -> Outcome {
    let client = world.basic(peer::M2M)?;
    for scope in ["api:read", "nobody:knows"] {
        let tokens = world.agent.run(ClientCredentials::new(&client).scope(scope)?)?;
        let granted = tokens.scope().effective().ok_or("no scope")?;
        check(granted.as_str() == "api:read api:write", granted.as_str().to_owned())?;
        check(tokens.scope().is_narrowed() == Some(scope == "nobody:knows"), "what was asked for is compared")?;
    }
    Ok(())
}

/// It wants what OpenID Connect requires beside the reference, too, which RFC 9126, section 4, does not ask for.
fn unusable_reference(world: &World) -> Outcome {
    let server = world.pushing_server()?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    let Redirect { url, .. } = world.agent.run(push(&world.login(&client, REDIRECT_URI)?)?)?;
    let page = |landing: Landing| match landing {
        Landing::Page(page) => Ok(page),
        Landing::Callback(url) => Err(format!("a callback: {url}")),
    };
    let browser = Browser::new(REDIRECT_URI);
    let refused = page(browser.visit(url.as_str())?)?;
    check(refused.status == 400 && refused.body.contains("response_type"), format!("{refused:?}"))?;
    // With it, the login goes on.
    let uri = "http%3A%2F%2F127.0.0.1%3A8765%2Fcb";
    let whole = format!("{}&response_type=code&scope=openid&redirect_uri={uri}", url.as_str());
    let back = browser.visit(&whole)?.callback()?;
    check(back.contains("code="), back)
}

/// RFC 8693, section 2.2.1, has the issued token in `access_token`, also if it is none.
fn refresh_token_alone(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let exchange = TokenExchange::new(&client, SecurityToken::access_token(tokens.bearer()?.expose_secret())?)
        .requested_token_type(TokenTypeIdentifier::REFRESH_TOKEN)
        .scope(world.scope())?;
    let Exchanged::Issued(issued) = world.agent.run(exchange)? else {
        return Err("a refresh token is no access token".into());
    };
    check(*issued.token_type() == TokenTypeIdentifier::REFRESH_TOKEN, format!("{:?}", issued.token_type()))?;
    // It is good as a subject token.
    let subject = SecurityToken::new(issued.expose_secret(), TokenTypeIdentifier::REFRESH_TOKEN)?;
    let tokens = world.agent.run(TokenExchange::new(&client, subject).scope("openid api:read")?.for_access_token())?;
    let status = world.at_the_api(&tokens)?;
    check(status == 200, format!("the API answered {status}"))
}

/// Without a quirk, nobody could know that the grant is over.
fn spent_without_quirk(world: &World) -> Outcome {
    let server = grantflow::Server::new(&world.authorization_endpoint(), &world.token_endpoint())?;
    let client: Client = Client::from(&server.issuer(world.peer.issuer())?.client(peer::PUBLIC.id).public()?);
    let tokens = world.log_in(&client)?;
    let stored = serde_json::to_string(&tokens.into_stored())?;
    let restore = || grantflow::Tokens::from_stored(serde_json::from_str(&stored).unwrap(), &client);
    world.agent.run(restore()?.refresh()?)?;
    let (error, left) = failed(world.agent.run(restore()?.refresh()?))?;
    let code = error.code().map(|code| code.as_str().to_owned());
    check(code.as_deref() == Some("invalid_request") && matches!(left, Left::Intact(_)), error.to_string())
}
