//! The authorization of the Model Context Protocol, step by step: a client, an MCP server and two authorization servers in
//! one process, over real HTTP on loopback.
//!
//! `cargo run --example mcp` exits with 0 only if every step succeeded.

mod client;
mod mcp_server;
mod person;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../../../grantflow-ureq/examples/login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use client::{Program, answered};
use grantflow::Left;
use grantflow_mcp::{Demand, Grant, Operation};
use grantflow_testkit::{Endpoint, Loopback};
use mcp_server::{McpServer, State};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Where the program has published its metadata document. A real server would fetch it; the one here knows it.
const DOCUMENT: &str = "https://editor.example/oauth/client.json";

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
    let (first, second) = (loopback()?, loopback()?);
    // The first takes documents and no registrations, the second the other way round.
    first.server().knobs().omit(Endpoint::Registration);
    second.server().knobs().client_id_documents = false;
    let mcp = McpServer::start(State { trusts: Arc::clone(&first), scope: "files:read".to_owned(), calls: 0 })?;
    show::title("grantflow-mcp", &format!("only the MCP server is known: {}", mcp.url()));

    let mut program = Program::new(&mcp.url())?;
    first.server().publish(DOCUMENT, program.document.to_json());
    let grant = program.first_contact()?;
    let grant = step_up(&mut program, &mcp, grant)?;
    let grant = refresh(&mut program, &first, grant)?;
    moved(&mut program, &mcp, &first, &second, grant)?;

    if mcp.state().calls != 4 {
        return Err(format!("the MCP server let {} calls in", mcp.state().calls).into());
    }
    show::all_well("All eleven steps succeeded.");
    Ok(())
}

/// An authorization server, over HTTP.
fn loopback() -> Outcome<Arc<Loopback>> {
    let server = Loopback::start(grantflow_testkit::Server::new)?;
    server.follow_system_clock(true);
    Ok(Arc::new(server))
}

/// A tool that needs more scope than the first one.
fn step_up(program: &mut Program, mcp: &McpServer, grant: Grant) -> Outcome<Grant> {
    show::flow(10, "403 insufficient_scope: step-up", "RFC 6750 §3.1");
    mcp.state().scope = "files:write".to_owned();
    let mut operation = Operation::new();
    let answer = program.call(Some(&grant))?;
    let demand = grant.demand(answer.status(), answer.headers(), &mut operation)?;
    let Demand::LogIn(login) = demand else { return Err(format!("it demands {demand:?}").into()) };
    show::step("Grant", "demand", "Demand::LogIn(Login)");
    let grant = program.log_in(&login)?;
    let scope = grant.tokens().scope().effective().map(|scope| scope.as_str().to_owned()).unwrap_or_default();
    if scope != "files:read files:write" {
        return Err(format!("the scope is {scope}").into());
    }
    show::good("the scope is the union of what was asked before and what the challenge named");
    answered(&program.call(Some(&grant))?)?;
    show::note(&format!("{} more for this operation; then a 403 is final", operation.step_ups().left()));
    Ok(grant)
}

/// The token dies, and later the whole grant.
fn refresh(program: &mut Program, server: &Loopback, grant: Grant) -> Outcome<Grant> {
    show::flow(11, "401 with a token in hand: refresh", "RFC 6749 §6");
    server.with(|server| server.revoke_access_tokens());
    let answer = program.call(Some(&grant))?;
    let demand = grant.demand(answer.status(), answer.headers(), &mut Operation::new())?;
    let Demand::Refresh { .. } = demand else { return Err(format!("it demands {demand:?}").into()) };
    show::step("Grant", "demand", "Demand::Refresh");
    // As for tomorrow's process: the grant is stored with its issuer, its resource, and their metadata.
    let stored = serde_json::to_string(&grant.into_stored())?;
    let grant = Grant::from_stored(serde_json::from_str(&stored)?, &program.clients)?;
    let grant = program.run(grant.refresh()?)?;
    show::step("GrantExchange", "run", "Grant");
    answered(&program.call(Some(&grant))?)?;
    Ok(grant)
}

/// The resource is handed to another authorization server: the grant is over, and the client's registration too.
fn moved(
    program: &mut Program,
    mcp: &McpServer,
    first: &Loopback,
    second: &Arc<Loopback>,
    grant: Grant,
) -> Outcome<()> {
    show::flow(11, "If the refresh fails for good, start again from the challenge", "RFC 9728");
    mcp.state().trusts = Arc::clone(second);
    first.with(|server| server.revoke_all());
    show::note(&format!("the MCP server now trusts {} instead of {}", second.base_url(), first.base_url()));
    let answer = program.call(Some(&grant))?;
    let demand = grant.demand(answer.status(), answer.headers(), &mut Operation::new())?;
    let Demand::Refresh { otherwise } = demand else { return Err(format!("it demands {demand:?}").into()) };
    match program.run(grant.refresh()?) {
        Err(failure) if matches!(failure.left, Left::Spent) => {
            show::good(&format!("refused, for good: {}", failure.error))
        }
        Err(failure) => return Err(failure.into()),
        Ok(_) => return Err("a revoked grant was refreshed".into()),
    }
    show::step("Demand::Refresh", "otherwise", "Challenged");

    let server = program.found(*otherwise)?;
    show::flow(5, "Client, at the new issuer", "RFC 7591");
    let login = program.client(&server)?;
    let grant = program.log_in(&login)?;
    answered(&program.call(Some(&grant))?)?;
    if second.with(|server| server.log().iter().any(|hit| hit.client_id.as_deref() == Some(DOCUMENT))) {
        return Err("the old client was used at the new server".into());
    }
    show::good("no credentials of the first issuer were sent to the second");
    Ok(())
}
