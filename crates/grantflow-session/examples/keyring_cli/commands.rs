//! The four commands.

use std::io::Write as _;

use grantflow::{AccessToken, Authorization, Callback, Env, Redirect};
use grantflow_loopback::{Arrival, Settings};
use grantflow_session::renewal::{Action, Outcome as Ended, Plan, Renewal};
use grantflow_session::{FreshToken, Key, Policy, Session, SessionError, Store as _, Ureq};
use grantflow_ureq::{Agent, SysRng, now};

use crate::options::Options;
use crate::store::Kept;
use crate::{Outcome, show};

pub(crate) fn login(options: &Options) -> Outcome<()> {
    let client = options.client()?;
    // This comes first: without a place to keep the grant, there is no reason to ask for one.
    let session = session(options)?;
    let listener = Settings::new().port(options.port).bind()?;
    let mut authorization = Authorization::new(&client, listener.redirect_uri())?;
    if let Some(scope) = &options.scope {
        authorization = authorization.scope(scope.as_str())?;
    }
    let Redirect { url, pending } = authorization.start(&mut Env::new(now(), &mut SysRng))?;
    if !options.open_browser || open::that_detached(url.as_str()).is_err() {
        anstream::println!("Open this address in your browser:\n{url}\n", url = url.as_str());
    }

    let Arrival { callback, page } = listener.wait(pending)?;
    let exchange = match callback {
        Callback::Granted(exchange) => exchange,
        Callback::Denied(refusal) => {
            return Err(format!("the provider said no, or you did: {}", refusal.code()).into());
        }
        Callback::Rejected(rejection) => return Err(rejection.into()),
        Callback::Unrelated { why, .. } => return Err(format!("the listener gave up: {why}").into()),
    };
    let tokens = grantflow_ureq::run(&Agent::new(), exchange)?;
    let token = session.prime_blocking(tokens)?;
    show::good(&format!("logged in; the token {}", expiry(&token)));
    // The process would end before the browser has its last page.
    page.finish();
    Ok(())
}

/// Everything on stdout here ends in a script's `$(…)`.
pub(crate) fn token(options: &Options) -> Outcome<()> {
    let session = session(options)?;
    let token = session.token_blocking().map_err(advice)?;
    let AccessToken::Bearer(bearer) = token.access_token() else {
        return Err("the token is bound to a key, and of no use without it".into());
    };
    writeln!(std::io::stdout(), "{}", bearer.expose_secret())?;
    // A renewal ahead of time runs in the background, and would end with the process.
    session.finish_blocking().map_err(advice)?;
    Ok(())
}

/// What `token` would do. A renewal says step by step what it wants done, and here it only gets to read: it ends before
/// it would write, wait or send.
pub(crate) fn status(options: &Options) -> Outcome<()> {
    let (store, key) = (Kept::open(options)?, Key::new(&options.account)?);
    let mut rng = SysRng;
    let mut env = Env::new(now(), &mut rng);
    let mut next = Renewal::of(Plan::refresh(options.client()?, key.clone(), Policy::default()), None);
    loop {
        next = match next {
            // A read needs no lock.
            Action::Lock(state) => state.locked(),
            Action::Load(state) => match pollster::block_on(store.load(&key)) {
                Ok(entry) => state.loaded(&mut env, entry),
                Err(error) => state.failed(error),
            },
            Action::Write(_) | Action::Obtain(_) | Action::Send(_) => {
                show::good("logged in; the token is due, and the next call of `token` renews it");
                return Ok(());
            }
            Action::Release(_) | Action::Wait(_) => {
                show::good("logged in; a renewal has begun, and its end is not known yet");
                return Ok(());
            }
            Action::Done(Ended::Fresh { token, .. }) => {
                show::good(&format!("logged in; the token {}", expiry(&token)));
                return Ok(());
            }
            Action::Done(Ended::InDoubt(doubt)) => {
                show::note(&format!("logged in; {} requests to renew the token have no answer yet", doubt.sent));
                return Ok(());
            }
            Action::Done(Ended::Failed(SessionError::Empty)) => {
                show::note("not logged in");
                return Ok(());
            }
            Action::Done(Ended::Failed(error)) => return Err(advice(error)),
            Action::Done(other) => {
                return Err(format!("it ended with an outcome that this version does not know: {other:?}").into());
            }
        };
    }
}

/// Forgets the grant here. The provider is not told: that needs its revocation endpoint (RFC 7009).
pub(crate) fn logout(options: &Options) -> Outcome<()> {
    pollster::block_on(session(options)?.forget())?;
    show::good("logged out");
    Ok(())
}

fn session(options: &Options) -> Outcome<Session> {
    let key = Key::new(&options.account)?;
    Ok(Session::new(options.client()?, key, Kept::open(options)?, Ureq::new(Agent::new())))
}

fn expiry(token: &FreshToken) -> String {
    match token.expires_at() {
        Some(at) => format!("is good for {} s", at.saturating_since(now()).as_secs()),
        None => "is good until the provider refuses it".to_owned(),
    }
}

/// The error, and what the person can do.
fn advice(error: SessionError) -> Box<dyn std::error::Error> {
    match error.next() {
        grantflow::Next::Reauthorize => format!("{error}\n  run: keyring_cli login").into(),
        _ => error.into(),
    }
}
