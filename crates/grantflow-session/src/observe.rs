//! Observers, which are told of every renewal.

use crate::error::{Cause, SessionError, Unanswered};
use crate::fresh::FreshToken;
use crate::key::Key;
use crate::renewal::{Stored, TokenFrom};

/// Is told what a session does, to log it, to count it or to keep a copy.
///
/// The caller, thread or task that performs the renewal calls the observer during that work, often while it holds the
/// store's lock. So an observer should be quick. An observer that asks the same session for a token does not hang, and
/// may get [`SessionError::Busy`]. Every closure that takes an [`Event`] is an observer.
pub trait Observer: Send + Sync {
    /// Called after, or just before, the event.
    fn on(&self, event: &Event<'_>);
}

impl<F: Fn(&Event<'_>) + Send + Sync> Observer for F {
    fn on(&self, event: &Event<'_>) {
        self(event);
    }
}

/// What happened. Its `Debug` shows no secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The session asks its [`AsyncSource`](crate::AsyncSource) for an exchange.
    Obtaining {
        /// Which grant.
        key: &'a Key,
    },
    /// A request is about to be sent. If it is a refresh, the store has its mark.
    Sending {
        /// Which grant.
        key: &'a Key,
        /// How many requests with this refresh token may have been sent, this one included. For an exchange of a
        /// [`Source`](crate::Source): how many requests it has had in this renewal, this one included.
        attempt: u32,
    },
    /// No complete answer came.
    Unanswered {
        /// Which grant.
        key: &'a Key,
        /// Whether the request may have been sent, and why there is no answer.
        unanswered: &'a Unanswered,
    },
    /// An answer came, and it granted nothing: a refusal, or an answer that proves nothing (a gateway's page, a
    /// redirect, an answer that cannot be read).
    NotGranted {
        /// Which grant.
        key: &'a Key,
        /// What is wrong with the answer.
        cause: &'a Cause,
    },
    /// There is a new token, and it is durable.
    Renewed {
        /// Which grant.
        key: &'a Key,
        /// The token.
        token: &'a FreshToken,
        /// Where it came from.
        from: TokenFrom,
        /// What the store holds now.
        stored: &'a Stored,
    },
    /// There is no new token.
    Failed {
        /// Which grant.
        key: &'a Key,
        /// Why.
        error: &'a SessionError,
    },
}

#[cfg(feature = "tracing")]
const TARGET: &str = "grantflow_session";

/// Sends the event as a `tracing` event with the target `grantflow_session`. No field holds a secret.
#[cfg(feature = "tracing")]
pub(crate) fn trace(event: &Event<'_>) {
    match event {
        Event::Obtaining { key } => tracing::debug!(target: TARGET, %key, "asking the source"),
        Event::Sending { key, attempt } => tracing::debug!(target: TARGET, %key, attempt, "renewing"),
        Event::Unanswered { key, unanswered } => {
            tracing::warn!(target: TARGET, %key, sent = %unanswered.sent, cause = %unanswered.cause, "no answer came");
        }
        Event::NotGranted { key, cause } => {
            tracing::warn!(target: TARGET, %key, status = cause.status(), %cause, "the answer granted nothing");
        }
        Event::Renewed { key, token, from, .. } => {
            let expires_at = token.expires_at().map(grantflow::UnixTime::as_secs);
            tracing::info!(target: TARGET, %key, ?from, expires_at, "a fresh token");
        }
        Event::Failed { key, error } => {
            let cause = error.cause().map(tracing::field::display);
            tracing::warn!(target: TARGET, %key, %error, cause, "no fresh token");
        }
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn trace(_: &Event<'_>) {}
