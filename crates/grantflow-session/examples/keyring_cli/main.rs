//! A command-line tool that keeps its grant in the system's keyring: log in once, and every script gets a fresh token.
//!
//! ```text
//! keyring_cli login    opens the browser, and keeps the grant
//! keyring_cli token    prints an access token, renewed if it is time; nothing else goes to stdout
//! keyring_cli status   says what state the grant is in, and changes nothing
//! keyring_cli logout   forgets it
//! ```
//!
//! `cargo run --features keyring,ureq --example keyring_cli -- --help` says which provider and how. With `--demo` it
//! runs all commands as child processes against a server in this process, with the grant in a file, and exits with 0
//! only if every check passed.

mod commands;
mod demo;
mod options;
#[path = "../shared/show.rs"]
#[allow(dead_code, reason = "other examples show more")]
mod show;
mod store;

use std::error::Error;
use std::process::ExitCode;

use crate::options::{Command, Options};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let options = match Options::from_arguments() {
        Ok(options) => options,
        Err(error) => {
            anstream::eprintln!("{error}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    let outcome = match options.command {
        Command::Help => {
            anstream::print!("{}", options::HELP);
            Ok(())
        }
        Command::Login => commands::login(&options),
        Command::Token => commands::token(&options),
        Command::Status => commands::status(&options),
        Command::Logout => commands::logout(&options),
        Command::Demo => demo::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failed(&*error);
            ExitCode::FAILURE
        }
    }
}
