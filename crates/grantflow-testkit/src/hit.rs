//! The log of requests.

use http::{HeaderMap, Method};

use crate::Endpoint;

/// How a request authenticated its client (RFC 6749 section 2.3), as sent, whether or not it was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Neither credentials nor a client id.
    Absent,
    /// `client_id` in the body, no credentials: a public client.
    Public,
    /// `Authorization: Basic` (`client_secret_basic`).
    Basic,
    /// `client_secret` in the body (`client_secret_post`).
    Post,
    /// Another authorization scheme or an assertion; this server knows none of them.
    Other,
    /// More than one method at once, which RFC 6749 section 2.3 forbids.
    Several,
}

/// One request that the server handled.
///
/// It holds what the client sent, with all secrets, so that tests can look at it. Its `Debug` prints the secrets.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Hit {
    /// The server's clock, in seconds since the Unix epoch.
    pub at: u64,
    /// The endpoint at this path, also where [`Knobs::omit`](crate::Knobs::omit) took it away; `None` where no endpoint
    /// has the path.
    pub endpoint: Option<Endpoint>,
    /// The request's method.
    pub method: Method,
    /// The path of the request's URI.
    pub path: String,
    /// The query of the request's URI, as sent.
    pub query: Option<String>,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The decoded parameters, in the order sent: of the query for the authorization endpoint, of the body for the
    /// endpoints that take a form; for the registration endpoints, the members of the body with their JSON text; none for
    /// others.
    pub parameters: Vec<(String, String)>,
    /// `grant_type` of a token request.
    pub grant_type: Option<String>,
    /// The client id, from the parameters or from Basic credentials.
    pub client_id: Option<String>,
    /// How the client authenticated at an endpoint that takes a form; [`ClientAuth::Absent`] for other requests.
    pub auth: ClientAuth,
    /// The values of `resource` (RFC 8707), which may repeat.
    pub resources: Vec<String>,
    /// Whether the token endpoint issued tokens. If so, the code or the rotated refresh token is spent, even if the
    /// answer says otherwise or was lost.
    pub issued: bool,
    /// Whether the endpoint did what the request asked for: it issued tokens or a code, revoked a token, gave a
    /// document. This is so even if the answer says otherwise or was lost.
    pub acted: bool,
    /// The error code with which the endpoint refused, such as `authorization_pending`; empty if it named no code. A
    /// misbehaviour may have replaced the answer.
    pub refused: Option<String>,
    /// Whether a [`Misbehaviour`](crate::Misbehaviour) or a [`CallbackFault`](crate::CallbackFault) changed the answer.
    pub misbehaved: bool,
    /// The status of the answer; `None` where the answer was lost.
    pub status: Option<u16>,
}

impl Hit {
    /// Whether both requests ask the same: the same method, path, query and parameters. Headers may differ.
    pub(crate) fn says_the_same_as(&self, other: &Hit) -> bool {
        let says = |hit: &Hit| (hit.method.clone(), hit.path.clone(), hit.query.clone(), hit.parameters.clone());
        says(self) == says(other)
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
