//! The answers of a server's endpoints, from bytes to checked values: each with its own table of members.

pub(crate) mod backchannel;
pub(crate) mod device;
pub(crate) mod error;
pub(crate) mod introspection;
pub(crate) mod metadata;
pub(crate) mod polled;
pub(crate) mod pushed;
pub(crate) mod registration;
pub(crate) mod resource;
pub(crate) mod token;
