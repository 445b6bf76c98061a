//! The result of a grant: an access token, perhaps a refresh token, and their scope (RFC 6749 §5.1).

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use http::{HeaderValue, Request, header};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::answer::token::{Member, TokenAnswer, TokenKind};
use crate::client::Client;
use crate::details::GrantedDetails;
use crate::error::{AuthorizeFault, Error, Misuse, Violation};
use crate::scope::{GrantedScope, Scope};
use crate::url::Reach;
use crate::value::secret::{RefreshToken, Secret, UnverifiedIdToken};
use crate::value::time::UnixTime;
use crate::wire::object::{Extra, Optional};

mod builder;
mod hint;
mod identifier;
mod issued;
mod security;
mod stored;
mod target;
mod tolerated;

pub use builder::TokensBuilder;
pub use hint::TokenTypeHint;
pub use identifier::TokenTypeIdentifier;
pub use issued::{Exchanged, IssuedToken};
pub use security::{Assertion, SecurityToken};
pub use stored::StoredTokens;
pub(crate) use target::Target;
pub(crate) use tolerated::Tolerated;

/// The result of a grant. Not `Clone`: a refresh token has one owner.
#[derive(Debug)]
pub struct Tokens {
    pub(crate) client: Client,
    pub(crate) access: AccessToken,
    pub(crate) refresh: Option<RefreshToken>,
    pub(crate) id_token: Option<UnverifiedIdToken>,
    /// It came with an earlier answer than the access token.
    pub(crate) id_token_is_kept: bool,
    pub(crate) received_at: UnixTime,
    pub(crate) expires_at: Option<UnixTime>,
    pub(crate) scope: GrantedScope,
    pub(crate) target: Target,
    pub(crate) extra: Extra,
    pub(crate) tolerated: Tolerated,
}

impl Tokens {
    /// Tokens from a checked answer that arrived at `now`.
    pub(crate) fn new(
        client: Client,
        answer: TokenAnswer<'_>,
        requested: Option<Scope>,
        target: impl Into<Target>,
        now: UnixTime,
    ) -> Self {
        let quirks = client.data().server.quirks();
        let mut tolerated = Tolerated::default();
        let expires_in = match tolerate(answer.expires_in, Member::ExpiresIn, &mut tolerated) {
            Some(0) if quirks.zero_lifetime_is_never => None,
            said => said,
        };
        let refresh = tolerate(answer.refresh_token, Member::RefreshToken, &mut tolerated);
        let said = !matches!(answer.scope, Optional::Absent);
        let explicit = match tolerate(answer.scope, Member::Scope, &mut tolerated) {
            Some(text) => {
                let scope = Scope::read(&text, quirks.answer_scope_separator());
                if scope.is_none() {
                    tolerated.add(Member::Scope);
                }
                scope
            }
            None => None,
        };
        let id_token = tolerate(answer.id_token, Member::IdToken, &mut tolerated);
        Self {
            access: AccessToken::new(answer.kind, answer.access_token.into_owned(), &client),
            refresh: refresh.map(|text| RefreshToken::new(text.into_owned())),
            id_token: id_token.map(|text| UnverifiedIdToken::new(text.into_owned())),
            id_token_is_kept: false,
            received_at: now,
            expires_at: expires_in.map(|seconds| now.saturating_add(Duration::from_secs(seconds))),
            scope: GrantedScope { requested, unreadable: said && explicit.is_none(), explicit },
            target: target.into(),
            extra: answer.extra,
            tolerated,
            client,
        }
    }

    /// The access token, by its type. If the tokens were made from a refresh token alone, it is empty and has expired.
    pub fn access_token(&self) -> &AccessToken {
        &self.access
    }

    /// The access token as a Bearer token.
    ///
    /// # Errors
    /// [`Misuse::NotBearer`] if the server issued a sender-constrained one; [`Misuse::NoAccessToken`] if these tokens were made
    /// from a refresh token alone.
    pub fn bearer(&self) -> Result<&BearerToken, Error> {
        match &self.access {
            AccessToken::Bearer(token) if token.expose_secret().is_empty() => Err(Error::Misuse(Misuse::NoAccessToken)),
            AccessToken::Bearer(token) => Ok(token),
            AccessToken::Dpop(_) => Err(Error::Misuse(Misuse::NotBearer)),
        }
    }

    /// The refresh token, if the server gave one. To use it, call [`Tokens::refresh`].
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh.as_ref()
    }

    /// The ID token, if the server gave one. It is not verified. A refresh without an ID token keeps the earlier one.
    pub fn unverified_id_token(&self) -> Option<&UnverifiedIdToken> {
        self.id_token.as_ref()
    }

    /// Whether the ID token came with an earlier answer than the access token, because the latest refresh brought no
    /// readable one (OpenID Connect Core §12.2).
    pub fn id_token_is_kept(&self) -> bool {
        self.id_token_is_kept
    }

    /// The standard names of the members of the latest answer that were present and could not be read: `expires_in`,
    /// `refresh_token`, `scope`, `id_token`. Each cost only its own value; the lifetime, or the scope, is then unknown.
    /// Empty for a correct answer.
    ///
    /// After a refresh, a `refresh_token` here means that the server may have rotated it and that the tokens hold the
    /// old one. A `null` or empty one says that there is no new one, and is not listed.
    pub fn tolerated(&self) -> &[&'static str] {
        self.tolerated.names()
    }

    /// When the answer arrived.
    pub fn received_at(&self) -> UnixTime {
        self.received_at
    }

    /// When the access token expires; `None` if the server did not say, which does not mean never.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.expires_at
    }

    /// Whether the access token has expired at `now`. False if the server did not say when it would.
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.expires_within(Duration::ZERO, now)
    }

    /// Whether the access token will have expired when `margin` has passed after `now`. False if the server did not
    /// say.
    pub fn expires_within(&self, margin: Duration, now: UnixTime) -> bool {
        self.expires_at.is_some_and(|at| at <= now.saturating_add(margin))
    }

    /// The same tokens without the refresh token, for a part of a program that uses the access token and must not renew
    /// it. The dropped refresh token is lost, unless it is stored elsewhere.
    #[must_use]
    pub fn without_refresh_token(mut self) -> Self {
        self.refresh = None;
        self
    }

    /// The scope of the grant.
    pub fn scope(&self) -> &GrantedScope {
        &self.scope
    }

    /// The resources of the access token (RFC 8707): those of the latest token request, or else those of the grant. Empty
    /// if it was requested for none. A refresh names them again.
    pub fn resources(&self) -> &[String] {
        self.target.of_the_token()
    }

    /// The authorization details that the server says it granted (RFC 9396 §7). If a refresh asks for none and its answer
    /// says nothing about them, those of the earlier answer still apply.
    pub fn authorization_details(&self) -> GrantedDetails {
        self.target.details(&self.extra)
    }

    /// The members of the latest answer that this library does not know, as a value of your type: `instance_url`,
    /// `realmId`, `x_refresh_token_expires_in`. A refresh replaces them.
    ///
    /// With [`Quirk::TokenPath`](crate::Quirk::TokenPath), they are the members beside the token in the innermost
    /// object; members outside of it (Slack's `team`, beside `authed_user`) are dropped.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    ///
    /// ```
    /// # fn show(tokens: &grantflow::Tokens) -> Result<(), grantflow::Error> {
    /// #[derive(serde::Deserialize)]
    /// struct Site { instance_url: String }
    ///
    /// let site: Site = tokens.extra()?;
    /// # Ok(()) }
    /// ```
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.extra.read().ok_or(Error::Misuse(Misuse::Extra))
    }
}

/// Whether the answer to a login can be used to identify the person. An ID token that cannot be read must not look like a
/// missing one.
///
/// # Errors
/// What is wrong with the ID token.
#[inline]
pub(crate) fn check_identity<K>(answer: &TokenAnswer<'_, K>, requested: Option<&Scope>) -> Result<(), Violation> {
    match answer.id_token.fault() {
        Some(fault) if requested.is_some_and(|scope| scope.contains("openid")) => Err(fault.of(Member::IdToken)),
        _ => Ok(()),
    }
}

/// The value of an optional member; one that is there and has none is written down.
fn tolerate<T>(value: Optional<T>, member: Member, tolerated: &mut Tolerated) -> Option<T> {
    if value.fault().is_some() {
        tolerated.add(member);
    }
    value.value()
}

/// An access token, by its type. Both types are opaque: only the API reads the content of a token (OAuth 2.1 §1.4).
#[derive(Clone, Debug)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a program that uses a token must know every type, and refuse at compile time"
)]
pub enum AccessToken {
    /// Anyone who has it may use it (RFC 6750).
    Bearer(BearerToken),
    /// Only the holder of a key may use it (RFC 9449).
    Dpop(DpopToken),
}

impl AccessToken {
    pub(crate) fn new(kind: TokenKind, text: String, client: &Client) -> Self {
        let text = Secret::new(text);
        match kind {
            TokenKind::Bearer => Self::Bearer(BearerToken { text, reach: client.data().server.reach().cloned() }),
            TokenKind::Dpop => Self::Dpop(DpopToken { text }),
        }
    }

    pub(crate) fn kind(&self) -> TokenKind {
        match self {
            Self::Bearer(_) => TokenKind::Bearer,
            Self::Dpop(_) => TokenKind::Dpop,
        }
    }

    pub(crate) fn expose(&self) -> &str {
        match self {
            Self::Bearer(token) => token.expose_secret(),
            Self::Dpop(token) => token.expose_secret(),
        }
    }
}

/// A Bearer token (RFC 6750).
#[derive(Clone)]
pub struct BearerToken {
    text: Secret,
    reach: Option<Arc<Reach>>,
}

impl BearerToken {
    /// Puts the token into a request's `Authorization` header, marked sensitive (RFC 6750 §2.1). This is the only way:
    /// never the query, never the body.
    ///
    /// # Errors
    /// [`Misuse::Authorize`], and the request is unchanged: if its URI is not absolute, has user information, or has an
    /// impossible host, port or escape; if it is `http` off loopback, and [`PlainHttp`](crate::PlainHttp) does not name
    /// its host; if it has credentials already; if the server was given origins
    /// ([`Server::token_for`](crate::Server::token_for)) and this is not one of them.
    pub fn authorize<B>(&self, request: &mut Request<B>) -> Result<(), Error> {
        let refuse = |fault| Err(Error::Misuse(Misuse::Authorize(fault)));
        if let Err(fault) = Reach::check(self.reach.as_deref(), request.uri()) {
            return refuse(fault);
        }
        if request.headers().contains_key(header::AUTHORIZATION) {
            return refuse(AuthorizeFault::AlreadyAuthorized);
        }
        let text = self.text.expose();
        if text.is_empty() {
            return refuse(AuthorizeFault::NoToken);
        }
        let mut line = Zeroizing::new(String::with_capacity("Bearer ".len() + text.len()));
        line.push_str("Bearer ");
        line.push_str(text);
        let Ok(mut value) = HeaderValue::from_str(&line) else { return refuse(AuthorizeFault::NotAHeader) };
        if text.contains(' ') {
            return refuse(AuthorizeFault::NotAHeader);
        }
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(())
    }

    /// The token's text, for other uses than an HTTP request. Anyone who has it may use it: keep it out of logs and
    /// URLs.
    pub fn expose_secret(&self) -> &str {
        self.text.expose()
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BearerToken {{ text: [redacted], reach: {:?} }}", self.reach)
    }
}

/// A DPoP-bound token (RFC 9449). It is useless without a proof by its key, so it cannot be attached like a Bearer
/// token.
#[derive(Clone, Debug)]
pub struct DpopToken {
    text: Secret,
}

impl DpopToken {
    /// The token's text.
    pub fn expose_secret(&self) -> &str {
        self.text.expose()
    }
}
