//! A program that the provider does not know: it registers itself, logs a person in, reads and changes its registration, and
//! deletes it (RFC 7591, RFC 7592). Then the same without a registration: the provider reads a document of the program.
//!
//! `cargo run --example registration` does it against a server in this process, over real HTTP on loopback; the person is there,
//! too. Exits with 0 only if everything worked.

#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/flows.rs"]
mod flows;
mod person;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use grantflow::{
    Authorization, Client, ClientIdDocument, ClientMetadata, Discovery, Left, Registered, Registration, Server,
};
use grantflow_loopback::{Listener, Settings};
use grantflow_testkit::Loopback;
use grantflow_ureq::Agent;

type Outcome<T> = Result<T, Box<dyn Error>>;

const NAME: &str = "Club Manager";
const SCOPE: &str = "read_favorite";
const DOCUMENT: &str = "https://app.example/oauth/client.json";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failed(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> Outcome<()> {
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        // As strict servers do it: each answer about a client has new credentials.
        server.knobs().rotate_registration = true;
        server
    })?;
    provider.follow_system_clock(true);
    let agent = Agent::new();
    show::title("grantflow", &format!("a provider that does not know this program: {}", provider.base_url()));

    show::flow(1, "Where clients register", "RFC 8414");
    let metadata = flows::run(&agent, Discovery::new(provider.base_url())?)?;
    let server = metadata.server()?.token_for(provider.base_url())?;
    show::step("ServerMetadata", "server", "Server");

    show::flow(2, "Registration", "RFC 7591");
    let listener = listener()?;
    let about = about(&listener)?.token_endpoint_auth_method("client_secret_basic")?;
    let registered = flows::run(&agent, Registration::new(&server, about)?)?;
    show::step("Registration", "run", "Registered");
    describe(&registered);
    // A program stores it under the issuer; the text holds the secret.
    let stored = serde_json::to_string(&registered.into_stored())?;
    let registered = Registered::from_stored(serde_json::from_str(&stored)?, &server)?;
    show::note("stored under the issuer, and restored");

    show::flow(3, "A person logs in", "RFC 6749 §4.1, RFC 7636, RFC 9207");
    log_in(&agent, &provider, registered.client(&server)?, listener)?;

    show::flow(4, "Reading and changing the registration", "RFC 7592 §2.1, §2.2");
    let registered = flows::run(&agent, registered.read()?)?;
    show::step("RegistrationRead", "run", "Registered");
    let changes = ClientMetadata::new().client_name("Clubs")?.client_uri("https://app.example")?;
    let registered = flows::run(&agent, registered.update(changes)?)?;
    show::step("RegistrationUpdate", "run", "Registered");
    describe(&registered);
    show::good("the new secret and the new access token are in it: store it again");

    show::flow(5, "No other issuer gets the credentials", "RFC 7591 §5");
    match registered.client(&server.clone().issuer("https://another.example")?) {
        Err(error) => show::good(&format!("refused: {error}")),
        Ok(_) => return Err("another issuer got the client".into()),
    }

    show::flow(6, "The end of the registration", "RFC 7592 §2.3");
    let gone = Registered::from_stored(serde_json::from_str(&stored)?, &server)?;
    flows::run(&agent, registered.delete()?)?;
    show::step("RegistrationDeletion", "run", "()");
    match flows::run(&agent, gone.read()?).map_err(|failure| failure.left) {
        Err(Left::Intact(_)) => show::good("the provider does not know the client any more"),
        _ => return Err("the client is still there".into()),
    }

    show::flow(7, "A client without a registration", "OAuth Client ID Metadata Document");
    by_document(&agent, &provider, &server)?;

    show::all_well("Registered, used, changed and deleted; and known by a document.");
    Ok(())
}

/// What the program says of itself.
fn about(listener: &Listener) -> Result<ClientMetadata, grantflow::Error> {
    ClientMetadata::new()
        .client_name(NAME)?
        .client_name_in("ja", "クラブマネージャー")?
        .redirect_uri(listener.redirect_uri())?
        .grant_types(&["authorization_code", "refresh_token"])?
        .scope(SCOPE)
}

fn describe(registered: &Registered) {
    let method = registered.token_endpoint_auth_method().unwrap_or("?");
    let name = registered.client_name().unwrap_or("?");
    show::good(&format!("{} is {name:?}, and authenticates by {method}", registered.client_id()));
    for dropped in registered.dropped_redirect_uris() {
        show::note(&format!("the provider did not register {dropped}"));
    }
}

fn by_document(agent: &Agent, provider: &Loopback, server: &Server) -> Outcome<()> {
    let listener = listener()?;
    let document = ClientIdDocument::new(DOCUMENT, about(&listener)?)?;
    show::note(&format!("GET {DOCUMENT} is answered with {} bytes of JSON", document.response().body().len()));
    // A real provider requests the document; this one gets it here, because example domains answer nobody.
    provider.with(|server| {
        server.publish(document.client_id(), document.to_json());
    });
    let client = document.client(server)?;
    show::step("ClientIdDocument", "client", "PublicClient");
    log_in(agent, provider, Client::from(&client), listener)
}

fn listener() -> Outcome<Listener> {
    // The person in this demo is quick.
    Ok(Settings::new().patience(Duration::from_secs(20)).bind()?)
}

fn log_in(agent: &Agent, provider: &Loopback, client: Client, listener: Listener) -> Outcome<()> {
    let authorization = Authorization::new(client, listener.redirect_uri())?.scope(SCOPE)?;
    let mut visit = None;
    let tokens = flows::log_in(agent, &authorization, listener, |url| visit = Some(person::set_out(agent, url)))?;
    visit.ok_or("no person was sent to the provider")?.join().map_err(|_| "the person's thread panicked")??;
    let api = provider.with(|server| server.resource_url());
    flows::call_api(agent, &tokens, &api)?;
    let tokens = flows::refresh(agent, tokens)?;
    flows::call_api(agent, &tokens, &api)
}
