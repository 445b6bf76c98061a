//! A session's outside world and its store for tests: virtual time, a server that is a function, a network that follows
//! a script, a store that fails on demand, and one list of what happened in which order.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use grantflow::{
    Authorization, Body, Callback, ClientCredentials, CodeExchange, ConfidentialClient, EntropyFailed, Env, Exchange,
    Redirect, Sent, Step, Tokens, UnixTime,
};
use grantflow_session::{FreshToken, Key, Later, MemoryStore, Outside, Policy, Session, Store, Unanswered};
use grantflow_testkit as testkit;
use http::{Request, Response};

mod kept;
mod sources;
mod store;

pub use kept::Kept;
pub use sources::Asked;
pub use store::{AsStore, Fault, FaultyStore, Leased, Op, Plugged};

pub const ID: &str = "app";
pub const SECRET: &str = "the-secret-of-the-client";
pub const REDIRECT_URI: &str = "https://app.example/cb";
/// How long access tokens live, in seconds.
pub const LIFE: u64 = 3600;

/// The outcome of a request. By default it arrives, and so does its answer.
#[derive(Clone, Debug)]
pub enum Net {
    /// It arrives, and so does the answer.
    Fine,
    /// It is certainly not sent.
    NotSent,
    /// It is sent, and never arrives.
    LoseRequest,
    /// It arrives, and the answer does not.
    LoseAnswer,
    /// A gateway answers with this status and, perhaps, this `Retry-After`; the server sees nothing.
    Gateway(u16, Option<u64>),
    /// The server acts; a gateway still answers with this status.
    GatewayAfter(u16),
    /// The server acts, and its answer is changed on the way.
    Edited(fn(&mut serde_json::Value)),
    /// A gateway answers with this status and body; the server sees nothing.
    Says(u16, &'static str),
    /// The request is delayed until [`World::release`].
    HoldRequest,
    /// The server acts, and the answer is delayed until [`World::release`].
    HoldAnswer,
    /// The HTTP stack panics after the request was sent.
    Panic,
}

/// What `wait` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The clock advances by this time, at once.
    Jump,
    /// It stays pending until [`World::release`].
    Park,
    /// The thread sleeps for a moment; the clock stands.
    Nap,
}

/// What every operation does before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stutter {
    Off,
    /// It pends once, and is woken at once.
    Wake,
    /// It pends until [`World::step`].
    Step,
}

/// What happened. The writes differ by their content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Did {
    Lock,
    Busy,
    Unlock,
    Load,
    /// A refresh has begun, for the n-th time.
    Mark(u32),
    /// The same tokens, without the mark or with the earlier one.
    Unmark,
    /// No answer came that counts, to this many requests.
    Doubt(u32),
    /// Other tokens.
    Tokens,
    Loss,
    Remove,
    Conflict,
    /// A request was sent, with this refresh token.
    Send(Option<String>),
    Wait(Duration),
}

/// The outside world. Clones are one world.
#[derive(Clone)]
pub struct World(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
}

struct State {
    server: testkit::Server,
    millis: u64,
    dice: u64,
    network: VecDeque<Net>,
    always: Net,
    waits: Waits,
    at_wait: VecDeque<Box<dyn FnOnce() + Send>>,
    stutter: Stutter,
    keeps_background: bool,
    background: Vec<Later<'static, ()>>,
    tickets: u64,
    released: u64,
    wakers: Vec<Waker>,
    stuttering: Vec<Waker>,
    steps: u64,
    log: Vec<Did>,
    newest: String,
    sent_at: Vec<u64>,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    pub fn new() -> Self {
        let mut server = testkit::Server::new("https://as.example");
        server
            .register(testkit::Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope("read write"))
            .register(testkit::Client::confidential("other", SECRET).redirect_uri(REDIRECT_URI).scope("read write"));
        server.knobs().expires_in = LIFE;
        let millis = server.now() * 1000;
        let state = State {
            server,
            millis,
            dice: 1,
            network: VecDeque::new(),
            always: Net::Fine,
            waits: Waits::Jump,
            at_wait: VecDeque::new(),
            stutter: Stutter::Off,
            stuttering: Vec::new(),
            steps: 0,
            keeps_background: false,
            background: Vec::new(),
            tickets: 0,
            released: 0,
            wakers: Vec::new(),
            log: Vec::new(),
            newest: String::new(),
            sent_at: Vec::new(),
        };
        Self(Arc::new(Shared { state: Mutex::new(state) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the server, or changes its knobs.
    pub fn server<R>(&self, with: impl FnOnce(&mut testkit::Server) -> R) -> R {
        with(&mut self.state().server)
    }

    pub fn client(&self) -> ConfidentialClient {
        self.client_named(ID)
    }

    pub fn client_named(&self, id: &str) -> ConfidentialClient {
        let (authorize, token) = self.server(|server| (server.authorize_url(), server.token_url()));
        grantflow::Server::new(&authorize, &token).unwrap().client(id).secret_post(SECRET).unwrap()
    }

    pub fn grant(&self) -> ClientCredentials {
        ClientCredentials::new(&self.client()).scope("read").unwrap()
    }

    /// The tokens of a login, without the scripted network.
    pub fn login(&self) -> Tokens {
        self.login_as(&self.client())
    }

    pub fn login_as(&self, client: &ConfidentialClient) -> Tokens {
        let exchange = self.code(client);
        let mut dice = self.clone();
        let mut env = Env::new(self.now(), &mut dice);
        let request = exchange.request(&mut env).unwrap();
        let answer = self.server(|server| server.handle(&request));
        match exchange.respond(&mut env, answer).unwrap() {
            Step::Done(tokens) => tokens,
            Step::Again(_) => panic!("this flow has one step"),
        }
    }

    /// The exchange of a code that a person has just agreed to.
    pub fn code(&self, client: &ConfidentialClient) -> CodeExchange {
        let mut dice = self.clone();
        let mut env = Env::new(self.now(), &mut dice);
        let authorization = Authorization::new(client, REDIRECT_URI).unwrap().scope("read write").unwrap();
        let Redirect { url, pending } = authorization.start(&mut env).unwrap();
        let callback = self.server(|server| server.visit(url.as_str())).unwrap();
        let Callback::Granted(exchange) = pending.receive_url(&callback.url) else { panic!("not granted") };
        exchange
    }

    /// A session of the default policy without jitter, on the key `ada`.
    pub fn session(&self, store: &impl AsStore) -> Session {
        self.session_with(store, plain_policy())
    }

    pub fn session_with(&self, store: &impl AsStore, policy: Policy) -> Session {
        Session::new(&self.client(), key(), store.as_store(), self.clone()).policy(policy)
    }

    pub fn robot(&self, store: &impl AsStore) -> Session {
        Session::client_credentials(self.grant(), key(), store.as_store(), self.clone()).policy(plain_policy())
    }

    /// A store in memory that fails on demand, and records what it does.
    pub fn store(&self) -> FaultyStore {
        self.store_over(MemoryStore::new())
    }

    pub fn store_over(&self, inner: impl Store + 'static) -> FaultyStore {
        FaultyStore::new(Arc::new(inner), self.clone())
    }

    pub fn advance(&self, seconds: u64) {
        let millis = self.state().millis + seconds * 1000;
        self.set_millis(millis);
    }

    pub fn set_now(&self, seconds: u64) {
        self.set_millis(seconds * 1000);
    }

    fn set_millis(&self, millis: u64) {
        let mut state = self.state();
        state.millis = millis;
        state.server.set_now(millis / 1000);
    }

    /// The outcomes of the next requests, in order.
    pub fn network(&self, coming: impl IntoIterator<Item = Net>) {
        self.state().network.extend(coming);
    }

    /// Forgets the outcomes of requests that have not come.
    pub fn forget_network(&self) {
        self.state().network.clear();
    }

    /// The outcome of every request that the list does not cover.
    pub fn network_always(&self, always: Net) {
        self.state().always = always;
    }

    pub fn waits(&self, waits: Waits) {
        self.state().waits = waits;
    }

    /// Runs this inside of the next wait that has nothing to run yet.
    pub fn at_wait(&self, run: impl FnOnce() + Send + 'static) {
        self.state().at_wait.push_back(Box::new(run));
    }

    /// Makes every operation pend: a place to be cancelled at.
    pub fn stutter(&self, stutter: Stutter) {
        self.state().stutter = stutter;
        self.step();
    }

    /// Wakes everything that pends by [`Stutter::Step`].
    pub fn step(&self) {
        let wakers = {
            let mut state = self.state();
            state.steps += 1;
            std::mem::take(&mut state.stuttering)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Keeps the work that a session gives to the background, for [`World::background`].
    pub fn keep_background(&self) {
        self.state().keeps_background = true;
    }

    /// The work that sessions have given to the background.
    pub fn background(&self) -> Vec<Later<'static, ()>> {
        std::mem::take(&mut self.state().background)
    }

    /// Releases everything that is delayed.
    pub fn release(&self) {
        let wakers = {
            let mut state = self.state();
            state.released = state.tickets;
            std::mem::take(&mut state.wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many are delayed.
    pub fn held(&self) -> u64 {
        let state = self.state();
        state.tickets - state.released
    }

    /// What happened, from the start or from the last [`World::clear`].
    pub fn log(&self) -> Vec<Did> {
        self.state().log.clone()
    }

    pub fn clear(&self) {
        let mut state = self.state();
        state.log.clear();
        state.sent_at.clear();
    }

    pub fn note(&self, did: Did) {
        let mut state = self.state();
        if matches!(did, Did::Send(_)) {
            let now = state.millis / 1000;
            state.sent_at.push(now);
        }
        state.log.push(did);
    }

    /// When the requests were sent, in seconds since the epoch.
    pub fn sent_at(&self) -> Vec<u64> {
        self.state().sent_at.clone()
    }

    /// The refresh tokens of the requests that were sent.
    pub fn sent(&self) -> Vec<Option<String>> {
        let log = self.log();
        log.into_iter().filter_map(|did| if let Did::Send(token) = did { Some(token) } else { None }).collect()
    }

    /// How many refreshes the server has seen.
    pub fn refreshes(&self) -> usize {
        self.server(|server| server.hits("refresh_token").count())
    }

    /// The access token that the server issued last by a refresh.
    pub fn newest_access_token(&self) -> String {
        self.state().newest.clone()
    }

    /// How many grants of the client itself the server has seen.
    pub fn grants(&self) -> usize {
        self.server(|server| server.hits("client_credentials").count())
    }

    fn ticket(&self) -> u64 {
        let mut state = self.state();
        state.tickets += 1;
        state.tickets
    }

    async fn held_until_release(&self) {
        let ticket = self.ticket();
        poll_fn(|context| {
            let mut state = self.state();
            if state.released >= ticket {
                return Poll::Ready(());
            }
            state.wakers.push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    async fn pause(&self) {
        let mut first = true;
        let step = self.state().steps;
        poll_fn(|context| {
            let first = std::mem::take(&mut first);
            let mut state = self.state();
            match state.stutter {
                Stutter::Wake if first => context.waker().wake_by_ref(),
                Stutter::Step if state.steps == step => state.stuttering.push(context.waker().clone()),
                _ => return Poll::Ready(()),
            }
            Poll::Pending
        })
        .await;
    }

    /// The server's answer, unless it is lost.
    pub fn serve(&self, request: &Request<Body>) -> Option<Response<Body>> {
        let answer = self.server(|server| server.try_handle(request))?;
        if let Ok(json) = serde_json::from_slice::<serde_json::Value>(answer.body().as_ref())
            && let Some(token) = json["access_token"].as_str()
        {
            self.state().newest = token.to_owned();
        }
        Some(answer.map(Body::from))
    }
}

impl Outside for World {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.state().millis / 1000)
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        let mut state = self.state();
        for b in bytes {
            state.dice = state.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (state.dice >> 33) as u8;
        }
        Ok(())
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        Box::pin(async move {
            self.note(Did::Wait(duration));
            let hook = self.state().at_wait.pop_front();
            if let Some(run) = hook {
                run();
            }
            let waits = self.state().waits;
            match waits {
                Waits::Jump => {
                    self.pause().await;
                    let millis = self.state().millis + u64::try_from(duration.as_millis()).unwrap();
                    self.set_millis(millis);
                }
                Waits::Park => self.held_until_release().await,
                Waits::Nap => std::thread::sleep(duration.min(Duration::from_millis(1))),
            }
        })
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        Box::pin(async move {
            let net = {
                let mut state = self.state();
                let always = state.always.clone();
                state.network.pop_front().unwrap_or(always)
            };
            if matches!(net, Net::NotSent) {
                self.pause().await;
                return Err(unanswered(Sent::NotSent, "connection refused"));
            }
            self.note(Did::Send(refresh_token_in(&request)));
            self.pause().await;
            let lost = || unanswered(Sent::MaybeSent, "connection reset");
            let answer = match net {
                Net::Fine => self.serve(&request).ok_or_else(lost),
                Net::LoseRequest | Net::NotSent => Err(lost()),
                Net::LoseAnswer => {
                    self.serve(&request);
                    Err(lost())
                }
                Net::Gateway(status, retry_after) => Ok(gateway(status, retry_after)),
                Net::GatewayAfter(status) => {
                    self.serve(&request);
                    Ok(gateway(status, None))
                }
                Net::Edited(edit) => self.serve(&request).map(|answer| edited(answer, edit)).ok_or_else(lost),
                Net::Says(status, body) => Ok(said(status, body)),
                Net::HoldRequest => {
                    self.held_until_release().await;
                    self.serve(&request).ok_or_else(lost)
                }
                Net::HoldAnswer => {
                    let answer = self.serve(&request);
                    self.held_until_release().await;
                    answer.ok_or_else(lost)
                }
                Net::Panic => {
                    self.serve(&request);
                    panic!("the HTTP stack panicked, as it was told to");
                }
            };
            self.pause().await;
            answer
        })
    }

    fn spawn(&self, renewal: Later<'static, ()>) {
        let dropped = {
            let mut state = self.state();
            if state.keeps_background {
                state.background.push(renewal);
                None
            } else {
                Some(renewal)
            }
        };
        drop(dropped);
    }
}

impl grantflow::Entropy for World {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        Outside::fill(self, bytes)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

pub fn unanswered(sent: Sent, why: &'static str) -> Unanswered {
    Unanswered { sent, cause: Arc::new(std::io::Error::other(why)) }
}

fn gateway(status: u16, retry_after: Option<u64>) -> Response<Body> {
    let mut response = Response::builder().status(status).header("content-type", "text/html");
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Body::from(b"<h1>not now</h1>".to_vec())).unwrap()
}

fn edited(answer: Response<Body>, edit: fn(&mut serde_json::Value)) -> Response<Body> {
    answer.map(|body| {
        let mut json = serde_json::from_slice(body.as_ref()).expect("a JSON answer");
        edit(&mut json);
        Body::from(json.to_string().into_bytes())
    })
}

fn said(status: u16, body: &'static str) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.as_bytes().to_vec())).unwrap()
}

/// The refresh token that a request carries.
pub fn refresh_token_in(request: &Request<Body>) -> Option<String> {
    let text = String::from_utf8_lossy(request.body().as_ref()).into_owned();
    text.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).map(str::to_owned)
}

pub fn key() -> Key {
    Key::new("ada").unwrap()
}

/// The default policy, without jitter: a test knows when a token is due.
pub fn plain_policy() -> Policy {
    let mut policy = Policy::default();
    policy.jitter = Duration::ZERO;
    policy
}

/// The text of an access token.
pub fn access(token: &FreshToken) -> String {
    match token.access_token() {
        grantflow::AccessToken::Bearer(token) => token.expose_secret().to_owned(),
        other => panic!("{other:?}"),
    }
}

/// Polls once; wake-ups go nowhere.
pub fn poll_once<F: Future + ?Sized>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
