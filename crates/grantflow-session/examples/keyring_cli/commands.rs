//! The commands. They know nothing of where the grant is kept.

use grantflow::{AccessToken, Authorization, Callback, Client, Env, Redirect, Server};
use grantflow_session::Session;
use grantflow_ureq::{Agent, SysRng};

use crate::listener::Listener;
use crate::options::Options;
use crate::{Outcome, show};

/// Where to log in, and as which client.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(crate) agent: Agent,
    pub(crate) scope: Option<String>,
    pub(crate) port: u16,
}

impl Place {
    pub(crate) fn of(options: &Options) -> Outcome<Self> {
        let wanted =
            |value: &Option<String>, name| value.clone().ok_or_else(|| format!("{name} is missing; see --help"));
        let server = Server::new(&wanted(&options.authorize, "--authorize")?, &wanted(&options.token, "--token")?)?;
        let id = wanted(&options.id, "--client-id")?;
        let client = server.client(&id);
        let client = match options.secret.clone() {
            Some(secret) => Client::from(&client.secret_basic(secret)?),
            None => Client::from(&client.public()?),
        };
        Ok(Self { client, agent: Agent::new(), scope: options.scope.clone(), port: options.port })
    }
}

/// Sends the person away by `browse`, waits for their return, and keeps the tokens.
pub(crate) fn log_in(place: &Place, session: &Session, browse: impl FnOnce(&str)) -> Outcome<()> {
    let listener = Listener::bind(place.port)?;
    let mut authorization = Authorization::new(&place.client, listener.redirect_uri().as_str())?;
    if let Some(scope) = &place.scope {
        authorization = authorization.scope(scope.as_str())?;
    }
    let mut env = Env { now: grantflow_ureq::now(), rng: &mut SysRng };
    let Redirect { url, pending } = authorization.start(&mut env)?;
    browse(url.as_str());
    let exchange = match listener.wait(pending)? {
        Callback::Granted(exchange) => exchange,
        Callback::Denied(refusal) => return Err(format!("the server or you said no: {}", refusal.code()).into()),
        Callback::Rejected(rejection) => return Err(rejection.into()),
        Callback::Unrelated { why, .. } => return Err(format!("the listener gave up: {why}").into()),
    };
    session.prime_blocking(grantflow_ureq::run(&place.agent, exchange)?)?;
    show::good("logged in, and the grant is kept");
    Ok(())
}

/// The access token, refreshed if it is due.
pub(crate) fn token(session: &Session) -> Outcome<String> {
    Ok(match session.token_blocking()?.access_token() {
        AccessToken::Bearer(token) => token.expose_secret().to_owned(),
        AccessToken::Dpop(_) => return Err("the token is bound to a key: printed, it would be of no use".into()),
    })
}

/// How the grant stands. Asking for the token is what reads the keyring, so this refreshes one that is due.
pub(crate) fn status(session: &Session) -> Outcome<String> {
    let token = session.token_blocking()?;
    let left = token.expires_at().map(|at| at.saturating_since(grantflow_ureq::now()).as_secs());
    let left = left.map_or("its end is not known".to_owned(), |left| format!("{left} s left"));
    Ok(format!("logged in, {left}, {:?}", session.state()))
}

/// Removes the grant here; the server is not told.
pub(crate) fn log_out(session: &Session) -> Outcome<()> {
    pollster::block_on(session.forget())?;
    show::good("logged out: the grant is gone from here");
    Ok(())
}
