//! Requests that carry a session's token, over each HTTP stack: the same behaviours, against a real socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "clippy spares test functions, not what they share"
)]
#![cfg(any(feature = "ureq", feature = "reqwest", feature = "tower"))]

mod api;
mod behaviours;
#[cfg(all(feature = "ureq", feature = "reqwest", feature = "tower", feature = "tokio"))]
mod blocking;
mod clients;
#[cfg(all(feature = "ureq", feature = "reqwest", feature = "tower", feature = "tokio"))]
mod odd_threads;
mod outsides;
#[cfg(all(feature = "ureq", feature = "reqwest", feature = "tower"))]
mod refusals;
#[cfg(feature = "reqwest")]
mod reqwest_only;
#[cfg(feature = "tower")]
mod tower_only;
#[cfg(feature = "ureq")]
mod ureq_only;
mod world;
