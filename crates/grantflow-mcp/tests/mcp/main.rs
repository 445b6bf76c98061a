//! The profile, in virtual time: an MCP server, authorization servers, a person and a clock in one process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "Clippy sees tests only in functions marked as such, not in their helpers."
)]

mod canary;
mod client;
mod demands;
mod discovery;
mod extensions;
mod login;
mod properties;
mod registration;
mod stored;
mod support;
