//! A program that registers itself (RFC 7591), because the server takes no metadata document.

use core::fmt;

use grantflow::{
    ApplicationType, Body, ClientMetadata, Env, Error as OAuthError, ErrorCode, Exchange, Failure, RedirectUri,
    Registered, Registration, Sent, Step,
};
use http::{Request, Response};

use super::application::Described;
use super::choice::with_credentials;
use super::{Application, Credentials};
use crate::authorization_server::AuthorizationServer;
use crate::error::Error;
use crate::login::Login;

/// The program's registration at the authorization server. Not `Clone`: each request that the server takes makes another
/// client. What a failure leaves is what [`Registration`] says.
///
/// If the server refuses the metadata (`invalid_client_metadata`, `invalid_redirect_uri`), it is asked once more with the
/// other `application_type`: servers differ in what they take for a native program.
#[must_use = "run it to register the program"]
pub struct ClientRegistration {
    server: AuthorizationServer,
    redirect_uri: RedirectUri,
    registration: Registration,
    /// The redirect URIs that are asked for.
    redirect_uris: Vec<String>,
    /// The same metadata with the other `application_type`, until it is tried.
    other: Option<ClientMetadata>,
}

impl ClientRegistration {
    pub(super) fn new(
        server: &AuthorizationServer,
        application: &Application,
        redirect_uri: RedirectUri,
    ) -> Result<Self, Error> {
        let metadata = application.metadata.clone().redirect_uri(redirect_uri.clone())?;
        let described = Described::of(&metadata.to_json());
        let is_native = described.application_type.as_deref() != Some("web");

        let mut grant_types: Vec<&str> = described.grant_types.iter().map(String::as_str).collect();
        for needed in ["authorization_code", "refresh_token"] {
            if !grant_types.contains(&needed) {
                grant_types.push(needed);
            }
        }
        let mut metadata = metadata.grant_types(&grant_types)?;
        if described.token_endpoint_auth_method.is_none() {
            metadata = metadata.token_endpoint_auth_method(method(server.place().auth_methods(), is_native))?;
        }
        let kinds = [ApplicationType::Native, ApplicationType::Web];
        let [kind, other] = if is_native { kinds } else { [ApplicationType::Web, ApplicationType::Native] };
        let other = metadata.clone().application_type(other);
        let registration = Registration::new(server.place().server(), metadata.application_type(kind))?;
        let redirect_uris = described.redirect_uris;
        Ok(Self { server: server.clone(), redirect_uri, registration, redirect_uris, other: Some(other) })
    }

    /// The token that a server may demand before it registers a client (RFC 7591 §3). It is sent with the first request
    /// only.
    ///
    /// # Errors
    /// The errors of [`Registration::initial_access_token`].
    pub fn initial_access_token(mut self, token: &str) -> Result<Self, OAuthError> {
        self.registration = self.registration.initial_access_token(token)?;
        // The other request would lack it.
        self.other = None;
        Ok(self)
    }

    /// What the program says about itself.
    pub fn metadata(&self) -> &ClientMetadata {
        self.registration.metadata()
    }

    fn stepped(
        self,
        run: impl FnOnce(Registration) -> Result<Step<Registration>, Failure<Registration>>,
    ) -> Result<Step<Self>, Failure<Self>> {
        let Self { server, redirect_uri, registration, redirect_uris, other } = self;
        match run(registration) {
            Ok(Step::Done(registered)) => {
                let credentials = Credentials::registered(registered, redirect_uris);
                Ok(Step::Done(NewClient { credentials, server, redirect_uri }))
            }
            Ok(Step::Again(registration)) => {
                Ok(Step::Again(Self { server, redirect_uri, registration, redirect_uris, other }))
            }
            Err(failure) => {
                let again = other.filter(|_| is_about_metadata(&failure.error));
                match again.map(|metadata| Registration::new(server.place().server(), metadata)) {
                    Some(Ok(registration)) => {
                        Ok(Step::Again(Self { server, redirect_uri, registration, redirect_uris, other: None }))
                    }
                    _ => Err(failure.map_left(|registration| Self {
                        server,
                        redirect_uri,
                        registration,
                        redirect_uris,
                        other: None,
                    })),
                }
            }
        }
    }
}

/// How the program will authenticate: a program on a person's device can keep no secret.
fn method(announced: Option<&[String]>, is_native: bool) -> &'static str {
    let order = match is_native {
        true => ["none", "client_secret_basic", "client_secret_post"],
        false => ["client_secret_basic", "client_secret_post", "none"],
    };
    let takes = |method: &&str| announced.is_none_or(|all| all.iter().any(|known| known == method));
    order.into_iter().find(takes).unwrap_or("none")
}

fn is_about_metadata(error: &OAuthError) -> bool {
    matches!(error.code(), Some(ErrorCode::InvalidClientMetadata | ErrorCode::InvalidRedirectUri))
}

impl Exchange for ClientRegistration {
    type Output = NewClient;

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, OAuthError> {
        self.registration.request(env)
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        self.stepped(|registration| registration.respond(env, response))
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        self.stepped(|registration| registration.unanswered(env, sent))
    }
}

impl fmt::Debug for ClientRegistration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientRegistration")
            .field("server", &self.server)
            .field("registration", &self.registration)
            .finish_non_exhaustive()
    }
}

/// A client that the program has registered just now. **Store its credentials before the login begins**
/// ([`Clients::add`](crate::Clients::add)): the server gives them once.
#[derive(Debug)]
#[must_use = "store its credentials, and begin the login"]
pub struct NewClient {
    credentials: Credentials,
    server: AuthorizationServer,
    redirect_uri: RedirectUri,
}

impl NewClient {
    /// The credentials, which belong to the server's issuer.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// The login with these credentials.
    ///
    /// # Errors
    /// [`Error::RedirectUri`] if the server did not register the redirect URI of the login; [`Error::OAuth`] with
    /// [`Misuse::Registration`](grantflow::Misuse::Registration) if the client cannot authenticate in the registered way.
    pub fn login(self) -> Result<Login, Error> {
        with_credentials(&self.server, &self.credentials, self.redirect_uri)
    }
}

impl Credentials {
    /// What the server has registered, to read, change or delete it (RFC 7592). `None` if the program did not register it.
    /// After a change, [`registered_again`](Self::registered_again) keeps the new credentials.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`] if the credentials are of another issuer; [`Error::OAuth`].
    pub fn registration(&self, server: &AuthorizationServer) -> Result<Option<Registered>, Error> {
        self.registered_at(server.place())
    }

    /// The same client after its registration was read or changed.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`] if it was registered at another issuer.
    pub fn registered_again(&self, registered: Registered) -> Result<Self, Error> {
        if registered.issuer().as_str() != self.issuer() {
            let of = grantflow::Issuer::new(self.issuer())?;
            return Err(Error::OtherIssuer { of, at: registered.issuer().clone() });
        }
        Ok(Self::registered(registered, self.0.redirect_uris.clone()))
    }
}
