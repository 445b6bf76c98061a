//! "Log in with …" in a web application: axum, a session cookie, and for each person a token that stays fresh.
//!
//! - `cargo run --example axum_login` starts a provider and the application, both on loopback. Open the address that it
//!   prints.
//! - `cargo run --example axum_login -- --check` is its own browser, and tries what an attacker would try. It exits
//!   with 0 only if every check passed.
//!
//! What to read: `app.rs` is the whole login; `browser.rs` is the cookie. `provider.rs` stands for another
//! organisation's server, and `check.rs` says what the application promises.

mod app;
mod browser;
mod check;
mod me;
mod page;
mod provider;
mod serve;
#[path = "../shared/show.rs"]
#[allow(dead_code, reason = "other examples show more")]
mod show;

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::app::App;
use crate::provider::Provider;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const HELP: &str = "\
A web application with a login, and a provider to log in at.

Usage: cargo run --example axum_login -- [options]

  --port PORT   where the application listens on 127.0.0.1 (default: any free port)
  --check       drive it by a headless client, and check what it promises
  --help        this text
";

struct Options {
    port: u16,
    check: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match options() {
        Ok(Some(options)) => run(&options).await,
        Ok(None) => {
            anstream::print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            anstream::eprintln!("{error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failed(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Outcome<()> {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port)).await?;
    let origin = format!("http://{}", socket.local_addr()?);
    // The check should not wait long until it is disconnected, but its own requests need a moment on a busy machine.
    let head = Duration::from_secs(if options.check { 3 } else { 10 });
    let provider = Provider::start(&origin, head).await?;
    let app = App::new(&origin, &provider)?;

    show::title("axum_login", &format!("the application is at {origin}, the provider at {}", provider.origin()));
    let serving = tokio::spawn(serve::serve(socket, app.router(), head));
    if options.check {
        return check::run(&origin, &provider, head).await;
    }
    anstream::println!("\n   Open {origin} in your browser. Ctrl-C ends it.");
    serving.await?;
    Ok(())
}

/// `None` means that help was asked for.
fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options { port: 0, check: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => options.port = parser.value()?.parse()?,
            Long("check") => options.check = true,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}
