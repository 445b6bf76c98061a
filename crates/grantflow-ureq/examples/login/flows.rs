//! The flows, the same for every provider.

use grantflow::{
    Authorization, Begun, Body, Callback, ClientCredentials, ConfidentialClient, Env, Error, Exchange, Failure, Left,
    Redirect, Tokens,
};
use grantflow_loopback::{Arrival, Listener};
use grantflow_ureq::{Agent, SysRng};
use http::Request;

use crate::{Outcome, show};

/// Runs an exchange as `grantflow_ureq::run` does, and shows what is sent and received.
pub(crate) fn run<X: Exchange>(agent: &Agent, exchange: X) -> Result<X::Output, Failure<X, grantflow_ureq::Error>> {
    grantflow::drive(exchange, &mut SysRng, grantflow_ureq::now, std::thread::sleep, |request| {
        show::request(&request);
        let response =
            grantflow_ureq::send(agent, request).map_err(|unanswered| (unanswered.sent, unanswered.error))?;
        show::response(&response);
        Ok(response)
    })
}

/// Sends the person to the provider, waits for their return at the listener of `authorization`, and exchanges the code. `open` gets the address to open.
pub(crate) fn log_in(
    agent: &Agent,
    authorization: &Authorization,
    listener: Listener,
    open: impl FnOnce(&str),
) -> Outcome<Tokens> {
    let Redirect { url, pending } = match authorization.begin(&mut Env::new(grantflow_ureq::now(), &mut SysRng))? {
        Begun::Redirect(redirect) => {
            show::step("Authorization", "start", "Redirect { url, pending: PendingCallback }");
            redirect
        }
        Begun::Push(request) => {
            show::step("Authorization", "push", "PushedAuthorization");
            let redirect = run(agent, request)?;
            show::step("PushedAuthorization", "run", "Redirect { url, pending: PendingCallback }");
            redirect
        }
    };
    show::sent_to(&url);
    open(url.as_str());

    let Arrival { callback, page } = listener.wait(pending)?;
    let exchange = match callback {
        Callback::Granted(exchange) => exchange,
        Callback::Denied(refusal) => {
            return Err(format!("the provider or the person said no: {}", refusal.code()).into());
        }
        Callback::Rejected(rejection) => return Err(rejection.into()),
        Callback::Unrelated { why, .. } => return Err(format!("the listener gave up: {why}").into()),
    };
    show::step("PendingCallback", "receive", "Callback::Granted(CodeExchange)");
    show::good("state is the one that was sent; the code is ours");

    let tokens = run(agent, exchange)?;
    show::step("CodeExchange", "run", "Tokens");
    describe(&tokens);
    if page.finish() {
        show::good("the browser shows its last page: code and state have left the address bar");
    }
    Ok(tokens)
}

/// Calls the provider's API with the access token.
pub(crate) fn call_api(agent: &Agent, tokens: &Tokens, url: &str) -> Outcome<()> {
    let mut request = Request::get(url).header("accept", "application/json").body(Body::default())?;
    tokens.bearer()?.authorize(&mut request)?;
    show::step("Tokens", "authorize", "http::Request");
    show::request(&request);
    let response = grantflow_ureq::send(agent, request)?;
    show::response(&response);
    if !response.status().is_success() {
        return Err(format!("the API answered {}", response.status()).into());
    }
    show::good("the API knows the token");
    Ok(())
}

/// Tokens that were stored as text.
pub(crate) fn restore(client: &ConfidentialClient, stored: &str) -> Outcome<Tokens> {
    Ok(Tokens::from_stored(serde_json::from_str(stored)?, client)?)
}

/// Refreshes the tokens, and checks whether the refresh token was rotated.
pub(crate) fn refresh(agent: &Agent, tokens: Tokens) -> Outcome<Tokens> {
    let old = tokens.refresh_token().ok_or("there is no refresh token")?.expose_secret().to_owned();
    let exchange = tokens.refresh()?;
    show::step("Tokens", "refresh", "RefreshExchange");
    let tokens = run(agent, exchange)?;
    show::step("RefreshExchange", "run", "Tokens");
    if tokens.refresh_token().is_some_and(|new| new.expose_secret() != old) {
        show::good("it was rotated: the old refresh token is used up, and the new one is here");
    } else {
        show::note("it was not rotated: the refresh token is the same");
    }
    describe(&tokens);
    Ok(tokens)
}

/// Refreshes with tokens that have been refreshed already. Only for a demo: a real provider may take it for theft, and
/// revoke the new tokens too (RFC 9700 §4.14.2).
pub(crate) fn replay(agent: &Agent, spent: Tokens) -> Outcome<()> {
    let exchange = spent.refresh()?;
    show::step("Tokens (the old ones)", "refresh", "RefreshExchange");
    match run(agent, exchange) {
        Ok(_) => Err("the provider accepted a used refresh token".into()),
        Err(Failure { error: error @ grantflow_ureq::Error::OAuth(Error::Refused(_)), left }) => {
            let left = match left {
                Left::Spent => "Spent",
                Left::Intact(_) => "Intact",
                Left::Unknown(_) => "Unknown",
            };
            show::step("RefreshExchange", "run", &format!("Failure {{ left: Left::{left} }}"));
            show::good(&format!("refused, as it must be: {error}"));
            Ok(())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// A token for the program itself.
pub(crate) fn client_credentials(agent: &Agent, client: &ConfidentialClient, scope: &str) -> Outcome<Tokens> {
    let tokens = run(agent, ClientCredentials::new(client).scope(scope)?)?;
    show::step("ClientCredentials", "run", "Tokens");
    if tokens.refresh_token().is_some() {
        return Err("the client credentials grant gave a refresh token".into());
    }
    show::good("no refresh token: the credentials get the next access token");
    describe(&tokens);
    Ok(tokens)
}

fn describe(tokens: &Tokens) {
    let now = grantflow_ureq::now();
    let lifetime = match tokens.expires_at() {
        Some(at) => format!("expires in {} s", at.saturating_since(now).as_secs()),
        None => "the provider does not say when it expires".to_owned(),
    };
    let scope = tokens.scope().effective().map_or("the provider's own", |scope| scope.as_str());
    let narrowed = if tokens.scope().is_narrowed() == Some(true) { " (less than was asked for)" } else { "" };
    show::note(&format!("{lifetime} · scope: {scope}{narrowed}"));
}
