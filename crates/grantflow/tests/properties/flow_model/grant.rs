//! A grant: exchanged, refreshed, used, and what is left of it after a failure.

use grantflow::{
    Authorization, CodeExchange, Env, Exchange, Left, Redirect, RefreshExchange, Step, StepUp, StepUpAttempts, Tokens,
};
use http::{Request, StatusCode};

use super::identity::REDIRECT_URI;
use super::trip::Seen;
use super::wire::{holds_token, parameter, refresh_token_in, says_scope};
use super::{Model, Stage, Waiting};

impl Model {
    pub(super) fn begin_refresh(&mut self, tokens: Tokens, argument: u8) -> Stage {
        self.rescued = false;
        let exchange = match tokens.refresh() {
            Ok(exchange) => exchange,
            Err(failure) => {
                self.ledger.show_error(&failure);
                return match failure.left {
                    Left::Intact(tokens) => Stage::HasTokens(*tokens),
                    _ => panic!("tokens were lost for want of a refresh token"),
                };
            }
        };
        self.ledger.show(&exchange);
        if argument % 4 != 3 {
            return Stage::Refreshing(exchange);
        }
        Stage::Refreshing(exchange.scope("read").unwrap_or_else(|failure| match failure.left {
            // If less was granted before; the exchange is unchanged.
            Left::Intact(exchange) => *exchange,
            _ => panic!("a scope that was refused cost the grant"),
        }))
    }

    pub(super) fn not_sent<X: Exchange>(&mut self, exchange: X, back: fn(X) -> Stage) -> Stage {
        back(self.give_back(exchange))
    }

    /// One round trip of a code exchange, or of a refresh with the `old` token.
    pub(super) fn exchange<X>(&mut self, exchange: X, argument: u8, old: Option<String>) -> Stage
    where
        X: Exchange<Output = Tokens> + std::fmt::Debug + Into<InHand>,
    {
        let behaves = argument <= 63;
        let (outcome, Seen { status, body, issued }) = self.round_trip(exchange, (!behaves).then_some(argument));
        match outcome {
            Ok(Step::Done(tokens)) => {
                assert!(status.is_some_and(|status| status.is_success()), "tokens out of {status:?}");
                let text = tokens.bearer().unwrap().expose_secret();
                assert!(holds_token(&body, text), "tokens that the answer does not hold");
                let narrowed = self.provider.log().last().is_some_and(|hit| hit.parameter("scope").is_some());
                if old.is_some() && !narrowed && !says_scope(&body) {
                    assert_eq!(Some(tokens.scope()), self.granted.as_ref(), "a refresh changed the scope in silence");
                }
                let kept = refresh_token_in(&body).or(old);
                assert!(
                    tokens.refresh_token().map(|token| token.expose_secret()) == kept.as_deref(),
                    "not the refresh token"
                );
                self.keep(&tokens, &body);
                Stage::HasTokens(tokens)
            }
            Ok(Step::Again(_)) => panic!("this flow has one step"),
            Err(failure) => {
                assert!(!(behaves && issued), "good tokens were refused: {}", failure.error);
                self.ledger.show_error(&failure);
                self.ledger.show_error(&failure.error);
                match failure.left {
                    Left::Spent => {
                        assert!(failure.error.code().is_some(), "spent without a verdict: {}", failure.error);
                        Stage::Idle
                    }
                    Left::Intact(exchange) => {
                        assert!(status.is_some(), "an answer was lost, and the grant is called intact");
                        let held: InHand = (*exchange).into();
                        if self.takes_rescued(&held, status, &body) {
                            return self.again(held);
                        }
                        // Only a server that explicitly says otherwise can still have used it.
                        let said =
                            failure.error.code().is_some() || matches!(status.map(|s| s.as_u16()), Some(429 | 503));
                        assert!(said || !issued, "the server has used what is called intact");
                        self.again(held)
                    }
                    Left::Unknown(exchange) => self.again(*exchange),
                }
            }
        }
    }

    /// Whether a refused answer brought the refresh token that is left; then that is the current one. It stays in the
    /// exchange, so a later answer without one leaves it there.
    pub(super) fn takes_rescued(&mut self, held: &InHand, status: Option<StatusCode>, body: &[u8]) -> bool {
        if !held.is_rescued() {
            return false;
        }
        let success = status.is_some_and(|status| status.is_success());
        let Some(new) = refresh_token_in(body).filter(|_| success) else {
            assert!(self.rescued, "a token that no answer held was rescued");
            return false;
        };
        self.ledger.secret(&new);
        self.in_hand = new;
        self.rescued = true;
        true
    }

    /// The application tries once more, as it may.
    pub(super) fn again(&mut self, exchange: impl Into<InHand>) -> Stage {
        self.ledger.allow(&self.in_hand);
        exchange.into().stage()
    }

    /// An API call. If the API wants more than the tokens cover, the person is asked for both.
    pub(super) fn call_api(&mut self, tokens: Tokens, argument: u8) -> Stage {
        self.provider.knobs().required_scope = (argument > 127).then(|| "read write".to_owned());
        let mut request = Request::get(self.provider.resource_url()).body(Vec::<u8>::new()).unwrap();
        tokens.bearer().unwrap().authorize(&mut request).unwrap();
        self.ledger.show(&request);
        let answer = self.provider.handle(&request);
        self.provider.knobs().required_scope = None;
        match StepUp::of(answer.status(), answer.headers()) {
            Some(step_up) if argument > 127 && answer.status() == 403 => {
                let now = self.now();
                let first = Authorization::new(self.client(), REDIRECT_URI).unwrap().scope("read").unwrap();
                // A server that leaves the scope out and grants less: for the client there is nothing more to ask for.
                let Ok(more) = first.step_up(&step_up, tokens.scope(), &mut StepUpAttempts::new()) else {
                    return Stage::HasTokens(tokens);
                };
                let Redirect { url, pending } = more.start(&mut Env::new(now, &mut self.rng)).unwrap();
                let scope = parameter(url.as_str(), "scope");
                assert!(["read", "write"].iter().all(|word| scope.contains(word)), "asked for {scope} only");
                self.ledger.show(&step_up);
                self.ledger.show(&pending);
                self.ledger.secret(&parameter(url.as_str(), "state"));
                self.reached.stepped_up += 1;
                let url = url.as_str().to_owned();
                Stage::Waiting(Waiting { pending, way: url.clone(), url })
            }
            _ => {
                let status = answer.status();
                assert!(status == 200 || status == 401, "the API answered {status}");
                Stage::HasTokens(tokens)
            }
        }
    }
}

/// What a failure gave back.
pub(super) enum InHand {
    Code(CodeExchange),
    Refresh(RefreshExchange),
}

impl InHand {
    /// Whether it is a refresh with the new token of an answer that was refused.
    fn is_rescued(&self) -> bool {
        matches!(self, Self::Refresh(exchange) if exchange.is_rescued())
    }

    fn stage(self) -> Stage {
        match self {
            Self::Code(exchange) => Stage::HasCode(exchange),
            Self::Refresh(exchange) => Stage::Refreshing(exchange),
        }
    }
}

impl From<CodeExchange> for InHand {
    fn from(exchange: CodeExchange) -> Self {
        Self::Code(exchange)
    }
}

impl From<RefreshExchange> for InHand {
    fn from(exchange: RefreshExchange) -> Self {
        Self::Refresh(exchange)
    }
}
