//! The order in which a client is chosen.

use grantflow::{Client, Issuer, RedirectUri, UnixTime};

use super::{Application, ClientKind, ClientRegistration, Clients, Credentials};
use crate::authorization_server::AuthorizationServer;
use crate::connection::Connection;
use crate::error::Error;
use crate::login::Login;

/// The client with which a person logs in.
#[derive(Debug)]
#[must_use = "each choice goes on in another way"]
#[non_exhaustive]
pub enum ClientChoice {
    /// There is one: begin the login.
    Ready(Box<Login>),
    /// The program can register itself: run it, store the credentials, and begin the login.
    Register(Box<ClientRegistration>),
    /// There is none, and the program cannot make one: ask the person for credentials of this issuer.
    NeedsClient(Box<NeedsClient>),
}

/// A login that lacks a client: the server takes neither the program's document nor registrations.
#[derive(Clone, Debug)]
pub struct NeedsClient {
    server: AuthorizationServer,
    redirect_uri: RedirectUri,
}

impl NeedsClient {
    /// The issuer at which a person has to register the program.
    pub fn issuer(&self) -> &Issuer {
        self.server.issuer()
    }

    /// The redirect URI to register.
    pub fn redirect_uri(&self) -> &RedirectUri {
        &self.redirect_uri
    }

    /// A page for developers, if the server's metadata names one: it may say how to register.
    pub fn service_documentation(&self) -> Option<&str> {
        self.server.metadata()?.service_documentation()
    }

    /// The login with the credentials that the person gave. Add them to the program's [`Clients`] too.
    ///
    /// # Errors
    /// [`Error::OtherIssuer`] if they are of another issuer; [`Error::RedirectUri`]; [`Error::Authentication`];
    /// [`Error::OAuth`].
    pub fn with(self, credentials: &Credentials) -> Result<Login, Error> {
        with_credentials(&self.server, credentials, self.redirect_uri)
    }
}

pub(crate) fn choose(
    server: &AuthorizationServer,
    application: &Application,
    clients: &Clients,
    redirect_uri: RedirectUri,
    now: UnixTime,
) -> Result<ClientChoice, Error> {
    let place = server.place();
    let ready = |login: Result<Login, Error>| Ok(ClientChoice::Ready(Box::new(login?)));
    if let Some(known) = clients.beforehand(place, server.former())? {
        return ready(with_credentials(server, known, redirect_uri));
    }
    let takes_documents = server.metadata().is_some_and(|metadata| metadata.client_id_metadata_document_supported());
    if let Some(document) = application.document.as_ref().filter(|_| takes_documents) {
        if !document.allows(&redirect_uri) {
            return Err(Error::RedirectUri);
        }
        let client = Client::from(&document.document.client(place.server())?);
        return ready(log_in(server, ClientKind::Document, client, redirect_uri));
    }
    if let Some(known) = clients.registered(place, &redirect_uri, now) {
        return ready(with_credentials(server, known, redirect_uri));
    }
    if place.takes_registrations() {
        return Ok(ClientChoice::Register(Box::new(ClientRegistration::new(server, application, redirect_uri)?)));
    }
    Ok(ClientChoice::NeedsClient(Box::new(NeedsClient { server: server.clone(), redirect_uri })))
}

pub(super) fn with_credentials(
    server: &AuthorizationServer,
    credentials: &Credentials,
    redirect_uri: RedirectUri,
) -> Result<Login, Error> {
    if !credentials.allows(&redirect_uri) {
        return Err(Error::RedirectUri);
    }
    log_in(server, credentials.kind(), credentials.client(server.place())?, redirect_uri)
}

fn log_in(
    server: &AuthorizationServer,
    kind: ClientKind,
    client: Client,
    redirect_uri: RedirectUri,
) -> Result<Login, Error> {
    let connection = Connection { place: server.place().clone(), kind, client, redirect_uri: Some(redirect_uri) };
    Login::new(connection, server.wanted_scope())
}
