//! The presets themselves: that they are whole, that they hold what they say, and that no input leaves its place.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers."
)]

mod data;
mod doors;
mod inputs;
mod random;
mod readme;
mod requests;
mod support;
