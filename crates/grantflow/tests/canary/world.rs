//! A server, its clients, and a search in everything that is printed.

use std::collections::BTreeMap;
use std::fmt::Debug;

use grantflow::{
    Authorization, AuthorizationDetails, Callback, EntropyFailed, Env, Exchange, Left, PendingCallback, Redirect, Sent,
    Server, Step, Tokens, UnixTime,
};
use grantflow_testkit::{CallbackFault, Client, Endpoint};

use crate::search::Canary;
use crate::{EXTRA, REDIRECT_URI, SECRET};

/// What authorization details say of a person.
const ACCOUNT: &str = "CANARY-DE02100100109307118603";

/// Draws, and remembers nothing: the secrets are found in the requests.
pub(crate) struct Dice(u64);

impl grantflow::Entropy for Dice {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        for b in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *b = (self.0 >> 33) as u8;
        }
        Ok(())
    }
}

pub(crate) struct World {
    pub(crate) provider: grantflow_testkit::Server,
    pub(crate) server: Server,
    pub(crate) clients: Vec<grantflow::ConfidentialClient>,
    pub(crate) rng: Dice,
    pub(crate) canary: Canary,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut provider = grantflow_testkit::Server::new("https://as.example");
        provider.register(Client::confidential("app", SECRET).redirect_uri(REDIRECT_URI).scope("read write"));
        provider.set_seed(seed);
        provider.knobs().odd_characters = seed % 2 == 1;
        let server = Server::new(&provider.authorize_url(), &provider.token_url())
            .unwrap()
            .issuer("https://as.example")
            .unwrap()
            .device_authorization_endpoint(&provider.endpoint_url(grantflow_testkit::Endpoint::DeviceAuthorization))
            .unwrap()
            .backchannel_authentication_endpoint(
                &provider.endpoint_url(grantflow_testkit::Endpoint::BackchannelAuthentication),
            )
            .unwrap();
        let clients =
            vec![server.client("app").secret_post(SECRET).unwrap(), server.client("app").secret_basic(SECRET).unwrap()];
        let mut canary = Canary::default();
        canary.secret(SECRET);
        canary.secret(EXTRA);
        canary.secret(ACCOUNT);
        canary.secret("CANARY-type-4Tz8");
        Self { provider, server, clients, rng: Dice(seed), canary }
    }

    pub(crate) fn env(&mut self) -> Env<'_> {
        Env::new(UnixTime::from_secs(self.provider.now()), &mut self.rng)
    }

    pub(crate) fn client(&self) -> grantflow::ConfidentialClient {
        self.clients[self.rng.0 as usize % 2].clone()
    }

    /// One step of an exchange of many, with everything that shows on the way; `None` if it failed.
    pub(crate) fn round_trip<X: Exchange + Debug>(&mut self, exchange: X) -> Option<Step<X>>
    where
        X::Output: Debug,
    {
        self.canary.debug(&exchange);
        let request = exchange.request(&mut self.env()).unwrap();
        self.canary.secrets_of(&request);
        self.canary.debug(&request);
        let step = match self.provider.try_handle(&request) {
            Some(response) => {
                self.canary.secrets_of_answer(response.body());
                exchange.respond(&mut self.env(), response)
            }
            None => exchange.unanswered(&mut self.env(), Sent::MaybeSent),
        };
        match step {
            Ok(step) => {
                self.canary.debug(&step);
                Some(step)
            }
            Err(failure) => {
                self.canary.failure(&failure);
                self.canary.debug(&failure.left);
                None
            }
        }
    }

    /// Starts a login; returns the pending grant and the callback, perhaps with a fault.
    pub(crate) fn start(&mut self, fault: Option<CallbackFault>) -> (PendingCallback, String) {
        let client = self.client();
        let authorization =
            Authorization::new(&client, REDIRECT_URI).unwrap().scope("read write").unwrap().param("x", EXTRA).unwrap();
        let details = AuthorizationDetails::new(&[[("type", "CANARY-type-4Tz8"), ("iban", ACCOUNT)]
            .into_iter()
            .collect::<BTreeMap<_, _>>()]);
        let authorization = authorization.authorization_details(details.unwrap()).unwrap();
        let redirect = authorization.start(&mut self.env()).unwrap();
        self.canary.debug(&(&self.server, &client, &authorization));
        self.canary.debug(&redirect);
        let Redirect { url, pending } = redirect;
        self.canary.debug(&url);
        let state = url.as_str().split("&state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
        self.canary.secret(&state);
        if let Some(fault) = fault {
            self.provider.knobs().spoil_callback(fault);
        }
        let callback = self.provider.visit(url.as_str()).unwrap();
        (pending, callback.url)
    }

    /// One round trip, with everything that is printed. Returns the tokens or what is left.
    pub(crate) fn run<X: Exchange<Output = Tokens> + Debug>(&mut self, exchange: X) -> Result<Tokens, Left<X>> {
        self.canary.debug(&exchange);
        let request = exchange.request(&mut self.env()).unwrap();
        self.canary.secrets_of(&request);
        self.canary.debug(&request);
        self.canary.debug(request.body());
        let response = self.provider.try_handle(&request);
        let now = self.provider.now();
        let mut env = Env::new(UnixTime::from_secs(now), &mut self.rng);
        let outcome = match response {
            Some(response) => {
                self.canary.secrets_of_answer(response.body());
                exchange.respond(&mut env, response)
            }
            None => exchange.unanswered(&mut env, Sent::MaybeSent),
        };
        self.canary.debug(&env);
        match outcome {
            Ok(step) => {
                self.canary.debug(&step);
                let Step::Done(tokens) = step else { panic!("this flow has one step") };
                self.canary.debug(&tokens);
                self.canary.debug(tokens.access_token());
                self.canary.debug(tokens.scope());
                self.canary.debug(&(tokens.scope().requested(), tokens.scope().explicit(), tokens.scope().effective()));
                self.canary.debug(&tokens.refresh_token());
                self.canary.debug(&tokens.unverified_id_token());
                self.use_token(&tokens);
                Ok(tokens)
            }
            Err(failure) => {
                self.canary.failure(&failure);
                self.canary.debug(&failure.left);
                Err(failure.left)
            }
        }
    }

    /// The clients know the endpoints for pushed requests, introspection and revocation, too.
    pub(crate) fn know_all_endpoints(&mut self) {
        let at = |endpoint| self.provider.endpoint_url(endpoint);
        let server = self.server.clone();
        self.server = server
            .pushed_authorization_request_endpoint(&at(Endpoint::PushedAuthorization))
            .and_then(|server| server.introspection_endpoint(&at(Endpoint::Introspection)))
            .and_then(|server| server.revocation_endpoint(&at(Endpoint::Revocation)))
            .unwrap();
        self.clients = vec![
            self.server.client("app").secret_post(SECRET).unwrap(),
            self.server.client("app").secret_basic(SECRET).unwrap(),
        ];
    }

    /// One round trip of an exchange that gives no tokens, with everything that shows on the way.
    pub(crate) fn ask<X: Exchange + Debug>(&mut self, exchange: X) -> Option<X::Output>
    where
        X::Output: Debug,
    {
        self.canary.debug(&exchange);
        let request = exchange.request(&mut self.env()).unwrap();
        self.canary.secrets_of(&request);
        self.canary.debug(&request);
        let outcome = match self.provider.try_handle(&request) {
            Some(response) => exchange.respond(&mut self.env(), response),
            None => exchange.unanswered(&mut self.env(), Sent::MaybeSent),
        };
        match outcome {
            Ok(step) => {
                self.canary.debug(&step);
                let Step::Done(output) = step else { panic!("this flow has one step") };
                Some(output)
            }
            Err(failure) => {
                self.canary.failure(&failure);
                let Left::Intact(left) = failure.left else { panic!("a harmless request was lost") };
                self.canary.debug(&left);
                None
            }
        }
    }

    /// A document, after any number of round trips.
    pub(crate) fn find<X: Exchange + Debug>(&mut self, mut exchange: X, show: impl Fn(&mut Canary, &X::Output))
    where
        X::Output: Debug,
    {
        loop {
            self.canary.debug(&exchange);
            let request = exchange.request(&mut self.env()).unwrap();
            let response = self.provider.try_handle(&request);
            let step = match response {
                Some(response) => exchange.respond(&mut self.env(), response),
                None => exchange.unanswered(&mut self.env(), Sent::MaybeSent),
            };
            match step {
                Ok(Step::Done(found)) => {
                    self.canary.debug(&found);
                    return show(&mut self.canary, &found);
                }
                Ok(Step::Again(next)) => exchange = next,
                Err(failure) => {
                    self.canary.failure(&failure);
                    self.canary.debug(&failure.left);
                    return;
                }
            }
        }
    }

    pub(crate) fn use_token(&mut self, tokens: &Tokens) {
        let Ok(bearer) = tokens.bearer() else { return };
        let mut request = http::Request::get("https://api.example/").body(()).unwrap();
        if let Err(error) = bearer.authorize(&mut request) {
            self.canary.error(&error);
        }
        self.canary.debug(&request);
        let again = bearer.authorize(&mut request);
        self.canary.debug(&again);
        self.canary.debug(&bearer.authorize(&mut http::Request::get("http://evil.example/").body(()).unwrap()));
    }

    pub(crate) fn log_in(&mut self) -> Option<Tokens> {
        let (pending, callback) = self.start(None);
        let Callback::Granted(exchange) = pending.receive_url(&callback) else { panic!("not granted") };
        self.run(exchange).ok()
    }

    pub(crate) fn check(self) -> (usize, usize) {
        let leaks = self.canary.leaks();
        assert!(
            leaks.is_empty(),
            "{} of {} texts hold a secret, such as {}",
            leaks.len(),
            self.canary.shown.len(),
            leaks[0]
        );
        (self.canary.shown.len(), self.canary.secrets.len())
    }
}
