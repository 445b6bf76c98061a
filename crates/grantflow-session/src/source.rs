//! Where a session gets tokens from without a refresh token: any exchange that gives [`Tokens`].

use core::fmt;
use std::sync::Arc;

use grantflow::{AnyExchange, Env, Tokens, UnixTime};

use crate::store::Later;
use crate::sync::{Mutex, lock};

/// Why a source has no exchange. It must print no secret.
///
/// A [`grantflow::Error`] and a [`SessionError`](crate::SessionError) keep their advice:
/// [`SessionError::next`](crate::SessionError::next) of the session says what the source's own error says.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Gives a session the exchange that gets its next token: client credentials, an assertion, a token exchange, an
/// extension grant, a login on a device, a chain of them.
///
/// The session asks it when a token is due and there is no refresh token, when the server has refused the refresh token
/// for good, and when the policy gives up a refresh token that is in doubt. An exchange may have several requests and
/// may poll; a chain is one exchange ([`Exchange::then`](grantflow::Exchange::then)). The session carries them out, once
/// for all callers and under the store's lock. See [`Session::source`](crate::Session::source) for an example.
///
/// Nothing of a source is stored. If the server has judged its exchange or may have used it up, the session asks the
/// source for another one, after the pause of a failed renewal. If the server has not looked at the exchange (the request
/// was not sent, or the answer was a 429 or a 503), the session keeps the exchange in memory and sends the same one
/// again, at most ten times. An exchange that waited in memory and is then refused was probably too old, so the source is
/// asked at once, except if a person said no.
///
/// A closure with the signature of [`next`](Self::next) is a source. A source that has to wait for something, such as
/// another session's token, is an [`AsyncSource`].
pub trait Source: Send + Sync {
    /// The exchange for the next token. Its tokens must belong to the session's client. It must not block for long: it
    /// is called while the store's lock is held.
    ///
    /// # Errors
    /// Why there is none. The session waits as after any renewal that failed, and asks again.
    fn next(&self, env: &mut Env<'_>) -> Result<AnyExchange<Tokens>, SourceError>;
}

impl<F> Source for F
where
    F: Fn(&mut Env<'_>) -> Result<AnyExchange<Tokens>, SourceError> + Send + Sync,
{
    fn next(&self, env: &mut Env<'_>) -> Result<AnyExchange<Tokens>, SourceError> {
        self(env)
    }
}

/// A [`Source`] that has to obtain something before it has an exchange: the token of another session, an assertion from
/// a workload's identity service.
///
/// If that is an HTTP request of a flow, a chain of exchanges is simpler: the session carries out its requests.
///
/// A closure that takes the time and returns a future is one: see
/// [`Session::async_source`](crate::Session::async_source).
pub trait AsyncSource: Send + Sync {
    /// Obtains the exchange for the next token. Its tokens must belong to the session's client. The store's lock is held
    /// meanwhile, so other processes wait for it.
    ///
    /// The session drops the future after [`Policy::send_deadline`](crate::Policy::send_deadline), and counts that as
    /// a failure.
    ///
    /// # Errors
    /// Why there is none. The session waits as after any renewal that failed, and asks again.
    fn obtain(&self, now: UnixTime) -> Later<'_, Result<AnyExchange<Tokens>, SourceError>>;
}

impl<F, O> AsyncSource for F
where
    F: Fn(UnixTime) -> O + Send + Sync,
    O: Future<Output = Result<AnyExchange<Tokens>, SourceError>> + Send + 'static,
{
    fn obtain(&self, now: UnixTime) -> Later<'_, Result<AnyExchange<Tokens>, SourceError>> {
        Box::pin(self(now))
    }
}

/// A plan's source, and what is left over of it.
pub(crate) struct Feed {
    pub(crate) source: AnySource,
    /// The exchange that the server has not looked at yet.
    waiting: Mutex<Option<Fed>>,
}

pub(crate) enum AnySource {
    Ready(Box<dyn Source>),
    Async(Box<dyn AsyncSource>),
}

/// An exchange of a source.
pub(crate) struct Fed {
    pub(crate) exchange: AnyExchange<Tokens>,
    /// How often in a row the server has not looked at it.
    failures: u32,
}

/// An exchange that the server has not looked at so often is dropped: its endpoint or its credentials may have changed.
const MOST_FAILURES: u32 = 10;

impl Feed {
    pub(crate) fn new(source: AnySource) -> Arc<Self> {
        Arc::new(Self { source, waiting: Mutex::new(None) })
    }

    /// The exchange that waits, if there is one.
    pub(crate) fn take(&self) -> Option<Fed> {
        lock(&self.waiting).take()
    }

    /// Keeps an exchange for the next renewal.
    pub(crate) fn keep(&self, fed: Fed) {
        *lock(&self.waiting) = Some(fed);
    }

    /// Another person logs in, or this one logs out: the exchange may be the earlier person's.
    pub(crate) fn clear(&self) {
        drop(self.take());
    }
}

impl Fed {
    pub(crate) fn new(exchange: AnyExchange<Tokens>) -> Self {
        Self { exchange, failures: 0 }
    }

    /// The same exchange after a failure at which the server did not look at it. `None` after too many of them.
    pub(crate) fn not_looked_at(exchange: AnyExchange<Tokens>, failures: u32) -> Option<Self> {
        let failures = failures.saturating_add(1);
        (failures < MOST_FAILURES).then_some(Self { exchange, failures })
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            AnySource::Ready(_) => "Source",
            AnySource::Async(_) => "AsyncSource",
        })
    }
}
