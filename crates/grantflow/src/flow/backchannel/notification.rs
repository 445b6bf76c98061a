//! The server's notification that the person has decided: the ping of OpenID CIBA §10.2.

use core::fmt;

use http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use super::grant::BackchannelGrant;
use super::request::{LONGEST_TOKEN, is_bearer};
use crate::value::key::PendingKey;
use crate::value::secret::Secret;
use crate::wire::object::{self, Members, Scalar, Table, visible};

/// The greatest size of a notification's body. A ping has a few hundred bytes.
const MAX_BODY: usize = 64 * 1024;

/// A notification by which a server says that a person has decided, or that a request has ended. Read it from a request to
/// the address that is registered as the client's `backchannel_client_notification_endpoint`. It proves nothing until
/// [`BackchannelGrant::receive`] has compared it.
///
/// ```
/// use grantflow::{BackchannelGrant, Notification, NotificationFault, Notified, PendingKey};
/// use http::{Request, Response};
///
/// /// A handler of the web application. `take` removes a grant from its store, and `run` runs it elsewhere.
/// fn notified(
///     request: &Request<Vec<u8>>,
///     take: impl FnOnce(&PendingKey) -> Option<BackchannelGrant>,
///     run: impl FnOnce(BackchannelGrant),
///     put_back: impl FnOnce(BackchannelGrant),
/// ) -> Response<()> {
///     let notification = match Notification::read(request) {
///         Ok(notification) => notification,
///         Err(fault) => return fault.response(),
///     };
///     let Some(grant) = take(&notification.key()) else { return NotificationFault::OtherRequest.response() };
///     match grant.receive(&notification) {
///         Notified::Ready(grant) => run(grant),
///         Notified::Unrelated { grant, why } => {
///             put_back(grant);
///             return why.response();
///         }
///     }
///     Notification::response()
/// }
/// # let _ = notified(&Request::new(Vec::new()), |_| None, |_| (), |_| ());
/// ```
///
/// **A server that pushes** tokens to the client is refused ([`NotificationFault::Push`]): such tokens come outside of
/// every check of this library, and over a connection that the client did not open.
#[must_use = "give it to the grant that waits for it"]
pub struct Notification {
    auth_req_id: Secret,
    token: Secret,
}

/// A member of a notification, as far as it matters. All but the first are in the messages of push mode only (OpenID CIBA
/// §10.3, §12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Member {
    AuthReqId,
    AccessToken,
    RefreshToken,
    IdToken,
    Error,
}

impl Table for Member {
    const ALL: &'static [Self] = &[Self::AuthReqId, Self::AccessToken, Self::RefreshToken, Self::IdToken, Self::Error];

    type Slots<'a> = [Option<Scalar<'a>>; 5];

    fn name(self) -> &'static str {
        match self {
            Self::AuthReqId => "auth_req_id",
            Self::AccessToken => "access_token",
            Self::RefreshToken => "refresh_token",
            Self::IdToken => "id_token",
            Self::Error => "error",
        }
    }

    fn slot(self) -> usize {
        self as usize
    }
}

impl Notification {
    /// Reads a notification: a POST with a Bearer token, and a JSON object with `auth_req_id` in its body. Limit the
    /// body while you read it from the network: more than 64 KiB are refused here.
    ///
    /// # Errors
    /// Why the request is no notification. No grant is concerned; [`NotificationFault::response`] is what to answer.
    pub fn read<B: AsRef<[u8]>>(request: &Request<B>) -> Result<Self, NotificationFault> {
        if request.method() != Method::POST {
            return Err(NotificationFault::NotPost);
        }
        let token = bearer(request.headers()).ok_or(NotificationFault::NoToken)?;
        if !is_json(request.headers()) {
            return Err(NotificationFault::NotJson);
        }
        let body = request.body().as_ref();
        if body.len() > MAX_BODY {
            return Err(NotificationFault::TooLarge);
        }
        let text = core::str::from_utf8(body).map_err(|_| NotificationFault::Unreadable)?;
        let mut members = Members::<Member>::default();
        object::read::<Member, true>(text, None, None, &mut members).map_err(|_| NotificationFault::Unreadable)?;
        if Member::ALL.iter().skip(1).any(|pushed| members.get(*pushed).is_some()) {
            return Err(NotificationFault::Push);
        }
        if members.is_doubled(Member::AuthReqId) {
            return Err(NotificationFault::Unreadable);
        }
        match members.required(Member::AuthReqId) {
            Ok(text) if visible(&text).is_none() => Ok(Self { auth_req_id: Secret::new(text.into_owned()), token }),
            _ => Err(NotificationFault::Unreadable),
        }
    }

    /// The key of the grant that the notification is for: [`BackchannelGrant::key`]. Take the grant from the store with
    /// it, and put the grant back if [`BackchannelGrant::receive`] says that the notification is not for it.
    pub fn key(&self) -> PendingKey {
        PendingKey::of(self.auth_req_id.expose())
    }

    /// What the client answers to a notification that it has taken: 204 and nothing else (OpenID CIBA §10.2).
    pub fn response() -> Response<()> {
        answer(StatusCode::NO_CONTENT)
    }

    /// Whether it has this `auth_req_id`, and this token. The duration depends on neither.
    pub(super) fn compare(&self, auth_req_id: &Secret, token: &Secret) -> (bool, bool) {
        (self.auth_req_id.matches(auth_req_id), self.token.matches(token))
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notification {{ key: {} }}", self.key())
    }
}

/// The verdict of a grant on a notification.
#[must_use = "it holds the grant: run it, or keep it"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a notification is for a grant, or it is not")]
#[allow(clippy::large_enum_variant, reason = "both hold the grant")]
pub enum Notified {
    /// It is for this grant. Answer with [`Notification::response`], and run the grant: its next poll is due at once.
    Ready(BackchannelGrant),
    /// It is not for this grant. Nothing is lost: keep the grant, and answer with [`NotificationFault::response`].
    Unrelated {
        /// The grant, unchanged.
        grant: BackchannelGrant,
        /// Why it is not ours.
        why: NotificationFault,
    },
}

/// Why a request is not the notification that a grant waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotificationFault {
    /// It is not a POST.
    NotPost,
    /// It has no `Authorization` header with a Bearer token, or more than one.
    NoToken,
    /// Its `Content-Type` is not JSON.
    NotJson,
    /// Its body is longer than 64 KiB.
    TooLarge,
    /// Its body is not a JSON object with one `auth_req_id`.
    Unreadable,
    /// It holds tokens, or an error: the server uses push mode, which this library does not have.
    Push,
    /// It is for another request, or for none of ours.
    OtherRequest,
    /// It is for this request, and has another token than the one that the server was given.
    WrongToken,
    /// The server was not asked for notifications.
    NoPing,
}

impl NotificationFault {
    /// What the client answers (OpenID CIBA §10.2): 401 if the token is missing or wrong, and also if the request is not
    /// known, so that the answer does not tell a stranger which requests exist.
    pub fn response(self) -> Response<()> {
        let (status, header) = match self {
            Self::NotPost => (StatusCode::METHOD_NOT_ALLOWED, Some((ALLOW, "POST"))),
            Self::NotJson => (StatusCode::UNSUPPORTED_MEDIA_TYPE, None),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
            Self::Unreadable | Self::Push => (StatusCode::BAD_REQUEST, None),
            Self::NoToken => (StatusCode::UNAUTHORIZED, Some((WWW_AUTHENTICATE, "Bearer"))),
            Self::OtherRequest | Self::WrongToken | Self::NoPing => {
                (StatusCode::UNAUTHORIZED, Some((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")))
            }
        };
        let mut response = answer(status);
        response.headers_mut().extend(header.map(|(name, value)| (name, HeaderValue::from_static(value))));
        response
    }
}

impl fmt::Display for NotificationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPost => "it is not a POST",
            Self::NoToken => "it has no Authorization header with a Bearer token, or more than one",
            Self::NotJson => "its content type is not application/json",
            Self::TooLarge => "its body is longer than 64 KiB",
            Self::Unreadable => "its body is not a JSON object with one auth_req_id",
            Self::Push => {
                "it holds tokens or an error, so the server uses push mode, which this library does not have: register the \
                 client with backchannel_token_delivery_mode ping or poll"
            }
            Self::OtherRequest => "it is for another request",
            Self::WrongToken => "its token is not the one that the server was given",
            Self::NoPing => "the server was not asked for notifications: use BackchannelRequest::ping",
        })
    }
}

impl core::error::Error for NotificationFault {}

fn answer(status: StatusCode) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = status;
    response
}

/// The only Bearer token (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim_matches(' ');
    let good = scheme.eq_ignore_ascii_case("bearer") && token.len() <= LONGEST_TOKEN && is_bearer(token);
    good.then(|| Secret::new(token.to_owned()))
}

/// Whether the body is JSON, by the header; also if there is none.
fn is_json(headers: &HeaderMap) -> bool {
    headers.get_all(CONTENT_TYPE).iter().all(|value| {
        let media_type = value.to_str().ok().and_then(|text| text.split(';').next()).unwrap_or_default();
        media_type.trim().eq_ignore_ascii_case("application/json")
    })
}
