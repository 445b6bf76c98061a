//! A real server that nobody here wrote: npm's oidc-provider, driven over HTTP by the core and each adapter.
//!
//! Without Node.js each test is listed as ignored, with the reason; in CI (`CI=true`) that fails. (libtest cannot decide
//! this at run time; libtest-mimic can.)

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use grantflow::{
    Authorization, Callback, ClientCredentials, CodeExchange, ConfidentialClient, Env, Error, ErrorCode, Exchange,
    Failure, Left, PendingCallback, Redirect, ResponseMode, Server, StoredTokens, Tokens, Violation,
};
use grantflow_tests::support::peer::{self, Browser, Landing, Peer, StartError};
use grantflow_tests::support::transport::{Agent, AnyError, SysRng, Transport, now};
use libtest_mimic::{Arguments, Failed, Trial};

const REDIRECT_URI: &str = "http://127.0.0.1:8765/cb";
const SCOPE: &str = "openid offline_access api:read";

type Check = fn(&World) -> Outcome;
type Outcome = Result<(), Box<dyn std::error::Error>>;

const CHECKS: [(&str, Check); 18] = [
    ("code with Basic, and the token is good at the API", code_with_basic),
    ("code with Basic credentials that need encoding", code_with_odd_basic),
    ("code with the secret in the body", code_with_post),
    ("code as a public client, on a loopback port of its own", code_as_public_client),
    ("code by form post", code_by_form_post),
    ("a pending grant survives storing", pending_survives_storing),
    ("a code sent twice is refused", code_sent_twice),
    ("a refresh rotates, and tokens survive storing", refresh_rotates),
    ("a spent refresh token is refused, and its family is dead", spent_refresh_token),
    ("a refresh for less scope gets less", narrower_refresh),
    ("client credentials", client_credentials),
    ("client credentials with a scope that is not allowed leave everything intact", client_credentials_bad_scope),
    ("a denial is a denial", denial),
    ("other errors of the authorization endpoint arrive", other_error),
    ("a consent to less is seen", narrowed_consent),
    ("a wrong redirect URI ends on the provider's page", wrong_redirect_uri),
    ("a wrong secret is the configuration's fault", wrong_secret),
    ("an HTML error page is no verdict", html_error_page),
];

/// For a round trip on loopback; longer than any takes.
const DEADLINE: Duration = Duration::from_secs(20);

/// Every check over every transport.
fn names() -> impl Iterator<Item = (String, Transport, Check)> {
    Transport::ALL.into_iter().flat_map(|transport| {
        CHECKS.iter().map(move |(name, check)| (format!("{}: {name}", transport.name()), transport, *check))
    })
}

struct World {
    peer: Arc<Peer>,
    agent: Agent,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if arguments.list {
        let trials = names().map(|(name, ..)| Trial::test(name, || Ok(()))).collect();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let trials = match peer::start() {
        Ok(peer) => {
            let peer = Arc::new(peer);
            let trial = |(name, transport, check): (String, Transport, Check)| {
                let world = World { peer: Arc::clone(&peer), agent: transport.agent(DEADLINE) };
                Trial::test(name, move || check(&world).map_err(|error| Failed::from(error.to_string())))
            };
            names().map(trial).collect()
        }
        Err(StartError::Missing { reason }) if !in_ci => {
            eprintln!("the real server is missing, so its tests are ignored: {reason}");
            names()
                .map(|(name, ..)| Trial::test(name, || Ok(())).with_ignored_flag(true).with_kind(reason.clone()))
                .collect()
        }
        Err(error) => {
            let text = error.to_string();
            vec![Trial::test("the real server starts", move || Err(Failed::from(text)))]
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

impl World {
    fn server(&self) -> Result<Server, Error> {
        Server::new(&self.peer.url("/auth"), &self.peer.url("/token"))?.issuer_always_sent(self.peer.issuer())
    }

    fn basic(&self, client: peer::Client) -> Result<ConfidentialClient, Error> {
        self.server()?.client(client.id).secret_basic(client.secret.unwrap_or_default())
    }

    fn post(&self) -> Result<ConfidentialClient, Error> {
        self.server()?.client(peer::POST.id).secret_post(peer::POST.secret.unwrap_or_default())
    }

    /// Sends the person through the provider; `extra` steers them.
    fn verdict(
        &self,
        authorization: Authorization,
        redirect_uri: &str,
    ) -> Result<Callback, Box<dyn std::error::Error>> {
        let Redirect { url, pending } = authorization.start(&mut Env::new(now(), &mut SysRng))?;
        let back = Browser::new(redirect_uri).visit(url.as_str())?.callback()?;
        Ok(pending.receive(&back.parse()?))
    }

    fn granted(
        &self,
        authorization: Authorization,
        redirect_uri: &str,
    ) -> Result<CodeExchange, Box<dyn std::error::Error>> {
        match self.verdict(authorization, redirect_uri)? {
            Callback::Granted(exchange) => Ok(exchange),
            other => Err(format!("not granted: {other:?}").into()),
        }
    }

    fn log_in(&self, client: &ConfidentialClient) -> Result<Tokens, Box<dyn std::error::Error>> {
        let authorization = Authorization::new(client, REDIRECT_URI)?.scope(SCOPE)?;
        Ok(self.agent.run(self.granted(authorization, REDIRECT_URI)?)?)
    }
}

/// A condition that must hold.
fn check(condition: bool, what: impl Into<String>) -> Outcome {
    if condition { Ok(()) } else { Err(what.into().into()) }
}

/// The error of something that must fail, and what it left.
fn failed<X: Exchange>(outcome: Result<X::Output, Failure<X, AnyError>>) -> Result<(Error, Left<X>), String> {
    match outcome {
        Ok(_) => Err("it should have been refused".to_owned()),
        Err(Failure { error, left }) => match error.oauth() {
            Some(oauth) => Ok((oauth.clone(), left)),
            None => Err(error.to_string()),
        },
    }
}

fn code_with_basic(world: &World) -> Outcome {
    let tokens = world.log_in(&world.basic(peer::BASIC)?)?;
    check(tokens.refresh_token().is_some(), "no refresh token")?;
    check(tokens.unverified_id_token().is_some(), "no ID token, though openid was asked for")?;
    check(
        tokens.expires_at() == Some(tokens.received_at().saturating_add(std::time::Duration::from_secs(600))),
        "expiry",
    )?;
    let mut request = http::Request::get(world.peer.url("/me")).body(grantflow::Body::default())?;
    tokens.bearer()?.authorize(&mut request)?;
    let answer = world.agent.send(request).map_err(|(_, error)| error)?;
    check(answer.status() == 200, format!("the API answered {}", answer.status()))
}

fn code_with_odd_basic(world: &World) -> Outcome {
    world.log_in(&world.basic(peer::ODD)?).map(drop)
}

fn code_with_post(world: &World) -> Outcome {
    world.log_in(&world.post()?).map(drop)
}

fn code_as_public_client(world: &World) -> Outcome {
    let client = world.server()?.client(peer::PUBLIC.id).public()?;
    let redirect_uri = "http://127.0.0.1:49152/cb";
    let authorization = Authorization::new(&client, redirect_uri)?.scope(SCOPE)?;
    let tokens = world.agent.run(world.granted(authorization, redirect_uri)?)?;
    let tokens = world.agent.run(tokens.refresh()?)?;
    check(tokens.refresh_token().is_some(), "no refresh token after a refresh")
}

fn code_by_form_post(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope(SCOPE)?.response_mode(ResponseMode::FormPost);
    let Redirect { url, pending } = authorization.start(&mut Env::new(now(), &mut SysRng))?;
    let Landing::Page { status: 200, body: page } = Browser::new(REDIRECT_URI).visit(url.as_str())? else {
        return Err("the provider showed no form".into());
    };
    // The page's hidden fields, as a browser would post them.
    let mut form = String::new();
    for field in page.split("<input").skip(1) {
        let attribute = |name: &str| field.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
        if let (Some(name), Some(value)) = (attribute("name"), attribute("value")) {
            form += &format!("&{name}={}", value.replace("&amp;", "&").replace('+', "%2B").replace('&', "%26"));
        }
    }
    let post = http::Request::post("/cb").header("content-type", "application/x-www-form-urlencoded").body(form)?;
    match pending.receive_form_post(&post) {
        Callback::Granted(exchange) => world.agent.run(exchange).map(drop).map_err(Into::into),
        other => Err(format!("not granted: {other:?}").into()),
    }
}

fn pending_survives_storing(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let Redirect { url, pending } =
        Authorization::new(&client, REDIRECT_URI)?.scope(SCOPE)?.start(&mut Env::new(now(), &mut SysRng))?;
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
    let exchange = world.granted(Authorization::new(&client, REDIRECT_URI)?.scope(SCOPE)?, REDIRECT_URI)?;
    // Only by hand can a code be sent twice.
    let request = exchange.request(&mut Env::new(now(), &mut SysRng))?;
    let first = world.agent.send(request).map_err(|(_, error)| error)?;
    check(first.status() == 200, "the first time must be good")?;
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
    check(tokens.scope().is_narrowed() == Some(false), "the scope changed")
}

fn spent_refresh_token(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let stored = serde_json::to_string(&world.log_in(&client)?.into_stored())?;
    let restore = || -> Result<Tokens, Box<dyn std::error::Error>> {
        Ok(Tokens::from_stored(serde_json::from_str::<StoredTokens>(&stored)?, &client)?)
    };
    let newer = world.agent.run(restore()?.refresh()?)?;
    let (error, left) = failed(world.agent.run(restore()?.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), error.to_string())?;
    let (error, left) = failed(world.agent.run(newer.refresh()?))?;
    check(error.code() == Some(&ErrorCode::InvalidGrant) && matches!(left, Left::Spent), "the family lives on")
}

fn narrower_refresh(world: &World) -> Outcome {
    let tokens = world.log_in(&world.basic(peer::BASIC)?)?;
    let tokens = world.agent.run(tokens.refresh()?.scope("openid offline_access")?)?;
    let granted = tokens.scope().effective().ok_or("no scope")?;
    check(!granted.contains("api:read") && granted.contains("openid"), format!("granted {}", granted.as_str()))
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
    let (error, left) = failed(world.agent.run(ClientCredentials::new(&client).scope("openid")?))?;
    check(error.code() == Some(&ErrorCode::InvalidScope), error.to_string())?;
    check(error.next() == grantflow::Next::FixConfiguration && matches!(left, Left::Intact(_)), "what is left")
}

fn denial(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let authorization = Authorization::new(&client, REDIRECT_URI)?.scope(SCOPE)?.param("login_hint", "deny")?;
    match world.verdict(authorization, REDIRECT_URI)? {
        Callback::Denied(error) => check(*error.code() == ErrorCode::AccessDenied, error.code().to_string()),
        other => Err(format!("not denied: {other:?}").into()),
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

fn wrong_redirect_uri(world: &World) -> Outcome {
    let client = world.basic(peer::BASIC)?;
    let redirect_uri = "https://elsewhere.example/cb";
    let start = Authorization::new(&client, redirect_uri)?.scope(SCOPE)?.start(&mut Env::new(now(), &mut SysRng))?;
    match Browser::new(redirect_uri).visit(start.url.as_str())? {
        Landing::Page { status: 400, body } => check(body.contains("<html") || body.contains("<!DOCTYPE"), "no page"),
        Landing::Page { status, .. } => Err(format!("the page has status {status}").into()),
        Landing::Callback(_) => Err("the provider redirected to an unregistered URI".into()),
    }
}

fn wrong_secret(world: &World) -> Outcome {
    let client = world.server()?.client(peer::BASIC.id).secret_basic("wrong")?;
    let (error, left) = failed(world.agent.run(ClientCredentials::new(&client)))?;
    check(
        error.code() == Some(&ErrorCode::InvalidClient) && error.status() == Some(http::StatusCode::UNAUTHORIZED),
        "401",
    )?;
    check(error.next() == grantflow::Next::FixConfiguration && matches!(left, Left::Intact(_)), "what is left")?;
    // The same by refresh: the grant outlives a wrong secret.
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
    // A token endpoint with a mistake in its path: the provider answers 404 and no OAuth error.
    let server =
        Server::new(&world.peer.url("/auth"), &world.peer.url("/tokn"))?.issuer_always_sent(world.peer.issuer())?;
    let mistaken = server.client(peer::BASIC.id).secret_basic(peer::BASIC.secret.unwrap_or_default())?;
    check(Tokens::from_stored(tokens.into_stored(), &mistaken).is_err(), "another endpoint's tokens were restored")?;
    let (error, left) = failed(world.agent.run(ClientCredentials::new(&mistaken)))?;
    let Error::Protocol(broken) = &error else { return Err(format!("another kind of error: {error}").into()) };
    check(
        broken.violation() == Violation::UnexpectedStatus && error.status() == Some(http::StatusCode::NOT_FOUND),
        "404",
    )?;
    check(matches!(left, Left::Intact(_)), "client credentials have nothing to lose")
}
