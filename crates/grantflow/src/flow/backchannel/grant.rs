//! An `auth_req_id`, with which the client asks for tokens until the person has decided (OpenID CIBA §10.1, §11).

use core::fmt;
use core::time::Duration;

use http::{Request, Response};

use super::notification::{Notification, NotificationFault, Notified};
use crate::answer::backchannel::BackchannelAnswer;
use crate::call::{Asked, Grant, Waiting};
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::error::Error;
use crate::server::fields::Field;
use crate::token::Tokens;
use crate::value::key::PendingKey;
use crate::value::secret::Secret;
use crate::value::time::UnixTime;

/// The `grant_type` of OpenID CIBA §10.1. It has colons, so it is encoded.
const CIBA: &str = "urn:openid:params:grant-type:ciba";

/// A client that waits until a person decides on another device. Run it: it polls for tokens, as often as the server
/// allows, until the person has decided or the request expires. In ping mode, first wait for the server's
/// [`Notification`], and give it to [`receive`](Self::receive); a grant that is run without one polls as well, so a
/// notification that is lost costs time only.
///
/// Not `Clone`: a client must not send two polls for one request at once (OpenID CIBA §10.1). A person may take minutes, so
/// it can be stored: [`into_stored`](Self::into_stored).
///
/// **A server may hold a poll** until the person has decided, for 30 s: give the transport a longer deadline. A poll that
/// ends at the deadline counts as a lost answer, which ends nothing.
///
/// What ends it:
/// - tokens;
/// - **Spent**: the person said no (`access_denied`), the request has expired (`expired_token`, or [`Error::Expired`] by
///   the caller's clock), the server could not ask the person (`transaction_failed`), or the request is not good any more
///   (`invalid_grant`). Start again;
/// - **Intact**: the server refused the client (`invalid_client`; `unauthorized_client` for a client that is registered for
///   push). Correct the client, and run it again while the request is valid;
/// - **Unknown**: an error code that no standard has for a poll, tokens that cannot be used, or four answers in a row that
///   do not come from a token endpoint. The error says what to correct.
///
/// `authorization_pending` and `slow_down` count with any status. A lost answer ends nothing: the grant polls again, after a
/// longer wait each time. The same holds for a 5xx, and for a 429 without `Retry-After`.
#[must_use = "it holds the grant: run it, or wait for the notification"]
pub struct BackchannelGrant {
    pub(super) waiting: Waiting,
    pub(super) auth_req_id: Secret,
    pub(super) notification_token: Option<Secret>,
}

impl BackchannelGrant {
    pub(super) fn new(
        now: UnixTime,
        asked: Asked,
        answer: BackchannelAnswer,
        notification_token: Option<Secret>,
    ) -> Self {
        let BackchannelAnswer { auth_req_id, times } = answer;
        Self { waiting: Waiting::new(now, asked, &times), auth_req_id, notification_token }
    }

    /// The key under which to store this grant; [`Notification::key`] finds it from a notification.
    pub fn key(&self) -> PendingKey {
        PendingKey::of(self.auth_req_id.expose())
    }

    /// Whether the server was asked for a notification ([`BackchannelRequest::ping`](super::BackchannelRequest::ping)).
    pub fn is_pinged(&self) -> bool {
        self.notification_token.is_some()
    }

    /// When the request expires.
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

    /// Takes a notification (OpenID CIBA §10.2). If it is for this grant and has its token, the next poll is due at once.
    /// It may come before, between and after polls, and more than once. The result of the request is not in it: run the
    /// grant to learn it.
    pub fn receive(mut self, notification: &Notification) -> Notified {
        let Some(token) = &self.notification_token else {
            return Notified::Unrelated { grant: self, why: NotificationFault::NoPing };
        };
        // Both comparisons are made in constant time.
        let (same_request, same_token) = notification.compare(&self.auth_req_id, token);
        if !same_request {
            return Notified::Unrelated { grant: self, why: NotificationFault::OtherRequest };
        }
        if !same_token {
            return Notified::Unrelated { grant: self, why: NotificationFault::WrongToken };
        }
        self.waiting.make_due();
        Notified::Ready(self)
    }
}

impl fmt::Debug for BackchannelGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackchannelGrant")
            .field("client", &self.waiting.client)
            .field("scope", &self.waiting.scope)
            .field("ping", &self.is_pinged())
            .field("polling", &self.waiting.polling)
            .finish_non_exhaustive()
    }
}

impl Exchange for BackchannelGrant {
    type Output = Tokens;

    fn rest(&self, now: UnixTime) -> Duration {
        self.waiting.rest(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        let own = [Field::new("grant_type", CIBA), Field::new("auth_req_id", self.auth_req_id.expose())];
        self.waiting.request(env, &own)
    }

    fn respond<B: AsRef<[u8]>>(
        mut self,
        env: &mut Env<'_>,
        response: Response<B>,
    ) -> Result<Step<Self>, Failure<Self>> {
        self.waiting.respond(env.now, Grant::BackchannelPoll, &response).of(self)
    }

    fn unanswered(mut self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        self.waiting.unanswered(env.now, sent).of(self)
    }
}
