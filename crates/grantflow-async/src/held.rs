//! An exchange that outlives the future that runs it.

use core::fmt;
use core::time::Duration;

use grantflow::{Exchange, Left, Step, UnixTime};

/// An exchange that outlives the future that runs it: a run borrows it, and what the run had come to stays here when
/// the future is dropped.
///
/// ```
/// # use grantflow::{ClientCredentials, Left, Server};
/// # let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
/// # let exchange = ClientCredentials::new(&client);
/// let held = grantflow_async::Held::new(exchange);
/// // … a run of it is dropped, by a `select!` or a timeout …
/// match held.into_left() {
///     Left::Intact(exchange) => { /* its request had not left: run it again */ }
///     Left::Unknown(exchange) => { /* it may have: read the store again, then at most one retry */ }
///     Left::Spent => { /* the run had come to its end */ }
/// }
/// # Ok::<(), grantflow::Error>(())
/// ```
///
/// The type parameter is the exchange's own: to hold one is what it is for.
pub struct Held<X>(State<X>);

enum State<X> {
    /// Between round trips: a request is due once `after` has passed since `since`.
    Resting { exchange: X, since: UnixTime, after: Duration },
    /// Its request was given to the stack, and no answer has come.
    Out(X),
    /// The run came to its end, and gave away what was left.
    Over,
}

/// A second's fraction that a [`UnixTime`] does not show.
const TICK: Duration = Duration::from_secs(1);

impl<X> Held<X> {
    /// Holds an exchange that is to be run. To hold one again that a failure left [`Left::Unknown`] is the one way to say
    /// that it shall be sent again.
    pub fn new(exchange: X) -> Self {
        Self(State::Resting { exchange, since: UnixTime::from_secs(0), after: Duration::ZERO })
    }

    /// What is left of the grant when a run was dropped: [`Left::Unknown`] if its request may have been sent,
    /// [`Left::Intact`] if not, [`Left::Spent`] if the run came to its end. A run that failed has put what was left into its
    /// [`Failure`](grantflow::Failure).
    ///
    /// This goes by the request alone. What its loss means, the flow knows: a poll or a client credentials grant may be sent
    /// again in any case. Run the `Held` again, and it will say so.
    pub fn into_left(self) -> Left<X> {
        match self.0 {
            State::Resting { exchange, .. } => Left::Intact(Box::new(exchange)),
            State::Out(exchange) => Left::Unknown(Box::new(exchange)),
            State::Over => Left::Spent,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.0, State::Over)
    }

    /// How long to wait before the next request: all of a wait that was broken off, but for what has passed for certain.
    pub(crate) fn rest(&self, now: UnixTime) -> Option<Duration> {
        match &self.0 {
            State::Resting { since, after, .. } => {
                let rest = after.saturating_sub(now.saturating_since(*since).saturating_sub(TICK));
                (!rest.is_zero()).then_some(rest)
            }
            State::Out(_) | State::Over => None,
        }
    }

    /// The exchange, if its request is out. What comes of it must be given back with [`Held::keep`], or ends the run.
    pub(crate) fn take_out(&mut self) -> Option<X> {
        match core::mem::replace(&mut self.0, State::Over) {
            State::Out(exchange) => Some(exchange),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// The exchange, if its request is not out.
    pub(crate) fn take_resting(&mut self) -> Option<X> {
        match core::mem::replace(&mut self.0, State::Over) {
            State::Resting { exchange, .. } => Some(exchange),
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// From here on, the request may have left.
    pub(crate) fn send_out(&mut self, exchange: X) {
        self.0 = State::Out(exchange);
    }
}

impl<X: Exchange> Held<X> {
    /// Keeps what goes on; gives what the flow was for.
    pub(crate) fn keep(&mut self, step: Step<X>, now: UnixTime) -> Option<X::Output> {
        match step {
            Step::Done(output) => Some(output),
            Step::Again { exchange, after } => {
                self.0 = State::Resting { exchange, since: now, after };
                None
            }
        }
    }
}

impl<X> fmt::Debug for Held<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            State::Resting { .. } => "Held(not sent)",
            State::Out(_) => "Held(may have been sent)",
            State::Over => "Held(over)",
        })
    }
}

/// Why a [`Held`] was not run: a run of it was dropped, or is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Interrupted {
    /// An earlier run was dropped when its request may have been sent, and the flow does not take that for harmless. Nothing
    /// was sent now. [`Left`] says what is allowed next.
    #[error("an earlier run was dropped when its request may have been sent, and nothing was sent now")]
    MaybeSent,
    /// An earlier run came to its end, and gave away its output or its failure.
    #[error("this exchange was run to its end already: hold the one that is to be run now")]
    Over,
}
