//! What several tests need: a real authorization server, and one that misbehaves to order.

pub mod fault_server;
pub mod peer;
