//! The flows, one file or folder each. No flow uses another; what they share is below them.

pub(crate) mod assertion;
pub(crate) mod backchannel;
pub(crate) mod client_credentials;
pub(crate) mod code;
pub(crate) mod device;
pub(crate) mod extension;
pub(crate) mod introspection;
pub(crate) mod metadata;
pub(crate) mod refresh;
pub(crate) mod registration;
pub(crate) mod resource_metadata;
pub(crate) mod revocation;
pub(crate) mod token_exchange;
