//! Sockets that break in every way: what the person who holds the grant sees, and what is left of it.
//!
//! The rows are those of the fault table that the project was given; each test names what breaks. Every fault is met by a
//! code exchange and by a refresh, over each transport; and whatever is left is run again, against a server that answers
//! well: nothing is lost. What one adapter alone can be told is in `agents` and `unverified`.

mod agents;
mod cut;
mod large;
mod lost;
mod not_sent;
mod readable;
mod redirects;
mod slow;
mod unverified;

use std::error::Error as _;
use std::time::Duration;

use grantflow::{Callback, CodeExchange, Env, Exchange, Failure, Left, RefreshExchange, Server, Step, Tokens};
use grantflow_tests::support::fault_server::{Fault, FaultServer};
use grantflow_tests::support::transport::{Agent as AnyAgent, AnyError, Transport};
use grantflow_ureq::{Agent, SysRng};

const CLIENT_SECRET: &str = "client-secret-in-every-request";
const CODE: &str = "code-in-every-exchange";
const REFRESH_TOKEN: &str = "refresh-token-in-every-refresh";
const GOOD: &str = r#"{"access_token":"at-good","token_type":"Bearer","expires_in":60,"refresh_token":"rt-new"}"#;

/// A deadline that no honest answer on loopback misses, and that ends the dishonest ones soon.
const DEADLINE: Duration = Duration::from_millis(700);

/// ureq's, for what only it can be told.
fn agent() -> Agent {
    Agent::configured(DEADLINE, |config| config)
}

/// One over each transport.
fn agents() -> [AnyAgent; 3] {
    Transport::ALL.map(|transport| transport.agent(DEADLINE))
}

fn good() -> Fault {
    Fault::json(200, GOOD)
}

/// What must be left.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    Tokens,
    Spent,
    Intact,
    Unknown,
}

/// A code exchange at this token endpoint.
fn code_exchange(token_url: &str) -> CodeExchange {
    let server = Server::new("https://as.example/authorize", token_url).unwrap();
    let client = server.client("app").secret_basic(CLIENT_SECRET).unwrap();
    let mut env = Env { now: grantflow_ureq::now(), rng: &mut SysRng };
    let start = grantflow::Authorization::new(&client, "https://app.example/cb").unwrap().start(&mut env).unwrap();
    let state = start.url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    match start.pending.receive_url(&format!("https://app.example/cb?code={CODE}&state={state}")) {
        Callback::Granted(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

/// A refresh at this token endpoint.
fn refresh_exchange(token_url: &str) -> RefreshExchange {
    let answer = format!(r#"{{"access_token":"at-old","token_type":"Bearer","refresh_token":"{REFRESH_TOKEN}"}}"#);
    let mut env = Env { now: grantflow_ureq::now(), rng: &mut SysRng };
    match code_exchange(token_url).respond(&mut env, http::Response::new(answer)) {
        Ok(Step::Done(tokens)) => tokens.refresh().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Meets one fault over each transport, with a code exchange and with a refresh. Gives the errors, where there were any.
fn meet(what: &str, fault: Fault, expect: Expect) -> Vec<AnyError> {
    agents().into_iter().flat_map(|agent| meet_with(agent, what, fault.clone(), expect)).collect()
}

fn meet_with(agent: impl Into<AnyAgent>, what: &str, fault: Fault, expect: Expect) -> Vec<AnyError> {
    let agent = agent.into();
    let mut errors = Vec::new();
    for kind in ["code", "refresh"] {
        let what = format!("{}: {what}, {kind}", agent.name());
        let server = FaultServer::start(vec![fault.clone(), good()]);
        let url = server.url("/token");
        let (error, count) = match kind {
            "code" => outcome(&agent, code_exchange(&url), &server, expect, &what),
            _ => outcome(&agent, refresh_exchange(&url), &server, expect, &what),
        };
        errors.extend(error);
        assert!(count <= 1, "{what}: it was sent {count} times by one run");
    }
    errors
}

/// Runs an exchange, checks what is left, and runs that again. Gives the error, and how often the first run was seen.
fn outcome<X: Exchange<Output = Tokens>>(
    agent: &AnyAgent,
    exchange: X,
    server: &FaultServer,
    expect: Expect,
    what: &str,
) -> (Option<AnyError>, usize) {
    match agent.run(exchange) {
        Ok(tokens) => {
            assert_eq!(expect, Expect::Tokens, "{what}: tokens");
            assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good", "{what}");
            (None, server.count())
        }
        Err(failure) => {
            no_secret_in(&failure, what);
            let count = server.count();
            let Failure { error, left } = failure;
            let exchange = match left {
                Left::Spent => {
                    assert_eq!(expect, Expect::Spent, "{what}: spent by {error}");
                    return (Some(error), count);
                }
                Left::Intact(exchange) => {
                    assert_eq!(expect, Expect::Intact, "{what}: intact after {error}");
                    exchange
                }
                Left::Unknown(exchange) => {
                    assert_eq!(expect, Expect::Unknown, "{what}: unknown after {error}");
                    exchange
                }
            };
            if server.connections() > 0 {
                let tokens = agent.run(*exchange).unwrap_or_else(|error| panic!("{what}: not again: {error}"));
                assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good", "{what}");
            }
            (Some(error), count)
        }
    }
}

/// Nothing that is printed on the way out holds what was sent.
fn no_secret_in<X>(failure: &Failure<X, AnyError>, what: &str) {
    let mut shown = format!("{failure} {failure:?} {failure:#?}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        shown += &format!("{error} {error:?}");
        cause = error.source();
    }
    // "app:client-secret-in-every-request" in base64, without its padding.
    for secret in [CLIENT_SECRET, CODE, REFRESH_TOKEN, "YXBwOmNsaWVudC1zZWNyZXQtaW4tZXZlcnktcmVxdWVzd"] {
        assert!(!shown.contains(secret), "{what} printed a secret: {shown}");
    }
}

fn is_transport(error: &AnyError) -> bool {
    error.is_transport()
}

fn violation(error: &AnyError) -> Option<grantflow::Violation> {
    match error.oauth() {
        Some(grantflow::Error::Protocol(broken)) => Some(broken.violation()),
        _ => None,
    }
}

fn status(error: &AnyError) -> Option<u16> {
    error.oauth().and_then(|error| error.status()).map(|status| status.as_u16())
}
