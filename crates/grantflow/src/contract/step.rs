//! The result of an exchange.

use super::Exchange;

/// The result of an exchange.
#[must_use = "a step holds either the flow's output or the next state"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "every loop must handle every step")]
pub enum Step<X: Exchange> {
    /// It has ended, with this output.
    Done(X::Output),
    /// It needs another round trip: this is the next state. [`Exchange::rest`] says how long to wait first.
    Again(X),
}
