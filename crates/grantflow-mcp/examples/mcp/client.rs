//! The program: what it keeps, and the steps from a refusal to a grant.

use std::time::Duration;

use grantflow::{Body, ClientIdDocument, ClientMetadata, Env, Exchange, Failure, RedirectUri};
use grantflow_loopback::{Arrival, Settings};
use grantflow_mcp::{
    Application, AuthorizationServer, Challenged, ClientChoice, Clients, Grant, Login, LoginRedirect, LoginReturn,
    NewClient, Resource,
};
use grantflow_ureq::{Agent, SysRng};
use http::{Request, Response};

use crate::{DOCUMENT, Outcome, person, show};

/// A program that uses tools of an MCP server.
pub(crate) struct Program {
    agent: Agent,
    resource: Resource,
    application: Application,
    /// What the program's web server answers at [`DOCUMENT`].
    pub(crate) document: ClientIdDocument,
    /// To be stored: the credentials of each issuer.
    pub(crate) clients: Clients,
}

impl Program {
    pub(crate) fn new(url: &str) -> Outcome<Self> {
        let metadata = ClientMetadata::new().client_name("Editor")?;
        let document = metadata.clone().redirect_uri("http://127.0.0.1/callback")?;
        let document = document.grant_types(&["authorization_code", "refresh_token"])?;
        let document = ClientIdDocument::new(DOCUMENT, document)?;
        let application = Application::new(metadata).document(document.clone())?;
        let (agent, resource, clients) = (Agent::new(), Resource::new(url)?, Clients::new());
        Ok(Self { agent, resource, application, document, clients })
    }

    /// Steps 1 to 9.
    pub(crate) fn first_contact(&mut self) -> Outcome<Grant> {
        show::flow(1, "Challenge", "RFC 6750 §3, RFC 9728 §5.1");
        let refused = self.call(None)?;
        let challenged = self.resource.refused(refused.status(), refused.headers())?.ok_or("it needs no token")?;
        show::step("Resource", "refused", "Challenged");
        let scope = challenged.scope().ok_or("the challenge names no scope")?.as_str().to_owned();
        show::good(&format!("the challenge names the metadata, and the scope {scope}"));

        let server = self.found(challenged)?;

        show::flow(
            5,
            "Client",
            "registered beforehand, else a metadata document, else dynamically, else ask the person",
        );
        let login = self.client(&server)?;

        show::flow(6, "Scope", "of the challenge, else of the resource, else none");
        let scope = login.requested_scope().ok_or("no scope is asked for")?;
        show::good(&format!("{} is asked for, as the challenge says", scope.as_str()));

        show::flow(7, "resource", "RFC 8707");
        let identifier = login.connection().resource_identifier();
        show::good(&format!("{identifier} is in the authorization request, the code exchange and every refresh"));

        show::flow(8, "iss", "RFC 9207");
        show::note(&format!("recorded before the redirect: {}", login.issuer()));
        let grant = self.log_in(&login)?;

        show::flow(9, "The token, to this resource only", "RFC 6750 §2.1");
        self.elsewhere(&grant)?;
        answered(&self.call(Some(&grant))?)?;
        Ok(grant)
    }

    /// Steps 2 to 4.
    pub(crate) fn found(&self, challenged: Challenged) -> Outcome<AuthorizationServer> {
        show::flow(2, "Protected resource metadata", "RFC 9728");
        let servers = self.run(challenged)?;
        show::step("Challenged", "run", "AuthorizationServers");
        show::good("the document describes this resource");
        let only = servers.only().ok_or("several authorization servers: ask the person which")?;
        show::good(&format!("one authorization server: {only}"));

        show::flow(3, "Server metadata", "RFC 8414, OpenID Connect Discovery");
        let server = self.run(servers.choose(only)?)?;
        show::step("ServerDiscovery", "run", "AuthorizationServer");
        show::good("the document's issuer is the one that the resource named, byte for byte");

        show::flow(4, "PKCE must be announced", "RFC 7636, RFC 8414 §2");
        if !server.metadata().is_some_and(|metadata| metadata.announces_s256()) {
            return Err("the server does not announce PKCE".into());
        }
        show::good("S256 is in code_challenge_methods_supported; without it, no login begins");
        Ok(server)
    }

    /// Step 5.
    pub(crate) fn client(&mut self, server: &AuthorizationServer) -> Outcome<Login> {
        let redirect_uri = RedirectUri::new("http://127.0.0.1/callback")?;
        let choice = server.client(&self.application, &self.clients, redirect_uri, grantflow_ureq::now())?;
        let login = match choice {
            ClientChoice::Ready(login) => {
                show::step("AuthorizationServer", "client", "ClientChoice::Ready(Login)");
                *login
            }
            ClientChoice::Register(registration) => {
                show::step("AuthorizationServer", "client", "ClientChoice::Register(ClientRegistration)");
                let new: NewClient = self.run(*registration)?;
                show::step("ClientRegistration", "run", "NewClient");
                // Stored before they are used, under the issuer that gave them.
                show::note(&format!("its credentials are kept under {}", new.credentials().issuer()));
                self.clients.add(new.credentials().clone());
                new.login()?
            }
            other => return Err(format!("ask the person: {other:?}").into()),
        };
        let connection = login.connection();
        show::good(&format!("the client is {} ({:?})", connection.client().id(), connection.client_kind()));
        Ok(login)
    }

    /// The person goes to the authorization server and comes back to a listener.
    pub(crate) fn log_in(&self, login: &Login) -> Outcome<Grant> {
        // The person in this demo is quick.
        let listener = Settings::new().patience(Duration::from_secs(20)).bind()?;
        let redirect_uri = listener.redirect_uri().clone();
        let login = login.clone().redirect_uri(redirect_uri.clone())?;
        let LoginRedirect { url, pending } = login.start(&mut Env::new(grantflow_ureq::now(), &mut SysRng))?;
        show::step("Login", "start", "LoginRedirect { url, pending: PendingLogin }");
        show::sent_to(&url);
        let person = person::set_out(&self.agent, url.as_str(), redirect_uri.as_str());

        let mut last_page = None;
        let returned = pending.receive_by(|pending| {
            listener.wait(pending).map(|Arrival { callback, page }| {
                last_page = Some(page);
                callback
            })
        })?;
        let exchange = match returned {
            LoginReturn::Granted(exchange) => exchange,
            LoginReturn::Denied(refusal) => {
                return Err(format!("the person or the server said no: {}", refusal.code()).into());
            }
            LoginReturn::Rejected(rejection) => return Err(rejection.into()),
            LoginReturn::Unrelated { why, .. } => return Err(format!("the listener gave up: {why}").into()),
        };
        show::step("PendingLogin", "receive", "LoginReturn::Granted(GrantExchange)");
        show::good("state and iss are the recorded ones, byte for byte");
        let grant = self.run(exchange)?;
        show::step("GrantExchange", "run", "Grant");
        show::good(&format!("the grant is for {}, of {}", grant.resource_identifier(), grant.issuer()));
        drop(last_page);
        person.join().map_err(|_| "the person's thread panicked")??;
        Ok(grant)
    }

    /// A call of a tool, with the token of a grant or without.
    pub(crate) fn call(&self, grant: Option<&Grant>) -> Outcome<Response<Body>> {
        let mut request =
            Request::post(self.resource.url()).body(Body::from(br#"{"jsonrpc":"2.0","id":1}"#.to_vec()))?;
        if let Some(grant) = grant {
            grant.authorize(&mut request)?;
        }
        show::request(&request);
        let response = grantflow_ureq::send(&self.agent, request)?;
        show::response(&response);
        Ok(response)
    }

    /// The token is attached to no request to another place.
    fn elsewhere(&self, grant: &Grant) -> Outcome<()> {
        for url in [format!("{}/admin", self.resource.origin()), format!("{}/token", grant.issuer())] {
            let mut request = Request::get(&url).body(Body::default())?;
            match grant.authorize(&mut request) {
                Ok(()) => return Err(format!("the token would go to {url}").into()),
                Err(error) => show::good(&format!("not to {url}: {error}")),
            }
        }
        Ok(())
    }

    /// Runs an exchange as `grantflow_ureq::run` does, and shows what is sent and received.
    pub(crate) fn run<X: Exchange>(&self, exchange: X) -> Result<X::Output, Failure<X, grantflow_ureq::Error>> {
        grantflow::drive(exchange, &mut SysRng, grantflow_ureq::now, std::thread::sleep, |request| {
            show::request(&request);
            let response =
                grantflow_ureq::send(&self.agent, request).map_err(|unanswered| (unanswered.sent, unanswered.error))?;
            show::response(&response);
            Ok(response)
        })
    }
}

/// The tool has answered.
pub(crate) fn answered(response: &Response<Body>) -> Outcome<()> {
    if !response.status().is_success() {
        return Err(format!("the MCP server answered {}", response.status()).into());
    }
    show::good("the tool has answered");
    Ok(())
}
