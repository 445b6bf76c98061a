//! The model of a whole flow: bytes drive what the application does and how the server behaves.
//!
//! The bodies of the other fuzz targets are in the core. This one needs the testkit's server, which the core must not
//! know, so that client and server share no mistakes.
//!
//! What must hold for all bytes:
//! - a run ends: every operation is one call, and there are at most 48 of them;
//! - only its own callback ends a pending grant, and `state` alone decides that;
//! - a code is sent once, a refresh token is sent once, except for what `Intact` and `Unknown` allow;
//! - a refresh token of a refused answer is the one that is sent next;
//! - a verifier is sent with the code of its challenge, and with no other;
//! - tokens come only from a 2xx answer that holds them, and always from a server that behaves well;
//! - client credentials are never used up, and bring no refresh token;
//! - an access token that is exchanged stays what it was, and what is issued is what the server says;
//! - an assertion is spent by a verdict only;
//! - a chain of two exchanges loses nothing of either;
//! - a stored state is restored for its own client, and for no other;
//! - a metadata document is that of the requested server or resource, and a search loses nothing;
//! - pushed requests, introspection and revocation lose nothing, and can be sent again;
//! - a registered client is managed with the access token that its server gave last, and only there;
//! - a device never polls early, and its polling ends by the server's word or by the time;
//! - a person's phone rings again only if the client cannot know whether it rang, and a false ping changes nothing;
//! - nothing that is printed contains a secret.

use std::collections::BTreeMap;

use grantflow::{
    Authorization, Callback, CodeExchange, ConfidentialClient, EntropyFailed, Env, GrantedScope, PendingCallback,
    Redirect, RefreshExchange, ResponseMode, StoredCallback, StoredTokens, Tokens, UnixTime, callback_key,
    callback_key_in_form,
};
use grantflow_testkit::{CallbackFault, Decision, Server};

use grant::InHand;
use identity::{Identity, REDIRECT_URI, SECRET, identities, provider};
use ledger::Ledger;
use wire::{parameter, receive};

mod backchannel;
mod device;
mod documents;
mod endpoints;
mod exchange;
mod forge;
mod grant;
mod identity;
mod ledger;
mod polling;
mod registration;
mod robot;
mod trip;
mod wire;

/// Enough for a dozen flows.
const MAX_OPERATIONS: usize = 48;

/// Runs the model over `bytes`: an operation and its argument, in turn.
pub(crate) fn run(bytes: &[u8]) {
    let _ = reached(bytes);
}

/// The results of a run, to see what a corpus covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Tokens of client credentials.
    pub(crate) credentials: usize,
    /// Tokens of a chain of two exchanges, a code and its refresh.
    pub(crate) chains: usize,
    /// Chains of which the second exchange failed.
    pub(crate) broken_chains: usize,
    /// Documents of servers and of resources.
    pub(crate) found: usize,
    /// Grants that began with a pushed request.
    pub(crate) pushed: usize,
    /// Tokens that a resource asked about.
    pub(crate) described: usize,
    /// Tokens that were given up.
    pub(crate) revoked: usize,
    /// Tokens of devices.
    pub(crate) devices: usize,
    /// Grants that began because an API wanted more.
    pub(crate) stepped_up: usize,
    /// Tokens that became other tokens.
    pub(crate) exchanged: usize,
    /// Tokens by an assertion or a voucher.
    pub(crate) asserted: usize,
    /// Identity assertions.
    pub(crate) vouched: usize,
    /// Tokens that a person approved on a phone.
    pub(crate) backchannel: usize,
    /// Clients that registered themselves, and were deleted.
    pub(crate) registered: usize,
}

/// Runs the model, and returns its results.
pub(crate) fn reached(bytes: &[u8]) -> Reached {
    play(bytes).reached
}

/// Runs the model, and counts the requests that the server has seen: by their grant, or by their endpoint.
#[allow(dead_code, reason = "the fuzz target needs no counts")]
pub(crate) fn seen(bytes: &[u8]) -> BTreeMap<String, u64> {
    let model = play(bytes);
    let mut seen = BTreeMap::from([("step-up".to_owned(), model.reached.stepped_up as u64)]);
    for hit in model.provider.log() {
        let endpoint = || hit.endpoint.map_or_else(|| "elsewhere".to_owned(), |endpoint| format!("{endpoint:?}"));
        *seen.entry(hit.grant_type.clone().unwrap_or_else(endpoint)).or_default() += 1;
    }
    seen
}

fn play(bytes: &[u8]) -> Model {
    let mut model = Model::new();
    let mut bytes = bytes.iter().copied();
    for _ in 0..MAX_OPERATIONS {
        let Some(operation) = bytes.next() else { break };
        let argument = bytes.next().unwrap_or_default();
        model.operate(operation, argument);
        let identity = &model.identities[model.chosen];
        model.ledger.check(model.provider.log(), identity.id, identity.auth);
    }
    model.ledger.check_shown();
    model
}

/// The stage of the application.
enum Stage {
    Idle,
    Waiting(Waiting),
    HasCode(CodeExchange),
    HasTokens(Tokens),
    Refreshing(RefreshExchange),
}

/// A grant, and the URL to which the person was sent.
struct Waiting {
    pending: PendingCallback,
    /// Holds the parameters of the request.
    url: String,
    /// Where the person was sent: the same, or what holds a reference to the request.
    way: String,
}

struct Model {
    provider: Server,
    identities: [Identity; 3],
    /// The client of the current flow.
    chosen: usize,
    stage: Stage,
    rng: Counting,
    /// The code or refresh token that is sent to the server.
    in_hand: String,
    /// Whether a refused answer to the current refresh brought the current refresh token.
    rescued: bool,
    /// What the latest tokens cover.
    granted: Option<GrantedScope>,
    /// The callbacks that ended earlier grants.
    delivered: Vec<grantflow_testkit::Callback>,
    ledger: Ledger,
    reached: Reached,
}

/// Predictable, but never twice the same.
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
        let provider = provider();
        let identities = identities(&provider);
        let mut ledger = Ledger::default();
        ledger.secret(SECRET);
        Self {
            provider,
            identities,
            chosen: 0,
            stage: Stage::Idle,
            rng: Counting(1),
            in_hand: String::new(),
            rescued: false,
            granted: None,
            delivered: Vec::new(),
            ledger,
            reached: Reached::default(),
        }
    }

    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.provider.now())
    }

    fn client(&self) -> &grantflow::Client {
        &self.identities[self.chosen].client
    }

    /// A client that has a secret, and its place.
    fn confidential(&self, argument: u8) -> (usize, ConfidentialClient) {
        let mut all = self.identities.iter().enumerate().filter_map(|(i, who)| Some((i, who.confidential.clone()?)));
        let count = all.clone().count();
        all.nth(usize::from(argument) % count).expect("there are some")
    }

    /// A client that is not the current flow's.
    fn another_client(&self) -> &grantflow::Client {
        let other = self.identities.iter().find(|other| other.id != self.identities[self.chosen].id);
        &other.expect("two ids at least").client
    }

    fn operate(&mut self, operation: u8, argument: u8) {
        let stage = std::mem::replace(&mut self.stage, Stage::Idle);
        self.stage = match (operation % 12, stage) {
            (0, Stage::Idle) => self.start(argument),
            (1, Stage::Idle) => self.ask_for_itself(argument),
            (1, Stage::HasCode(exchange)) => self.chain(exchange, argument),
            (1 | 0, Stage::Waiting(waiting)) => self.come_back(waiting, argument),
            (2, Stage::Idle) => {
                self.find(argument);
                Stage::Idle
            }
            (2, Stage::Waiting(waiting)) => self.forge(waiting, argument),
            (3, Stage::Idle) => self.let_a_device_in(argument),
            (6, Stage::Idle) => self.ask_a_person(argument),
            (7, Stage::Idle) => {
                self.register(argument);
                Stage::Idle
            }
            (3, Stage::Waiting(waiting)) => self.store_pending(waiting),
            (4 | 0, Stage::HasCode(exchange)) => self.exchange(exchange, argument, None),
            (5, Stage::HasCode(exchange)) => self.not_sent(exchange, Stage::HasCode),
            (5, Stage::Refreshing(exchange)) => self.not_sent(exchange, Stage::Refreshing),
            (6 | 0, Stage::HasTokens(tokens)) => self.begin_refresh(tokens, argument),
            (6 | 0, Stage::Refreshing(exchange)) => {
                let old = self.in_hand.clone();
                self.exchange(exchange, argument, Some(old))
            }
            (7, Stage::HasTokens(tokens)) => self.store_tokens(tokens),
            (4, Stage::Idle) => self.assert(argument),
            (5, Stage::Idle) => self.vouch(argument),
            (5, Stage::HasTokens(tokens)) => self.exchange_token(tokens, argument),
            (8, Stage::Idle) => self.push(argument),
            (8, Stage::HasTokens(tokens)) => self.call_api(tokens, argument),
            (3, Stage::HasTokens(tokens)) => self.revoke(tokens, argument),
            (9, Stage::HasTokens(tokens)) => self.introspect(tokens, argument),
            (9, Stage::Refreshing(exchange)) => Stage::HasTokens(exchange.into_tokens()),
            (10, stage) => {
                self.jump(argument);
                stage
            }
            (11, stage) => {
                self.turn_knobs(argument);
                stage
            }
            (_, stage) => stage,
        };
    }

    /// A clock that jumps, also backwards.
    fn jump(&mut self, argument: u8) {
        let now = self.provider.now();
        let jump = u64::from(argument) * 60;
        self.provider.set_now(if argument.is_multiple_of(2) {
            now.saturating_add(jump)
        } else {
            now.saturating_sub(jump)
        });
    }

    fn turn_knobs(&mut self, argument: u8) {
        let knobs = self.provider.knobs();
        knobs.rotate = argument & 1 == 0;
        knobs.odd_characters = argument & 2 != 0;
        knobs.omit_scope = argument & 4 != 0;
        knobs.narrow_scope = (argument & 8 != 0).then(|| "read".to_owned());
        knobs.repeat_refresh_token = argument & 16 != 0;
        knobs.decision = if argument & 0xf0 == 0xf0 { Decision::Deny } else { Decision::Approve };
    }

    fn start(&mut self, argument: u8) -> Stage {
        self.chosen = usize::from(argument) % self.identities.len();
        let mode = if argument & 0x40 == 0 { ResponseMode::Query } else { ResponseMode::FormPost };
        let now = self.now();
        let authorization = Authorization::new(self.client(), REDIRECT_URI).unwrap().scope("read write").unwrap();
        let authorization = authorization.response_mode(mode);
        let Redirect { url, pending } = authorization.start(&mut Env::new(now, &mut self.rng)).unwrap();
        self.ledger.show(&authorization);
        self.ledger.show(&url);
        self.ledger.show(&pending);
        self.ledger.secret(&parameter(url.as_str(), "state"));
        let url = url.as_str().to_owned();
        Stage::Waiting(Waiting { pending, way: url.clone(), url })
    }

    /// The person comes back, perhaps with a faulty callback.
    fn come_back(&mut self, waiting: Waiting, argument: u8) -> Stage {
        if argument > 127 {
            self.provider.knobs().spoil_callback(CallbackFault::from_index(argument.into()));
        }
        let Ok(callback) = self.provider.visit(&waiting.way) else {
            // The person sees a page. A reference that was used or has expired leads nowhere any more.
            self.provider.knobs().next_callbacks.clear();
            return if waiting.way == waiting.url { Stage::Waiting(waiting) } else { Stage::Idle };
        };
        let parameters = callback.parameters();
        let all = |name: &str| parameters.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone()).collect::<Vec<_>>();
        let ours = all("state") == [parameter(&waiting.url, "state")];
        let key = match &callback.body {
            Some(body) => callback_key_in_form(body.as_bytes()),
            None => callback.url.parse().ok().and_then(|uri| callback_key(&uri)),
        };
        assert_eq!(ours, key.as_ref() == Some(&waiting.pending.key()), "a store would give another grant");

        let Waiting { pending, url, way } = waiting;
        let stage = match receive(pending, &callback) {
            Callback::Unrelated { pending, why } => {
                assert!(!ours, "our own callback was taken for a foreign one: {why}");
                return Stage::Waiting(Waiting { pending, url, way });
            }
            Callback::Granted(exchange) => {
                let codes = all("code");
                assert!(matches!(codes.as_slice(), [code] if !code.is_empty()), "granted without exactly one code");
                assert_eq!(all("iss"), ["https://as.example"], "granted by another issuer");
                self.ledger.show(&exchange);
                self.ledger.code(&codes[0], parameter(&url, "code_challenge"));
                self.in_hand.clone_from(&codes[0]);
                Stage::HasCode(exchange)
            }
            Callback::Denied(error) => {
                assert_eq!(all("iss"), ["https://as.example"], "denied by another issuer");
                self.ledger.show(&error);
                Stage::Idle
            }
            Callback::Rejected(rejection) => {
                assert!(argument > 127, "the callback of a server that behaves was rejected: {rejection}");
                self.ledger.show_error(&rejection);
                Stage::Idle
            }
        };
        assert!(ours, "a foreign callback ended the grant");
        self.delivered.push(callback);
        stage
    }

    fn store_pending(&mut self, Waiting { pending, url, way }: Waiting) -> Stage {
        let stored = pending.into_stored();
        self.ledger.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let read = || serde_json::from_str::<StoredCallback>(&text).unwrap();
        let foreign = PendingCallback::from_stored(read(), self.another_client());
        self.ledger.show_error(&foreign.expect_err("restored for another client"));
        let pending = PendingCallback::from_stored(read(), self.client()).unwrap();
        Stage::Waiting(Waiting { pending, url, way })
    }

    fn store_tokens(&mut self, tokens: Tokens) -> Stage {
        let before = (tokens.expires_at(), tokens.received_at(), tokens.scope().clone());
        let stored = tokens.into_stored();
        self.ledger.show(&stored);
        let text = serde_json::to_string(&stored).unwrap();
        let read = || serde_json::from_str::<StoredTokens>(&text).unwrap();
        let foreign = Tokens::from_stored(read(), self.another_client());
        self.ledger.show_error(&foreign.expect_err("restored for another client"));
        let tokens = Tokens::from_stored(read(), self.client()).unwrap();
        assert!(
            before == (tokens.expires_at(), tokens.received_at(), tokens.scope().clone()),
            "restored as something else"
        );
        Stage::HasTokens(tokens)
    }
}
