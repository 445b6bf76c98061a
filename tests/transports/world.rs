//! A server, and what carries requests to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use grantflow::{
    Authorization, Callback, Client, CodeExchange, ConfidentialClient, Env, Exchange, Failure, Left, Redirect, Sent,
    Server, Tokens, UnixTime,
};
use grantflow_testkit as testkit;
use grantflow_tests::support::transport::{Agent, AnyError, ErrorKind, SysRng, Transport};
use http::{Request, Response};

pub(crate) const ID: &str = "my id:+";
pub(crate) const SECRET: &str = "p%3A+s s:w/&=rd";
pub(crate) const PLAIN_ID: &str = "plain";
pub(crate) const PLAIN_SECRET: &str = "plain%secret";
pub(crate) const PUBLIC_ID: &str = "app";
pub(crate) const REDIRECT_URI: &str = "https://app.example/cb";
pub(crate) const SCOPE: &str = "read write";

/// No good answer is late; this only ends a test that would hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const BODY_LIMIT: u64 = 1024 * 1024;

/// What carries a body's requests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// An adapter over sockets.
    Adapter(Transport),
    /// The tower adapter over a router in the same process.
    InProcess,
    /// No adapter: the core's loop over the server as a function. An adapter must have the same results.
    Function,
}

impl Carrier {
    /// All except the last, which is the reference.
    pub(crate) const ALL: [Self; 4] = [
        Self::Adapter(Transport::Ureq),
        Self::Adapter(Transport::Reqwest),
        Self::Adapter(Transport::Tower),
        Self::InProcess,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Adapter(transport) => transport.name(),
            Self::InProcess => "tower in process",
            Self::Function => "function",
        }
    }
}

type Shared = Arc<Mutex<testkit::Server>>;

enum Provider {
    Loopback(testkit::Loopback),
    InProcess(Shared),
}

/// A server, three clients that it knows, and a way to it.
pub(crate) struct World {
    pub(crate) carrier: Carrier,
    provider: Provider,
    agent: Option<Agent>,
}

impl World {
    pub(crate) fn new(carrier: Carrier) -> Self {
        let (provider, agent) = match carrier {
            Carrier::Adapter(transport) => {
                let loopback = testkit::Loopback::start(server).unwrap();
                (Provider::Loopback(loopback), Some(transport.agent(PATIENCE)))
            }
            Carrier::InProcess => {
                let shared: Shared = Arc::new(Mutex::new(server("https://as.example")));
                let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
                let agent = grantflow_tower::Agent::new(router, tokio::time::sleep).timeout(PATIENCE);
                (Provider::InProcess(shared), Some(Agent::from(agent).named("tower in process")))
            }
            Carrier::Function => (Provider::InProcess(Arc::new(Mutex::new(server("https://as.example")))), None),
        };
        Self { carrier, provider, agent }
    }

    /// The server. No request is answered while this guard lives.
    pub(crate) fn provider(&self) -> MutexGuard<'_, testkit::Server> {
        match &self.provider {
            Provider::Loopback(loopback) => loopback.server(),
            Provider::InProcess(shared) => lock(shared),
        }
    }

    /// How often a grant was sent.
    pub(crate) fn hits(&self, grant_type: &str) -> usize {
        self.provider().hits(grant_type).count()
    }

    /// The server as the client knows it.
    pub(crate) fn server(&self) -> Server {
        let provider = self.provider();
        Server::new(&provider.authorize_url(), &provider.token_url())
            .unwrap()
            .issuer_always_sent(provider.issuer())
            .unwrap()
    }

    /// A client whose id and secret need a lot of encoding.
    pub(crate) fn client(&self) -> ConfidentialClient {
        self.server().client(ID).secret_basic(SECRET).unwrap()
    }

    pub(crate) fn run<X: Exchange>(&self, exchange: X) -> Result<X::Output, Failure<X, AnyError>> {
        match &self.agent {
            Some(agent) => agent.run(exchange),
            None => grantflow::drive(exchange, &mut SysRng, grantflow_ureq::now, std::thread::sleep, |request| {
                by_function(&mut self.provider(), &request)
            }),
        }
    }

    pub(crate) fn send(
        &self,
        request: Request<grantflow::Body>,
    ) -> Result<Response<grantflow::Body>, (Sent, AnyError)> {
        match &self.agent {
            Some(agent) => agent.send(request),
            None => by_function(&mut self.provider(), &request).map(|response| response.map(Into::into)),
        }
    }

    pub(crate) fn now(&self) -> UnixTime {
        self.agent.as_ref().map_or_else(grantflow_ureq::now, Agent::now)
    }

    /// The person goes to the server and comes back.
    pub(crate) fn verdict(&self, authorization: &Authorization) -> Callback {
        let Redirect { url, pending } = authorization.start(&mut Env::new(self.now(), &mut SysRng)).unwrap();
        let callback = self.provider().visit(url.as_str()).unwrap();
        match callback.body {
            Some(_) => pending.receive_form_post(&callback.request().unwrap()),
            None => pending.receive(&callback.url.parse().unwrap()),
        }
    }

    pub(crate) fn granted(&self, authorization: &Authorization) -> CodeExchange {
        match self.verdict(authorization) {
            Callback::Granted(exchange) => exchange,
            other => panic!("not granted: {other:?}"),
        }
    }

    pub(crate) fn code(&self, client: impl Into<Client>) -> CodeExchange {
        self.granted(&Authorization::new(client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap())
    }

    pub(crate) fn log_in(&self, client: impl Into<Client>) -> Tokens {
        self.run(self.code(client)).unwrap()
    }

    /// The API's answer to these tokens: its status and its text.
    pub(crate) fn ask_the_api(&self, tokens: &Tokens) -> (u16, String) {
        let mut request = Request::get(self.provider().resource_url()).body(grantflow::Body::default()).unwrap();
        tokens.bearer().unwrap().authorize(&mut request).unwrap();
        let answer = self.send(request).unwrap();
        let text = String::from_utf8(answer.body().as_ref().to_vec()).unwrap();
        (answer.status().as_u16(), text)
    }
}

fn server(base_url: &str) -> testkit::Server {
    let mut server = testkit::Server::new(base_url);
    // The base URL differs from run to run; codes and tokens must be the same.
    server.set_seed(7);
    for (id, secret) in [(ID, SECRET), (PLAIN_ID, PLAIN_SECRET)] {
        server.register(testkit::Client::confidential(id, secret).redirect_uri(REDIRECT_URI).scope(SCOPE));
    }
    server.register(testkit::Client::public(PUBLIC_ID).redirect_uri(REDIRECT_URI).scope(SCOPE));
    server
}

fn lock(server: &Shared) -> MutexGuard<'_, testkit::Server> {
    server.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a faultless HTTP stack would make of the server's answer.
fn by_function(
    server: &mut testkit::Server,
    request: &Request<grantflow::Body>,
) -> Result<Response<Vec<u8>>, (Sent, AnyError)> {
    let lost = |kind, text| Err((Sent::MaybeSent, AnyError::own(kind, text)));
    let Some(response) = server.try_handle(request) else {
        return lost(ErrorKind::Transport, "the answer is lost");
    };
    let length = response.body().len() as u64;
    if announced(&response).is_some_and(|announced| announced != length) {
        return lost(ErrorKind::Transport, "the body is cut short");
    }
    if length > BODY_LIMIT {
        let kind = ErrorKind::TooLarge { status: response.status().as_u16(), limit: BODY_LIMIT };
        return lost(kind, "the body is too large");
    }
    Ok(response)
}

fn announced(response: &Response<Vec<u8>>) -> Option<u64> {
    response.headers().get("content-length")?.to_str().ok()?.parse().ok()
}

/// The same as an axum handler. A lost answer is a body that fails, because a router has no other way.
async fn handle(State(server): State<Shared>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap();
    let response = lock(&server).try_handle(&Request::from_parts(parts, body));
    let Some(response) = response else { return Response::new(Body::new(Broken(None))) };
    let cut = announced(&response).is_some_and(|announced| announced != response.body().len() as u64);
    response.map(|body| if cut { Body::new(Broken(Some(body.into()))) } else { Body::from(body) })
}

/// A body that fails after its bytes.
struct Broken(Option<Bytes>);

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        std::task::Poll::Ready(Some(match self.0.take() {
            Some(data) => Ok(http_body::Frame::data(data)),
            None => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }))
    }
}

/// What is left, by name.
pub(crate) fn name<X>(left: &Left<X>) -> &'static str {
    match left {
        Left::Spent => "spent",
        Left::Intact(_) => "intact",
        Left::Unknown(_) => "unknown",
    }
}
