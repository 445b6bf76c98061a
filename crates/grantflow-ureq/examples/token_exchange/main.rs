//! Grants that are tokens themselves: a token for the API behind an API (RFC 8693), a JWT that gets a token (RFC 7523), and
//! the chain of two, in which a company's server states who a person is and another company's server believes it.
//!
//! `cargo run --example token_exchange` runs them against two servers in this process, over real HTTP on loopback. Exits with
//! 0 only if everything succeeded.

#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/flows.rs"]
mod flows;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;

use grantflow::{
    Assertion, AssertionGrant, ClientCredentials, ConfidentialClient, Exchange, Exchanged, IdentityAssertionRequest,
    SecurityToken, Server, TokenExchange, TokenTypeIdentifier,
};
use grantflow_testkit::{Client, Loopback};
use grantflow_ureq::Agent;

type Outcome<T> = Result<T, Box<dyn Error>>;

const SCOPE: &str = "chat.read chat.write";

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
    // The company's server knows the wiki; the chat's server knows the wiki too, by another name, and trusts the company.
    let company = start(Client::confidential("wiki", "demo-secret-1"))?;
    let chat = start(Client::confidential("wiki-at-chat", "demo-secret-2"))?;
    chat.with(|server| server.knobs().trusted_issuers.push(company.base_url().to_owned()));
    company.with(|server| {
        let elsewhere = &mut server.knobs().client_ids_elsewhere;
        elsewhere.insert(chat.base_url().to_owned(), "wiki-at-chat".to_owned());
    });
    let at_company = client(&company, "wiki", "demo-secret-1")?;
    let at_chat = client(&chat, "wiki-at-chat", "demo-secret-2")?;
    let agent = Agent::new();
    show::title("grantflow", &format!("a company at {}, a chat at {}", company.base_url(), chat.base_url()));

    show::flow(1, "Token exchange: the API behind an API", "RFC 8693");
    let received = flows::run(&agent, ClientCredentials::new(&at_company).scope(SCOPE)?)?;
    show::note("a request came with this access token, and it is for this API only");
    let subject = SecurityToken::access_token(received.bearer()?.expose_secret())?;
    let exchange =
        TokenExchange::new(&at_company, subject.clone()).resource("https://search.example/")?.scope("chat.read")?;
    let Exchanged::Tokens { tokens, issued_token_type } = flows::run(&agent, exchange)? else {
        return Err("the server issued no access token".into());
    };
    show::step("TokenExchange", "run", "Exchanged::Tokens");
    show::good(&format!("it is {}", issued_token_type.as_str()));
    flows::call_api(&agent, &tokens, &company.with(|server| server.resource_url()))?;

    show::flow(2, "Token exchange: what is no access token", "RFC 8693 §2.2.1");
    let exchange = TokenExchange::new(&at_company, subject).requested_token_type(TokenTypeIdentifier::JWT);
    let Exchanged::Issued(issued) = flows::run(&agent, exchange.audience(chat.base_url())?)? else {
        return Err("a token with N_A was taken for an access token".into());
    };
    show::step("TokenExchange", "run", "Exchanged::Issued(IssuedToken)");
    show::good("token_type is N_A: this value cannot be put into a request to an API");

    show::flow(3, "Assertion grant", "RFC 7523 §2.1");
    let tokens = flows::run(&agent, AssertionGrant::new(&at_chat, issued.to_assertion()?).scope("chat.read")?)?;
    show::step("IssuedToken ─to_assertion→ AssertionGrant", "run", "Tokens");
    flows::call_api(&agent, &tokens, &chat.with(|server| server.resource_url()))?;
    chat.with(|server| server.knobs().accept_unidentified = true);
    let job = company.with(|server| server.sign_jwt(chat.base_url(), "build-17"));
    let nobody = Server::with_token_endpoint(&chat.with(|server| server.token_url()))?.unidentified();
    flows::run(&agent, AssertionGrant::new(&nobody, Assertion::jwt(job)?))?;
    show::good("a build job has no client at all: its JWT is enough");

    show::flow(4, "The chain of two: an identity assertion", "draft-ietf-oauth-identity-assertion-authz-grant");
    let id_token = company.with(|server| server.sign_jwt("wiki", "ada"));
    show::note("Ada has logged in at her company; this is the ID token of that login");
    let request = IdentityAssertionRequest::new(&at_company, SecurityToken::id_token(id_token)?, &at_chat)?
        .resource("https://api.chat.example/")?
        .scope("chat.read")?;
    let tokens = flows::run(&agent, request.then(|assertion, _| Ok(assertion.grant())))?;
    show::step("IdentityAssertionRequest ─run→ IdentityAssertion ─grant→ AssertionGrant", "run", "Tokens");
    flows::call_api(&agent, &tokens, &chat.with(|server| server.resource_url()))?;

    show::all_well("Each token went only where it may go.");
    Ok(())
}

fn start(client: Client) -> Outcome<Loopback> {
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(client.scope(SCOPE));
        server
    })?;
    provider.follow_system_clock(true);
    Ok(provider)
}

fn client(provider: &Loopback, id: &str, secret: &str) -> Outcome<ConfidentialClient> {
    let server = Server::with_token_endpoint(&provider.with(|server| server.token_url()))?
        .issuer(provider.base_url())?
        .token_for(provider.base_url())?;
    Ok(server.client(id).secret_basic(secret)?)
}
