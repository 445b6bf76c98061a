//! Sockets that break in every way: what a caller sees, and what is left of the grant.
//!
//! The rows are those of the fault table that the project was given; each test names the fault. Every fault meets a
//! code exchange and a refresh, over every transport. What is left is run again, against a server that answers well:
//! nothing is lost.

mod agents;
mod certificates;
mod compressed;
mod cut;
mod large;
mod lost;
mod not_sent;
mod odd_heads;
mod proxies;
mod readable;
mod redirects;
mod slow;
mod tls;
mod unverified;

use std::error::Error as _;
use std::process::ExitCode;
use std::time::Duration;

use grantflow::{Callback, CodeExchange, Env, Exchange, Failure, Left, RefreshExchange, Server, Step, Tokens};
use grantflow_tests::support::fault_server::{Fault, FaultServer};
use grantflow_tests::support::transport::{Agent, AnyError, SysRng, Transport, now};
use libtest_mimic::{Arguments, Trial};

const CLIENT_SECRET: &str = "client-secret-in-every-request";
const CODE: &str = "code-in-every-exchange";
const REFRESH_TOKEN: &str = "refresh-token-in-every-refresh";
/// The query of the token endpoint's URL. Queries may hold secrets, so no error shows one.
const QUERY: &str = "key=query-of-every-endpoint";
/// Texts that must not be shown. The last is "app:client-secret-in-every-request" in base64, without its padding.
const SECRETS: [&str; 5] =
    [CLIENT_SECRET, CODE, REFRESH_TOKEN, "query-of-every-endpoint", "YXBwOmNsaWVudC1zZWNyZXQtaW4tZXZlcnktcmVxdWVzd"];
const GOOD: &str = r#"{"access_token":"at-good","token_type":"Bearer","expires_in":60,"refresh_token":"rt-new"}"#;

/// Ends the servers that never answer. Long enough for a connection and a request, unless the machine is very busy.
const DEADLINE: Duration = Duration::from_millis(1500);
/// For servers that answer: none of them is so late.
const PATIENCE: Duration = Duration::from_secs(20);

/// A test for every transport.
type Row = (&'static str, fn(Transport));
/// A test for one transport only, with its name.
type Own = (&'static str, fn());

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let every = [
        agents::ROWS,
        certificates::ROWS,
        compressed::ROWS,
        cut::ROWS,
        large::ROWS,
        lost::ROWS,
        not_sent::ROWS,
        odd_heads::ROWS,
        proxies::ROWS,
        readable::ROWS,
        redirects::ROWS,
        slow::ROWS,
        unverified::ROWS,
    ];
    for transport in Transport::ALL {
        for (name, row) in every.concat() {
            trials.push(Trial::test(format!("{}: {name}", transport.name()), move || {
                row(transport);
                Ok(())
            }));
        }
    }
    let own = [
        agents::OWN,
        large::OWN,
        lost::OWN,
        not_sent::OWN,
        proxies::OWN,
        redirects::OWN,
        slow::OWN,
        tls::OWN,
        unverified::OWN,
    ];
    for (name, row) in own.concat() {
        trials.push(Trial::test(name, move || {
            row();
            Ok(())
        }));
    }
    let mut arguments = Arguments::from_args();
    // They wait more than they work.
    arguments.test_threads.get_or_insert(8);
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn agent(transport: Transport) -> Agent {
    transport.agent(PATIENCE)
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
    let mut rng = SysRng;
    let mut env = Env::new(now(), &mut rng);
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
    let mut rng = SysRng;
    let mut env = Env::new(now(), &mut rng);
    match code_exchange(token_url).respond(&mut env, http::Response::new(answer)) {
        Ok(Step::Done(tokens)) => tokens.refresh().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Runs a code exchange and a refresh into one fault. Returns the two errors, if there are any.
fn meet(transport: Transport, what: &str, fault: Fault, expect: Expect) -> Vec<AnyError> {
    let agent = agent(transport);
    meet_with(&agent, &agent, what, fault, expect)
}

/// The same for a fault that nothing but the deadline ends: the grant is left unknown. A deadline that is over before the request has
/// come says nothing about the fault, so on a busy machine there is a longer one.
fn meet_at_the_deadline(transport: Transport, what: &str, fault: Fault) -> Vec<AnyError> {
    let firsts = [1, 3, 9].map(|times| transport.agent(DEADLINE * times));
    meet_by(&firsts, &agent(transport), what, fault, Expect::Unknown)
}

/// The same with the row's own agent; what is left is run by the other one.
fn meet_with(first: &Agent, again: &Agent, what: &str, fault: Fault, expect: Expect) -> Vec<AnyError> {
    meet_by(std::slice::from_ref(first), again, what, fault, expect)
}

/// The same with the first of these agents whose request arrives.
fn meet_by(firsts: &[Agent], again: &Agent, what: &str, fault: Fault, expect: Expect) -> Vec<AnyError> {
    let mut errors = Vec::new();
    for kind in ["code", "refresh"] {
        let met = firsts.iter().find_map(|first| {
            let server = FaultServer::start(vec![fault.clone(), good()]);
            let url = server.url(&format!("/token?{QUERY}"));
            match kind {
                "code" => outcome([first, again], code_exchange(&url), &server, expect, what),
                _ => outcome([first, again], refresh_exchange(&url), &server, expect, what),
            }
        });
        let (error, count) = met.unwrap_or_else(|| panic!("{what}: the {kind} never arrived"));
        errors.extend(error);
        assert!(count <= 1, "{what}: the {kind} was sent {count} times by one run");
    }
    errors
}

/// Runs an exchange, checks what is left, and runs that again. Returns the error, and how often the server saw the
/// first run, or nothing if its deadline was over before that.
fn outcome<X: Exchange<Output = Tokens>>(
    [first, again]: [&Agent; 2],
    exchange: X,
    server: &FaultServer,
    expect: Expect,
    what: &str,
) -> Option<(Option<AnyError>, usize)> {
    match first.run(exchange) {
        Ok(tokens) => {
            assert_eq!(expect, Expect::Tokens, "{what}: tokens");
            assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good", "{what}");
            Some((None, server.count()))
        }
        Err(failure) => {
            no_secret_in(&failure, what);
            let count = server.count();
            let Failure { error, left } = failure;
            if error.is_timeout() && count == 0 {
                return None;
            }
            let exchange = match left {
                Left::Spent => {
                    assert_eq!(expect, Expect::Spent, "{what}: spent by {error}");
                    return Some((Some(error), count));
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
                let tokens = again.run(*exchange).unwrap_or_else(|error| panic!("{what}: not again: {error}"));
                assert_eq!(tokens.bearer().unwrap().expose_secret(), "at-good", "{what}");
            }
            Some((Some(error), count))
        }
    }
}

/// Nothing that is printed contains what was sent.
fn no_secret_in<X>(failure: &Failure<X, AnyError>, what: &str) {
    let mut shown = format!("{failure} {failure:?} {failure:#?}");
    let mut cause = failure.source();
    while let Some(error) = cause {
        shown += &format!("{error} {error:?}");
        cause = error.source();
    }
    for secret in SECRETS {
        assert!(!shown.contains(secret), "{what} printed a secret: {shown}");
    }
}

fn violation(error: &AnyError) -> Option<grantflow::Violation> {
    match error.oauth() {
        Some(grantflow::Error::Protocol(broken)) => Some(broken.violation()),
        _ => None,
    }
}

fn status(error: &AnyError) -> Option<u16> {
    error.oauth()?.status().map(|status| status.as_u16())
}
