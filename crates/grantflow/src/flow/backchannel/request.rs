//! The backchannel authentication request and its answer (OpenID CIBA §7.1, §7.3, §13).

use core::fmt;
use core::time::Duration;

use http::{Request, Response, StatusCode};
use zeroize::Zeroizing;

use super::grant::BackchannelGrant;
use crate::answer::backchannel;
use crate::call::{self, Asked};
use crate::client::ConfidentialClient;
use crate::contract::{Body, Env, Exchange, Failure, Sent, Step};
use crate::details::AuthorizationDetails;
use crate::error::{BackchannelFault, Error, Misuse, UrlRole};
use crate::scope::Scope;
use crate::server::fields::Field;
use crate::server::{EndpointKind, Message};
use crate::value::secret::{RandomText, Secret};

/// The scope that makes a request one for authentication (OpenID CIBA §7.1).
const OPENID: &str = "openid";

/// The greatest length of a binding message, in characters. Servers take fewer.
const LONGEST_MESSAGE: usize = 256;

/// The greatest length of a person's code, in bytes.
const LONGEST_CODE: usize = 1024;

/// The least length of a notification token: 22 characters of base64url have 132 bits, and OpenID CIBA §7.1 demands 128.
const SHORTEST_TOKEN: usize = 22;

/// The greatest length of a notification token (OpenID CIBA §7.1).
pub(super) const LONGEST_TOKEN: usize = 1024;

/// Lets the server ask a person, on another device, whether this client may have tokens. The request names the person by
/// exactly one hint.
///
/// Only a confidential client can make one: the server must know who asks (OpenID CIBA §7.1).
///
/// Not `Clone`: a request that is sent twice lets the person's phone ring twice. So a lost answer leaves it
/// [`Unknown`](crate::Left::Unknown), and so does each answer that proves nothing, such as a proxy's 502. A refusal
/// leaves it [`Intact`](crate::Left::Intact), because the server has asked nobody then: after `missing_user_code`, for
/// example, add the [`user_code`](Self::user_code), and run the same request again.
#[must_use = "run it, so that the server asks the person"]
pub struct BackchannelRequest {
    asked: Asked,
    hint: (&'static str, Secret),
    acr_values: Option<Box<str>>,
    binding_message: Option<Box<str>>,
    user_code: Option<Secret>,
    requested_expiry: Option<u64>,
    notification_token: Option<Secret>,
}

impl BackchannelRequest {
    /// A request for the person whom the client knows by this name: an e-mail address, a phone number, an account
    /// (`login_hint`).
    ///
    /// # Errors
    /// [`Misuse::NoEndpoint`] if the server has no backchannel authentication endpoint; [`Misuse::Backchannel`] if the
    /// hint is empty.
    pub fn with_login_hint(client: &ConfidentialClient, hint: &str) -> Result<Self, Error> {
        Self::named(client, "login_hint", hint)
    }

    /// A request for the person in an ID token that the server gave this client before (`id_token_hint`). The ID token may
    /// have expired.
    ///
    /// # Errors
    /// As [`with_login_hint`](Self::with_login_hint).
    pub fn with_id_token_hint(client: &ConfidentialClient, hint: &str) -> Result<Self, Error> {
        Self::named(client, "id_token_hint", hint)
    }

    /// A request for the person whom a token of another service names (`login_hint_token`). The two sides agree on its
    /// form.
    ///
    /// # Errors
    /// As [`with_login_hint`](Self::with_login_hint).
    pub fn with_login_hint_token(client: &ConfidentialClient, hint: &str) -> Result<Self, Error> {
        Self::named(client, "login_hint_token", hint)
    }

    fn named(client: &ConfidentialClient, name: &'static str, hint: &str) -> Result<Self, Error> {
        let mut asked = Asked::on(client.into(), Message::BackchannelAuthenticationRequest);
        asked.client.server().needed(EndpointKind::BackchannelAuthentication)?;
        if hint.trim().is_empty() {
            return Err(fault(BackchannelFault::Hint));
        }
        asked.scope(OPENID)?;
        Ok(Self {
            asked,
            hint: (name, Secret::new(hint.to_owned())),
            acr_values: None,
            binding_message: None,
            user_code: None,
            requested_expiry: None,
            notification_token: None,
        })
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. `openid` is always asked for,
    /// also if it is not among them: the standard demands it, and servers refuse a request without it (OpenID CIBA
    /// §7.1).
    ///
    /// # Errors
    /// [`Misuse::Scope`].
    pub fn scope<S>(mut self, scope: S) -> Result<Self, Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.asked.scope(scope)?;
        if let Some(asked) = &self.asked.scope
            && !asked.contains(OPENID)
        {
            let scope = Scope::new(OPENID)?.union(asked);
            self.asked.scope = Some(scope);
        }
        Ok(self)
    }

    /// A text that both devices show, so that the person can see that the two belong together: `W4SCT`. Most servers take
    /// only a few characters, letters and digits, and answer `invalid_binding_message` to others.
    ///
    /// # Errors
    /// [`Misuse::Backchannel`] unless it has 1 to 256 characters, all of which can be seen.
    pub fn binding_message(mut self, message: &str) -> Result<Self, Error> {
        let visible = !message.trim().is_empty() && !message.chars().any(is_unseen);
        if !visible || message.chars().count() > LONGEST_MESSAGE {
            return Err(fault(BackchannelFault::BindingMessage));
        }
        self.binding_message = Some(message.into());
        Ok(self)
    }

    /// A code that only the person and the server know, such as a PIN: it prevents requests that the person does not
    /// want. Given again, it replaces the first one.
    ///
    /// # Errors
    /// [`Misuse::Backchannel`] if it is empty, longer than 1 KiB or has a control character, or if the server's metadata
    /// says that it takes none.
    pub fn user_code(mut self, code: &str) -> Result<Self, Error> {
        if self.asked.client.server().announced.backchannel.no_user_code {
            return Err(fault(BackchannelFault::NoUserCode));
        }
        if code.is_empty() || code.len() > LONGEST_CODE || code.contains(char::is_control) {
            return Err(fault(BackchannelFault::UserCode));
        }
        self.user_code = Some(Secret::new(code.to_owned()));
        Ok(self)
    }

    /// How long the person should have to answer, in whole seconds; a fraction is left out. The server decides:
    /// [`BackchannelGrant::expires_at`].
    ///
    /// # Errors
    /// [`Misuse::Backchannel`] if it is less than a second.
    pub fn requested_expiry(mut self, lifetime: Duration) -> Result<Self, Error> {
        if lifetime.as_secs() == 0 {
            return Err(fault(BackchannelFault::RequestedExpiry));
        }
        self.requested_expiry = Some(lifetime.as_secs());
        Ok(self)
    }

    /// The ways in which the person should log in, separated by spaces, the best one first (`acr_values`).
    ///
    /// # Errors
    /// [`Misuse::Backchannel`] if there is none, or if one has a character that is not printable ASCII.
    pub fn acr_values(mut self, values: &str) -> Result<Self, Error> {
        let values: Vec<&str> = values.split(' ').filter(|value| !value.is_empty()).collect();
        let printable = |value: &&str| value.bytes().all(|b| b.is_ascii_graphic());
        if values.is_empty() || !values.iter().all(printable) {
            return Err(fault(BackchannelFault::AcrValues));
        }
        self.acr_values = Some(values.join(" ").into());
        Ok(self)
    }

    /// Asks the server for a [`Notification`](super::Notification) when the person has decided: ping mode (OpenID CIBA
    /// §10.2). This draws the token by which the client knows that a notification is from the server: 256 bits. The
    /// client must be registered for ping, with the address where it takes notifications; otherwise it has to poll.
    ///
    /// # Errors
    /// [`Error::Entropy`]; [`Misuse::Backchannel`] if the server announces its delivery modes, and ping is not among them.
    pub fn ping(mut self, env: &mut Env<'_>) -> Result<Self, Error> {
        self.asked.client.server().check_delivery(true)?;
        let mut octets = Zeroizing::new([0u8; 32]);
        env.rng.fill(octets.as_mut_slice()).map_err(|_| Error::Entropy)?;
        // A source that repeats itself within 32 bytes is broken.
        let (first, second) = octets.split_at(16);
        if first == second {
            return Err(Error::Entropy);
        }
        self.notification_token = Some(Secret::new(RandomText::from_random(&octets).expose().to_owned()));
        Ok(self)
    }

    /// [`ping`](Self::ping), with a notification token that you have made. A stranger who guesses it can make the client
    /// poll: it must have 128 bits of entropy, and belong to one request only.
    ///
    /// # Errors
    /// [`Misuse::Backchannel`] if it has fewer than 22 characters, more than 1024, or a character that a Bearer token
    /// cannot have (RFC 6750 §2.1); and as [`ping`](Self::ping).
    pub fn ping_with_token(mut self, token: &str) -> Result<Self, Error> {
        self.asked.client.server().check_delivery(true)?;
        // The signs at the end only fill up.
        let is_short = token.trim_end_matches('=').len() < SHORTEST_TOKEN;
        if is_short || token.len() > LONGEST_TOKEN || !is_bearer(token) {
            return Err(fault(BackchannelFault::NotificationToken));
        }
        self.notification_token = Some(Secret::new(token.to_owned()));
        Ok(self)
    }

    /// A resource for which the token is requested (RFC 8707 §2). May be given more than once. Every poll and every
    /// refresh also send it.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`].
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        self.asked.resource(resource)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §2): what the person approves, in more detail than a scope says it.
    /// Given again, they replace the first ones.
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server lists the types that it knows, and one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.asked.authorization_details(details)?;
        Ok(self)
    }

    /// An extra parameter of the request: `ui_locales`, `claims`.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`] for a parameter that the flow sets itself, such as a second hint;
    /// [`Misuse::DuplicateParameter`] for one that was given already, or that is in the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        self.asked.param(name, value)?;
        Ok(self)
    }
}

fn fault(fault: BackchannelFault) -> Error {
    Error::Misuse(Misuse::Backchannel(fault))
}

/// The syntax of a Bearer token (RFC 6750 §2.1).
pub(super) fn is_bearer(token: &str) -> bool {
    let text = token.trim_end_matches('=');
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

/// A character that a person does not see, or that moves others: controls, line ends, marks of direction. With it, two
/// messages that look the same could differ.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

impl fmt::Debug for BackchannelRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The hint says who the person is, and the message what the person is doing.
        f.debug_struct("BackchannelRequest")
            .field("client", &self.asked.client)
            .field("scope", &self.asked.scope)
            .field("hint", &self.hint.0)
            .field("ping", &self.notification_token.is_some())
            .finish_non_exhaustive()
    }
}

impl Exchange for BackchannelRequest {
    type Output = BackchannelGrant;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.asked.client.server().check_delivery(self.notification_token.is_some())?;
        let expiry = self.requested_expiry.map(|seconds| seconds.to_string());
        let (hint, value) = &self.hint;
        let fields = [
            Some(Field::new(hint, value.expose())),
            self.notification_token.as_ref().map(|token| Field::new("client_notification_token", token.expose())),
            self.acr_values.as_deref().map(|values| Field::new("acr_values", values)),
            self.binding_message.as_deref().map(|message| Field::new("binding_message", message)),
            self.user_code.as_ref().map(|code| Field::new("user_code", code.expose())),
            expiry.as_deref().map(|seconds| Field::plain("requested_expiry", seconds)),
        ];
        let own: Vec<Field<'_>> = fields.into_iter().flatten().collect();
        let (to, on) = (EndpointKind::BackchannelAuthentication, Message::BackchannelAuthenticationRequest);
        self.asked.with(&own, |fields| call::post(self.asked.data(), env, to, on, fields, &self.asked.extra))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let quirks = self.asked.client.server().quirks();
        let member = |name: &str| backchannel::member(quirks, name);
        let (role, ok) = (UrlRole::BackchannelAuthentication, StatusCode::OK);
        let answer =
            call::object(role, env.now, ok, Some(&member), &response, |mut members| backchannel::read(&mut members));
        match answer {
            Ok(answer) => Ok(Step::Done(BackchannelGrant::new(env.now, self.asked, answer, self.notification_token))),
            Err(no) => Err(no.harmful_twice(self)),
        }
    }

    fn unanswered(self, _env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        Err(call::no_answer(sent, self))
    }
}
