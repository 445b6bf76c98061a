//! The contract between a flow and the HTTP stack that carries its requests.
//!
//! A state that needs one HTTP round trip to leave is an [`Exchange`]. It gives a request, takes the response, and
//! answers with a [`Step`] or with a [`Failure`] that says what is [`Left`] of the grant. It never waits and never
//! asks the time: a wait is a value, and the time comes in with [`Env`].

use core::fmt;
use core::time::Duration;

use http::{Request, Response};
use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

pub use crate::error::Sent;
use crate::error::{Error, Misuse};
use crate::value::time::UnixTime;

mod then;

pub use then::Then;

/// What a step may use of the outside world: the time, and entropy.
pub struct Env<'a> {
    /// The time now. For [`Exchange::respond`], take it when the response arrives: lifetimes count from it.
    pub now: UnixTime,
    /// A source of unpredictable bytes.
    pub rng: &'a mut dyn Entropy,
}

impl fmt::Debug for Env<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Env {{ now: {:?} }}", self.now)
    }
}

/// A source of unpredictable bytes that may fail. Every `rand_core` 0.10 `TryCryptoRng` is one.
pub trait Entropy {
    /// Fills `bytes` with unpredictable ones.
    ///
    /// # Errors
    /// If the source cannot give any; then nothing is sent, and nothing weaker is used in its place.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed>;
}

/// The source of entropy could not give any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the source of entropy failed")]
#[allow(clippy::exhaustive_structs, reason = "there is nothing to add: why it failed is the source's to tell")]
pub struct EntropyFailed;

impl<R: TryCryptoRng + ?Sized> Entropy for R {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), EntropyFailed> {
        self.try_fill_bytes(bytes).map_err(|_| EntropyFailed)
    }
}

/// A message's body. It holds credentials or tokens, so it is redacted when printed and wiped when dropped.
///
/// `AsRef<[u8]>` lends its bytes, `Vec::from` gives them away. An adapter puts what it has read into one with
/// `Body::from`: an `http::Response<Vec<u8>>` prints its tokens with `{:?}`.
#[derive(Clone, Default)]
pub struct Body(Zeroizing<Vec<u8>>);

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Body> for Vec<u8> {
    /// The bytes. From here on, wiping them is the caller's.
    fn from(mut body: Body) -> Self {
        core::mem::take(&mut *body.0)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body([{} bytes])", self.0.len())
    }
}

/// A state that needs one HTTP round trip to leave.
///
/// The stack that carries the request must not follow redirects, must hand over every status as a response, and must bound
/// the body. [`drive`] is the loop for a blocking stack; the adapter crates have one each.
pub trait Exchange: Sized {
    /// What the flow has when it is through.
    type Output;

    /// The request to send. Leaves the state alone and may be called again.
    ///
    /// # Errors
    /// If it cannot be made; nothing is lost.
    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error>;

    /// Takes the response, which ends the state.
    ///
    /// # Errors
    /// [`Failure`], with what is left of the grant.
    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>>;

    /// Takes the news that no response came: not at all, or not a whole one.
    ///
    /// # Errors
    /// [`Failure`], with what is left of the grant. Flows that poll go on instead.
    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>>;

    /// Goes on to another exchange with this one's output: two round trips, run as one.
    ///
    /// **If `next` fails, the first output is gone**: the first exchange is through, so the failure is [`Left::Spent`],
    /// and tokens that `next` was given are lost with it. Where the output is worth keeping, let `next` do nothing that
    /// can fail before it has put it away (into a variable that it borrows, or a store), or run the two one by one: the
    /// output of the first is then yours.
    fn then<Y: Exchange, F: FnOnce(Self::Output, &mut Env<'_>) -> Result<Y, Error>>(self, next: F) -> Then<Self, Y, F> {
        Then::new(self, next)
    }
}

/// What an exchange has come to.
#[must_use = "a step holds either what the flow was for or the state that goes on"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "every loop must handle every step")]
pub enum Step<X: Exchange> {
    /// It is through.
    Done(X::Output),
    /// It needs another round trip.
    Again {
        /// The state that goes on.
        exchange: X,
        /// How long to wait before its next request.
        after: Duration,
    },
}

/// What is left of a grant after a failure.
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a grant is used up, still good, or nobody knows")]
pub enum Left<X> {
    /// Nothing: it was used up or refused. Start the flow again.
    Spent,
    /// All of it: the server has certainly not used it. The same exchange may be run again.
    Intact(Box<X>),
    /// Nobody knows: the server may have used it before the answer was lost.
    ///
    /// Allowed next: read the store again, for a sibling process may hold newer tokens; then at most one retry, never at
    /// the same time as another. A server may take the retry of a spent grant for theft and revoke the whole family.
    Unknown(Box<X>),
}

impl<X> Left<X> {
    pub(crate) fn map<Y>(self, to: impl FnOnce(X) -> Y) -> Left<Y> {
        match self {
            Self::Spent => Left::Spent,
            Self::Intact(exchange) => Left::Intact(Box::new(to(*exchange))),
            Self::Unknown(exchange) => Left::Unknown(Box::new(to(*exchange))),
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::Spent => "the grant is spent: start again",
            Self::Intact(_) => "the grant is intact and may be tried again",
            Self::Unknown(_) => "the grant may have been used: read your store again before one retry",
        }
    }
}

/// An error, and what it left of the grant.
///
/// `?` turns it into its plain error for those who do not resume.
#[must_use = "a failure may hold the grant"]
pub struct Failure<X, E = Error> {
    /// What went wrong.
    pub error: E,
    /// What is left of the grant.
    pub left: Left<X>,
}

impl<X, E> Failure<X, E> {
    /// The error alone; what is left of the grant is dropped.
    pub fn into_error(self) -> E {
        self.error
    }

    /// The same failure with another error type.
    pub fn map_error<F>(self, to: impl FnOnce(E) -> F) -> Failure<X, F> {
        Failure { error: to(self.error), left: self.left }
    }

    pub(crate) fn map_left<Y>(self, to: impl FnOnce(X) -> Y) -> Failure<Y, E> {
        Failure { error: self.error, left: self.left.map(to) }
    }
}

impl<X> Failure<X> {
    pub(crate) fn intact(error: Error, exchange: X) -> Self {
        Self { error, left: Left::Intact(Box::new(exchange)) }
    }

    pub(crate) fn unknown(error: Error, exchange: X) -> Self {
        Self { error, left: Left::Unknown(Box::new(exchange)) }
    }

    pub(crate) fn spent(error: Error) -> Self {
        Self { error, left: Left::Spent }
    }
}

impl<X> From<Failure<X>> for Error {
    fn from(failure: Failure<X>) -> Self {
        failure.error
    }
}

impl<X, E: fmt::Debug> fmt::Debug for Failure<X, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failure {{ error: {:?}, left: {} }}", self.error, self.left.hint())
    }
}

impl<X, E: fmt::Display> fmt::Display for Failure<X, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.error, self.left.hint())
    }
}

impl<X, E: std::error::Error> std::error::Error for Failure<X, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // Display has shown the error itself: go on with what is below it.
        self.error.source()
    }
}

/// Runs an exchange over a blocking HTTP stack of the caller's own, given as closures.
///
/// `send` carries a request. If no whole answer came, it says whether the request may have been sent, and its own error,
/// which is what the caller then sees. `now` tells the time, `wait` waits.
///
/// # Errors
/// The flow's error or the stack's, with what is left of the grant.
///
/// ```
/// # use grantflow::{Body, Exchange, Failure, Error, Sent, Server, UnixTime, ClientCredentials};
/// # struct NoRandom;
/// # impl grantflow::Entropy for NoRandom {
/// #     fn fill(&mut self, _: &mut [u8]) -> Result<(), grantflow::EntropyFailed> { Err(grantflow::EntropyFailed) }
/// # }
/// fn my_stack(request: http::Request<Body>) -> Result<http::Response<Vec<u8>>, (Sent, Error)> {
///     assert_eq!(request.uri(), "https://as.example/token");
///     Ok(http::Response::new(br#"{"access_token":"t","token_type":"Bearer","expires_in":60}"#.to_vec()))
/// }
///
/// let client = Server::with_token_endpoint("https://as.example/token")?.client("robot").secret_post("s3cret")?;
/// let tokens = grantflow::drive(
///     ClientCredentials::new(&client),
///     &mut NoRandom, // this flow draws nothing
///     || UnixTime::from_secs(1_700_000_000),
///     std::thread::sleep,
///     my_stack,
/// )?;
/// assert_eq!(tokens.expires_at(), Some(UnixTime::from_secs(1_700_000_060)));
/// # Ok::<(), Error>(())
/// ```
pub fn drive<X: Exchange, B: AsRef<[u8]>, E: From<Error>>(
    mut exchange: X,
    rng: &mut dyn Entropy,
    mut now: impl FnMut() -> UnixTime,
    mut wait: impl FnMut(Duration),
    mut send: impl FnMut(Request<Body>) -> Result<Response<B>, (Sent, E)>,
) -> Result<X::Output, Failure<X, E>> {
    loop {
        let request = match exchange.request(&mut Env { now: now(), rng }) {
            Ok(request) => request,
            Err(error) => return Err(Failure::intact(error, exchange).map_error(E::from)),
        };
        let step = match send(request) {
            Ok(response) => {
                exchange.respond(&mut Env { now: now(), rng }, response).map_err(|failure| failure.map_error(E::from))
            }
            Err((sent, error)) => {
                exchange.unanswered(&mut Env { now: now(), rng }, sent).map_err(|failure| failure.map_error(|_| error))
            }
        };
        match step? {
            Step::Done(output) => return Ok(output),
            Step::Again { exchange: next, after } => {
                wait(after);
                exchange = next;
            }
        }
    }
}

/// A response that is not the final one. The answer may still come, so nothing is decided.
pub(crate) fn is_interim<B>(response: &Response<B>) -> Option<Error> {
    response.status().is_informational().then_some(Error::Misuse(Misuse::InterimResponse))
}
