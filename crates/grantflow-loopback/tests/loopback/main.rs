//! The listener, met by browsers and by visitors of every other kind. Whatever comes before it, the real callback ends the
//! wait.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test speaks by panicking, in its helpers too"
)]

mod attacks;
mod endings;
mod pages;
mod strays;
mod support;
mod verdicts;
