//! Flows without a person: client credentials, and chains of two exchanges.

use std::cell::RefCell;

use grantflow::{ClientCredentials, CodeExchange, Env, Exchange as _, Failure, GrantedScope, Left, Sent, Step, Tokens};

use super::wire::holds_token;
use super::{InHand, Model, Stage};

/// What the first exchange of a chain brought.
type Brought = (Option<String>, GrantedScope);

impl Model {
    /// The client asks for itself. Its credentials can be used again after any answer.
    pub(super) fn ask_for_itself(&mut self, argument: u8) -> Stage {
        let (chosen, client) = self.confidential(argument);
        self.chosen = chosen;
        let mut exchange = ClientCredentials::new(&client).scope("read").unwrap();
        if argument & 2 != 0 {
            exchange = exchange.resource("https://api.example/").unwrap().param("audience", "the-api").unwrap();
        }
        assert!(exchange.clone().scope("read read\n").is_err() && exchange.clone().param("scope", "all").is_err());
        self.ledger.show(exchange.client());
        self.ledger.show(&exchange);
        if argument.is_multiple_of(7) {
            exchange = self.give_back(exchange);
        }
        if argument.is_multiple_of(5) {
            let chain = exchange.then(|_, _| ClientCredentials::new(&client).scope("write"));
            return self.ask(chain, 2, argument);
        }
        self.ask(exchange, 1, argument)
    }

    fn ask<X>(&mut self, mut exchange: X, trips: u8, argument: u8) -> Stage
    where
        X: grantflow::Exchange<Output = Tokens> + std::fmt::Debug,
    {
        for trip in 1..=trips {
            let behaves = argument <= 63 || argument % trips != trip % trips;
            let (outcome, seen) = self.round_trip(exchange, (!behaves).then_some(argument));
            match outcome {
                Ok(Step::Done(tokens)) => {
                    assert_eq!(trip, trips, "a chain ended early");
                    assert!(seen.is_success(), "tokens out of {:?}", seen.status);
                    let text = tokens.bearer().unwrap().expose_secret();
                    assert!(holds_token(&seen.body, text), "tokens that the answer does not hold");
                    self.ledger.secret(text);
                    assert!(tokens.refresh_token().is_none(), "a refresh token that RFC 6749 §4.4.3 does not know");
                    self.granted = Some(tokens.scope().clone());
                    self.ledger.show(&tokens);
                    self.reached.credentials += 1;
                    return Stage::HasTokens(tokens);
                }
                Ok(Step::Again(next)) => {
                    assert!(trip < trips && next.rest(self.now()).is_zero(), "client credentials have one step");
                    exchange = next;
                }
                Err(failure) => {
                    assert!(!(behaves && seen.issued), "good tokens were refused: {}", failure.error);
                    self.ledger.show_error(&failure);
                    assert!(matches!(failure.left, Left::Intact(_)), "credentials were used up: {}", failure.error);
                    return Stage::Idle;
                }
            }
        }
        panic!("a chain of {trips} did not end");
    }

    /// A code exchange and, at once, a refresh of its tokens.
    pub(super) fn chain(&mut self, exchange: CodeExchange, argument: u8) -> Stage {
        let brought: RefCell<Option<Brought>> = RefCell::new(None);
        let mut chain = exchange.then(|tokens: Tokens, _| {
            let refresh = tokens.refresh_token().map(|token| token.expose_secret().to_owned());
            *brought.borrow_mut() = Some((refresh, tokens.scope().clone()));
            tokens.refresh().map_err(Failure::into_error)
        });
        self.ledger.show(&chain);
        if argument.is_multiple_of(7) {
            chain = self.give_back(chain);
        }
        for first in [true, false] {
            let behaves = argument <= 63 || first == argument.is_multiple_of(2);
            let (outcome, seen) = self.round_trip(chain, (!behaves).then_some(argument));
            let failure = match outcome {
                Ok(Step::Done(tokens)) => {
                    assert!(!first && seen.is_success(), "tokens out of {:?}", seen.status);
                    self.keep(&tokens, &seen.body);
                    self.reached.chains += 1;
                    return Stage::HasTokens(tokens);
                }
                Ok(Step::Again(second)) => {
                    assert!(first && second.rest(self.now()).is_zero(), "a chain of two has one link");
                    self.second_begins(brought.take());
                    chain = second;
                    continue;
                }
                Err(failure) => failure,
            };
            self.ledger.show_error(&failure);
            self.reached.broken_chains += usize::from(!first);
            let unrefreshable = matches!(brought.take(), Some((None, _)));
            assert!(!(behaves && seen.issued) || unrefreshable, "good tokens were refused: {}", failure.error);
            return match failure.left {
                Left::Spent => {
                    let verdict = failure.error.code().is_some();
                    assert!(verdict || unrefreshable, "spent without a verdict: {}", failure.error);
                    Stage::Idle
                }
                Left::Intact(chain) | Left::Unknown(chain) if first => {
                    self.again(chain.into_first().expect("the first is not through"))
                }
                Left::Intact(chain) | Left::Unknown(chain) => {
                    let held = InHand::from(chain.into_second().expect("the first is through"));
                    self.takes_rescued(&held, seen.status, &seen.body);
                    self.again(held)
                }
            };
        }
        panic!("a chain of two did not end");
    }

    /// A request that was not sent costs nothing.
    pub(super) fn give_back<X: grantflow::Exchange>(&mut self, exchange: X) -> X {
        let now = self.now();
        match exchange.unanswered(&mut Env::new(now, &mut self.rng), Sent::NotSent) {
            Err(Failure { left: Left::Intact(exchange), .. }) => *exchange,
            _ => panic!("a request that was not sent cost something"),
        }
    }

    /// The refresh token of the first exchange is the current one.
    fn second_begins(&mut self, brought: Option<Brought>) {
        let (refresh, scope) = brought.expect("the second is made of the first one's output");
        self.granted = Some(scope);
        self.rescued = false;
        self.in_hand = refresh.expect("it is refreshed");
        self.ledger.secret(&self.in_hand);
        self.ledger.allow(&self.in_hand);
    }
}
