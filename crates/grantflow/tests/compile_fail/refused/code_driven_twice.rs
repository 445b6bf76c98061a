//! Refused: driving a code exchange twice, over your own HTTP stack.

use core::time::Duration;

use grantflow::*;

type Answer = Result<http::Response<Vec<u8>>, (Sent, Error)>;

fn twice(
    exchange: CodeExchange,
    rng: &mut dyn Entropy,
    now: fn() -> UnixTime,
    stack: fn(http::Request<Body>) -> Answer,
) {
    let wait = |_: Duration| ();
    let _first = drive(exchange, rng, now, wait, stack);
    let _second = drive(exchange, rng, now, wait, stack); //~ E0382
}

fn main() {}
