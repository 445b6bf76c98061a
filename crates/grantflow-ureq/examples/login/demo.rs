//! The flows against a server in this process, over real HTTP on loopback.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use grantflow::{Authorization, Body, Server};
use grantflow_loopback::Settings;
use grantflow_testkit::{Client, Loopback};
use grantflow_ureq::Agent;
use http::{Request, Response};

use crate::{Options, Outcome, flows, show};

const ID: &str = "demo-client";
const SECRET: &str = "demo-client-secret";
const SCOPE: &str = "read_favorite write_favorite";

pub(crate) fn run(options: &Options) -> Outcome<()> {
    // The person in this demo is quick.
    let listener = Settings::new().port(options.port).patience(Duration::from_secs(20)).bind()?;
    let redirect_uri = listener.redirect_uri().as_str().to_owned();
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::confidential(ID, SECRET).redirect_uri(&redirect_uri).scope(SCOPE));
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
    let authorization = Authorization::new(&client, listener.redirect_uri())?.scope(SCOPE)?;
    let mut person = None;
    let tokens = flows::log_in(&agent, &authorization, listener, |url| {
        person = Some(Person { redirect_uri, agent: agent.clone() }.set_out(url.to_owned()));
    })?;
    person.ok_or("no person was sent to the provider")?.join().map_err(|_| "the person's thread panicked")??;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "Refresh, with rotation", "RFC 6749 §6");
    // As for tomorrow's process; the copy shows later what happens to a replay.
    let stored = serde_json::to_string(&tokens.into_stored())?;
    let tokens = flows::refresh(&agent, flows::restore(&client, &stored)?)?;
    flows::call_api(&agent, &tokens, &api_url)?;
    flows::replay(&agent, flows::restore(&client, &stored)?)?;

    show::flow(3, "Client credentials", "RFC 6749 §4.4");
    flows::client_credentials(&agent, &client, SCOPE)?;

    let count = |grant_type| provider.with(|server| server.hits(grant_type).count());
    let seen = (count("authorization_code"), count("refresh_token"), count("client_credentials"));
    if seen != (1, 2, 1) {
        return Err(format!("the provider saw other requests than were made: {seen:?}").into());
    }
    show::all_well("All three flows succeeded.");
    Ok(())
}

/// The person with their browser, and an attacker who wants to end their login.
struct Person {
    redirect_uri: String,
    agent: Agent,
}

impl Person {
    fn set_out(self, url: String) -> JoinHandle<Result<(), String>> {
        thread::spawn(move || {
            self.forge()?;
            let callback = location(&self.get(&url)?)?;
            let done = location(&self.get(&callback)?)?;
            let place = self.redirect_uri.trim_end_matches("/callback");
            let page = self.get(&format!("{place}{done}"))?;
            if page.status().is_success() { Ok(()) } else { Err(format!("the last page is a {}", page.status())) }
        })
    }

    /// A callback that answers none of our requests. It would end the login if it counted.
    fn forge(&self) -> Result<(), String> {
        let answer = self.get(&format!("{}?error=access_denied&state=forged", self.redirect_uri))?;
        if answer.status() != http::StatusCode::NOT_FOUND {
            return Err(format!("a forged callback got {} instead of 404", answer.status()));
        }
        show::step("PendingCallback", "receive", "Callback::Unrelated");
        show::good("a forged callback gets a 404: its state is wrong. The login still waits");
        Ok(())
    }

    fn get(&self, url: &str) -> Result<Response<Body>, String> {
        let request = Request::get(url).body(Body::default()).map_err(|error| error.to_string())?;
        grantflow_ureq::send(&self.agent, request).map_err(|unanswered| unanswered.error.to_string())
    }
}

/// Where an answer sends the browser.
fn location(answer: &Response<Body>) -> Result<String, String> {
    let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
    location.map(str::to_owned).ok_or_else(|| format!("the browser is sent nowhere by a {}", answer.status()))
}
