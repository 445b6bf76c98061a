//! A person's grant in a session, in virtual time, at a server without a socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use grantflow::{
    Authorization, Body, Callback, ConfidentialClient, Entropy, EntropyFailed, Env, Exchange as _, Redirect, Server,
    Step, Tokens, UnixTime,
};
use grantflow_session::{Key, Later, MemoryStore, Outside, Session, Unanswered};
use grantflow_testkit as testkit;
use http::{Request, Response};

const REDIRECT_URI: &str = "https://app.example/cb";

/// The same bytes in every run.
pub(crate) struct FixedRng(pub(crate) u8);

impl Entropy for FixedRng {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(181).wrapping_add(101);
            *b = self.0;
        }
        Ok(())
    }
}

#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<testkit::Server>>);

impl World {
    pub(crate) fn new() -> Self {
        let mut provider = testkit::Server::new("https://as.example");
        register(&mut provider);
        Self(Arc::new(Mutex::new(provider)))
    }

    pub(crate) fn provider<T>(&self, ask: impl FnOnce(&mut testkit::Server) -> T) -> T {
        ask(&mut self.0.lock().unwrap())
    }

    /// A session with a grant, whose tokens go only to this origin.
    pub(crate) fn session(&self, origin: &str) -> Session {
        let (client, tokens) = self.provider(|provider| {
            let client = client(provider, origin);
            let tokens = login(provider, &client);
            (client, tokens)
        });
        let session = Session::new(&client, Key::new("ada").unwrap(), MemoryStore::new(), self.clone());
        session.prime_blocking(tokens).unwrap();
        session
    }

    /// Whether the server knows this `Authorization` header as that of a good token.
    pub(crate) fn knows(&self, authorization: &[String]) -> bool {
        self.provider(|provider| {
            let mut request = Request::get(provider.resource_url());
            for value in authorization {
                request = request.header("authorization", value);
            }
            provider.handle(&request.body("").unwrap()).status() == 200
        })
    }

    pub(crate) fn refreshes(&self) -> usize {
        self.provider(|provider| provider.hits("refresh_token").count())
    }

    pub(crate) fn revoke(&self) {
        self.provider(testkit::Server::revoke_access_tokens);
    }
}

impl Outside for World {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.provider(|provider| provider.now()))
    }

    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        FixedRng(9).fill(bytes)
    }

    fn wait(&self, duration: Duration) -> Later<'_, ()> {
        self.provider(|provider| provider.advance(duration.as_secs()));
        Box::pin(async {})
    }

    fn send(&self, request: Request<Body>) -> Later<'_, Result<Response<Body>, Unanswered>> {
        let response = self.provider(|provider| provider.handle(&request)).map(Body::from);
        Box::pin(async { Ok(response) })
    }
}

pub(crate) fn register(provider: &mut testkit::Server) {
    provider.register(testkit::Client::confidential("app", "s3cret").redirect_uri(REDIRECT_URI).scope("read"));
}

pub(crate) fn client(provider: &testkit::Server, origin: &str) -> ConfidentialClient {
    let server = Server::new(&provider.authorize_url(), &provider.token_url()).unwrap();
    server.token_for(origin).unwrap().client("app").secret_post("s3cret").unwrap()
}

/// The person logs in, at the server's time.
pub(crate) fn login(provider: &mut testkit::Server, client: &ConfidentialClient) -> Tokens {
    let mut rng = FixedRng(3);
    let mut env = Env::new(UnixTime::from_secs(provider.now()), &mut rng);
    let authorization = Authorization::new(client, REDIRECT_URI).unwrap().scope("read").unwrap();
    let Redirect { url, pending, .. } = authorization.start(&mut env).unwrap();
    let callback = provider.visit(url.as_str()).unwrap();
    let Callback::Granted(exchange) = pending.receive_url(&callback.url) else { panic!("not granted") };
    let request = exchange.request(&mut env).unwrap();
    match exchange.respond(&mut env, provider.handle(&request)) {
        Ok(Step::Done(tokens)) => tokens,
        other => panic!("{other:?}"),
    }
}
