//! The flows against a server in this process, over real HTTP on loopback.

use grantflow::{Body, Server};
use grantflow_testkit::{Client, Loopback};
use grantflow_ureq::Agent;
use http::Request;

use crate::listener::Listener;
use crate::{Options, Outcome, flows, show};

const ID: &str = "demo-client";
const SECRET: &str = "demo-client-secret";
const SCOPE: &str = "read_favorite write_favorite";

pub(crate) fn run(options: &Options) -> Outcome<()> {
    let listener = Listener::bind(options.port)?;
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::confidential(ID, SECRET).redirect_uri(&listener.redirect_uri()).scope(SCOPE));
        server
    })?;
    provider.follow_system_clock(true);
    show::title("grantflow", &format!("a provider in this process, over HTTP at {}", provider.base_url()));

    let (authorize_url, token_url, api_url) =
        provider.with(|server| (server.authorize_url(), server.token_url(), server.resource_url()));
    let server = Server::new(&authorize_url, &token_url)?
        .issuer_always_sent(provider.base_url())?
        .token_for(provider.base_url())?;
    let client = server.client(ID).secret_post(SECRET)?;
    let agent = Agent::new();

    show::flow(1, "Authorization code + PKCE", "RFC 6749 §4.1, RFC 7636, RFC 9207");
    let browser = agent.clone();
    let tokens = flows::log_in(&agent, &client, SCOPE, listener, move |url| person(&browser, url))?;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "Refresh, with rotation", "RFC 6749 §6");
    flows::refresh_and_replay(&agent, &client, tokens, &api_url)?;

    show::flow(3, "Client credentials", "RFC 6749 §4.4");
    flows::client_credentials(&agent, &client, SCOPE)?;

    let count = |grant_type| provider.with(|server| server.hits(grant_type).count());
    let seen = (count("authorization_code"), count("refresh_token"), count("client_credentials"));
    if seen != (1, 2, 1) {
        return Err(format!("the provider saw other requests than were made: {seen:?}").into());
    }
    show::all_well("All three flows went as they should.");
    Ok(())
}

/// The person with their browser. What fails here shows in the flow: nobody comes back.
fn person(agent: &Agent, url: &str) {
    let get = |url: &str| {
        let request = Request::get(url).body(Body::default()).ok()?;
        let response = grantflow_ureq::send(agent, request).ok()?;
        Some(response.headers().get("location")?.to_str().ok()?.to_owned())
    };
    let Some(callback) = get(url) else { return };
    let Some(done) = get(&callback) else { return };
    let place = callback.split("/callback").next().unwrap_or_default();
    get(&format!("{place}{done}"));
}
