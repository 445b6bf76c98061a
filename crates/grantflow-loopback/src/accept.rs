//! Threads that accept connections.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::shared::{Shared, State};
use crate::visit::Site;

/// How many threads accept at each address. std's queue has room for 128. One thread would be late when as many others
/// as there are processors are busy connecting, and a client that finds the queue full tries again after a second.
const ACCEPTING: usize = 4;
/// How often accepting may fail in a row, and the pause after each failure: 30 s in all.
const FAILURES: u32 = 1500;
const PAUSE: Duration = Duration::from_millis(20);

/// Accepts at `socket` until the listener ends. The socket is closed before the state says so.
///
/// # Errors
/// If no thread can be started. One thread is enough.
pub(crate) fn start(shared: &Arc<Shared>, site: &Site, socket: TcpListener, address: SocketAddr) -> io::Result<()> {
    let socket = Arc::new(socket);
    for number in 0..ACCEPTING {
        let (accepting, shared, site) = (Arc::clone(&socket), Arc::clone(shared), site.clone());
        let close = {
            let shared = Arc::clone(&shared);
            move |failed: Option<io::Error>| {
                shared.change(|state| {
                    if let Some(at) = state.open.iter().position(|open| *open == address) {
                        state.open.swap_remove(at);
                    }
                    state.accept_error = failed.or(state.accept_error.take());
                });
            }
        };
        shared.change(|state| state.open.push(address));
        let is_started = thread().spawn({
            let close = close.clone();
            move || {
                let failed = accept(&shared, &site, FAILURES, || accepting.accept().map(|(stream, _)| stream)).err();
                drop(accepting);
                close(failed);
            }
        });
        if let Err(error) = is_started {
            close(None);
            return if number == 0 { Err(error) } else { Ok(()) };
        }
    }
    Ok(())
}

pub(crate) fn thread() -> thread::Builder {
    thread::Builder::new().name("grantflow-loopback".to_owned())
}

/// Accepts visitors until the listener ends, or until `next` has failed too often in a row. A call that fails because
/// descriptors are short or a visitor has left may succeed the next time.
fn accept(
    shared: &Arc<Shared>,
    site: &Site,
    most_failures: u32,
    next: impl Fn() -> io::Result<TcpStream>,
) -> io::Result<()> {
    let mut failures = 0;
    loop {
        let next = next();
        if shared.lock().is_over {
            return Ok(());
        }
        match next {
            Ok(stream) => {
                failures = 0;
                shared.let_in(stream, |place| {
                    let site = site.clone();
                    thread().spawn(move || site.serve(place)).map(drop)
                });
            }
            Err(error) if is_the_visitors(error.kind()) => {}
            Err(error) => {
                failures += 1;
                if failures > most_failures {
                    return Err(error);
                }
                // A silent visitor may hold the missing descriptor. It is not known whether another visitor waits for
                // it: systems report the error before they look.
                shared.change(State::end_the_slowest_visit);
                thread::sleep(PAUSE);
            }
        }
    }
}

/// Whether accepting failed because a visitor left again, or because of a signal.
fn is_the_visitors(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site { port: 1, done_path: "/done".into(), visit: Duration::from_secs(1) }
    }

    #[test]
    fn accepting_is_tried_again_until_all_is_over() {
        let (shared, site) = (Arc::<Shared>::default(), site());
        let tries = std::cell::Cell::new(0);
        let kinds = [ErrorKind::ConnectionAborted, ErrorKind::Other, ErrorKind::Interrupted, ErrorKind::OutOfMemory];
        let accepted = accept(&shared, &site, 10, || {
            tries.set(tries.get() + 1);
            if tries.get() == 10 {
                shared.change(|state| state.is_over = true);
            }
            Err(kinds[tries.get() % kinds.len()].into())
        });
        assert_eq!((accepted.is_ok(), tries.get()), (true, 10));
    }

    #[test]
    fn accepting_that_goes_on_failing_is_an_error() {
        let (shared, site) = (Arc::<Shared>::default(), site());
        let tries = std::cell::Cell::new(0);
        let error = accept(&shared, &site, 3, || {
            tries.set(tries.get() + 1);
            Err(ErrorKind::PermissionDenied.into())
        });
        assert_eq!((error.unwrap_err().kind(), tries.get()), (ErrorKind::PermissionDenied, 4));
    }
}
