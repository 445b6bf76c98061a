//! A service with its own token (client credentials), kept fresh for a thousand threads: before there is a token,
//! shortly before it is over, when the API refuses it, and while the server is down. Then its token feeds a second
//! session, for another API.
//!
//! `cargo run --example service_token` runs it against a server in this process, over real HTTP, with a clock that the
//! example sets: hours pass in no time. It exits with 0 only if every check passed.

mod delegated;
mod outside;
mod provider;
#[path = "../shared/show.rs"]
#[allow(dead_code, reason = "other examples show more")]
mod show;
mod thousand;

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use grantflow::{ClientCredentials, Server};
use grantflow_session::authorize::ureq::call;
use grantflow_session::{Event, Key, MemoryStore, Session, SessionError, State};

use crate::delegated::delegated;
use crate::outside::{Clock, Outside};
use crate::provider::Provider;
use crate::thousand::thousand;

type Outcome<T> = Result<T, Box<dyn Error>>;

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
    let clock = Clock::new();
    let mut provider = Provider::start(&clock)?;
    show::title("service_token", "client credentials (RFC 6749 §4.4), kept fresh for 1,000 threads");

    // This is all that a service does:
    let server = Server::with_token_endpoint(&provider.token_url())?.token_for(provider.origin())?;
    let client = server.client(provider::CLIENT_ID).secret_basic(provider::CLIENT_SECRET)?;
    let grant = ClientCredentials::new(&client).scope("clubs")?;
    let session =
        Session::client_credentials(grant, Key::new("clubs")?, MemoryStore::new(), Outside::new(&clock)).observer(tell);
    // … and then, wherever a token is wanted: session.token_blocking()?

    show::part("No token yet");
    expect(session.state(), State::Unread)?;
    let first = thousand(&session).all_the_same()?;
    expect(provider.new_requests(), 1)?;
    expect(session.state(), State::Fresh)?;
    show::good("1,000 threads asked at once: one request, and the same token for all");

    show::part("Half an hour later");
    clock.advance(Duration::from_secs(30 * 60));
    expect(thousand(&session).all_the_same()?.is(&first), true)?;
    expect(provider.new_requests(), 0)?;
    show::good("the token is good for another half hour: no request");

    show::part("A minute before it is over");
    clock.advance(Duration::from_secs(29 * 60 + 1));
    expect(session.state(), State::Due)?;
    // One of them renews it; the others use the current one.
    thousand(&session).served()?;
    let second = session.token_blocking()?;
    expect(second.is(&first), false)?;
    expect(provider.new_requests(), 1)?;
    show::good("due, and not over: all were served, one of them renewed it");

    show::part("The API refuses it before its expiry");
    provider.with(|server| server.revoke_access_tokens());
    let api = ureq::Agent::new_with_defaults();
    let request = http::Request::get(provider.api_url()).body(())?;
    let answer = call(&api, &session, request)?;
    expect(answer.status().as_u16(), 200)?;
    expect(provider.new_requests(), 1)?;
    show::good("401 with invalid_token: renewed, and the request was sent once more: 200");

    show::part("The server goes down");
    provider.stop();
    clock.advance(Duration::from_secs(59 * 60 + 1));
    let second = session.peek().ok_or("the token is over too early")?;
    expect(thousand(&session).all_the_same()?.is(&second), true)?;
    expect(session.state(), State::Due)?;
    show::good("the token is still good for a minute: no caller notices");

    clock.advance(Duration::from_secs(60));
    let mut retry_at = None;
    for doubled in [2, 4, 8] {
        let error = thousand(&session).all_failed()?;
        let SessionError::NotRenewed { retry_at: at, .. } = error else { return Err(error.into()) };
        let pause = at.saturating_since(clock.now()).as_secs();
        // A draw spreads the sessions of one server: between half as long and half as long again.
        expect((doubled / 2..=doubled * 3 / 2).contains(&pause), true)?;
        show::good(&format!("over: 1,000 threads get the error, and no request is sent for {pause} s"));
        clock.advance(Duration::from_secs(pause));
        retry_at = Some(at);
    }
    expect(retry_at, Some(clock.now()))?;

    show::part("It comes back");
    let error = thousand(&session).all_failed()?;
    show::note(&error.to_string());
    provider.start_again()?;
    let error = session.token_blocking().err().ok_or("the circuit is closed too early")?;
    let SessionError::NotRenewed { retry_at, .. } = error else { return Err(error.into()) };
    expect(provider.new_requests(), 0)?;
    show::good("the pause holds: still the error, and no request");
    clock.advance(retry_at.saturating_since(clock.now()));
    thousand(&session).all_the_same()?;
    expect(provider.new_requests(), 1)?;
    expect(session.state(), State::Fresh)?;
    show::good("the pause is over: one request, and all have a token");

    show::part("A token for another API: this session feeds a second one");
    let stock = delegated(&client, &clock, &session)?.observer(tell);
    let other = stock.token_blocking()?;
    expect(stock.token_blocking()?.is(&other), true)?;
    expect(provider.new_exchanges(), 1)?;
    clock.advance(Duration::from_secs(60 * 60));
    expect(stock.token_blocking()?.is(&other), false)?;
    expect((provider.new_exchanges(), provider.new_requests()), (1, 1))?;
    show::good("over after an hour: the first session renewed its token, and the second exchanged it");

    show::all_well("All went as it should.");
    Ok(())
}

/// What the session reports. It contains no secret.
fn tell(event: &Event<'_>) {
    match event {
        Event::Obtaining { .. } => show::note("the source is asked for an exchange"),
        Event::Sending { .. } => show::step("Due", "send", "Refreshing"),
        Event::Renewed { token, .. } => {
            let life = token.expires_at().map_or(0, |at| at.saturating_since(token.received_at()).as_secs());
            show::step("Refreshing", "answer", &format!("Fresh, for {life} s"));
        }
        Event::Unanswered { unanswered, .. } => show::note(&format!("no answer; the request {}", unanswered.sent)),
        Event::Failed { .. } => show::step("Refreshing", "no answer", "Due"),
        _ => {}
    }
}

#[track_caller]
fn expect<T: PartialEq + std::fmt::Debug>(found: T, wanted: T) -> Outcome<()> {
    let line = std::panic::Location::caller().line();
    if found == wanted { Ok(()) } else { Err(format!("{found:?} instead of {wanted:?} (main.rs:{line})").into()) }
}
