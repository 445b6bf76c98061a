//! The loop.

use core::time::Duration;

use grantflow::{Body, Entropy, Env, Error, Exchange, Failure, Left, Sent, UnixTime};
use http::{Request, Response};

use crate::{Held, Interrupted, give_way};

/// Runs an exchange to its end over an async stack, given as closures.
///
/// For each round trip the loop awaits `ready`, makes the request, and awaits `send` with what `ready` gave. `ready` is the
/// place for a connection to be had or a service to have room: an error there says that the request was certainly not sent.
/// `send` carries the request; if no whole answer came, it says whether the request may have been sent, and its own error,
/// which is what the caller then sees. `now` tells the time, `wait` waits. `E` is made from a flow's error or from
/// [`Interrupted`]; `Box<dyn Error + Send + Sync>` is.
///
/// # Cancel safety
/// The future may be dropped at any time. [`Held::into_left`] is [`Left::Unknown`] if `send` had been called and had not come
/// back, [`Left::Intact`] at every other time.
///
/// Running the `Held` again goes on where it was. A wait that was broken off is waited to its end. A request that may have
/// been sent is one without an answer, so the flow decides ([`Exchange::unanswered`]): polls go on; a code exchange or a refresh
/// fails with [`Interrupted::MaybeSent`], [`Left::Unknown`], and nothing is sent.
///
/// # Errors
/// The flow's error or the stack's, with what is left of the grant; [`Interrupted`].
pub async fn drive<X, C, B, E, W, R, S>(
    held: &mut Held<X>,
    rng: &mut (dyn Entropy + Send),
    mut now: impl FnMut() -> UnixTime,
    mut wait: impl FnMut(Duration) -> W,
    mut ready: impl FnMut() -> R,
    mut send: impl FnMut(C, Request<Body>) -> S,
) -> Result<X::Output, Failure<X, E>>
where
    X: Exchange,
    B: AsRef<[u8]>,
    E: From<Error> + From<Interrupted>,
    W: Future<Output = ()>,
    R: Future<Output = Result<C, E>>,
    S: Future<Output = Result<Response<B>, (Sent, E)>>,
{
    if let Some(exchange) = held.take_out() {
        let step = exchange
            .unanswered(&mut Env { now: now(), rng }, Sent::MaybeSent)
            .map_err(|failure| failure.map_error(|_| E::from(Interrupted::MaybeSent)));
        if let Some(output) = held.keep(step?, now()) {
            return Ok(output);
        }
    }
    loop {
        if held.is_over() {
            return Err(over());
        }
        if let Some(rest) = held.rest(now()) {
            wait(rest).await;
        }
        let connection = ready().await;
        let Some(exchange) = held.take_resting() else { return Err(over()) };
        let step = match connection {
            Ok(connection) => {
                // Only now: signatures and proofs in a request tell the time at which it is made.
                let request = match exchange.request(&mut Env { now: now(), rng }) {
                    Ok(request) => request,
                    Err(error) => return Err(Failure { error: error.into(), left: Left::Intact(Box::new(exchange)) }),
                };
                held.send_out(exchange);
                let answer = send(connection, request).await;
                let Some(exchange) = held.take_out() else { return Err(over()) };
                match answer {
                    Ok(response) => exchange
                        .respond(&mut Env { now: now(), rng }, response)
                        .map_err(|failure| failure.map_error(E::from)),
                    Err((sent, error)) => exchange
                        .unanswered(&mut Env { now: now(), rng }, sent)
                        .map_err(|failure| failure.map_error(|_| error)),
                }
            }
            Err(error) => exchange
                .unanswered(&mut Env { now: now(), rng }, Sent::NotSent)
                .map_err(|failure| failure.map_error(|_| error)),
        };
        if let Some(output) = held.keep(step?, now()) {
            return Ok(output);
        }
        if held.rest(now()).is_none() {
            // Nothing is waited for: over a stack that is always ready, the caller's own timers would not be looked at.
            give_way().await;
        }
    }
}

fn over<X, E: From<Interrupted>>() -> Failure<X, E> {
    Failure { error: Interrupted::Over.into(), left: Left::Spent }
}
