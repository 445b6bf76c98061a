//! The loop.

use core::time::Duration;

use grantflow::{Body, Entropy, Env, Error, Exchange, Failure, Misuse, Sent, UnixTime};
use http::{Request, Response};

use crate::{Held, Interrupted, give_way};

/// Runs an exchange to its end over an async stack, given as closures.
///
/// For each round trip the loop waits as long as [`Exchange::rest`] says, awaits `ready`, makes the request, and awaits
/// `send` with the value of `ready`. `ready` waits for a connection or for room in a service: after an error there, the
/// request was certainly not sent. `send` carries the request. If no complete answer came, it returns its error and
/// whether the request may have been sent; the caller then gets that error, unless the flow's own says more:
/// [`Error::Expired`]. `now` tells the time, `wait` waits. `E` is made from a flow's error or from [`Interrupted`], as
/// `Box<dyn Error + Send + Sync>` is.
///
/// A wait that was waited has passed: the loop makes the request for the later of two times, `now` and the end of the
/// wait. So a run ends even if `now` stands still.
///
/// # Cancel safety
/// The future may be dropped at any time. If `send` was called and has not returned, [`Held::settle`] asks the flow
/// what is left; at every other time it is [`Left::Intact`](grantflow::Left::Intact).
///
/// Running the `Held` again continues where it was. An interrupted wait is waited to its end. A request that may have
/// been sent counts as one without an answer, so the flow decides ([`Exchange::unanswered`]): polls continue; a code
/// exchange or a refresh fails with [`Interrupted::MaybeSent`], [`Left::Unknown`](grantflow::Left::Unknown), and
/// nothing is sent.
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
            .unanswered(&mut Env::new(now(), rng), Sent::MaybeSent)
            .map_err(|failure| failure.map_error(|own| unless_it_says_more(own, E::from(Interrupted::MaybeSent))));
        if let Some(output) = held.keep(step?) {
            return Ok(output);
        }
    }
    loop {
        if held.is_over() {
            return Err(over());
        }
        let asked = now();
        let rest = held.rest(asked);
        if !rest.is_zero() {
            wait(rest).await;
        }
        let connection = ready().await;
        let Some(exchange) = held.take_resting() else { return Err(over()) };
        let step = match connection {
            Ok(connection) => {
                // Made only now, because signatures and proofs in a request contain its time.
                let due = now().max(asked.saturating_add(rest));
                let request = match exchange.request(&mut Env::new(due, rng)) {
                    // The clock is behind the start of the wait, for example after a restore on another machine. The whole
                    // wait has passed all the same, so it is over for the request.
                    Err(Error::Misuse(Misuse::TooEarly { rest: more })) if !rest.is_zero() => {
                        exchange.request(&mut Env::new(due.saturating_add(more), rng))
                    }
                    asked => asked,
                };
                let request = match request {
                    Ok(request) => request,
                    Err(error) => return Err(Failure::intact(E::from(error), exchange)),
                };
                held.send_out(exchange);
                let answer = send(connection, request).await;
                let Some(exchange) = held.take_out() else { return Err(over()) };
                match answer {
                    Ok(response) => exchange
                        .respond(&mut Env::new(now(), rng), response)
                        .map_err(|failure| failure.map_error(E::from)),
                    Err((sent, error)) => exchange
                        .unanswered(&mut Env::new(now(), rng), sent)
                        .map_err(|failure| failure.map_error(|own| unless_it_says_more(own, error))),
                }
            }
            Err(error) => exchange
                .unanswered(&mut Env::new(now(), rng), Sent::NotSent)
                .map_err(|failure| failure.map_error(|own| unless_it_says_more(own, error))),
        };
        if let Some(output) = held.keep(step?) {
            return Ok(output);
        }
        if held.rest(now()).is_zero() {
            // There was no wait: over a stack that is always ready, the caller's own timers would get no turn.
            give_way().await;
        }
    }
}

/// If no answer came, the caller gets the stack's error, unless the flow reports that its time has passed.
fn unless_it_says_more<E: From<Error>>(own: Error, of_the_stack: E) -> E {
    if matches!(own, Error::NoAnswer(_)) { of_the_stack } else { E::from(own) }
}

fn over<X, E: From<Interrupted>>() -> Failure<X, E> {
    Failure::spent(Interrupted::Over.into())
}
