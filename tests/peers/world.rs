//! What every check has: a server, a transport, and the steps of a login.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use grantflow::{
    Authorization, Callback, Client, CodeExchange, ConfidentialClient, Env, Error, ErrorCode, Exchange, Failure, Left,
    Misuse, Redirect, Server, Step, StoredTokens, Tokens,
};
use grantflow_tests::support::peer::{self, Browser, Kind, Peer, Places};
use grantflow_tests::support::transport::{Agent, AnyError, SysRng, Transport, now};
use http::{Request, StatusCode};
use libtest_mimic::Failed;

/// Its host and path are registered everywhere, and its port by name.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:8765/cb";
pub(crate) const SCOPE: &str = "openid offline_access api:read";

pub(crate) type Check = fn(&World) -> Outcome;
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;
pub(crate) type Got<T> = Result<T, Box<dyn std::error::Error>>;

/// A check, and the servers that it is for.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) check: Check,
    pub(crate) on: &'static [Kind],
}

/// Each server once, in each of its modes that changes more than one flow.
pub(crate) const ALL: &[Kind] = &[
    Kind::OidcProvider,
    Kind::DjangoOauthToolkit,
    Kind::StrictDjangoOauthToolkit,
    Kind::Authlib,
    Kind::Zitadel,
    Kind::Idpyoidc,
    Kind::Hydra,
    Kind::Keycloak,
    Kind::Spring,
];
pub(crate) const DJANGO: &[Kind] = &[Kind::DjangoOauthToolkit, Kind::StrictDjangoOauthToolkit];

/// For a round trip on loopback; longer than any takes.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) struct World {
    pub(crate) peer: Arc<Peer>,
    pub(crate) transport: Transport,
    pub(crate) agent: Agent,
    /// No other trial has it.
    pub(crate) number: usize,
}

/// The number of the next trial.
static NEXT: AtomicUsize = AtomicUsize::new(0);

impl World {
    pub(crate) fn new(peer: Arc<Peer>, transport: Transport) -> Self {
        Self { peer, transport, agent: transport.agent(DEADLINE), number: NEXT.fetch_add(1, Ordering::Relaxed) }
    }

    /// What a person reads at both ends of a backchannel request.
    pub(crate) fn message(&self) -> String {
        format!("W4SCT-{}", self.number)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.peer.kind()
    }

    /// What went wrong, and the last lines of the server's log.
    pub(crate) fn failure(&self, what: &str) -> Failed {
        let log = self.peer.log();
        let lines: Vec<_> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(30)..].join("\n");
        format!("{what}\nThe end of the server's log:\n{last}").into()
    }

    pub(crate) fn places(&self) -> Places {
        self.kind().places()
    }

    pub(crate) fn authorization_endpoint(&self) -> String {
        self.peer.url(self.places().authorization)
    }

    pub(crate) fn token_endpoint(&self) -> String {
        self.peer.url(self.places().token)
    }

    /// A resource that needs the scope `api:read`.
    pub(crate) fn api(&self) -> String {
        match self.kind() {
            // Each realm has one.
            Kind::Keycloak | Kind::LenientKeycloak => self.peer.url(self.places().api),
            _ => self.peer.at_root(self.places().api),
        }
    }

    /// Configured by hand, without metadata.
    pub(crate) fn server(&self) -> Result<Server, Error> {
        let server = self.with_quirks(Server::new(&self.authorization_endpoint(), &self.token_endpoint())?)?;
        if self.kind().sends_issuer() {
            server.issuer_always_sent(self.peer.issuer())
        } else {
            server.issuer(self.peer.issuer())
        }
    }

    /// What a caller has to know of a server that deviates.
    pub(crate) fn with_quirks(&self, server: Server) -> Result<Server, Error> {
        self.kind().quirks().into_iter().try_fold(server, Server::quirk)
    }

    pub(crate) fn basic(&self, client: peer::Client) -> Result<ConfidentialClient, Error> {
        self.server()?.client(client.id).secret_basic(client.secret.unwrap_or_default())
    }

    pub(crate) fn post(&self) -> Result<ConfidentialClient, Error> {
        self.server()?.client(peer::POST.id).secret_post(peer::POST.secret.unwrap_or_default())
    }

    /// A request for a login with every scope.
    pub(crate) fn login(&self, client: impl Into<Client>, redirect_uri: &str) -> Result<Authorization, Error> {
        let authorization = Authorization::new(client, redirect_uri)?.scope(self.scope())?;
        if self.kind().wants_consent() { authorization.param("prompt", "consent") } else { Ok(authorization) }
    }

    /// Sends the person through the server, logged in and consenting.
    pub(crate) fn verdict(&self, authorization: Authorization, redirect_uri: &str) -> Got<Callback> {
        let Redirect { url, pending } = start(&authorization)?;
        let back = Browser::new(redirect_uri).visit(url.as_str())?.callback()?;
        Ok(pending.receive(&back.parse()?))
    }

    pub(crate) fn granted(&self, authorization: Authorization, redirect_uri: &str) -> Got<CodeExchange> {
        match self.verdict(authorization, redirect_uri)? {
            Callback::Granted(exchange) => Ok(exchange),
            other => Err(format!("not granted: {other:?}").into()),
        }
    }

    /// The scope that a login requests.
    pub(crate) fn scope(&self) -> &'static str {
        match self.kind() {
            Kind::Authlib => SCOPE.trim_start_matches("openid "),
            _ => SCOPE,
        }
    }

    /// The scope that a device requests.
    pub(crate) fn device_scope(&self) -> &'static str {
        match self.kind() {
            // It refuses `openid` there.
            Kind::Spring => SCOPE.trim_start_matches("openid "),
            _ => self.scope(),
        }
    }

    pub(crate) fn log_in(&self, client: impl Into<Client>) -> Got<Tokens> {
        Ok(self.agent.run(self.granted(self.login(client, REDIRECT_URI)?, REDIRECT_URI)?)?)
    }

    /// Tokens as they are kept, as often as they are wanted.
    pub(crate) fn kept(&self, client: &Client) -> Got<impl Fn() -> Got<Tokens> + use<>> {
        let stored = serde_json::to_string(&self.log_in(client)?.into_stored())?;
        let client = client.clone();
        Ok(move || Ok(Tokens::from_stored(serde_json::from_str::<StoredTokens>(&stored)?, &client)?))
    }

    /// What the server calls a wrong secret.
    pub(crate) fn wrong_secret(&self) -> ErrorCode {
        match self.kind() {
            Kind::Keycloak | Kind::LenientKeycloak => ErrorCode::UnauthorizedClient,
            _ => ErrorCode::InvalidClient,
        }
    }

    /// What the API says to a token that is over.
    pub(crate) fn refusal(&self) -> (StatusCode, Option<&'static str>) {
        match self.kind() {
            // 401 is for what is no token. It has no challenges.
            Kind::Zitadel => (StatusCode::FORBIDDEN, None),
            // It has no challenges.
            Kind::Idpyoidc => (StatusCode::UNAUTHORIZED, None),
            // A code that is in no RFC.
            Kind::Hydra | Kind::GracefulHydra => (StatusCode::UNAUTHORIZED, Some("request_unauthorized")),
            _ => (StatusCode::UNAUTHORIZED, Some("invalid_token")),
        }
    }

    /// The API's answer to a token.
    pub(crate) fn at_the_api(&self, tokens: &Tokens) -> Got<StatusCode> {
        let mut request = Request::get(self.api()).body(grantflow::Body::default())?;
        tokens.bearer()?.authorize(&mut request)?;
        Ok(self.agent.send(request).map_err(|(_, error)| error)?.status())
    }
}

impl World {
    /// One poll, after the wait that the grant asks for.
    pub(crate) fn asks_once<X: Exchange>(&self, grant: X) -> Got<X> {
        thread::sleep(grant.rest(self.agent.now()));
        let response = self.agent.send(request(&grant)?).map_err(|(_, error)| error)?;
        match grant.respond(&mut Env::new(self.agent.now(), &mut SysRng), response) {
            Ok(Step::Again(waiting)) => Ok(waiting),
            Ok(Step::Done(_)) => Err("there are tokens, and nobody was asked".into()),
            Err(failure) => Err(failure.error.into()),
        }
    }

    pub(crate) fn are_good(&self, tokens: &Tokens) -> Outcome {
        let status = self.at_the_api(tokens)?;
        check(status == StatusCode::OK, format!("the API answered {status}"))
    }
}

/// The request is refused before it is sent, because the server has asked for a longer wait.
pub(crate) fn is_too_early(grant: &impl Exchange, interval: Duration) -> Outcome {
    match request(grant) {
        Err(Error::Misuse(Misuse::TooEarly { rest })) if !rest.is_zero() && rest <= interval => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("it asks without a wait".into()),
    }
}

pub(crate) fn start(authorization: &Authorization) -> Result<Redirect, Error> {
    authorization.start(&mut Env::new(now(), &mut SysRng))
}

/// The request of an exchange, for checks that send it by hand.
pub(crate) fn request(exchange: &impl Exchange) -> Result<Request<grantflow::Body>, Error> {
    exchange.request(&mut Env::new(now(), &mut SysRng))
}

/// A condition that must hold.
pub(crate) fn check(condition: bool, what: impl Into<String>) -> Outcome {
    if condition { Ok(()) } else { Err(what.into().into()) }
}

/// The error of a run that must fail, and what it left.
pub(crate) fn failed<X: Exchange>(
    outcome: Result<X::Output, Failure<X, AnyError>>,
) -> Result<(Error, Left<X>), String> {
    match outcome {
        Ok(_) => Err("it should have been refused".to_owned()),
        Err(Failure { error, left }) => match error.oauth() {
            Some(oauth) => Ok((oauth.clone(), left)),
            None => Err(error.to_string()),
        },
    }
}
