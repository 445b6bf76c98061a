//! What can go wrong.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use grantflow::{NotOurs, PendingCallback};

/// Why there is no listener, or no callback. It shows nothing that a visitor sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another program uses this port, at `127.0.0.1` or at `[::1]`. A port is never shared.
    Taken {
        /// The port; 0 if no free one was found.
        port: u16,
    },
    /// This machine has no loopback address to listen at, or not the one that the redirect URI names.
    NoLoopback(io::Error),
    /// The path does not start with `/`, or has a segment `.` or `..`, which browsers remove.
    Path,
    /// The path makes no valid redirect URI.
    RedirectUri(grantflow::Error),
    /// No thread can be started.
    Thread(io::Error),
    /// No callback came in time.
    Late {
        /// How long the listener waited.
        waited: Duration,
        /// How many callbacks came that were not the answer.
        strays: u64,
        /// Why the last of them was not the answer.
        last: Option<NotOurs>,
    },
    /// A [`Stop`](crate::Stop) told the listener to end.
    Stopped,
    /// No visitor can be accepted any more.
    Accept(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { port: 0 } => {
                f.write_str("cannot listen for the callback: no port is free at both 127.0.0.1 and [::1]; name one")
            }
            Self::Taken { port } => write!(
                f,
                "cannot listen for the callback: another program has port {port} of 127.0.0.1 or [::1]; end it, or choose \
                 another port"
            ),
            Self::NoLoopback(_) => f.write_str(
                "cannot listen for the callback: the loopback address cannot be bound; check the machine's network, and the \
                 port's number",
            ),
            Self::Path => f.write_str("a redirect path starts with / and has no segment . or ..; give another path"),
            Self::RedirectUri(_) => f.write_str("the path makes no valid redirect URI; give another path"),
            Self::Thread(_) => f.write_str("cannot start a thread that listens for the callback; end other programs"),
            Self::Late { waited, strays, last } => {
                write!(f, "no callback came within {waited:?}; start the login again")?;
                match (strays, last) {
                    (1, Some(why)) => write!(f, " (one callback came that was not the answer: {why})"),
                    (2.., Some(why)) => write!(f, " ({strays} callbacks came that were not the answer; about the last one: {why})"),
                    _ => Ok(()),
                }
            }
            Self::Stopped => f.write_str("the login was stopped before a callback came; start it again"),
            Self::Accept(_) => f.write_str("no visitor can be accepted any more; start the login again"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::NoLoopback(error) | Self::Thread(error) | Self::Accept(error) => Some(error),
            Self::RedirectUri(error) => Some(error),
            _ => None,
        }
    }
}

/// No callback came. The grant still waits for it: an address that the person pastes can go to
/// [`PendingCallback::receive_url`].
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "made to be taken apart")]
pub struct NoCallback {
    /// Why no callback came.
    pub error: Error,
    /// The grant, unchanged.
    pub pending: Box<PendingCallback>,
}

impl fmt::Display for NoCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for NoCallback {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}
