//! The three flows of Trackmania's documentation, run for real.
//!
//! - `cargo run --example login` runs them against a server in this process, over real HTTP on loopback.
//! - `cargo run --example login -- --provider trackmania` runs them against Trackmania, with your browser.
//!
//! Exits with 0 only if everything succeeded.

mod demo;
mod flows;
mod show;
mod trackmania;

use std::error::Error;
use std::process::ExitCode;

type Outcome<T> = Result<T, Box<dyn Error>>;

const HELP: &str = "\
Runs OAuth 2 flows and shows every state, request and answer, secrets redacted.

Usage: cargo run --example login -- [options]

  --provider demo         a server in this process (the default)
  --provider trackmania   the real service; needs TRACKMANIA_CLIENT_ID and TRACKMANIA_CLIENT_SECRET
  --port PORT             listen for the callback on this port (default: any free one)
  --scope \"A B\"           the scope to ask Trackmania for (default: read_favorite write_favorite)
  --no-browser            print the address instead of opening it
  --help                  this text
";

/// What the command line asks for.
struct Options {
    provider: Provider,
    port: u16,
    scope: String,
    open_browser: bool,
}

enum Provider {
    Demo,
    Trackmania,
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(Some(options)) => options,
        Ok(None) => {
            anstream::print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            anstream::eprintln!("{error}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let outcome = match options.provider {
        Provider::Demo => demo::run(&options),
        Provider::Trackmania => trackmania::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failed(&*error);
            ExitCode::FAILURE
        }
    }
}

/// `None` means that help was asked for.
fn options() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let mut options = Options {
        provider: Provider::Demo,
        port: 0,
        scope: "read_favorite write_favorite".to_owned(),
        open_browser: true,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("provider") => {
                options.provider = match parser.value()?.string()?.as_str() {
                    "demo" => Provider::Demo,
                    "trackmania" => Provider::Trackmania,
                    other => return Err(format!("there is no provider {other:?}: demo or trackmania").into()),
                }
            }
            Long("port") => options.port = parser.value()?.parse()?,
            Long("scope") => options.scope = parser.value()?.string()?,
            Long("no-browser") => options.open_browser = false,
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(options))
}
