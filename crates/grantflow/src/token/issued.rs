//! The result of a token exchange (RFC 8693 §2.2.1).

use core::fmt;

use serde::de::DeserializeOwned;

use super::{AccessToken, Assertion, SecurityToken, TokenTypeIdentifier, Tokens};
use crate::answer::token::{IssuedKind, TokenAnswer, TokenKind, issued_token_type};
use crate::client::Client;
use crate::contract::Failure;
use crate::details::GrantedDetails;
use crate::error::{Error, Misuse, Violation};
use crate::scope::{GrantedScope, Scope};
use crate::value::secret::RefreshToken;
use crate::value::time::UnixTime;

/// What a token exchange issued (RFC 8693 §2.2.1): tokens for an API, or a token that is no access token.
#[must_use = "it holds the issued token"]
#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "a token can be used at an API, or it cannot")]
pub enum Exchanged {
    /// The issued token can be used at an API, as its `token_type` says: Bearer or DPoP.
    Tokens {
        /// The tokens; the access token is the issued token.
        tokens: Box<Tokens>,
        /// What the issued token is. It need not be an access token: a JWT can be used as one, if the server says so.
        issued_token_type: TokenTypeIdentifier,
    },
    /// The issued token cannot be used at an API: `token_type` is `N_A`.
    Issued(Box<IssuedToken>),
}

/// An issued token that is no access token (RFC 8693 §2.2.1). It cannot be put into a request to an API; it can be the
/// subject of another exchange, or an assertion.
pub struct IssuedToken {
    /// The answer. Nothing outside of this type can reach the token in it as an access token.
    answer: Tokens,
    kind: TokenTypeIdentifier,
}

impl Exchanged {
    /// From the checked answer to an exchange that arrived at `now`.
    ///
    /// # Errors
    /// What is wrong with `issued_token_type`.
    pub(crate) fn new(
        client: Client,
        answer: TokenAnswer<'_, IssuedKind>,
        requested: Option<Scope>,
        resources: Vec<String>,
        now: UnixTime,
    ) -> Result<Self, Violation> {
        let kind = issued_token_type(&answer.extra, client.server().quirks())?;
        let kind = TokenTypeIdentifier::new(&kind).map_err(|_| Violation::WrongType("issued_token_type"))?;
        let (usable, of_token) = match answer.kind {
            IssuedKind::Access(of_token) => (true, of_token),
            IssuedKind::NotApplicable => (false, TokenKind::Bearer),
        };
        let answer = Tokens::new(client, answer.of_kind(of_token), requested, resources, now);
        // A refresh token must not go to an API. With another one beside it, the issued one is an access token: servers
        // that are asked for a refresh token answer with both.
        let is_another = |token: &RefreshToken| token.expose_secret() != answer.access.expose();
        let has_another = answer.refresh.as_ref().is_some_and(is_another);
        let is_refresh_token = kind == TokenTypeIdentifier::REFRESH_TOKEN && !has_another;
        Ok(if usable && !is_refresh_token {
            Self::Tokens { tokens: Box::new(answer), issued_token_type: kind }
        } else {
            Self::Issued(Box::new(IssuedToken { answer, kind }))
        })
    }

    /// What the issued token is.
    pub fn issued_token_type(&self) -> &TokenTypeIdentifier {
        match self {
            Self::Tokens { issued_token_type, .. } => issued_token_type,
            Self::Issued(token) => &token.kind,
        }
    }

    /// The tokens, if the issued token can be used at an API.
    ///
    /// # Errors
    /// [`Misuse::NotAnAccessToken`], with the issued token still intact.
    pub fn into_tokens(self) -> Result<Tokens, Failure<Self>> {
        match self {
            Self::Tokens { tokens, .. } => Ok(*tokens),
            Self::Issued(_) => Err(Failure::intact(Error::Misuse(Misuse::NotAnAccessToken), self)),
        }
    }

    /// The issued token, if it cannot be used at an API.
    ///
    /// # Errors
    /// [`Misuse::AnAccessToken`], with the tokens still intact.
    pub fn into_issued(self) -> Result<IssuedToken, Failure<Self>> {
        match self {
            Self::Issued(token) => Ok(*token),
            Self::Tokens { .. } => Err(Failure::intact(Error::Misuse(Misuse::AnAccessToken), self)),
        }
    }

    /// The issued token as the subject, or the actor, of another exchange.
    pub fn to_security_token(&self) -> SecurityToken {
        match self {
            Self::Tokens { tokens, issued_token_type } => {
                // The refresh token is the one beside it.
                let is_beside = *issued_token_type == TokenTypeIdentifier::REFRESH_TOKEN;
                let kind = if is_beside { TokenTypeIdentifier::ACCESS_TOKEN } else { issued_token_type.clone() };
                SecurityToken::issued(tokens.access_token().expose(), kind)
            }
            Self::Issued(token) => token.to_security_token(),
        }
    }

    /// The issued token as the assertion of an [`AssertionGrant`](crate::AssertionGrant).
    ///
    /// # Errors
    /// The errors of [`IssuedToken::to_assertion`].
    pub fn to_assertion(&self) -> Result<Assertion, Error> {
        Assertion::issued(&self.to_security_token())
    }

    /// The answer as a token that cannot be used at an API, whichever `token_type` it has.
    pub(crate) fn into_unusable(self) -> IssuedToken {
        match self {
            Self::Tokens { tokens, issued_token_type } => IssuedToken { answer: *tokens, kind: issued_token_type },
            Self::Issued(token) => *token,
        }
    }
}

impl IssuedToken {
    /// What the token is: `issued_token_type`.
    pub fn token_type(&self) -> &TokenTypeIdentifier {
        &self.kind
    }

    /// When the answer arrived.
    pub fn received_at(&self) -> UnixTime {
        self.answer.received_at()
    }

    /// When the token expires; `None` if the server did not say, which does not mean never.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.answer.expires_at()
    }

    /// Whether the token has expired at `now`. False if the server did not say when it would.
    pub fn is_expired(&self, now: UnixTime) -> bool {
        self.answer.is_expired(now)
    }

    /// The scope of the token.
    pub fn scope(&self) -> &GrantedScope {
        self.answer.scope()
    }

    /// The resources that the exchange asked for (RFC 8707).
    pub fn resources(&self) -> &[String] {
        self.answer.resources()
    }

    /// The authorization details that the server says it granted (RFC 9396 §7).
    pub fn authorization_details(&self) -> GrantedDetails {
        self.answer.authorization_details()
    }

    /// The refresh token, if the server gave one. To use it, see [`Tokens::of_refresh_token`].
    pub fn refresh_token(&self) -> Option<&RefreshToken> {
        self.answer.refresh_token()
    }

    /// The members of the answer that were present and could not be read: see [`Tokens::tolerated`].
    pub fn tolerated(&self) -> &[&'static str] {
        self.answer.tolerated()
    }

    /// The members of the answer that this library does not know, as a value of your type.
    ///
    /// # Errors
    /// [`Misuse::Extra`] if they do not fit `T`.
    pub fn extra<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.answer.extra()
    }

    /// The token as the subject, or the actor, of another exchange.
    pub fn to_security_token(&self) -> SecurityToken {
        SecurityToken::issued(self.expose_secret(), self.kind.clone())
    }

    /// The token as the assertion of an [`AssertionGrant`](crate::AssertionGrant).
    ///
    /// # Errors
    /// [`Misuse::NotAnAssertion`] if its type is neither a JWT, nor an identity assertion, nor a SAML 2.0 assertion;
    /// [`Misuse::TokenForm`] if it does not have the form of its type.
    pub fn to_assertion(&self) -> Result<Assertion, Error> {
        Assertion::issued(&self.to_security_token())
    }

    /// The token's text. Keep it out of logs and URLs.
    pub fn expose_secret(&self) -> &str {
        let access: &AccessToken = self.answer.access_token();
        access.expose()
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("token_type", &self.kind)
            .field("expires_at", &self.answer.expires_at)
            .field("scope", &self.answer.scope)
            .finish_non_exhaustive()
    }
}
