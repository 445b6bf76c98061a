//! The contract between a flow and the HTTP stack that carries its requests.
//!
//! A state that needs one HTTP round trip to leave is an [`Exchange`]. It gives a request, takes the response, and
//! returns a [`Step`], or a [`Failure`] that says what is [`Left`] of the grant. It never waits and never asks the
//! time: [`Exchange::rest`] says how long to wait, and the time comes in with [`Env`].

mod any;
mod body;
mod drive;
mod env;
mod exchange;
mod failure;
mod step;
mod then;
mod wait;

pub use any::AnyExchange;
pub use body::Body;
pub use drive::drive;
pub use env::{Entropy, EntropyFailed, Env};
pub use exchange::Exchange;
pub(crate) use exchange::is_interim;
pub use failure::{Failure, Left};
pub use step::Step;
pub use then::Then;
pub use wait::Wait;

pub use crate::error::Sent;
