//! Tokens that did not come in an answer, but from a database or another library.

use core::fmt;

use super::{AccessToken, Tokens, Tolerated};
use crate::answer::token::TokenKind;
use crate::client::Client;
use crate::error::{Error, Misuse};
use crate::scope::{GrantedScope, Scope};
use crate::url::add_resource;
use crate::value::secret::{RefreshToken, Secret};
use crate::value::time::UnixTime;
use crate::wire::object::Extra;

/// An existing grant that will become [`Tokens`]: see [`Tokens::of_refresh_token`].
#[must_use = "it holds the grant: finish with build()"]
pub struct TokensBuilder {
    client: Client,
    refresh: RefreshToken,
    access: Option<Secret>,
    expires_at: Option<UnixTime>,
    scope: Option<Scope>,
    resources: Vec<String>,
}

impl Tokens {
    /// Tokens from an existing refresh token, of a database or another library. From now on they belong to this client,
    /// and are redacted, bound to its server's origins, refreshed and stored like all others.
    ///
    /// Without an access token they count as expired, so that a session renews them at once.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`]; [`Misuse::TokenCharacter`] for anything but printable ASCII (RFC 6749 appendix A.17), such as a
    /// line break at its end.
    ///
    /// ```
    /// use grantflow::{Server, Tokens, UnixTime};
    /// # struct Row { refresh_token: String, access_token: String, expires_at: u64 }
    /// # let row = Row { refresh_token: "r-1".into(), access_token: "a-1".into(), expires_at: 1_750_003_600 };
    ///
    /// let server = Server::with_token_endpoint("https://as.example/token")?.token_for("https://api.example")?;
    /// let client = server.client("my-id").secret_post("my-secret")?;
    ///
    /// // A row that another library wrote: the refresh token is enough, and more members save a request.
    /// let tokens = Tokens::of_refresh_token(&client, row.refresh_token)?
    ///     .access_token(row.access_token, Some(UnixTime::from_secs(row.expires_at)))?
    ///     .scope("clubs")?
    ///     .build();
    ///
    /// // From here on they are stored like all others, and the row can be deleted.
    /// let stored = serde_json::to_string(&tokens.into_stored())?;
    /// let tokens = Tokens::from_stored(serde_json::from_str(&stored)?, &client)?;
    /// assert!(tokens.is_expired(UnixTime::from_secs(1_750_003_600)));
    /// let exchange = tokens.refresh()?; // for any adapter; or give the tokens to a session
    /// # let _ = exchange;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of_refresh_token(
        client: impl Into<Client>,
        refresh_token: impl Into<String>,
    ) -> Result<TokensBuilder, Error> {
        let refresh = RefreshToken::new(checked(refresh_token.into())?.expose().to_owned());
        let client = client.into();
        Ok(TokensBuilder { client, refresh, access: None, expires_at: None, scope: None, resources: Vec::new() })
    }
}

impl TokensBuilder {
    /// The access token that belongs to it, a Bearer token, and its expiry; `None` if that is not known.
    ///
    /// # Errors
    /// [`Misuse::EmptyToken`], [`Misuse::TokenCharacter`].
    pub fn access_token(mut self, token: impl Into<String>, expires_at: Option<UnixTime>) -> Result<Self, Error> {
        self.access = Some(checked(token.into())?);
        self.expires_at = expires_at;
        Ok(self)
    }

    /// The scope of the grant, if it is known: tokens separated by spaces.
    ///
    /// # Errors
    /// [`Misuse::Scope`].
    pub fn scope(mut self, scope: &str) -> Result<Self, Error> {
        self.scope = Some(self.client.data().server.quirks().tokens_of(Scope::new(scope)?)?);
        Ok(self)
    }

    /// A resource of the grant (RFC 8707 §2), which every refresh sends. May be given more than once.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`].
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        add_resource(&mut self.resources, resource)?;
        Ok(self)
    }

    /// The tokens. Their issue time is not known, so [`Tokens::received_at`] is the epoch.
    pub fn build(self) -> Tokens {
        // A missing access token counts as expired.
        let epoch = UnixTime::from_secs(0);
        let expires_at = if self.access.is_some() { self.expires_at } else { Some(epoch) };
        let access = self.access.as_ref().map_or("", Secret::expose).to_owned();
        Tokens {
            access: AccessToken::new(TokenKind::Bearer, access, &self.client),
            refresh: Some(self.refresh),
            id_token: None,
            id_token_is_kept: false,
            received_at: epoch,
            expires_at,
            scope: GrantedScope { requested: None, unreadable: false, explicit: self.scope },
            target: self.resources.into(),
            extra: Extra::json(String::new()),
            tolerated: Tolerated::default(),
            client: self.client,
        }
    }
}

impl fmt::Debug for TokensBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokensBuilder")
            .field("client", &self.client)
            .field("expires_at", &self.expires_at)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// RFC 6749 appendices A.12, A.17. A refused token is wiped.
fn checked(token: String) -> Result<Secret, Error> {
    let token = Secret::new(token);
    if token.expose().trim().is_empty() {
        return Err(Error::Misuse(Misuse::EmptyToken));
    }
    if !token.expose().bytes().all(|b| matches!(b, 0x20..=0x7e)) {
        return Err(Error::Misuse(Misuse::TokenCharacter));
    }
    Ok(token)
}
