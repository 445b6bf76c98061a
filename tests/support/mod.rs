//! What several tests need: a real authorization server, one that misbehaves on demand, and every transport.

pub mod fault_server;
pub mod peer;
pub mod transport;
pub mod whole;
