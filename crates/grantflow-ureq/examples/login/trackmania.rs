//! The flows against the real service.

use grantflow::{Authorization, Server};
use grantflow_loopback::Settings;
use grantflow_ureq::Agent;

use crate::{Options, Outcome, flows, show};

const ORIGIN: &str = "https://api.trackmania.com";

pub(crate) fn run(options: &Options) -> Outcome<()> {
    let (id, secret) = credentials()?;
    let listener = Settings::new().port(options.port).bind()?;
    show::title("grantflow", "Trackmania, at https://api.trackmania.com");
    show::note(&format!("the redirect URI registered with Trackmania must be {}", listener.redirect_uri().as_str()));

    let server =
        Server::new(&format!("{ORIGIN}/oauth/authorize"), &format!("{ORIGIN}/api/access_token"))?.token_for(ORIGIN)?;
    let client = server.client(&id).secret_post(secret)?;
    let agent = Agent::new();

    show::flow(1, "Authorization code + PKCE", "RFC 6749 §4.1, RFC 7636");
    let authorization = Authorization::new(&client, listener.redirect_uri())?.scope(&*options.scope)?;
    let tokens = flows::log_in(&agent, &authorization, listener, |url| {
        if !options.open_browser || open::that_detached(url).is_err() {
            anstream::println!("\n     Open this address in your browser:\n     {url}\n");
        }
    })?;
    let api_url = format!("{ORIGIN}/api/user");
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "Refresh, with rotation", "RFC 6749 §6");
    let tokens = flows::refresh(&agent, tokens)?;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(3, "Client credentials", "RFC 6749 §4.4");
    flows::client_credentials(&agent, &client, &options.scope)?;

    show::all_well("All three flows succeeded.");
    Ok(())
}

fn credentials() -> Outcome<(String, String)> {
    let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    match (read("TRACKMANIA_CLIENT_ID"), read("TRACKMANIA_CLIENT_SECRET")) {
        (Some(id), Some(secret)) => Ok((id, secret)),
        _ => Err("TRACKMANIA_CLIENT_ID and TRACKMANIA_CLIENT_SECRET must be set.\n  \
                  Where to get them: sign in at https://api.trackmania.com, create an application there, and give it the \
                  redirect URI\n  http://127.0.0.1:7777/callback; it shows the client's identifier and secret. Then run\n\n  \
                  TRACKMANIA_CLIENT_ID=… TRACKMANIA_CLIENT_SECRET=… \\\n    cargo run --example login -- --provider \
                  trackmania --port 7777"
            .into()),
    }
}
