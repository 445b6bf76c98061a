//! What only oidc-provider does.

use grantflow::{Authorization, Callback, ErrorCode, Redirect, ResponseMode};
use grantflow_tests::support::peer::{self, Browser, Kind};

use crate::world::{Outcome, REDIRECT_URI, Row, SCOPE, World, check, start};

pub(crate) const CHECKS: [Row; 3] = [
    Row {
        name: "code by form post",
        check: code_by_form_post,
        on: &[Kind::OidcProvider, Kind::Zitadel, Kind::Idpyoidc, Kind::Hydra, Kind::Keycloak],
    },
    Row {
        name: "other errors of the authorization endpoint arrive",
        check: other_error,
        on: &[Kind::OidcProvider, Kind::Zitadel, Kind::Hydra, Kind::Keycloak],
    },
    Row {
        name: "a consent to less is seen",
        check: narrowed_consent,
        on: &[Kind::OidcProvider, Kind::Zitadel, Kind::Hydra],
    },
];

fn code_by_form_post(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = world.login(&client, REDIRECT_URI)?.response_mode(ResponseMode::FormPost);
    let Redirect { url, pending } = start(&authorization)?;
    // The page's hidden fields, as a browser would post them.
    let fields = Browser::new(REDIRECT_URI).visit(url.as_str())?.page()?.fields();
    let form = serde_urlencoded::to_string(fields)?;
    let post = http::Request::post("/cb").header("content-type", "application/x-www-form-urlencoded").body(form)?;
    match pending.receive_form_post(&post) {
        Callback::Granted(exchange) => world.agent.run(exchange).map(drop).map_err(Into::into),
        other => Err(format!("not granted: {other:?}").into()),
    }
}

fn other_error(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope(SCOPE)?.param("prompt", "none")?;
    match world.verdict(authorization, REDIRECT_URI)? {
        Callback::Denied(error) => check(*error.code() == ErrorCode::LoginRequired, error.code().to_string()),
        other => Err(format!("not denied: {other:?}").into()),
    }
}

fn narrowed_consent(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope(SCOPE)?.param("login_hint", "narrow")?;
    let tokens = world.agent.run(world.granted(authorization, REDIRECT_URI)?)?;
    check(tokens.scope().is_narrowed() == Some(true), format!("{:?}", tokens.scope()))
}
