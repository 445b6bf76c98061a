//! The authorization request (RFC 6749 §4.1.1).

use core::fmt;

use zeroize::Zeroizing;

use super::callback::PendingCallback;
use super::pkce::{self, Challenge, Verifier};
use super::response_mode::ResponseMode;
use super::{Grant, pkce_may_be_left_out};
use crate::client::Client;
use crate::contract::Env;
use crate::details::AuthorizationDetails;
use crate::error::{Error, MetadataFault, Misuse};
use crate::scope::Scope;
use crate::server::Message;
use crate::server::fields::{self, Field, Params};
use crate::url::{RedirectUri, add_resource};
use crate::value::secret::RandomText;

/// An authorization request, before it is started: plain data, replayable. Each [`start`](Authorization::start) begins
/// a new grant.
#[derive(Clone, Debug)]
pub struct Authorization {
    pub(super) client: Client,
    pub(super) redirect_uri: RedirectUri,
    pub(super) scope: Option<Scope>,
    pub(super) resources: Vec<String>,
    pub(super) details: Option<AuthorizationDetails>,
    pub(super) response_mode: ResponseMode,
    pub(super) extra: Params,
}

impl Authorization {
    /// A request for this client, which returns to `redirect_uri`: a [`RedirectUri`], or its text. It is always sent,
    /// and never inferred.
    ///
    /// # Errors
    /// [`Misuse::Url`], see [`RedirectUri::new`], and if its query uses a name that the server's quirks give a parameter
    /// of the callback; [`Misuse::NoAuthorizationEndpoint`]; [`Misuse::EmptyClientId`]; [`Misuse::Quirk`] if the server has
    /// [`Quirk::RefusesPkce`](crate::Quirk::RefusesPkce) and the redirect URI is not `https` off loopback;
    /// [`Misuse::Metadata`] if the server's metadata lists PKCE methods without `S256`, or demands signed requests.
    pub fn new<R>(client: impl Into<Client>, redirect_uri: R) -> Result<Self, Error>
    where
        R: TryInto<RedirectUri>,
        Error: From<R::Error>,
    {
        let client = client.into();
        client.identified()?;
        if client.data().authorization_start.is_none() {
            return Err(Error::Misuse(Misuse::NoAuthorizationEndpoint));
        }
        client.data().server.check_authorization()?;
        let redirect_uri = checked(&client, redirect_uri.try_into()?)?;
        Ok(Self {
            client,
            redirect_uri,
            scope: None,
            resources: Vec::new(),
            details: None,
            response_mode: ResponseMode::default(),
            extra: Params::default(),
        })
    }

    /// The same request with another redirect URI: a command-line tool has a new listener, and so a new port, for each login.
    ///
    /// # Errors
    /// [`Misuse::Url`] and [`Misuse::Quirk`], as [`Authorization::new`].
    pub fn redirect_uri<R>(mut self, redirect_uri: R) -> Result<Self, Error>
    where
        R: TryInto<RedirectUri>,
        Error: From<R::Error>,
    {
        self.redirect_uri = checked(&self.client, redirect_uri.try_into()?)?;
        Ok(self)
    }

    /// The scope to ask for (RFC 6749 §3.3): a [`Scope`], or tokens separated by spaces. Without one, the server chooses.
    ///
    /// # Errors
    /// [`Misuse::Scope`].
    pub fn scope<S>(mut self, scope: S) -> Result<Self, Error>
    where
        S: TryInto<Scope>,
        Error: From<S::Error>,
    {
        self.scope = Some(self.client.data().server.quirks().tokens_of(scope.try_into()?)?);
        Ok(self)
    }

    /// A resource for which the token is requested (RFC 8707 §2). May be given more than once. The code exchange and
    /// every refresh also send it.
    ///
    /// # Errors
    /// [`Misuse::Url`] if it is not an absolute URI without fragment; [`Misuse::DuplicateParameter`].
    pub fn resource(mut self, resource: &str) -> Result<Self, Error> {
        add_resource(&mut self.resources, resource)?;
        Ok(self)
    }

    /// The authorization details to ask for (RFC 9396 §3). Given again, they replace the first ones. They make a long URL,
    /// and the person's browser can change it: [`push`](Self::push) them where the server has an endpoint for that. The
    /// tokens say what was granted: [`Tokens::authorization_details`](crate::Tokens::authorization_details).
    ///
    /// # Errors
    /// [`Misuse::AuthorizationDetails`] if the server lists the types that it knows, and one of these is not among them.
    pub fn authorization_details(mut self, details: AuthorizationDetails) -> Result<Self, Error> {
        self.client.data().server.check_details(&details)?;
        self.details = Some(details);
        Ok(self)
    }

    /// How the answer should come back. An answer that comes in another way does not count. If the server's metadata lists
    /// its response modes without this one, no request can be started: [`Misuse::Metadata`].
    #[must_use]
    pub fn response_mode(mut self, mode: ResponseMode) -> Self {
        self.response_mode = mode;
        self
    }

    /// An extra parameter of the authorization request: `prompt`, `access_type`, `audience`.
    ///
    /// # Errors
    /// [`Misuse::ReservedParameter`] for a parameter that the flow sets itself; [`Misuse::DuplicateParameter`] for one
    /// that was given already, or that is in the endpoint's query.
    pub fn param(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let server = &self.client.data().server;
        server.add_param(Message::AuthorizationRequest, &mut self.extra, name, value)?;
        Ok(self)
    }

    /// Starts a grant: draws `state` and the PKCE verifier, and returns the URL to which you send the person.
    ///
    /// # Errors
    /// [`Error::Entropy`] if the source of entropy fails, or gives the same bytes twice in a row; [`Misuse::NeedsPush`]
    /// if the server accepts pushed requests only: then use [`begin`](Self::begin) or [`push`](Self::push);
    /// [`Misuse::Metadata`] if the server's metadata lists its response modes without the requested one. Nothing is sent.
    pub fn start(&self, env: &mut Env<'_>) -> Result<Redirect, Error> {
        if self.client.server().requires_pushed_authorization_requests() {
            return Err(Error::Misuse(Misuse::NeedsPush));
        }
        let secrets = self.draw(env)?;
        let url = self.url(&secrets);
        Ok(self.redirect(url, secrets))
    }

    /// Draws the secrets of a grant.
    ///
    /// # Errors
    /// [`Error::Entropy`], [`Misuse::Metadata`].
    pub(super) fn draw(&self, env: &mut Env<'_>) -> Result<Drawn, Error> {
        if self.response_mode == ResponseMode::FormPost && self.client.server().announced.no_form_post {
            return Err(Error::Misuse(Misuse::Metadata(MetadataFault::NoFormPost)));
        }
        let (state, verifier) = draw(env)?;
        let quirks = self.client.server().quirks();
        Ok(Drawn { state, verifier: if quirks.refuses_pkce { None } else { Some(verifier) } })
    }

    /// The started grant, with its URL.
    pub(super) fn redirect(&self, url: AuthorizationUrl, Drawn { state, verifier }: Drawn) -> Redirect {
        let grant = Grant {
            client: self.client.clone(),
            redirect_uri: self.redirect_uri.clone(),
            verifier,
            scope: self.scope.clone(),
            resources: self.resources.clone(),
        };
        Redirect { url, pending: PendingCallback { grant, state, response_mode: self.response_mode } }
    }

    /// One buffer of the exact size; the parts of the client and of the redirect URI were encoded once before.
    fn url(&self, secrets: &Drawn) -> AuthorizationUrl {
        let data = self.client.data();
        let quirks = data.server.quirks();
        let start = data.authorization_start.as_deref().unwrap_or_default();
        let on = Message::AuthorizationRequest;
        self.with_fields(secrets, |all| {
            // Iterated twice, once for the length: a list of them would cost more.
            let mut url = String::with_capacity(start.len() + fields::len(quirks, on, all.iter(), &self.extra));
            url.push_str(start);
            fields::append(&mut url, quirks, on, all.iter(), &self.extra);
            AuthorizationUrl(Zeroizing::new(url))
        })
    }

    /// The parameters of one request, beside `response_type`, `client_id` and the extra ones.
    #[inline(always)]
    pub(super) fn with_fields<T>(&self, secrets: &Drawn, then: impl FnOnce(&Fields<'_>) -> T) -> T {
        let quirks = self.client.server().quirks();
        let challenge = secrets.verifier.as_ref().map(Verifier::challenge);
        let scope = self.scope.as_ref().map(|scope| quirks.write_scope(scope));
        let redirect_uri = Field::encoded("redirect_uri", self.redirect_uri.as_str(), self.redirect_uri.encoded());
        let response_mode =
            (self.response_mode == ResponseMode::FormPost).then(|| Field::plain("response_mode", "form_post"));
        let tail = [
            Field::plain("state", secrets.state.expose()),
            Field::plain("code_challenge", challenge.as_ref().map_or("", Challenge::as_str)),
            Field::plain("code_challenge_method", pkce::METHOD),
        ];
        then(&Fields {
            head: &[
                Some(redirect_uri),
                scope.as_deref().map(|scope| Field::new("scope", scope)),
                response_mode,
                self.details.as_ref().map(|details| Field::new("authorization_details", details.as_json())),
            ],
            resources: &self.resources,
            tail: if challenge.is_some() { &tail } else { tail.get(..1).unwrap_or_default() },
        })
    }
}

/// The secrets of a grant: `state`, and the PKCE verifier unless the server refuses PKCE.
pub(super) struct Drawn {
    pub(super) state: RandomText,
    verifier: Option<Verifier>,
}

/// The parameters of one authorization request.
pub(super) struct Fields<'a> {
    head: &'a [Option<Field<'a>>; 4],
    resources: &'a [String],
    tail: &'a [Field<'a>],
}

impl<'a> Fields<'a> {
    #[inline(always)]
    pub(super) fn iter(&self) -> impl Iterator<Item = Field<'a>> {
        let resources = self.resources.iter().map(|resource| Field::new("resource", resource));
        self.head.iter().copied().flatten().chain(resources).chain(self.tail.iter().copied())
    }
}

/// # Errors
/// [`Misuse::Quirk`] if the server refuses PKCE and another program could receive the code; [`Misuse::Url`] if the URI's query
/// uses a name of the callback.
fn checked(client: &Client, redirect_uri: RedirectUri) -> Result<RedirectUri, Error> {
    let quirks = client.data().server.quirks();
    if quirks.refuses_pkce && !pkce_may_be_left_out(client, &redirect_uri) {
        return Err(Error::Misuse(Misuse::Quirk(
            "at a server that refuses PKCE a redirect URI must be https and off loopback: another program on the person's \
             machine could receive the code (RFC 8252 §8.5)",
        )));
    }
    // The standard names were checked when the URI was made.
    if quirks.rename_any() {
        redirect_uri.check_query(|name| quirks.is_reserved(Message::Callback, name))?;
    }
    Ok(redirect_uri)
}

fn draw(env: &mut Env<'_>) -> Result<(RandomText, Verifier), Error> {
    let mut octets = Zeroizing::new([[0u8; 32]; 2]);
    env.rng.fill(octets.as_flattened_mut()).map_err(|_| Error::Entropy)?;
    let [state, verifier] = &*octets;
    // A source that repeats itself within 64 bytes is broken; 256 random bits never do.
    if state == verifier {
        return Err(Error::Entropy);
    }
    Ok((RandomText::from_random(state), Verifier::from_random(verifier)))
}

/// A started grant: where to send the person, and what checks their return.
#[must_use = "send the person to `url`, and keep `pending` in their session"]
#[derive(Debug)]
#[allow(clippy::exhaustive_structs, reason = "callers take its fields")]
pub struct Redirect {
    /// The URL to which you send the person.
    pub url: AuthorizationUrl,
    /// The grant that waits for their return. Store it where only this browser's session finds it.
    pub pending: PendingCallback,
}

/// The URL to which you send the person. It holds `state`, so it is redacted when printed: read it with
/// [`as_str`](Self::as_str).
///
/// Letters, digits and `-._~:/?@&+,=%`, and brackets around an IPv6 host: no blanks, no quotes. **A shell acts on `&` and
/// `?` all the same**: hand it over as one argument of a program, never through a shell.
#[derive(Clone)]
pub struct AuthorizationUrl(pub(super) Zeroizing<String>);

impl AuthorizationUrl {
    /// The URL's text, for a `Location` header or a browser.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for AuthorizationUrl {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Debug for AuthorizationUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}?[redacted]", self.0.split('?').next().unwrap_or_default())
    }
}
