//! A bank's call centre asks a customer, on the customer's phone, to approve a payment (OpenID CIBA): once by polling, and once
//! with a ping. A third customer says no.
//!
//! `cargo run --example backchannel` does it against a server in this process, over real HTTP on loopback; the customers are
//! there, too. Exits with 0 only if everything worked.

#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/flows.rs"]
mod flows;
mod pings;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use grantflow::{BackchannelGrant, BackchannelRequest, Body, ConfidentialClient, Env, ErrorCode, Left, Server};
use grantflow_testkit::{Client, Endpoint, Loopback};
use grantflow_ureq::{Agent, SysRng};
use pings::Pings;

type Outcome<T> = Result<T, Box<dyn Error>>;

const POLLING: &str = "demo-call-centre";
const PINGED: &str = "demo-online-bank";
const SECRET: &str = "demo-client-secret";
const SCOPE: &str = "openid payments";
/// How long a person of this demo looks at the phone.
const PERSON: Duration = Duration::from_millis(1500);

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
    let pings = Pings::bind()?;
    let address = pings.url()?;
    let provider = Arc::new(Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::confidential(POLLING, SECRET).scope(SCOPE));
        server.register(Client::confidential(PINGED, SECRET).scope(SCOPE).ping_at(&address));
        server.knobs().device_interval = Some(1);
        server
    })?);
    provider.follow_system_clock(true);
    show::title("grantflow", &format!("a provider in this process, over HTTP at {}", provider.base_url()));

    let (backchannel_url, token_url, api_url) = provider.with(|server| {
        (server.endpoint_url(Endpoint::BackchannelAuthentication), server.token_url(), server.resource_url())
    });
    let server = Server::with_token_endpoint(&token_url)?
        .backchannel_authentication_endpoint(&backchannel_url)?
        .token_for(provider.base_url())?;
    let agent = Agent::new();

    show::flow(1, "Backchannel authentication, by polling", "OpenID CIBA §7, §10.1");
    let client = server.client(POLLING).secret_basic(SECRET)?;
    let grant = ask(&agent, request(&client, "ada@example.com")?)?;
    let person = on_the_phone(&provider, &agent, "ada@example.com", true);
    let tokens = flows::run(&agent, grant)?;
    show::step("BackchannelGrant", "run", "Tokens");
    done(person)?;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "Backchannel authentication, with a ping", "OpenID CIBA §10.2");
    let client = server.client(PINGED).secret_basic(SECRET)?;
    let request_with_ping = request(&client, "grace@example.com")?.ping(&mut Env::new(now(), &mut SysRng))?;
    let grant = ask(&agent, request_with_ping)?;
    // A web application stores it under `grant.key()` until the ping comes.
    let stored = serde_json::to_string(&grant.into_stored())?;
    show::step("BackchannelGrant", "into_stored", "StoredBackchannel");
    let person = on_the_phone(&provider, &agent, "grace@example.com", true);
    let grant = BackchannelGrant::from_stored(serde_json::from_str(&stored)?, &client)?;
    let grant = pings.wait(grant)?;
    show::step("BackchannelGrant", "receive", "Notified::Ready(BackchannelGrant)");
    done(person)?;
    let tokens = flows::run(&agent, grant)?;
    show::step("BackchannelGrant", "run", "Tokens");
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(3, "A person who says no", "OpenID CIBA §11");
    let client = server.client(POLLING).secret_basic(SECRET)?;
    let grant = ask(&agent, request(&client, "alan@example.com")?)?;
    let person = on_the_phone(&provider, &agent, "alan@example.com", false);
    match flows::run(&agent, grant) {
        Err(failure) if matches!(failure.left, Left::Spent) && said_no(&failure.error) => {
            show::step("BackchannelGrant", "run", "Failure { left: Left::Spent }");
            show::good(&format!("there are no tokens: {}", failure.error));
        }
        Err(failure) => return Err(failure.into()),
        Ok(_) => return Err("there are tokens, although the person said no".into()),
    }
    done(person)?;

    show::all_well("Two people approved, one did not.");
    Ok(())
}

fn request(client: &ConfidentialClient, person: &str) -> Outcome<BackchannelRequest> {
    Ok(BackchannelRequest::with_login_hint(client, person)?.scope(SCOPE)?.binding_message("W4SCT")?)
}

/// The person's phone rings.
fn ask(agent: &Agent, request: BackchannelRequest) -> Outcome<BackchannelGrant> {
    let grant = flows::run(agent, request)?;
    show::step("BackchannelRequest", "run", "BackchannelGrant");
    let left = grant.expires_at().saturating_since(now()).as_secs();
    show::note(&format!("the phone shows W4SCT, and so does this screen; the person has {left} s"));
    Ok(grant)
}

/// The person decides, and the server sends its ping, if the client gets one. Before it, somebody else sends a false one.
fn on_the_phone(
    provider: &Arc<Loopback>,
    agent: &Agent,
    person: &'static str,
    agrees: bool,
) -> JoinHandle<Result<(), String>> {
    let (provider, agent) = (Arc::clone(provider), agent.clone());
    thread::spawn(move || {
        thread::sleep(PERSON);
        let (decided, pings) = provider.with(|server| {
            let decided = if agrees { server.approve_request(person) } else { server.deny_request(person) };
            (decided, server.take_pings())
        });
        if !decided {
            return Err("nothing waits for the person".to_owned());
        }
        show::note(&format!("({person} has {}, on the phone)", if agrees { "agreed" } else { "said no" }));
        for ping in pings {
            let mut forged = ping.clone();
            forged.headers_mut().insert("authorization", http::HeaderValue::from_static("Bearer a-wild-guess"));
            for (request, expected) in [(forged, 401), (ping, 204)] {
                let response = grantflow_ureq::send(&agent, request.map(Body::from));
                let response = response.map_err(|unanswered| unanswered.error.to_string())?;
                if response.status() != expected {
                    return Err(format!("a ping was answered {}", response.status()));
                }
            }
        }
        Ok(())
    })
}

fn said_no(error: &grantflow_ureq::Error) -> bool {
    matches!(error, grantflow_ureq::Error::OAuth(error) if error.code() == Some(&ErrorCode::AccessDenied))
}

fn done(person: JoinHandle<Result<(), String>>) -> Outcome<()> {
    Ok(person.join().map_err(|_| "the person's thread panicked")??)
}

fn now() -> grantflow::UnixTime {
    grantflow_ureq::now()
}
