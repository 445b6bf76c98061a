//! The listener with browsers and visitors of every other kind. The real callback, after any number of other requests, ends the
//! wait.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test reports by a panic, in its helpers too"
)]

mod attacks;
mod endings;
mod pages;
mod strays;
mod support;
mod verdicts;
