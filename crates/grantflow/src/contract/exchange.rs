//! A state that needs one HTTP round trip to leave.

use core::time::Duration;

use http::{Request, Response};

use super::{Body, Env, Failure, Sent, Step, Then};
use crate::error::{Error, Misuse};
use crate::value::time::UnixTime;

/// A state that needs one HTTP round trip to leave.
///
/// The stack that carries the request must not follow redirects, must return every status as a response, and must bound
/// the body. [`drive`](crate::drive) is the loop for a blocking stack; each adapter crate has one too.
///
/// # A loop by hand
///
/// A flow that polls needs time between its requests: ask [`rest`](Self::rest) before each of them, and wait that long.
/// A request before its time is refused with [`Misuse::TooEarly`], and nothing is lost.
///
/// ```
/// # use std::time::Duration;
/// use grantflow::{Entropy, Env, Error, Exchange, Misuse, Step, UnixTime};
/// # use grantflow::Body;
///
/// # type Carried = http::Response<Vec<u8>>;
/// fn run<X: Exchange>(
///     mut exchange: X,
///     rng: &mut dyn Entropy,
///     now: impl Fn() -> UnixTime,
///     wait: impl Fn(Duration),
///     send: impl Fn(http::Request<Body>) -> Carried,
/// ) -> Result<X::Output, Error> {
///     loop {
///         wait(exchange.rest(now()));
///         let request = match exchange.request(&mut Env::new(now(), rng)) {
///             Ok(request) => request,
///             // The clock went back, or the wait was cut short: ask again.
///             Err(Error::Misuse(Misuse::TooEarly { rest })) => {
///                 wait(rest);
///                 continue;
///             }
///             Err(error) => return Err(error),
///         };
///         match exchange.respond(&mut Env::new(now(), rng), send(request))? {
///             Step::Done(output) => return Ok(output),
///             Step::Again(next) => exchange = next,
///         }
///     }
/// }
/// ```
pub trait Exchange: Sized {
    /// The flow's output when it has ended.
    type Output;

    /// How long to wait before the next request; zero, unless the flow polls. A loop asks before each request, also the
    /// first: a flow may have to wait before its first poll, and a restored flow may have waited a part already.
    fn rest(&self, now: UnixTime) -> Duration {
        let _ = now;
        Duration::ZERO
    }

    /// The request to send. It does not change the state, and may be called again.
    ///
    /// # Errors
    /// If it cannot be made; nothing is lost. [`Misuse::TooEarly`] if more than a second of [`rest`](Self::rest) is left.
    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error>;

    /// Takes the response, which ends the state.
    ///
    /// # Errors
    /// [`Failure`], with what is left of the grant.
    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>>;

    /// Takes the report that no response came, or no complete one.
    ///
    /// # Errors
    /// [`Failure`], with what is left of the grant. Flows that poll continue instead.
    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>>;

    /// Continues with another exchange, made from this one's output: two round trips, run as one.
    ///
    /// **If `next` fails, the first output is gone**: the first exchange has ended, so the failure is
    /// [`Left::Spent`](crate::Left::Spent), and tokens that `next` was given are lost with it. To keep the output, let
    /// `next` store it (in a variable that it borrows, or in a store) before it does anything that can fail. Or run the
    /// two one by one: then you have the output of the first.
    fn then<Y: Exchange, F: FnOnce(Self::Output, &mut Env<'_>) -> Result<Y, Error>>(self, next: F) -> Then<Self, Y, F> {
        Then::new(self, next)
    }
}

/// A response that is not the final one. The answer may still come, so nothing is decided.
pub(crate) fn is_interim<B>(response: &Response<B>) -> Option<Error> {
    response.status().is_informational().then_some(Error::Misuse(Misuse::InterimResponse))
}
