//! Values that know nothing of OAuth.

pub(crate) mod secret;
pub(crate) mod time;
