//! Values that are independent of OAuth.

pub(crate) mod secret;
pub(crate) mod time;
