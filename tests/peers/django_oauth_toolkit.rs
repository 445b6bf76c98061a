//! What only django-oauth-toolkit does.

use grantflow::{Authorization, Callback, ErrorCode, Redirect};
use grantflow_tests::support::peer::{self, Browser, Kind};

use crate::world::{DJANGO, Outcome, REDIRECT_URI, Row, World, check, start};

pub(crate) const CHECKS: [Row; 2] = [
    Row { name: "a person agrees on its page", check: consent_page, on: DJANGO },
    Row { name: "an error of the authorization endpoint arrives", check: unknown_scope, on: DJANGO },
];

fn consent_page(world: &World) -> Outcome {
    let authorization = Authorization::new(&world.basic(peer::ASKS)?, REDIRECT_URI)?.scope(world.scope())?;
    let Redirect { url, pending } = start(&authorization)?;
    let browser = Browser::new(REDIRECT_URI);
    let page = browser.visit(url.as_str())?.page()?;
    let back = browser.press(&page, &[("allow", "Authorize")])?.callback()?;
    let iss = back.contains("iss=http%3A%2F%2F127.0.0.1%3A");
    check(iss == (world.kind() == Kind::StrictDjangoOauthToolkit), "only the strict mode says who answers")?;
    let Callback::Granted(exchange) = pending.receive(&back.parse()?) else { return Err("not granted".into()) };
    Ok(world.agent.run(exchange).map(drop)?)
}

/// It promises no `iss` by default, and omits it in errors if it does.
fn unknown_scope(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope("nobody:knows")?;
    match (world.kind(), world.verdict(authorization, REDIRECT_URI)?) {
        (Kind::DjangoOauthToolkit, Callback::Denied(error)) => {
            check(*error.code() == ErrorCode::InvalidScope, error.code().to_string())
        }
        (Kind::StrictDjangoOauthToolkit, Callback::Rejected(rejection)) => {
            let error = rejection.untrusted_error().ok_or("the rejection has no error")?;
            check(*error.code() == ErrorCode::InvalidScope, error.code().to_string())
        }
        (_, other) => Err(format!("another outcome: {other:?}").into()),
    }
}
