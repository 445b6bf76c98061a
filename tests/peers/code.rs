//! What every server does: logins, renewals, client credentials, and a refusal of each.

use grantflow::{
    Callback, Client, ClientCredentials, Error, ErrorCode, Left, Next, PendingCallback, Quirk, Redirect,
    RejectionReason, Server, StoredTokens, Tokens, Violation,
};
use grantflow_tests::support::peer::{self, Browser, Kind, Landing};

use crate::person::{Says, is_asked};
use crate::world::{ALL, DJANGO, Got, Outcome, REDIRECT_URI, Row, World, check, failed, request, start};

/// These decode what Basic has encoded.
const DECODING: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Zitadel,
    Kind::Keycloak,
    Kind::Spring,
    Kind::Hydra,
];
/// These look at the scope of client credentials.
const LOOKING: &[Kind] = DECODING;

pub(crate) const CHECKS: [Row; 17] = [
    Row { name: "code with Basic, and the token is good at the API", check: code_with_basic, on: ALL },
    Row { name: "code with Basic credentials that need encoding", check: code_with_odd_basic, on: DECODING },
    Row { name: "code with Basic, and client_id beside it", check: code_with_client_id_beside_basic, on: ALL },
    Row { name: "code with the secret in the body", check: code_with_post, on: ALL },
    Row { name: "code as a public client, on another loopback port", check: code_as_public_client, on: ALL },
    Row { name: "a pending grant survives storing", check: pending_survives_storing, on: ALL },
    Row { name: "a code sent twice is refused", check: code_sent_twice, on: ALL },
    Row { name: "a code without its verifier is refused", check: code_of_another_start, on: ALL },
    Row { name: "a refresh rotates, and tokens survive storing", check: refresh_rotates, on: ALL },
    Row { name: "a spent refresh token is refused", check: spent_refresh_token, on: ALL },
    Row { name: "a refresh for less scope gets less", check: narrower_refresh, on: ALL },
    Row { name: "client credentials", check: client_credentials, on: ALL },
    Row {
        name: "client credentials with a scope that is not allowed leave everything intact",
        check: client_credentials_bad_scope,
        on: LOOKING,
    },
    Row { name: "a denial is a denial", check: denial, on: ALL },
    Row { name: "a wrong redirect URI ends on the server's page", check: wrong_redirect_uri, on: ALL },
    Row { name: "a wrong secret is the configuration's fault", check: wrong_secret, on: ALL },
    Row { name: "an HTML error page is no verdict", check: html_error_page, on: ALL },
];

fn code_with_basic(world: &World) -> Outcome {
    let tokens = world.log_in(&world.basic(peer::BASIC)?)?;
    check(tokens.refresh_token().is_some(), "no refresh token")?;
    let openid = world.scope().contains("openid");
    check(tokens.unverified_id_token().is_some() == openid, "an ID token is there if openid was asked for")?;
    let expires_at = tokens.expires_at().ok_or("no expiry")?;
    let lives = expires_at.as_secs() - tokens.received_at().as_secs();
    // These count the whole seconds that are left when they answer.
    let counts = matches!(world.kind(), Kind::Zitadel | Kind::Hydra | Kind::Keycloak | Kind::Spring);
    check(lives == 600 || counts && (560..600).contains(&lives), format!("{lives} s"))?;
    let status = world.at_the_api(&tokens)?;
    check(status == 200, format!("the API answered {status}"))
}

fn code_with_odd_basic(world: &World) -> Outcome {
    world.log_in(&world.basic(peer::ODD)?).map(drop)
}

fn code_with_client_id_beside_basic(world: &World) -> Outcome {
    let server = world.server()?.quirk(Quirk::ClientIdBesideBasic)?;
    let client = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    world.log_in(&client).map(drop)
}

fn code_with_post(world: &World) -> Outcome {
    world.log_in(&world.post()?).map(drop)
}

fn code_as_public_client(world: &World) -> Outcome {
    let client = world.server()?.client(peer::PUBLIC.id).public()?;
    let redirect_uri = "http://127.0.0.1:49152/cb";
    let authorization = world.login(&client, redirect_uri)?;
    let tokens = world.agent.run(world.granted(authorization, redirect_uri)?)?;
    if world.kind() == Kind::Spring {
        return check(tokens.refresh_token().is_none(), "it gives a public client no refresh token");
    }
    let tokens = world.agent.run(tokens.refresh()?)?;
    check(tokens.refresh_token().is_some(), "no refresh token after a refresh")
}

fn pending_survives_storing(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let Redirect { url, pending } = start(&world.login(&client, REDIRECT_URI)?)?;
    let key = pending.key();
    let stored = serde_json::to_string(&pending.into_stored())?;
    let back: http::Uri = Browser::new(REDIRECT_URI).visit(url.as_str())?.callback()?.parse()?;
    check(grantflow::callback_key(&back) == Some(key), "the callback has another key")?;
    // Another process has its own server and client values.
    let pending = PendingCallback::from_stored(serde_json::from_str(&stored)?, &world.basic(peer::BASIC)?)?;
    let Callback::Granted(exchange) = pending.receive(&back) else { return Err("not granted".into()) };
    Ok(world.agent.run(exchange).map(drop)?)
}

fn code_sent_twice(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let exchange = world.granted(world.login(&client, REDIRECT_URI)?, REDIRECT_URI)?;
    // Only by hand can a code be sent twice.
    let first = world.agent.send(request(&exchange)?).map_err(|(_, error)| error)?;
    check(first.status() == 200, "the first time must be good")?;
    let (error, left) = failed(world.agent.run(exchange))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())
}

/// An attacker puts the code of their own login into another browser (RFC 9700 §4.5): PKCE stops it at the server.
fn code_of_another_start(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = world.login(&client, REDIRECT_URI)?;
    let (attacker, victim) = (start(&authorization)?, start(&authorization)?);
    let back = Browser::new(REDIRECT_URI).visit(attacker.url.as_str())?.callback()?;
    let state = |url: &str| url.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=").map(str::to_owned));
    let theirs = state(&back).ok_or("the callback has no state")?;
    let forged = back.replace(&theirs, &state(victim.url.as_str()).ok_or("the request has no state")?);
    let Callback::Granted(exchange) = victim.pending.receive(&forged.parse()?) else {
        return Err("the forged callback was seen through before PKCE".into());
    };
    let (error, left) = failed(world.agent.run(exchange))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())
}

fn refresh_rotates(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    let stored = serde_json::to_string(&tokens.into_stored())?;
    let tokens = Tokens::from_stored(serde_json::from_str(&stored)?, &client)?;
    let old = tokens.refresh_token().ok_or("no refresh token")?.expose_secret().to_owned();
    let tokens = world.agent.run(tokens.refresh()?)?;
    check(tokens.refresh_token().is_some_and(|new| new.expose_secret() != old), "it did not rotate")?;
    check(tokens.scope().is_narrowed() == Some(false), "the scope changed")?;
    let status = world.at_the_api(&tokens)?;
    check(status == 200, format!("the API answered {status}"))
}

fn spent_refresh_token(world: &World) -> Outcome {
    spent_refresh_token_of(world, &Client::from(&world.basic(peer::BASIC)?))?;
    if world.kind() == Kind::Spring {
        // It gives a public client none.
        return Ok(());
    }
    spent_refresh_token_of(world, &Client::from(&world.server()?.client(peer::PUBLIC.id).public()?))
}

fn spent_refresh_token_of(world: &World, client: &Client) -> Outcome {
    let stored = serde_json::to_string(&world.log_in(client)?.into_stored())?;
    let restore =
        || -> Got<Tokens> { Ok(Tokens::from_stored(serde_json::from_str::<StoredTokens>(&stored)?, client)?) };
    let newer = world.agent.run(restore()?.refresh()?)?;
    let (error, left) = failed(world.agent.run(restore()?.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())?;
    if matches!(world.kind(), Kind::DjangoOauthToolkit | Kind::Zitadel | Kind::Idpyoidc | Kind::Spring) {
        // The used token is refused, and nothing else happens.
        return Ok(world.agent.run(newer.refresh()?).map(drop)?);
    }
    let (error, left) = failed(world.agent.run(newer.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), "the family lives on")
}

fn narrower_refresh(world: &World) -> Outcome {
    let tokens = world.log_in(&world.basic(peer::BASIC)?)?;
    let less = world.scope().replace(" api:read", "");
    let tokens = world.agent.run(tokens.refresh()?.scope(&less)?)?;
    let granted = tokens.scope().effective().ok_or("no scope")?;
    // Keycloak's token has less, and its answer says that nothing changed. Hydra ignores what is asked.
    check(
        granted.contains("api:read") == matches!(world.kind(), Kind::Hydra | Kind::Keycloak)
            && granted.contains("offline_access"),
        format!("granted {}", granted.as_str()),
    )?;
    let status = world.at_the_api(&tokens)?;
    // These APIs tell about the person: they want no more than openid.
    let good =
        matches!(world.kind(), Kind::OidcProvider | Kind::Zitadel | Kind::Idpyoidc | Kind::Hydra | Kind::Keycloak);
    check((status == 200) == good, format!("the API answered {status}"))
}

fn client_credentials(world: &World) -> Outcome {
    let client = world.basic(peer::M2M)?;
    let tokens = world.agent.run(ClientCredentials::new(&client).scope("api:read")?)?;
    check(
        tokens.refresh_token().is_none() && tokens.scope().is_narrowed() == Some(false),
        "a plain token was asked for",
    )
}

fn client_credentials_bad_scope(world: &World) -> Outcome {
    let client = world.basic(peer::M2M)?;
    // oidc-provider omits unknown scopes, and refuses those that this client may not have.
    let scope = if world.kind() == Kind::OidcProvider { "openid" } else { "nobody:knows" };
    let (error, left) = failed(world.agent.run(ClientCredentials::new(&client).scope(scope)?))?;
    check(error.code() == Some(&ErrorCode::InvalidScope), error.to_string())?;
    check(error.next() == Next::FixConfiguration && matches!(left, Left::Intact(_)), "what is left")
}

fn denial(world: &World) -> Outcome {
    let callback = if DJANGO.contains(&world.kind()) {
        let authorization = world.login(&world.basic(peer::ASKS)?, REDIRECT_URI)?;
        let Redirect { url, pending } = start(&authorization)?;
        let browser = Browser::new(REDIRECT_URI);
        let page = browser.visit(url.as_str())?.page()?;
        // Its button "Cancel" has no name.
        pending.receive(&browser.press(&page, &[])?.callback()?.parse()?)
    } else if matches!(world.kind(), Kind::Keycloak | Kind::Spring) {
        // Keycloak asks again, also if it was allowed before.
        let authorization = world.login(&world.basic(peer::ASKS)?, REDIRECT_URI)?.param("prompt", "consent")?;
        is_asked(world, start(&authorization)?, Says::No)?
    } else {
        let client = world.basic(peer::BASIC)?;
        let authorization = world.login(&client, REDIRECT_URI)?;
        world.verdict(authorization.param("login_hint", "deny")?, REDIRECT_URI)?
    };
    match callback {
        // It promises `iss` and omits it in errors: it is unknown who denied. The text is still readable.
        Callback::Rejected(rejection) if world.kind() == Kind::StrictDjangoOauthToolkit => {
            let error = rejection.untrusted_error().ok_or("the rejection has no error")?;
            check(
                rejection.reason() == RejectionReason::MissingIssuer && *error.code() == ErrorCode::AccessDenied,
                rejection.to_string(),
            )
        }
        Callback::Denied(error) if world.kind() != Kind::StrictDjangoOauthToolkit => {
            check(*error.code() == ErrorCode::AccessDenied, error.code().to_string())
        }
        other => Err(format!("not denied: {other:?}").into()),
    }
}

fn wrong_redirect_uri(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let redirect_uri = "https://elsewhere.example/cb";
    let start = start(&world.login(&client, redirect_uri)?)?;
    match Browser::new(redirect_uri).visit(start.url.as_str())? {
        Landing::Page(page) => {
            check(page.status == 400, format!("the page has status {}", page.status))?;
            // Some have no pages.
            let html = page.body.contains("<html") || page.body.contains("<!DOCTYPE");
            check(html != matches!(world.kind(), Kind::Authlib | Kind::Zitadel | Kind::Idpyoidc), "no page")
        }
        Landing::Callback(_) => Err("the server redirected to an unregistered URI".into()),
    }
}

fn wrong_secret(world: &World) -> Outcome {
    let client = world.server()?.client(peer::BASIC.id).secret_basic("wrong")?;
    let (error, left) = failed(world.agent.run(ClientCredentials::new(&client)))?;
    check(
        error.code() == Some(&world.wrong_secret()) && error.status() == Some(http::StatusCode::UNAUTHORIZED),
        "401",
    )?;
    check(error.next() == Next::FixConfiguration && matches!(left, Left::Intact(_)), "what is left")?;
    // The same for a refresh: the grant survives a wrong secret.
    let tokens = world.log_in(&world.basic(peer::BASIC)?)?;
    let tokens = Tokens::from_stored(tokens.into_stored(), &client)?;
    let (_, left) = failed(world.agent.run(tokens.refresh()?))?;
    let Left::Intact(exchange) = left else { return Err("a wrong secret cost the grant".into()) };
    let tokens = Tokens::from_stored(exchange.into_tokens().into_stored(), &world.basic(peer::BASIC)?)?;
    Ok(world.agent.run(tokens.refresh()?).map(drop)?)
}

fn html_error_page(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let tokens = world.log_in(&client)?;
    // A token endpoint with a mistake in its path: the server answers 404 and no OAuth error.
    let mistaken = world.token_endpoint().replace("/token", "/tokn");
    let server = Server::new(&world.authorization_endpoint(), &mistaken)?.issuer(world.peer.issuer())?;
    let mistaken = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    check(Tokens::from_stored(tokens.into_stored(), &mistaken).is_err(), "another endpoint's tokens were restored")?;
    let (error, left) = failed(world.agent.run(ClientCredentials::new(&mistaken)))?;
    if world.kind() == Kind::Keycloak {
        // `{"error":"HTTP 405 Method Not Allowed"}`, which is none of an endpoint's.
        check(
            matches!(error, Error::Refused(_)) && error.status() == Some(http::StatusCode::METHOD_NOT_ALLOWED),
            "405",
        )?;
        let right = error.next() == Next::FixConfiguration && matches!(left, Left::Intact(_));
        return check(right && error.to_string().contains("check the token endpoint's URL"), error.to_string());
    }
    if world.kind() == Kind::Spring {
        // `{…,"status":403,"error":"Forbidden",…}`, because a form that is none of an endpoint's needs a token against forgery.
        check(error.status() == Some(http::StatusCode::FORBIDDEN), error.to_string())?;
        return check(
            error.next() == Next::FixConfiguration && matches!(left, Left::Intact(_)),
            format!("{error} {left:?}"),
        );
    }
    let Error::Protocol(broken) = &error else { return Err(format!("another kind of error: {error}").into()) };
    check(
        broken.violation() == Violation::UnexpectedStatus && error.status() == Some(http::StatusCode::NOT_FOUND),
        "404",
    )?;
    check(matches!(left, Left::Intact(_)), "client credentials have nothing to lose")
}
