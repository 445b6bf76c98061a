//! Brings a test straight to a state, in virtual time, against the testkit's server.

use grantflow::{
    Authorization, Callback, Client, CodeExchange, ConfidentialClient, EntropyFailed, Env, Exchange, Failure,
    PendingCallback, Quirk, Redirect, Server, Step, Tokens, UnixTime,
};
use grantflow_testkit as testkit;
use http::{Request, Response};

pub(crate) const ID: &str = "my-id";
pub(crate) const SECRET: &str = "my-secret";
pub(crate) const REDIRECT_URI: &str = "https://app.example/cb";
pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const SCOPE: &str = "read write";
pub(crate) const NOW: UnixTime = UnixTime::from_secs(1_750_000_000);

/// The same bytes in every run, and never the same twice.
#[derive(Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl grantflow::Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

/// A server, a client of it, and a clock.
pub(crate) struct World {
    pub(crate) provider: testkit::Server,
    pub(crate) client: ConfidentialClient,
    pub(crate) rng: Dice,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|server| server)
    }

    /// A world whose client uses these settings of the server.
    pub(crate) fn with(settings: impl FnOnce(Server) -> Server) -> Self {
        let mut provider = testkit::Server::new(ISSUER);
        provider.register(
            testkit::Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope("read write extra read,write"),
        );
        let server = settings(Server::new(&provider.authorize_url(), &provider.token_url()).unwrap());
        let client = server.client(ID).secret_post(SECRET).unwrap();
        Self { provider, client, rng: Dice(1) }
    }

    pub(crate) fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.provider.now())
    }

    pub(crate) fn authorization(&self) -> Authorization {
        Authorization::new(&self.client, REDIRECT_URI).unwrap().scope(SCOPE).unwrap()
    }

    pub(crate) fn start(&mut self, authorization: &Authorization) -> Redirect {
        let now = self.now();
        authorization.start(&mut Env::new(now, &mut self.rng)).unwrap()
    }

    /// A pending grant, and its URL.
    pub(crate) fn pending(&mut self) -> (PendingCallback, String) {
        let Redirect { url, pending } = self.start(&self.authorization());
        (pending, url.as_str().to_owned())
    }

    /// A pending grant, and its `state`.
    pub(crate) fn waiting(&mut self) -> (PendingCallback, String) {
        let (pending, url) = self.pending();
        (pending, parameter(&url, "state"))
    }

    pub(crate) fn exchange(&mut self) -> CodeExchange {
        let authorization = self.authorization();
        self.exchange_of(&authorization)
    }

    pub(crate) fn exchange_of(&mut self, authorization: &Authorization) -> CodeExchange {
        let Redirect { url, pending } = self.start(authorization);
        let callback = self.provider.visit(url.as_str()).unwrap();
        granted(pending.receive_url(&callback.url))
    }

    pub(crate) fn tokens(&mut self) -> Tokens {
        let exchange = self.exchange();
        self.run(exchange).unwrap()
    }

    /// One round trip to the server.
    pub(crate) fn run<X: Exchange>(&mut self, exchange: X) -> Result<X::Output, Failure<X>> {
        let now = self.now();
        let request = exchange.request(&mut Env::new(now, &mut self.rng)).unwrap();
        let response = self.provider.handle(&request);
        self.answer(exchange, response)
    }

    /// The result of an answer that the test made.
    pub(crate) fn answer<X: Exchange, B: AsRef<[u8]>>(
        &mut self,
        exchange: X,
        response: Response<B>,
    ) -> Result<X::Output, Failure<X>> {
        let now = self.now();
        match exchange.respond(&mut Env::new(now, &mut self.rng), response)? {
            Step::Done(output) => Ok(output),
            Step::Again(_) => panic!("this flow has one step"),
        }
    }

    pub(crate) fn request<X: Exchange>(&mut self, exchange: &X) -> Request<grantflow::Body> {
        let now = self.now();
        exchange.request(&mut Env::new(now, &mut self.rng)).unwrap()
    }
}

pub(crate) fn granted(callback: Callback) -> CodeExchange {
    match callback {
        Callback::Granted(exchange) => exchange,
        other => panic!("not granted: {other:?}"),
    }
}

pub(crate) fn verdict(callback: &Callback) -> &'static str {
    match callback {
        Callback::Granted(_) => "granted",
        Callback::Denied(_) => "denied",
        Callback::Unrelated { .. } => "unrelated",
        Callback::Rejected(_) => "rejected",
    }
}

/// The pairs of a form or a URL's query, decoded by an independent reader.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    let query = text.split_once('?').map_or(text, |(_, query)| query);
    serde_urlencoded::from_str(query).unwrap()
}

pub(crate) fn parameter(text: &str, name: &str) -> String {
    let found: Vec<String> = pairs(text).into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect();
    assert!(found.len() <= 1, "{name} is there {} times", found.len());
    found.into_iter().next().unwrap_or_default()
}

pub(crate) fn body(request: &Request<grantflow::Body>) -> String {
    String::from_utf8(request.body().as_ref().to_vec()).unwrap()
}

pub(crate) fn json(status: u16, body: &str) -> Response<Vec<u8>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.as_bytes().to_vec())
        .unwrap()
}

/// Runs an exchange of any number of steps against a provider to its end. Also returns the URLs that were asked.
pub(crate) fn run_to_its_end<X: Exchange>(
    provider: &mut testkit::Server,
    mut exchange: X,
) -> (Result<X::Output, Failure<X>>, Vec<String>) {
    let mut rng = Dice(7);
    let mut asked = Vec::new();
    loop {
        let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
        let request = exchange.request(&mut env).unwrap();
        asked.push(request.uri().to_string());
        let step = match provider.try_handle(&request) {
            Some(response) => exchange.respond(&mut env, response),
            None => exchange.unanswered(&mut env, grantflow::Sent::MaybeSent),
        };
        match step {
            Ok(Step::Done(output)) => return (Ok(output), asked),
            Ok(Step::Again(next)) => exchange = next,
            Err(failure) => return (Err(failure), asked),
        }
    }
}

/// The id of a client without a secret, at [`all_endpoints`].
pub(crate) const APP: &str = "app";

/// A server with every endpoint that a client posts to. It knows [`ID`] with its secret, and [`APP`] without one.
pub(crate) fn all_endpoints() -> (testkit::Server, Server) {
    let mut provider = testkit::Server::new(ISSUER);
    provider.register(testkit::Client::confidential(ID, SECRET).redirect_uri(REDIRECT_URI).scope(SCOPE));
    provider.register(testkit::Client::public(APP).redirect_uri(REDIRECT_URI).scope(SCOPE));
    let at = |endpoint| provider.endpoint_url(endpoint);
    let server = Server::new(&provider.authorize_url(), &provider.token_url())
        .and_then(|server| server.device_authorization_endpoint(&at(testkit::Endpoint::DeviceAuthorization)))
        .and_then(|server| server.pushed_authorization_request_endpoint(&at(testkit::Endpoint::PushedAuthorization)))
        .and_then(|server| server.introspection_endpoint(&at(testkit::Endpoint::Introspection)))
        .and_then(|server| server.revocation_endpoint(&at(testkit::Endpoint::Revocation)))
        .unwrap();
    (provider, server)
}

/// Every client authentication, and as what the server sees it.
pub(crate) fn every_client(server: &Server) -> [(testkit::ClientAuth, Client); 4] {
    let beside = server.clone().quirk(Quirk::ClientIdBesideBasic).unwrap();
    [
        (testkit::ClientAuth::Public, Client::from(&server.client(APP).public().unwrap())),
        (testkit::ClientAuth::Post, Client::from(&server.client(ID).secret_post(SECRET).unwrap())),
        (testkit::ClientAuth::Basic, Client::from(&server.client(ID).secret_basic(SECRET).unwrap())),
        (testkit::ClientAuth::Basic, Client::from(&beside.client(ID).secret_basic(SECRET).unwrap())),
    ]
}

/// A login at this provider, from the person's way there to the tokens.
pub(crate) fn log_in(provider: &mut testkit::Server, redirect: Redirect) -> Tokens {
    let callback = provider.visit(redirect.url.as_str()).unwrap();
    run_to_its_end(provider, granted(redirect.pending.receive_url(&callback.url))).0.unwrap()
}

/// What a failure leaves of a request that does no harm when it is sent twice: all of it. The error names the endpoint if
/// an answer came.
pub(crate) fn intact<X: Exchange>(failure: Failure<X>, endpoint: &str, what: &str) -> X {
    let text = failure.error.to_string();
    match &failure.error {
        grantflow::Error::NoAnswer(_) => assert!(failure.error.answer().is_none()),
        _ => assert!(text.contains(endpoint), "{what}: the text names no {endpoint}: {text}"),
    }
    let grantflow::Left::Intact(left) = failure.left else { panic!("{what}: the request is lost: {text}") };
    *left
}

pub(crate) fn violation<X: Exchange>(failure: &Failure<X>) -> grantflow::Violation {
    match &failure.error {
        grantflow::Error::Protocol(broken) => broken.violation(),
        other => panic!("{other}"),
    }
}
