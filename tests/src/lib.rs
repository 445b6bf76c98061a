//! What several tests share.

pub mod flow_model;
#[path = "../support/mod.rs"]
pub mod support;
pub mod world;
