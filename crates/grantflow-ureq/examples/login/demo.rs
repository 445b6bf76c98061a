//! The flows against a server in this process, over real HTTP on loopback.

use std::thread;

use grantflow::{Body, Server, Tokens};
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
    let callback = listener.redirect_uri();
    let mut person_at_work = None;
    let tokens = flows::log_in(&agent, &client, SCOPE, listener, |url| {
        let (agent, url) = (agent.clone(), url.to_owned());
        person_at_work = Some(thread::spawn(move || person(&agent, &url, &callback)));
        Ok(())
    })?;
    let forged = person_at_work.and_then(|person| person.join().ok()).flatten();
    if forged != Some(404) {
        return Err(format!("the forged callback was to get a 404 and got {forged:?}").into());
    }
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "Refresh, with rotation", "RFC 6749 §6");
    // Stored and restored, as for tomorrow's process; the copy is kept to show what becomes of a replay.
    let stored = serde_json::to_string(&tokens.into_stored())?;
    let restore = || -> Outcome<Tokens> { Ok(Tokens::from_stored(serde_json::from_str(&stored)?, &client)?) };
    let tokens = flows::refresh(&agent, restore()?)?;
    flows::call_api(&agent, &tokens, &api_url)?;
    flows::replay(&agent, restore()?)?;

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

/// The person with their browser; and before them, somebody who would like to end the login. Gives the status that the
/// latter got. What fails here shows in the flow: nobody comes back.
fn person(agent: &Agent, url: &str, callback: &str) -> Option<u16> {
    let get = |url: &str| {
        let request = Request::get(url).body(Body::default()).ok()?;
        grantflow_ureq::send(agent, request).ok()
    };
    let forged = get(&format!("{callback}?error=access_denied&state=forged"))?.status().as_u16();
    let location = get(url)?.headers().get("location")?.to_str().ok()?.to_owned();
    get(&location)?;
    get(&callback.replace("/callback", "/done"));
    Some(forged)
}
