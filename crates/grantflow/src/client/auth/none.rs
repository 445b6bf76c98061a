//! Clients without credentials (RFC 6749 §2.1).

use super::Auth;
use crate::error::Error;
use crate::server::Server;

/// No credentials, sent in the `Authorization` header with an empty secret. It proves nothing.
pub(in super::super) fn empty_secret(server: &Server, id: &str) -> Result<Auth, Error> {
    super::secret::header(server, id, "").map(Auth::Basic)
}
