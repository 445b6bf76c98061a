//! How a client authenticates (RFC 6749 §2.3): one method for each client, written once for every endpoint.
//!
//! A method adds parameters to a request's body, a header, or both. One that signs gets the time and entropy of the
//! request through [`Env`](crate::Env), which reaches the place where requests are built.

use http::HeaderValue;

use crate::server::Quirks;
use crate::server::fields::Field;
use crate::value::secret::ClientSecret;

mod none;
mod secret;

pub(super) use none::empty_secret;
pub(super) use secret::{basic, post};

/// One way to authenticate.
pub(crate) enum Auth {
    /// `none`, and no client id either (RFC 7521 §4.1, RFC 8693 §2.1).
    Unidentified,
    /// `none` (RFC 7591 §2): the client's id in the body.
    None,
    /// `client_secret_post`: id and secret in the body.
    Post(ClientSecret),
    /// `client_secret_basic`: the complete header.
    Basic(HeaderValue),
}

impl Auth {
    /// The method's registered name (RFC 7591 §2, `token_endpoint_auth_method`).
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Unidentified | Self::None => "none",
            Self::Post(_) => "client_secret_post",
            Self::Basic(_) => "client_secret_basic",
        }
    }

    /// What it adds to the body of a request by the client `id`.
    pub(crate) fn fields<'a>(
        &'a self,
        id: &'a str,
        quirks: &Quirks,
    ) -> impl Iterator<Item = Field<'a>> + Clone + use<'a> {
        let id = Field::new("client_id", id);
        let fields = match self {
            Self::Unidentified => [None, None],
            Self::None => [Some(id), None],
            Self::Post(secret) => [Some(id), Some(Field::new("client_secret", secret.expose()))],
            Self::Basic(_) => [quirks.client_id_beside_basic.then_some(id), None],
        };
        fields.into_iter().flatten()
    }

    /// Whether the method puts the client's id into the body.
    pub(crate) fn names_the_client(&self, quirks: &Quirks) -> bool {
        match self {
            Self::Unidentified => false,
            Self::None | Self::Post(_) => true,
            Self::Basic(_) => quirks.client_id_beside_basic,
        }
    }

    /// The `Authorization` header that it needs.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        match self {
            Self::Basic(header) => Some(header),
            Self::Unidentified | Self::None | Self::Post(_) => None,
        }
    }
}
