//! What several tests need: a real authorization server, one that misbehaves to order, and every transport.

pub mod fault_server;
pub mod peer;
pub mod transport;
pub mod whole;
