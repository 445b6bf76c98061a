//! The commands against a server in this process, with a folder in place of the keyring.

use std::thread;
use std::time::Duration;

use grantflow::{Body, Client, Server};
use grantflow_session::{FileStore, Key, Session, Ureq};
use grantflow_testkit::Loopback;
use grantflow_ureq::Agent;
use http::Request;

use crate::commands::{self, Place};
use crate::{Outcome, show};

const ID: &str = "demo-cli";
/// How long a token lives here, in seconds: so short that the demo can wait for its end.
const LIFE: u64 = 2;

pub(crate) fn run() -> Outcome<()> {
    // The server is told the redirect URI before the listener is there: a port that was free a moment ago.
    let port = crate::listener::Listener::bind(0)?.port();
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        let redirect_uri = format!("http://127.0.0.1:{port}/callback");
        server.register(grantflow_testkit::Client::public(ID).redirect_uri(&redirect_uri).scope("clubs"));
        server.knobs().expires_in = LIFE;
        server
    })?;
    provider.follow_system_clock(true);
    show::title(
        "keyring_cli",
        &format!("a server in this process, at {}; a folder for a keyring", provider.base_url()),
    );

    let (authorize, token) = provider.with(|server| (server.authorize_url(), server.token_url()));
    let server = Server::new(&authorize, &token)?;
    let client = Client::from(&server.client(ID).public()?);
    let place = Place { client, agent: Agent::new(), scope: Some("clubs".to_owned()), port };
    let folder = tempfile::tempdir()?;
    // Each command is a process of its own in real life: nothing but the store is between them.
    let process = || -> Outcome<Session> {
        let store = FileStore::open(folder.path().join("grants"))?;
        Ok(Session::new(&place.client, Key::new("grant")?, store, Ureq::new(place.agent.clone())))
    };
    let refreshes = || provider.with(|server| server.hits("refresh_token").count());

    show::part("token, before anybody has logged in");
    let error = commands::token(&process()?).err().ok_or("there is a token without a login")?;
    show::good(&format!("refused: {error}"));

    show::part("login");
    commands::log_in(&place, &process()?, |url| {
        let (agent, url) = (place.agent.clone(), url.to_owned());
        thread::spawn(move || person(&agent, &url));
    })?;

    show::part("token");
    let first = commands::token(&process()?)?;
    expect(!first.is_empty() && refreshes() == 0, "a token without a refresh")?;
    show::good(&format!("[redacted, {} characters], as the login left it: no request", first.len()));
    show::good(&commands::status(&process()?)?);

    show::part("token, when it is over");
    thread::sleep(Duration::from_secs(LIFE + 1));
    let second = commands::token(&process()?)?;
    expect(second != first && refreshes() == 1, "one refresh, and another token")?;
    show::good(&format!("[redacted, {} characters], another one: one refresh", second.len()));

    show::part("logout");
    commands::log_out(&process()?)?;
    expect(commands::token(&process()?).is_err(), "no token after the logout")?;
    show::good("and there is no token any more");
    show::all_well("All went as it should.");
    Ok(())
}

/// The person with their browser. What fails here shows in the login: nobody comes back.
fn person(agent: &Agent, url: &str) -> Option<()> {
    let get = |url: &str| grantflow_ureq::send(agent, Request::get(url).body(Body::default()).ok()?).ok();
    let callback = get(url)?.headers().get("location")?.to_str().ok()?.to_owned();
    get(&callback).map(drop)
}

fn expect(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("not as it should be: {what}").into()) }
}
