//! The blocking loop.

use core::time::Duration;

use http::{Request, Response};

use super::{Body, Entropy, Env, Exchange, Failure, Sent, Step};
use crate::error::{Error, Misuse};
use crate::value::time::UnixTime;

/// Runs an exchange over the caller's blocking HTTP stack, given as closures.
///
/// `send` carries a request. If no complete answer came, it returns its error and whether the request may have been
/// sent; the caller then gets that error, unless the flow says more: that its time is over. `now` tells the time, `wait`
/// waits.
///
/// A wait that was waited has passed: the loop makes the request for the later of two times, `now` and the end of the
/// wait. So a run ends even if `now` stands still.
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
        let asked = now();
        let rest = exchange.rest(asked);
        if !rest.is_zero() {
            wait(rest);
        }
        let due = now().max(asked.saturating_add(rest));
        let request = match exchange.request(&mut Env::new(due, rng)) {
            // The clock is behind the start of the wait, for example after a restore on another machine. The whole wait
            // has passed all the same, so it is over for the request.
            Err(Error::Misuse(Misuse::TooEarly { rest: more })) if !rest.is_zero() => {
                exchange.request(&mut Env::new(due.saturating_add(more), rng))
            }
            asked => asked,
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return Err(Failure::intact(E::from(error), exchange)),
        };
        let step = match send(request) {
            Ok(response) => {
                exchange.respond(&mut Env::new(now(), rng), response).map_err(|failure| failure.map_error(E::from))
            }
            Err((sent, error)) => exchange.unanswered(&mut Env::new(now(), rng), sent).map_err(|failure| {
                failure.map_error(|own| if matches!(own, Error::NoAnswer(_)) { error } else { E::from(own) })
            }),
        };
        match step? {
            Step::Done(output) => return Ok(output),
            Step::Again(next) => exchange = next,
        }
    }
}
