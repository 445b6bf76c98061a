//! Clients with a secret (RFC 6749 §2.3.1).

use http::HeaderValue;

use super::Auth;
use crate::error::{Error, Misuse};
use crate::server::Server;
use crate::value::secret::ClientSecret;
use crate::wire::basic;

/// The secret in the body.
pub(in super::super) fn post(secret: ClientSecret) -> Result<Auth, Error> {
    not_empty(secret).map(Auth::Post)
}

/// The secret in the `Authorization` header.
pub(in super::super) fn basic(server: &Server, id: &str, secret: ClientSecret) -> Result<Auth, Error> {
    header(server, id, not_empty(secret)?.expose()).map(Auth::Basic)
}

pub(super) fn header(server: &Server, id: &str, secret: &str) -> Result<HeaderValue, Error> {
    basic::header(id, secret, server.quirks().unencoded_basic).ok_or(Error::Misuse(Misuse::Quirk(
        "unencoded Basic credentials allow no colon in the id and no control characters",
    )))
}

fn not_empty(secret: ClientSecret) -> Result<ClientSecret, Error> {
    if secret.expose().is_empty() { Err(Error::Misuse(Misuse::EmptyClientSecret)) } else { Ok(secret) }
}
