//! The authorization response, checked (RFC 6749 §4.1.2, RFC 9207 §2.4).
//!
//! The order is fixed: place and shape, then `state`, then `iss`, and only then `error` or `code`. A callback without
//! the right `state` is not ours and ends nothing. A callback with it is ours and ends the grant in every case.

use core::fmt;

use http::{Method, Request, Uri, header};

use super::Grant;
use super::exchange::CodeExchange;
use super::received::{MAX_CALLBACK, Once, Received};
use super::rejection::{Rejection, RejectionReason};
use super::response_mode::ResponseMode;
use crate::error::ErrorResponse;
use crate::server::{Message, Quirks};
use crate::url::Parts;
use crate::value::key::PendingKey;
use crate::value::secret::{AuthorizationCode, RandomText};
use crate::wire::form;

/// A grant that waits for the person to come back. Not `Clone`: it is received once.
///
/// Store it for each browser session, under [`key`](Self::key); a web application stores it with
/// [`into_stored`](Self::into_stored). A store's only read must be an atomic take: ownership ensures single use within
/// one process only.
#[derive(Debug)]
pub struct PendingCallback {
    pub(super) grant: Grant,
    pub(super) state: RandomText,
    pub(super) response_mode: ResponseMode,
}

/// The verdict on a request to the redirect URI.
#[must_use = "each verdict needs another reaction: see its variants"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a program that takes a callback must have an answer to every verdict")]
#[allow(clippy::large_enum_variant, reason = "a verdict is matched at once, and a box would cost more than it saves")]
pub enum Callback {
    /// Everything matched: exchange the code.
    Granted(CodeExchange),
    /// Everything matched, and the server or the person said no: [`ErrorResponse::next`] says what to do.
    Denied(ErrorResponse),
    /// Not the answer to this request. Nothing is lost: keep waiting.
    Unrelated {
        /// The grant, unchanged.
        pending: PendingCallback,
        /// Why it is not ours.
        why: NotOurs,
    },
    /// `state` matched, and the rest is invalid. The grant is over, because `state` is one-time: start again.
    Rejected(Rejection),
}

/// Why a request to the redirect URI is not the answer that a grant waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotOurs {
    /// It has another scheme, host or port than the redirect URI.
    OtherOrigin,
    /// It has another path than the redirect URI, or lacks its query.
    OtherPath,
    /// It came in another response mode: not as a form POST, although one was requested.
    OtherMode,
    /// No `state`.
    NoState,
    /// Another `state`, or one that cannot be read.
    WrongState,
    /// `state` twice.
    TwoStates,
    /// The form is not UTF-8, so no `state` can be read.
    Unreadable,
    /// It has a control character, such as a line break, which neither a URI nor a form has unescaped.
    ControlCharacter,
    /// It has more than 64 KiB. No server's answer is that long.
    TooLong,
}

impl fmt::Display for NotOurs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherOrigin => "it came to another scheme, host or port than the redirect URI's",
            Self::OtherPath => "it came to another path than the redirect URI's, or without its query",
            Self::OtherMode => "it came in another response mode than the requested one",
            Self::NoState => "it has no state",
            Self::WrongState => "its state is another one",
            Self::TwoStates => "it has two states",
            Self::Unreadable => "it is not UTF-8",
            Self::ControlCharacter => {
                "it holds a control character, such as a line break: paste the address in one piece"
            }
            Self::TooLong => "it is longer than 64 KiB",
        })
    }
}

impl PendingCallback {
    /// The key under which to store this grant; [`callback_key`](super::callback_key) finds it from a callback.
    pub fn key(&self) -> PendingKey {
        PendingKey::of(self.state.expose())
    }

    /// Takes a request to the redirect URI: the path and query that an HTTP/1 server sees (RFC 9112 §3.2.1), or an
    /// absolute URI, as a proxy sends it (§3.2.2) and as HTTP/2 builds it.
    ///
    /// All spellings of place and redirect URI that RFC 3986 §6.2.2 and §6.2.3 make equal are the same: case of scheme
    /// and host, escapes of unreserved characters and their case, the default port. `%2F` is never `/`, and dot
    /// segments stay.
    pub fn receive(self, uri: &Uri) -> Callback {
        if self.response_mode != ResponseMode::Query {
            return self.unrelated(NotOurs::OtherMode);
        }
        let query = uri.query().unwrap_or_default();
        // `http::Uri` holds less today, but this limit does not depend on that.
        if query.len() > MAX_CALLBACK {
            return self.unrelated(NotOurs::TooLong);
        }
        if let Some(why) = self.misplaced(uri, query) {
            return self.unrelated(why);
        }
        self.judge(query, false)
    }

    /// Like [`receive`](Self::receive), for a callback as text: a private-use URI from the operating system, or an
    /// address that a person pasted, perhaps with a line break. A fragment is ignored, unless it holds a token.
    pub fn receive_url(self, url: &str) -> Callback {
        if self.response_mode != ResponseMode::Query {
            return self.unrelated(NotOurs::OtherMode);
        }
        let url = url.trim();
        if url.len() > MAX_CALLBACK {
            return self.unrelated(NotOurs::TooLong);
        }
        // A control character inside: no URI has one, so this is not a server's callback but a line that was torn.
        if url.contains(char::is_control) {
            return self.unrelated(NotOurs::ControlCharacter);
        }
        let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
        let Some(parts) = Parts::of(url) else { return self.unrelated(NotOurs::OtherOrigin) };
        let query = parts.query.unwrap_or_default();
        if !self.grant.redirect_uri.has_origin(parts.scheme, parts.authority) {
            return self.unrelated(NotOurs::OtherOrigin);
        }
        if let Some(why) = self.elsewhere(parts.path, query) {
            return self.unrelated(why);
        }
        let token_in_fragment = form::raw_pairs(fragment).any(|(name, _)| name == "access_token");
        self.judge(query, token_in_fragment)
    }

    /// Like [`receive`](Self::receive), for [`ResponseMode::FormPost`]: a POST with a form-encoded body.
    ///
    /// The POST comes from another site, so the browser sends no `SameSite=Lax` cookie with it: find the pending grant
    /// by a cookie that is `SameSite=None; Secure`.
    pub fn receive_form_post<B: AsRef<[u8]>>(self, request: &Request<B>) -> Callback {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media_type = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        let is_form = media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded");
        if self.response_mode != ResponseMode::FormPost || request.method() != Method::POST || !is_form {
            return self.unrelated(NotOurs::OtherMode);
        }
        if let Some(why) = self.misplaced(request.uri(), request.uri().query().unwrap_or_default()) {
            return self.unrelated(why);
        }
        let body = request.body().as_ref();
        if body.len() > MAX_CALLBACK {
            return self.unrelated(NotOurs::TooLong);
        }
        // Some senders end a body with a line break, which is not part of the form.
        match core::str::from_utf8(body).map(str::trim_ascii) {
            // A form writes control characters as escapes.
            Ok(form) if form.contains(char::is_control) => self.unrelated(NotOurs::ControlCharacter),
            Ok(form) => self.judge(form, false),
            Err(_) => self.unrelated(NotOurs::Unreadable),
        }
    }

    fn unrelated(self, why: NotOurs) -> Callback {
        Callback::Unrelated { pending: self, why }
    }

    /// Whether the request came to another place than the redirect URI. An origin is compared if the URI has one.
    fn misplaced(&self, uri: &Uri, query: &str) -> Option<NotOurs> {
        if let Some(authority) = uri.authority() {
            let scheme = uri.scheme_str().unwrap_or_default();
            if !self.grant.redirect_uri.has_origin(scheme, Some(authority.as_str())) {
                return Some(NotOurs::OtherOrigin);
            }
        }
        self.elsewhere(uri.path(), query)
    }

    fn elsewhere(&self, path: &str, query: &str) -> Option<NotOurs> {
        let redirect_uri = &self.grant.redirect_uri;
        let here = redirect_uri.has_path(path) && redirect_uri.is_query_in(query);
        (!here).then_some(NotOurs::OtherPath)
    }

    /// Everything after the place: shape and `state`, then `iss`, then `error` or `code`.
    fn judge(self, form: &str, token_in_fragment: bool) -> Callback {
        let server = &self.grant.client.data().server;
        let received = Received::read(form, server.quirks());
        match &received.state {
            Once::Absent => return self.unrelated(NotOurs::NoState),
            Once::Twice => return self.unrelated(NotOurs::TwoStates),
            Once::Value(state) if self.state.matches(state) => {}
            Once::Value(_) | Once::Unreadable => return self.unrelated(NotOurs::WrongState),
        }
        if received.is_malformed() {
            return Callback::Rejected(Rejection::new(RejectionReason::Malformed));
        }
        if received.front_channel || token_in_fragment {
            return Callback::Rejected(Rejection::new(RejectionReason::FrontChannelToken));
        }
        if let Some(rejection) = self.wrong_issuer(&received) {
            return Callback::Rejected(rejection);
        }
        if let Some(error) = error_response(&received, server.quirks()) {
            return Callback::Denied(error);
        }
        match (received.error.value(), received.code.value()) {
            (None, Some(code)) if !code.is_empty() => {
                Callback::Granted(CodeExchange::new(self.grant, AuthorizationCode::new(code.to_owned())))
            }
            _ => Callback::Rejected(Rejection::new(RejectionReason::NoCode)),
        }
    }

    /// RFC 9207 §2.4: compared byte for byte, announced or not.
    fn wrong_issuer(&self, received: &Received<'_>) -> Option<Rejection> {
        let server = &self.grant.client.data().server;
        let expected = server.issuer_identifier()?.as_str();
        let reason = match received.iss.value() {
            Some(iss) if iss == expected => return None,
            Some(_) => RejectionReason::WrongIssuer,
            None if server.iss_required() => RejectionReason::MissingIssuer,
            None => return None,
        };
        Some(Rejection {
            reason,
            expected_iss: Some(expected.into()),
            received_iss: received.iss.value().map(|iss| first_kibibyte(iss).into()),
            error: error_response(received, server.quirks()).map(Box::new),
        })
    }
}

/// The first 1 KiB, in whole characters.
fn first_kibibyte(text: &str) -> String {
    text.char_indices().take_while(|(at, c)| at + c.len_utf8() <= 1024).map(|(_, c)| c).collect()
}

/// The error of a callback, if it states one. Its texts are for people: unreadable or doubled ones are left out.
fn error_response(received: &Received<'_>, quirks: &Quirks) -> Option<ErrorResponse> {
    let word = received.error.value().filter(|code| !code.is_empty())?;
    let code = quirks.error_code(Message::Callback, false, None, word);
    Some(ErrorResponse::of_callback(code, received.error_description.value(), received.error_uri.value()))
}
