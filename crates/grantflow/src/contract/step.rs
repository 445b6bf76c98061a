//! What an exchange has come to.

use super::Exchange;

/// What an exchange has come to.
#[must_use = "a step holds either what the flow was for or the state that goes on"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "every loop must handle every step")]
pub enum Step<X: Exchange> {
    /// It is through.
    Done(X::Output),
    /// It needs another round trip: this is the state that goes on. [`Exchange::rest`] says how long to wait first.
    Again(X),
}
