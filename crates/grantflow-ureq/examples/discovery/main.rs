//! From an API's address to a login, with only a client configured: the API refuses and names its metadata, the
//! metadata names the authorization server, and the server's metadata names everything else.
//!
//! `cargo run --example discovery` runs it against a server in this process, over real HTTP on loopback. Exits with 0
//! only if everything succeeded.

#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/flows.rs"]
mod flows;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use grantflow::{Authorization, Body, Challenges, Discovery, Issuer, ResourceDiscovery, ServerMetadata};
use grantflow_loopback::Settings;
use grantflow_testkit::{Client, Loopback};
use grantflow_ureq::Agent;
use http::{Request, Response};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ID: &str = "demo-client";
const SECRET: &str = "demo-client-secret";
const SCOPE: &str = "read_favorite";

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
    // The person in this demo is quick.
    let listener = Settings::new().patience(Duration::from_secs(20)).bind()?;
    let redirect_uri = listener.redirect_uri().as_str().to_owned();
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::confidential(ID, SECRET).redirect_uri(&redirect_uri).scope(SCOPE));
        let knobs = server.knobs();
        knobs.challenge_names_metadata = true;
        knobs.required_scope = Some(SCOPE.to_owned());
        server
    })?;
    provider.follow_system_clock(true);
    let api_url = provider.with(|server| server.resource_url());
    let agent = Agent::new();
    show::title("grantflow", &format!("only an API is known: {api_url}"));

    show::flow(1, "Challenge", "RFC 9110 §11.6.1, RFC 6750 §3, RFC 9728 §5.1");
    let challenges = challenges(&agent, &api_url)?;
    let scope = challenges.bearer().find_map(|challenge| challenge.scope()).ok_or("the API names no scope")?;
    show::good(&format!("the API wants the scope {}", scope.as_str()));

    show::flow(2, "Resource metadata", "RFC 9728");
    let resource = flows::run(&agent, ResourceDiscovery::challenged(&api_url, &challenges)?)?;
    show::step("ResourceDiscovery", "run", "ResourceMetadata");
    show::good("the document describes this API");
    let issuer = chosen(resource.authorization_servers())?;

    show::flow(3, "Server metadata", "RFC 8414");
    let metadata = flows::run(&agent, resource.discovery(issuer)?)?;
    show::step("Discovery", "run", "ServerMetadata");
    show::good(&format!("the document describes {}", metadata.issuer()));
    kept(&metadata)?;
    let server = metadata.server()?.token_for(provider.base_url())?;
    show::step("ServerMetadata", "server", "Server");

    show::flow(4, "Authorization code + PKCE", "RFC 6749 §4.1, RFC 7636, RFC 9207");
    let client = server.client(ID).secret_basic(SECRET)?;
    let authorization =
        Authorization::new(&client, listener.redirect_uri())?.scope(scope)?.resource(resource.resource())?;
    let mut person = None;
    let tokens = flows::log_in(&agent, &authorization, listener, |url| {
        let (url, agent, place) = (url.to_owned(), agent.clone(), redirect_uri.clone());
        person = Some(thread::spawn(move || visit(&agent, &url, &place)));
    })?;
    person.ok_or("no person was sent to the provider")?.join().map_err(|_| "the person's thread panicked")??;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::all_well("From an address to an answer of the API.");
    Ok(())
}

/// The API's answer to a request without a token.
fn challenges(agent: &Agent, api_url: &str) -> Outcome<Challenges> {
    let request = Request::get(api_url).body(Body::default())?;
    show::request(&request);
    let refused = grantflow_ureq::send(agent, request)?;
    show::response(&refused);
    if refused.status() != http::StatusCode::UNAUTHORIZED {
        return Err(format!("the API answered {} to a request without a token", refused.status()).into());
    }
    Ok(Challenges::of(refused.headers()))
}

/// Among several servers the program chooses, never the library. This program takes the only one.
fn chosen(servers: &[Issuer]) -> Outcome<&Issuer> {
    match servers {
        [only] => Ok(only),
        several => Err(format!("the API names {} servers: ask the person which", several.len()).into()),
    }
}

/// The document can be stored as long as the program wants; a stored one is checked again.
fn kept(metadata: &ServerMetadata) -> Outcome<()> {
    let again = Discovery::new(metadata.issuer())?.read(metadata.as_json())?;
    if again.token_endpoint() != metadata.token_endpoint() {
        return Err("the stored document differs".into());
    }
    show::note(&format!("{} bytes of JSON can be stored", metadata.as_json().len()));
    Ok(())
}

/// The person's browser: to the provider, back to the listener, and to its last page.
fn visit(agent: &Agent, url: &str, redirect_uri: &str) -> Result<(), String> {
    let callback = location(&get(agent, url)?)?;
    let done = location(&get(agent, &callback)?)?;
    let place = redirect_uri.trim_end_matches("/callback");
    let page = get(agent, &format!("{place}{done}"))?;
    if page.status().is_success() { Ok(()) } else { Err(format!("the last page is a {}", page.status())) }
}

fn get(agent: &Agent, url: &str) -> Result<Response<Body>, String> {
    let request = Request::get(url).body(Body::default()).map_err(|error| error.to_string())?;
    grantflow_ureq::send(agent, request).map_err(|unanswered| unanswered.error.to_string())
}

/// Where an answer sends the browser.
fn location(answer: &Response<Body>) -> Result<String, String> {
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| format!("the browser is sent nowhere by a {}", answer.status()))
}
