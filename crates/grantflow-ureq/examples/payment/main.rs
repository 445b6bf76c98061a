//! A payment that a person approves in every detail: the request is pushed to the provider, the answer comes back as a form post,
//! the token is for one API of two and for this payment, the API asks the provider about it and demands a stronger login, and
//! in the end the grant is given up.
//!
//! `cargo run --example payment` does it against a server in this process, over real HTTP on loopback; the person is there, too.
//! Exits with 0 only if everything succeeded.

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
    Authorization, AuthorizationDetails, Body, Discovery, Introspected, Introspection, ResponseMode, StepUp,
    StepUpAttempts, Tokens,
};
use grantflow_loopback::{Listener, Settings};
use grantflow_testkit::{Client, Loopback};
use grantflow_ureq::Agent;
use http::{Request, StatusCode};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ID: &str = "demo-shop";
const SECRET: &str = "demo-shop-secret";
const PAYMENTS: &str = "https://payments.example/";
const RECEIPTS: &str = "https://receipts.example/";

/// What the shop asks the person for. The provider's documentation says which members a payment has.
#[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
struct Payment {
    r#type: String,
    actions: Vec<String>,
    amount: String,
    currency: String,
    creditor: String,
}

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
    let provider = provider()?;
    let agent = Agent::new();
    show::title("grantflow", &format!("a provider in this process, over HTTP at {}", provider.base_url()));
    let metadata = grantflow_ureq::run(&agent, Discovery::new(provider.base_url())?)?;
    let server = metadata.server()?.token_for(provider.base_url())?;
    let shop = server.client(ID).secret_basic(SECRET)?;

    show::flow(1, "A payment, pushed and approved", "RFC 9396, RFC 9126, RFC 8707, OAuth 2.0 Form Post Response Mode");
    let payment = Payment {
        r#type: "payment_initiation".into(),
        actions: vec!["initiate".into()],
        amount: "123.50".into(),
        currency: "EUR".into(),
        creditor: "Merchant A".into(),
    };
    let listener = listener()?;
    let authorization = Authorization::new(&shop, listener.redirect_uri())?
        .scope("pay")?
        .authorization_details(AuthorizationDetails::new(&[&payment])?)?
        .resource(PAYMENTS)?
        .resource(RECEIPTS)?
        .response_mode(ResponseMode::FormPost);
    let tokens = approved(&agent, &authorization, listener)?;
    let granted = tokens.authorization_details();
    let granted = granted.granted().ok_or("the provider does not say what it granted")?;
    if granted.of_type::<Payment>("payment_initiation")? != [payment] {
        return Err("the person approved another payment".into());
    }
    show::good("the provider says that exactly this payment was granted");

    show::flow(2, "A token for one API of two", "RFC 6749 §6, RFC 8707 §2.2");
    let tokens = flows::run(&agent, tokens.refresh()?.resource(PAYMENTS)?)?;
    show::step("RefreshExchange", "run", "Tokens");
    show::good(&format!("the token is for {}", tokens.resources().join(", ")));

    show::flow(3, "The API asks about the token", "RFC 7662, RFC 9396 §9.2");
    let api = server.client("demo-api").secret_basic("demo-api-secret")?;
    let question = Introspection::new(&api, tokens.bearer()?.expose_secret())?;
    let Introspected::Active(token) = flows::run(&agent, question)? else {
        return Err("the token is not active".into());
    };
    show::step("Introspection", "run", "Introspected::Active(ActiveToken)");
    let details = token.authorization_details().ok_or("the API does not learn what the token covers")?;
    show::good(&format!("the API may {}", details.types().collect::<Vec<_>>().join(", ")));

    show::flow(4, "The API demands a stronger login", "RFC 6750 §3.1, RFC 9470");
    let tokens = stepped_up(&agent, &provider, authorization, tokens)?;

    show::flow(5, "The grant is given up", "RFC 7009");
    flows::run(&agent, tokens.revoke()?)?;
    show::step("Revocation", "run", "()");
    show::all_well("Approved, paid, and over.");
    Ok(())
}

fn provider() -> Outcome<Loopback> {
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        // Any port of 127.0.0.1 (RFC 8252 §7.3).
        let shop = Client::confidential(ID, SECRET).redirect_uri("http://127.0.0.1/callback");
        server.register(shop.redirect_uri("http://[::1]/callback").scope("pay receipts"));
        server.register(Client::confidential("demo-api", "demo-api-secret"));
        let knobs = server.knobs();
        knobs.require_pushed_authorization_requests = true;
        knobs.authorization_details_types_supported = vec!["payment_initiation".to_owned()];
        server
    })?;
    provider.follow_system_clock(true);
    Ok(provider)
}

fn listener() -> Outcome<Listener> {
    // The person in this demo is quick.
    Ok(Settings::new().patience(Duration::from_secs(20)).bind()?)
}

/// The person approves, and the tokens are here.
fn approved(agent: &Agent, authorization: &Authorization, listener: Listener) -> Outcome<Tokens> {
    let mut visit = None;
    let tokens = flows::log_in(agent, authorization, listener, |url| visit = Some(person::set_out(agent, url)))?;
    visit.ok_or("no person was sent to the provider")?.join().map_err(|_| "the person's thread panicked")??;
    Ok(tokens)
}

/// Pays; where the API wants more than the token gives, the person approves again, a few times at most.
fn stepped_up(
    agent: &Agent,
    provider: &Loopback,
    mut authorization: Authorization,
    mut tokens: Tokens,
) -> Outcome<Tokens> {
    provider.with(|server| server.knobs().required_acr_values = vec!["strong".to_owned()]);
    let api_url = provider.with(|server| server.resource_url());
    let mut attempts = StepUpAttempts::new();
    loop {
        let mut request = Request::get(&api_url).body(Body::default())?;
        tokens.bearer()?.authorize(&mut request)?;
        show::request(&request);
        let response = grantflow_ureq::send(agent, request)?;
        show::response(&response);
        let Some(step_up) = StepUp::of(response.status(), response.headers()) else {
            return match response.status() {
                StatusCode::OK => Ok(tokens),
                other => Err(format!("the API answered {other}").into()),
            };
        };
        show::step("401", "StepUp::of", "StepUp");
        show::note(&format!("the API says: {}", step_up.reason()));
        authorization = authorization.step_up(&step_up, tokens.scope(), &mut attempts)?;
        show::step("Authorization", "step_up", "Authorization");
        // A new login has a new listener, and so another port.
        let listener = listener()?;
        authorization = authorization.redirect_uri(listener.redirect_uri())?;
        tokens = approved(agent, &authorization, listener)?;
    }
}
