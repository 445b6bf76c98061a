//! What several tests share.

pub mod flow_model;
#[cfg(feature = "sockets")]
#[path = "../support/mod.rs"]
pub mod support;
#[cfg(feature = "sockets")]
pub mod world;
