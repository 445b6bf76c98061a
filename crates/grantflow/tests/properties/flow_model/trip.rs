//! One round trip, and what the server shows of it.

use grantflow::{Env, Exchange, Failure, Sent, Step, Tokens};
use grantflow_testkit::{Endpoint, Misbehaviour};
use http::{StatusCode, header};

use super::Model;
use super::wire::refresh_token_in;

/// An answer, as the model sees it.
pub(super) struct Seen {
    /// None if the answer was lost.
    pub(super) status: Option<StatusCode>,
    pub(super) body: Vec<u8>,
    /// Whether the server gave tokens.
    pub(super) issued: bool,
}

impl Seen {
    pub(super) fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.is_success())
    }
}

impl Model {
    /// Carries a request to the server, which may spoil its answer in this way.
    pub(super) fn round_trip<X: Exchange>(
        &mut self,
        exchange: X,
        spoilt: Option<u8>,
    ) -> (Result<Step<X>, Failure<X>>, Seen) {
        if let Some(index) = spoilt {
            self.provider.knobs().misbehave(Misbehaviour::from_index(index.into()));
        }
        let now = self.now();
        let request = exchange.request(&mut Env::new(now, &mut self.rng)).unwrap();
        self.ledger.show(&request);
        if let Some(credentials) = request.headers().get(header::AUTHORIZATION) {
            let text = credentials.to_str().unwrap();
            let place = self.provider.endpoint_url(Endpoint::ClientConfiguration);
            match text.strip_prefix("Bearer ") {
                Some(token) => {
                    assert!(request.uri().to_string().starts_with(&place), "a registration access token elsewhere");
                    self.ledger.secret(token);
                }
                None => self.ledger.secret(text.strip_prefix("Basic ").expect("no other scheme")),
            }
        }
        let response = self.provider.try_handle(&request);
        let issued = self.provider.log().last().is_some_and(|hit| hit.issued);
        let status = response.as_ref().map(|response| response.status());
        let body = response.as_ref().map(|response| response.body().clone()).unwrap_or_default();
        let mut env = Env::new(now, &mut self.rng);
        let outcome = match response {
            Some(response) => exchange.respond(&mut env, response),
            None => exchange.unanswered(&mut env, Sent::MaybeSent),
        };
        (outcome, Seen { status, body, issued })
    }

    /// Remembers the tokens of a refresh or a code.
    pub(super) fn keep(&mut self, tokens: &Tokens, body: &[u8]) {
        self.ledger.secret(tokens.bearer().unwrap().expose_secret());
        self.granted = Some(tokens.scope().clone());
        if let Some(refresh) = tokens.refresh_token() {
            // Without rotation the same token comes back, or stays: it may be sent again.
            refresh.expose_secret().clone_into(&mut self.in_hand);
            self.ledger.secret(&self.in_hand);
            self.ledger.allow(&self.in_hand);
        }
        if let Some(sent) = refresh_token_in(body) {
            assert_eq!(sent, self.in_hand, "not the refresh token");
        }
        self.ledger.show(tokens);
    }
}
