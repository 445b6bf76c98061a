//! Values that are independent of OAuth.

pub(crate) mod key;
pub(crate) mod secret;
pub(crate) mod time;
