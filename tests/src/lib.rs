//! Code that several tests share.

#[path = "../support/mod.rs"]
pub mod support;
pub mod world;
