//! An exchange that outlives the future that runs it.

use core::fmt;
use core::time::Duration;

use grantflow::{Env, Exchange, Left, Sent, Step, UnixTime};

/// An exchange that outlives the future that runs it: a run borrows it, and its progress stays here when the future is
/// dropped.
///
/// ```
/// # use grantflow::{ClientCredentials, Env, Left, Server, UnixTime};
/// # let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
/// # let exchange = ClientCredentials::new(&client);
/// # struct NoRandom;
/// # impl grantflow::Entropy for NoRandom {
/// #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
/// # }
/// # let (now, mut rng) = (UnixTime::from_secs(1_764_320_000), NoRandom);
/// let held = grantflow_async::Held::new(exchange);
/// // … a run of it is dropped, by a `select!` or a timeout …
/// match held.settle(&mut Env::new(now, &mut rng)) {
///     Left::Intact(exchange) => { /* it may be sent again without harm: run it again */ }
///     Left::Unknown(exchange) => { /* its request may have been sent: read the store again, then at most one retry */ }
///     Left::Spent => { /* the run had come to its end */ }
/// }
/// # Ok::<(), grantflow::Error>(())
/// ```
///
/// It has the type parameter of the exchange because it holds one.
pub struct Held<X>(State<X>);

enum State<X> {
    /// Between round trips: the exchange knows how long to wait before its next request.
    Resting(X),
    /// Its request was given to the stack, and no answer has come.
    Out(X),
    /// The run has ended, and gave away what was left.
    Over,
}

impl<X> Held<X> {
    /// Holds an exchange that will be run. To send the request of a failure's [`Left::Unknown`] again, hold that
    /// exchange again.
    pub fn new(exchange: X) -> Self {
        Self(State::Resting(exchange))
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.0, State::Over)
    }

    /// The exchange, if its request was given to the stack. Its outcome must be given back with [`Held::keep`], or the
    /// run ends.
    pub(crate) fn take_out(&mut self) -> Option<X> {
        match core::mem::replace(&mut self.0, State::Over) {
            State::Out(exchange) => Some(exchange),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// The exchange, if its request was not given to the stack.
    pub(crate) fn take_resting(&mut self) -> Option<X> {
        match core::mem::replace(&mut self.0, State::Over) {
            State::Resting(exchange) => Some(exchange),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// From here on, the request may have been sent.
    pub(crate) fn send_out(&mut self, exchange: X) {
        self.0 = State::Out(exchange);
    }
}

impl<X: Exchange> Held<X> {
    /// What is left of the grant after a run was dropped. A run that failed has put what was left into its
    /// [`Failure`](grantflow::Failure).
    ///
    /// If its request may have been sent, the flow decides ([`Exchange::unanswered`]): a code exchange or a refresh is
    /// [`Left::Unknown`]; a poll, a client credentials grant, and others that may be sent twice without harm are
    /// [`Left::Intact`]. At every other time it is [`Left::Intact`], or [`Left::Spent`] if the run has ended.
    pub fn settle(self, env: &mut Env<'_>) -> Left<X> {
        match self.0 {
            State::Resting(exchange) => Left::Intact(Box::new(exchange)),
            State::Out(exchange) => match exchange.unanswered(env, Sent::MaybeSent) {
                Ok(Step::Again(exchange)) => Left::Intact(Box::new(exchange)),
                Ok(Step::Done(_)) => Left::Spent,
                Err(failure) => failure.left,
            },
            State::Over => Left::Spent,
        }
    }

    /// How long to wait before the next request.
    pub(crate) fn rest(&self, now: UnixTime) -> Duration {
        match &self.0 {
            State::Resting(exchange) => exchange.rest(now),
            State::Out(_) | State::Over => Duration::ZERO,
        }
    }

    /// Keeps the next state, or returns the flow's output.
    pub(crate) fn keep(&mut self, step: Step<X>) -> Option<X::Output> {
        match step {
            Step::Done(output) => Some(output),
            Step::Again(exchange) => {
                self.0 = State::Resting(exchange);
                None
            }
        }
    }
}

impl<X> fmt::Debug for Held<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Resting(_) => "Held(not sent)",
            State::Out(_) => "Held(may have been sent)",
            State::Over => "Held(over)",
        })
    }
}

/// Why a [`Held`] was not run: a run of it was dropped, or has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Interrupted {
    /// An earlier run was dropped when its request may have been sent, and the flow does not take that for harmless.
    /// Nothing was sent now. [`Left`] says what is allowed next.
    #[error(
        "an earlier run was dropped when its request may have been sent, so nothing was sent now: see what is left of the grant"
    )]
    MaybeSent,
    /// An earlier run has ended, and gave away its output or its failure.
    #[error("this exchange was run to its end already: put the exchange that you want to run into a new Held")]
    Over,
}
