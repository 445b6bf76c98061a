//! A device without a browser, async: it shows a code, and waits until a person has approved it (RFC 8628). It is the example
//! `device` over reqwest.
//!
//! `cargo run --example device_async` does it against a server in this process, over real HTTP on loopback; the person is
//! there, too. Exits with 0 only if everything worked.

#[path = "../../../grantflow-ureq/examples/device/code.rs"]
mod code;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../../../grantflow-ureq/examples/login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use grantflow::{Body, DeviceGrant, DeviceRequest, Env, Exchange, Server, Step, Tokens};
use grantflow_reqwest::{Agent, SysRng};
use grantflow_testkit::{Client, Endpoint, Loopback};
use http::{Request, Response};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ID: &str = "demo-tv";
const SCOPE: &str = "read_favorite";
/// How long the person of this demo waits before opening the page.
const PERSON: Duration = Duration::from_millis(1500);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failed(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<()> {
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
    let agent = Agent::new()?;

    show::flow(1, "Device authorization grant", "RFC 8628");
    let grant = grantflow_reqwest::run(&agent, DeviceRequest::new(&client)?.scope(SCOPE)?).await?;
    show::step("DeviceRequest", "run", "DeviceGrant");
    code::show(&grant)?;
    let (code, page) = (grant.user_code().to_owned(), grant.verification_uri().to_owned());
    let scanned = grant.verification_uri_complete().unwrap_or(&page).to_owned();
    let (tokens, person) = tokio::join!(poll(&agent, grant), agree(&agent, &code, &page, &scanned));
    person?;
    let tokens = tokens?;
    show::step("DeviceGrant", "run", "Tokens");

    let mut request = Request::get(api_url).header("accept", "application/json").body(Body::default())?;
    tokens.bearer()?.authorize(&mut request)?;
    let response = send(&agent, request).await?;
    if !response.status().is_success() {
        return Err(format!("the API answered {}", response.status()).into());
    }
    show::all_well("The person approved the device.");
    Ok(())
}

/// Asks for tokens until the person has decided, as `grantflow_reqwest::run` does, and shows that it waits.
async fn poll(agent: &Agent, mut grant: DeviceGrant) -> Outcome<Tokens> {
    loop {
        let asked = grantflow_reqwest::now();
        let rest = grant.rest(asked);
        code::waiting(&grant, rest, grant.expires_at().saturating_since(asked));
        tokio::time::sleep(rest).await;
        // The wait has passed, even if the clock was set back meanwhile.
        let due = grantflow_reqwest::now().max(asked.saturating_add(rest));
        let request = grant.request(&mut Env::new(due, &mut SysRng))?;
        show::request(&request);
        let answer = grantflow_reqwest::send(agent, request).await;
        let mut rng = SysRng;
        let mut env = Env::new(grantflow_reqwest::now(), &mut rng);
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
async fn agree(agent: &Agent, code: &str, page: &str, scanned: &str) -> Outcome<()> {
    tokio::time::sleep(PERSON).await;
    let shown = grantflow_reqwest::send(agent, Request::get(scanned).body(Body::default())?).await;
    let shown = shown.map_err(|unanswered| unanswered.error)?;
    if !String::from_utf8_lossy(shown.body().as_ref()).contains(code) {
        return Err("the page shows another code than the device".into());
    }
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("user_code", code)
        .append_pair("decision", "approve")
        .finish();
    let request = Request::post(page).header("content-type", "application/x-www-form-urlencoded");
    let answer = grantflow_reqwest::send(agent, request.body(Body::from(form.into_bytes()))?).await;
    let answer = answer.map_err(|unanswered| unanswered.error)?;
    if !answer.status().is_success() {
        return Err(format!("the verification page answered {}", answer.status()).into());
    }
    show::note("(the person has agreed, on their phone)");
    Ok(())
}

async fn send(agent: &Agent, request: Request<Body>) -> Outcome<Response<Body>> {
    show::request(&request);
    let response = grantflow_reqwest::send(agent, request).await.map_err(|unanswered| unanswered.error)?;
    show::response(&response);
    Ok(response)
}
