//! A grant: exchanged, refreshed, used, and what is left of it after a failure.

use grantflow::{CodeExchange, Exchange, Left, RefreshExchange, Step, Tokens};
use http::{Request, StatusCode};

use super::trip::Seen;
use super::wire::{holds_token, refresh_token_in, says_scope};
use super::{Model, Stage};

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

    pub(super) fn call_api(&mut self, tokens: Tokens) -> Stage {
        let mut request = Request::get(self.provider.resource_url()).body(Vec::<u8>::new()).unwrap();
        tokens.bearer().unwrap().authorize(&mut request).unwrap();
        self.ledger.show(&request);
        let status = self.provider.handle(&request).status();
        assert!(status == 200 || status == 401, "the API answered {status}");
        Stage::HasTokens(tokens)
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
