//! A device without a browser: it shows a code, and waits until a person has approved it (RFC 8628).
//!
//! `cargo run --example device` does it against a server in this process, over real HTTP on loopback; the person is there, too.
//! Exits with 0 only if everything worked.

mod code;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/flows.rs"]
mod flows;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use grantflow::{Body, DeviceGrant, DeviceRequest, Env, Exchange, Server, Step, Tokens};
use grantflow_testkit::{Client, Endpoint, Loopback};
use grantflow_ureq::{Agent, SysRng};
use http::Request;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ID: &str = "demo-tv";
const SCOPE: &str = "read_favorite";
/// How long the person of this demo waits before opening the page.
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
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::public(ID).scope(SCOPE));
        server.knobs().device_interval = Some(1);
        server
    })?;
    provider.follow_system_clock(true);
    show::title("grantflow", &format!("a provider in this process, over HTTP at {}", provider.base_url()));

    let (device_url, token_url, api_url) = provider
        .with(|server| (server.endpoint_url(Endpoint::DeviceAuthorization), server.token_url(), server.resource_url()));
    let server = Server::with_token_endpoint(&token_url)?
        .device_authorization_endpoint(&device_url)?
        .token_for(provider.base_url())?;
    let client = server.client(ID).public()?;
    let agent = Agent::new();

    show::flow(1, "Device authorization grant", "RFC 8628");
    let grant = flows::run(&agent, DeviceRequest::new(&client)?.scope(SCOPE)?)?;
    show::step("DeviceRequest", "run", "DeviceGrant");
    code::show(&grant)?;
    let person = set_out(&agent, &grant);
    let tokens = poll(&agent, grant)?;
    show::step("DeviceGrant", "run", "Tokens");
    person.join().map_err(|_| "the person's thread panicked")??;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "Refresh, with rotation", "RFC 6749 §6");
    let tokens = flows::refresh(&agent, tokens)?;
    flows::call_api(&agent, &tokens, &api_url)?;

    show::all_well("The person approved the device.");
    Ok(())
}

/// Asks for tokens until the person has decided, as `grantflow_ureq::run` does, and shows that it waits.
fn poll(agent: &Agent, mut grant: DeviceGrant) -> Outcome<Tokens> {
    loop {
        let asked = grantflow_ureq::now();
        let rest = grant.rest(asked);
        code::waiting(&grant, rest, grant.expires_at().saturating_since(asked));
        thread::sleep(rest);
        // The wait has passed, even if the clock was set back meanwhile.
        let due = grantflow_ureq::now().max(asked.saturating_add(rest));
        let request = grant.request(&mut Env::new(due, &mut SysRng))?;
        show::request(&request);
        let answer = grantflow_ureq::send(agent, request);
        let mut rng = SysRng;
        let mut env = Env::new(grantflow_ureq::now(), &mut rng);
        let step = match answer {
            Ok(response) => {
                show::response(&response);
                grant.respond(&mut env, response)
            }
            Err(unanswered) => grant.unanswered(&mut env, unanswered.sent),
        };
        match step? {
            Step::Done(tokens) => return Ok(tokens),
            Step::Again(waiting) => grant = waiting,
        }
    }
}

/// The person scans the code with their phone, compares, and agrees.
fn set_out(agent: &Agent, grant: &DeviceGrant) -> JoinHandle<Result<(), String>> {
    let (agent, code) = (agent.clone(), grant.user_code().to_owned());
    let page = grant.verification_uri().to_owned();
    let scanned = grant.verification_uri_complete().unwrap_or(&page).to_owned();
    thread::spawn(move || {
        thread::sleep(PERSON);
        let shown = open(&agent, Request::get(scanned), "")?;
        if !shown.contains(&code) {
            return Err("the page shows another code than the device".to_owned());
        }
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("user_code", &code)
            .append_pair("decision", "approve")
            .finish();
        let request = Request::post(page).header("content-type", "application/x-www-form-urlencoded");
        open(&agent, request, &form)?;
        show::note("(the person has agreed, on their phone)");
        Ok(())
    })
}

fn open(agent: &Agent, request: http::request::Builder, form: &str) -> Result<String, String> {
    let request = request.body(Body::from(form.as_bytes().to_vec())).map_err(|error| error.to_string())?;
    let response = grantflow_ureq::send(agent, request).map_err(|unanswered| unanswered.error.to_string())?;
    match response.status().is_success() {
        true => Ok(String::from_utf8_lossy(response.body().as_ref()).into_owned()),
        false => Err(format!("the verification page answered {}", response.status())),
    }
}
