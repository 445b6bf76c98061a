//! A device code, with which the device asks for tokens until the person has decided (RFC 8628 §3.3 to §3.5).

use core::fmt;
use core::time::Duration;

use http::{Request, Response};

use crate::answer::device::DeviceAnswer;
use crate::call::{Asked, Grant, Waiting};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::Error;
use crate::server::fields::Field;
use crate::token::Tokens;
use crate::value::secret::Secret;
use crate::value::time::UnixTime;

/// The `grant_type` of RFC 8628 §3.4. It has colons, so it is encoded.
const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A device that waits until a person approves it. Show [`user_code`](Self::user_code) and
/// [`verification_uri`](Self::verification_uri), and run it: it polls for tokens, as often as the server allows, until
/// the person has decided or the code expires.
///
/// Not `Clone`: two polls with one code are too fast for the server. A person may take minutes, so it can be stored:
/// [`into_stored`](Self::into_stored).
///
/// What ends it:
/// - tokens;
/// - **Spent**: the person said no (`access_denied`), the code has expired (`expired_token`, or
///   [`Error::Expired`] by the caller's clock), or it is not good any more (`invalid_grant`). Start again;
/// - **Intact**: the server refused the client (`invalid_client`). Correct the client, and run it again while the code is valid;
/// - **Unknown**: an error code that no RFC has for a poll, tokens that cannot be used, or four answers in a row that do
///   not come from a token endpoint. The error says what to correct.
///
/// `authorization_pending` and `slow_down` count with any status. A lost answer ends nothing: the grant polls again, after a
/// longer wait each time (RFC 8628 §3.5). The same holds for a 5xx, and for a 429 without `Retry-After`.
#[must_use = "it holds the grant: show its code, and run it"]
pub struct DeviceGrant {
    pub(super) waiting: Waiting,
    pub(super) device_code: Secret,
    pub(super) user_code: Secret,
    pub(super) verification_uri: Box<str>,
    pub(super) verification_uri_complete: Option<Secret>,
}

impl DeviceGrant {
    pub(super) fn new(now: UnixTime, asked: Asked, answer: DeviceAnswer) -> Self {
        Self {
            waiting: Waiting::new(now, asked, &answer.times),
            device_code: answer.device_code,
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
        }
    }

    /// The code that the person enters: printable ASCII. Show it as it is; most servers ignore case and dashes.
    pub fn user_code(&self) -> &str {
        self.user_code.expose()
    }

    /// The page where the person enters the code: `https`, on loopback, or at a host that
    /// [`PlainHttp`](crate::PlainHttp) opens.
    pub fn verification_uri(&self) -> &str {
        &self.verification_uri
    }

    /// The same page with the code filled in, if the server gave one: for a QR code (RFC 8628 §3.3.1). Show the code
    /// beside it, so that the person can compare.
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.verification_uri_complete.as_ref().map(Secret::expose)
    }

    /// When the code expires.
    pub fn expires_at(&self) -> UnixTime {
        self.waiting.polling.expires_at()
    }

    /// The server's time between two requests. It grows when the server says `slow_down`.
    pub fn interval(&self) -> Duration {
        self.waiting.polling.interval()
    }

    /// Why the last request had no answer from the server, for a program that shows that it waits. `None` if the server
    /// said that the person has not decided yet.
    pub fn trouble(&self) -> Option<&Error> {
        self.waiting.trouble.as_ref()
    }
}

impl fmt::Debug for DeviceGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceGrant")
            .field("client", &self.waiting.client)
            .field("scope", &self.waiting.scope)
            // A query or a fragment can hold the code.
            .field("verification_uri", &self.verification_uri.split(['?', '#']).next().unwrap_or_default())
            .field("polling", &self.waiting.polling)
            .finish_non_exhaustive()
    }
}

impl Exchange for DeviceGrant {
    type Output = Tokens;

    fn rest(&self, now: UnixTime) -> Duration {
        self.waiting.rest(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let own = [Field::new("grant_type", DEVICE_CODE), Field::new("device_code", self.device_code.expose())];
        self.waiting.request(env, &own)
    }

    fn respond<B: AsRef<[u8]>>(
        mut self,
        env: &mut Env<'_>,
        response: Response<B>,
    ) -> Result<Step<Self>, Failure<Self>> {
        self.waiting.respond(env.now, Grant::Poll, &response).of(self)
    }

    fn unanswered(mut self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        self.waiting.unanswered(env.now, sent).of(self)
    }
}
