//! What can go wrong.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use grantflow::{NotOurs, PendingCallback};

/// Why there is no listener, or no callback. Nothing that a visitor sent is in it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// Another program has this port, at `127.0.0.1` or at `[::1]`. A port is never shared.
    Taken {
        /// Which; 0 if no free one was found.
        port: u16,
    },
    /// This machine has no loopback address that can be listened at, or not the one that the redirect URI is to name.
    NoLoopback(io::Error),
    /// The path has no `/` at its start, or has `.` or `..` in it, which browsers take out.
    Path,
    /// The path makes no redirect URI.
    RedirectUri(grantflow::Error),
    /// No thread can be started.
    Thread(io::Error),
    /// Nobody came back in time.
    Late {
        /// How long the listener waited.
        waited: Duration,
        /// How many callbacks came that were not the answer.
        strays: u64,
        /// Why the last one of them was not.
        last: Option<NotOurs>,
    },
    /// A [`Stop`](crate::Stop) told the listener to end.
    Stopped,
    /// No visitor can be taken any more.
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
            Self::RedirectUri(_) => f.write_str("the path makes no redirect URI; give another path"),
            Self::Thread(_) => f.write_str("cannot start a thread that listens for the callback; end other programs"),
            Self::Late { waited, strays, last } => {
                write!(f, "nobody came back within {waited:?}; start the login again")?;
                match (strays, last) {
                    (1, Some(why)) => write!(f, " (one callback came that was not the answer: {why})"),
                    (2.., Some(why)) => write!(f, " ({strays} callbacks came that were not the answer; of the last one, {why})"),
                    _ => Ok(()),
                }
            }
            Self::Stopped => f.write_str("the login was stopped before anybody came back"),
            Self::Accept(_) => f.write_str("no visitor can be taken any more; start the login again"),
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

/// No callback has come. The grant still waits for it: an address that the person pastes can go to
/// [`PendingCallback::receive_url`].
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "made to be taken apart")]
pub struct NoCallback {
    /// Why.
    pub error: Error,
    /// The grant, as good as before.
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
