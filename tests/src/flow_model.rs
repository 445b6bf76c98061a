//! The model of a whole flow: bytes drive what the application does and how the server behaves.
//!
//! The bodies of the other fuzz targets are in the core. This one needs the testkit's server, which the core must not
//! know, so that client and server share no mistakes.
//!
//! What must hold, whatever the bytes are:
//! - a run ends: every operation is one call, and there are at most 48 of them;
//! - a pending grant is ended by its own callback only, and that is decided by `state` alone;
//! - a code is sent once, a refresh token is sent once, but for what `Intact` and `Unknown` allow;
//! - a verifier goes out with the code that was got with its challenge, and with no other;
//! - tokens come only out of a 2xx answer that holds them;
//! - nothing that is printed on the way holds a secret.

use std::collections::{HashMap, HashSet};
use std::fmt::{Debug, Write as _};

use grantflow::{
    Authorization, Callback, CodeExchange, ConfidentialClient, EntropyFailed, Env, Exchange, Failure, Left,
    PendingCallback, Redirect, RefreshExchange, Sent, Step, Tokens, UnixTime,
};
use grantflow_testkit::{CallbackFault, Client, Decision, Misbehaviour, Server, s256};

const SECRET: &str = "client-secret-of-the-model";
const REDIRECT_URI: &str = "https://app.example/cb";
/// Enough for a dozen flows.
const MAX_OPERATIONS: usize = 48;

/// Runs the model over `bytes`.
pub fn run(bytes: &[u8]) {
    let mut model = Model::new();
    let mut bytes = bytes.iter().copied();
    for _ in 0..MAX_OPERATIONS {
        let Some(operation) = bytes.next() else { break };
        let argument = bytes.next().unwrap_or_default();
        model.operate(operation, argument);
        model.check_hits();
    }
    model.check_shown();
}

/// Where the application is.
enum Stage {
    Idle,
    Waiting(PendingCallback, String),
    HasCode(CodeExchange),
    HasTokens(Tokens),
    Refreshing(RefreshExchange),
}

struct Model {
    provider: Server,
    client: ConfidentialClient,
    stage: Stage,
    rng: Counting,
    /// How often each code and refresh token may have been sent by now.
    allowed: HashMap<String, usize>,
    /// The challenge with which each code was got.
    challenges: HashMap<String, String>,
    /// The code or refresh token that is being carried to the server.
    in_hand: String,
    hits_seen: usize,
    secrets: HashSet<String>,
    shown: String,
}

/// Unpredictable to nobody, but never twice the same.
struct Counting(u64);

impl grantflow::Entropy for Counting {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

impl Model {
    fn new() -> Self {
        let mut provider = Server::new("https://as.example");
        provider.register(Client::confidential("app", SECRET).redirect_uri(REDIRECT_URI).scope("read write"));
        let server = grantflow::Server::new(&provider.authorize_url(), &provider.token_url()).unwrap();
        let client =
            server.issuer_always_sent("https://as.example").unwrap().client("app").secret_post(SECRET).unwrap();
        Self {
            provider,
            client,
            stage: Stage::Idle,
            rng: Counting(1),
            allowed: HashMap::new(),
            challenges: HashMap::new(),
            in_hand: String::new(),
            hits_seen: 0,
            secrets: HashSet::from([SECRET.to_owned()]),
            shown: String::new(),
        }
    }

    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.provider.now())
    }

    fn show(&mut self, value: &dyn Debug) {
        let _ = writeln!(self.shown, "{value:?}\n{value:#?}");
    }

    fn operate(&mut self, operation: u8, argument: u8) {
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        self.stage = match (operation % 12, stage) {
            (0, Stage::Idle) => self.start(),
            (1 | 0, Stage::Waiting(pending, url)) => self.come_back(pending, url, argument),
            (2, Stage::Waiting(pending, url)) => self.forge(pending, url, argument),
            (3, Stage::Waiting(pending, url)) => Stage::Waiting(self.store_pending(pending), url),
            (4 | 0, Stage::HasCode(exchange)) => self.exchange(exchange, argument),
            (5, Stage::HasCode(exchange)) => self.not_sent(exchange, Stage::HasCode),
            (5, Stage::Refreshing(exchange)) => self.not_sent(exchange, Stage::Refreshing),
            (6 | 0, Stage::HasTokens(tokens)) => self.begin_refresh(tokens),
            (6 | 0, Stage::Refreshing(exchange)) => self.exchange(exchange, argument),
            (7, Stage::HasTokens(tokens)) => Stage::HasTokens(self.store_tokens(tokens)),
            (8, Stage::HasTokens(tokens)) => self.call_api(tokens),
            (9, Stage::Refreshing(exchange)) => Stage::HasTokens(exchange.into_tokens()),
            (10, stage) => {
                // A clock that jumps, backwards too.
                let now = self.provider.now();
                let jump = u64::from(argument) * 60;
                self.provider.set_now(if argument.is_multiple_of(2) {
                    now.saturating_add(jump)
                } else {
                    now.saturating_sub(jump)
                });
                stage
            }
            (11, stage) => {
                let knobs = self.provider.knobs();
                knobs.rotate = argument & 1 == 0;
                knobs.odd_characters = argument & 2 != 0;
                knobs.omit_scope = argument & 4 != 0;
                knobs.narrow_scope = (argument & 8 != 0).then(|| "read".to_owned());
                knobs.decision = if argument & 0xf0 == 0xf0 { Decision::Deny } else { Decision::Approve };
                stage
            }
            (_, stage) => stage,
        };
    }

    fn start(&mut self) -> Stage {
        let now = self.now();
        let authorization = Authorization::new(&self.client, REDIRECT_URI).unwrap().scope("read write").unwrap();
        let Redirect { url, pending } = authorization.start(&mut Env { now, rng: &mut self.rng }).unwrap();
        self.show(&authorization);
        self.show(&url);
        self.show(&pending);
        let state = parameter(url.as_str(), "state");
        self.secrets.insert(state);
        Stage::Waiting(pending, url.as_str().to_owned())
    }

    /// The person comes back, perhaps with a spoilt callback.
    fn come_back(&mut self, pending: PendingCallback, url: String, argument: u8) -> Stage {
        if argument > 127 {
            self.provider.knobs().spoil_callback(CallbackFault::from_index(argument.into()));
        }
        let Ok(callback) = self.provider.visit(&url) else { return Stage::Waiting(pending, url) };
        let states: Vec<String> =
            callback.parameters().into_iter().filter(|(name, _)| name == "state").map(|(_, value)| value).collect();
        let ours = states == [parameter(&url, "state")];
        let code = callback.parameter("code").unwrap_or_default();
        match pending.receive_url(&callback.url) {
            Callback::Granted(exchange) => {
                assert!(ours, "granted by a foreign callback");
                self.show(&exchange);
                self.secrets.insert(code.clone());
                self.allowed.insert(code.clone(), 1);
                self.challenges.insert(code.clone(), parameter(&url, "code_challenge"));
                self.in_hand = code;
                Stage::HasCode(exchange)
            }
            Callback::Unrelated { pending, why } => {
                assert!(!ours, "our own callback was taken for a foreign one: {why}");
                Stage::Waiting(pending, url)
            }
            Callback::Denied(error) => {
                assert!(ours, "a foreign callback ended the grant");
                self.show(&error);
                Stage::Idle
            }
            Callback::Rejected(rejection) => {
                assert!(ours, "a foreign callback ended the grant");
                self.show(&rejection);
                Stage::Idle
            }
        }
    }

    fn forge(&mut self, pending: PendingCallback, url: String, argument: u8) -> Stage {
        let state = parameter(&url, "state");
        let forged = match argument % 8 {
            0 => "code=evil".to_owned(),
            1 => "code=evil&state=".to_owned(),
            2 => format!("code=evil&state={state}x"),
            3 => format!("error=access_denied&state={}", &state[1..]),
            4 => format!("code=evil&state={state}&state={state}"),
            5 => "error=access_denied".to_owned(),
            6 => format!("code=evil&state={}", state.to_ascii_uppercase() + "_"),
            _ => format!("code=evil&state=%ff{state}"),
        };
        match pending.receive_url(&format!("{REDIRECT_URI}?{forged}")) {
            Callback::Unrelated { pending, .. } => Stage::Waiting(pending, url),
            other => panic!("a forged callback ended the grant: {other:?}"),
        }
    }

    fn store_pending(&mut self, pending: PendingCallback) -> PendingCallback {
        let stored = pending.into_stored();
        self.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        PendingCallback::from_stored(serde_json::from_str(&text).unwrap(), &self.client).unwrap()
    }

    fn store_tokens(&mut self, tokens: Tokens) -> Tokens {
        let stored = tokens.into_stored();
        self.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        Tokens::from_stored(serde_json::from_str(&text).unwrap(), &self.client).unwrap()
    }

    fn begin_refresh(&mut self, tokens: Tokens) -> Stage {
        match tokens.refresh() {
            Ok(exchange) => {
                self.show(&exchange);
                Stage::Refreshing(exchange)
            }
            Err(failure) => {
                self.show(&failure);
                match failure.left {
                    Left::Intact(tokens) => Stage::HasTokens(*tokens),
                    _ => panic!("tokens were lost for want of a refresh token"),
                }
            }
        }
    }

    fn not_sent<X: Exchange>(&mut self, exchange: X, back: fn(X) -> Stage) -> Stage {
        let now = self.now();
        match exchange.unanswered(&mut Env { now, rng: &mut self.rng }, Sent::NotSent) {
            Err(Failure { left: Left::Intact(exchange), .. }) => back(*exchange),
            _ => panic!("a request that was not sent cost something"),
        }
    }

    /// One round trip of a code exchange or a refresh.
    fn exchange<X>(&mut self, exchange: X, argument: u8) -> Stage
    where
        X: Exchange<Output = Tokens> + Debug + Into<Held>,
    {
        if argument > 63 {
            self.provider.knobs().misbehave(Misbehaviour::from_index(argument.into()));
        }
        let now = self.now();
        let request = exchange.request(&mut Env { now, rng: &mut self.rng }).unwrap();
        self.show(&request);
        let response = self.provider.try_handle(&request);
        let status = response.as_ref().map(|response| response.status());
        let body = response.as_ref().map(|response| response.body().clone()).unwrap_or_default();
        let mut env = Env { now, rng: &mut self.rng };
        let outcome = match response {
            Some(response) => exchange.respond(&mut env, response),
            None => exchange.unanswered(&mut env, Sent::MaybeSent),
        };
        match outcome {
            Ok(Step::Done(tokens)) => {
                assert!(status.is_some_and(|status| status.is_success()), "tokens out of {status:?}");
                let text = tokens.bearer().unwrap().expose_secret().to_owned();
                assert!(String::from_utf8_lossy(&body).contains(&text), "tokens that the answer does not hold");
                self.secrets.insert(text);
                if let Some(refresh) = tokens.refresh_token() {
                    let text = refresh.expose_secret().to_owned();
                    // Without rotation the same token comes back, or stays: it may be sent again.
                    *self.allowed.entry(text.clone()).or_default() += 1;
                    self.secrets.insert(text.clone());
                    self.in_hand = text;
                }
                self.show(&tokens);
                Stage::HasTokens(tokens)
            }
            Ok(Step::Again { .. }) => panic!("this flow has one step"),
            Err(failure) => {
                self.show(&failure);
                let _ = writeln!(self.shown, "{failure} {}", failure.error);
                match failure.left {
                    Left::Spent => {
                        let code = failure.error.code().map(|code| code.as_str().to_owned());
                        assert!(code.is_some(), "spent without a verdict: {}", failure.error);
                        Stage::Idle
                    }
                    Left::Intact(exchange) | Left::Unknown(exchange) => {
                        *self.allowed.entry(self.in_hand.clone()).or_default() += 1;
                        (*exchange).into().stage()
                    }
                }
            }
        }
    }

    fn call_api(&mut self, tokens: Tokens) -> Stage {
        let mut request = http::Request::get(self.provider.resource_url()).body(Vec::<u8>::new()).unwrap();
        tokens.bearer().unwrap().authorize(&mut request).unwrap();
        self.show(&request);
        let status = self.provider.handle(&request).status();
        assert!(status == 200 || status == 401, "the API answered {status}");
        Stage::HasTokens(tokens)
    }

    /// What the server has seen since the last look.
    fn check_hits(&mut self) {
        let mut sent: HashMap<&str, usize> = HashMap::new();
        let log = self.provider.log();
        for hit in log {
            for name in ["code", "refresh_token"] {
                if let Some(value) = hit.parameter(name) {
                    *sent.entry(value).or_default() += 1;
                }
            }
        }
        for (grant, times) in sent {
            let allowed = self.allowed.get(grant).copied().unwrap_or_default();
            assert!(times <= allowed, "a grant was sent {times} times, and allowed {allowed} times");
        }
        for hit in &log[self.hits_seen..] {
            if let Some(verifier) = hit.parameter("code_verifier") {
                let code = hit.parameter("code").unwrap_or_default();
                assert_eq!(self.challenges.get(code), Some(&s256(verifier)), "a verifier with another's code");
                self.secrets.insert(verifier.to_owned());
            }
        }
        self.hits_seen = log.len();
    }

    fn check_shown(&self) {
        for secret in self.secrets.iter().filter(|secret| secret.len() > 5) {
            assert!(!self.shown.contains(secret.as_str()), "a secret was printed");
        }
    }
}

/// What a failure gave back.
enum Held {
    Code(CodeExchange),
    Refresh(RefreshExchange),
}

impl Held {
    fn stage(self) -> Stage {
        match self {
            Self::Code(exchange) => Stage::HasCode(exchange),
            Self::Refresh(exchange) => Stage::Refreshing(exchange),
        }
    }
}

impl From<CodeExchange> for Held {
    fn from(exchange: CodeExchange) -> Self {
        Self::Code(exchange)
    }
}

impl From<RefreshExchange> for Held {
    fn from(exchange: RefreshExchange) -> Self {
        Self::Refresh(exchange)
    }
}

/// A parameter of a URL; those that are asked for need no decoding.
fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
}
