//! A command line tool that logs in by the browser, and keeps its grant in the system's keyring.
//!
//! - `keyring_cli login` sends you to the server, and keeps what comes back.
//! - `keyring_cli token` prints an access token, and nothing else, refreshed if it is due: `curl -H "Authorization: Bearer
//!   $(keyring_cli token)" …`.
//! - `keyring_cli status`, `keyring_cli logout`.
//! - `keyring_cli --demo` does all of it against a server in this process, with a folder in place of the keyring. It exits
//!   with 0 only if all went as it should.

mod commands;
mod demo;
mod listener;
mod options;
#[path = "../shared/show.rs"]
#[allow(dead_code, reason = "other examples show more")]
mod show;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use grantflow_session::{Key, KeyringStore, Session, Ureq};

use crate::commands::Place;
use crate::options::{Command, Options};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The keyring's items are under this name.
const SERVICE: &str = "grantflow-keyring-cli";

fn main() -> ExitCode {
    let options = match options::read() {
        Ok(Some(options)) => options,
        Ok(None) => {
            anstream::print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            anstream::eprintln!("{error}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::failed(&*error);
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    if let Command::Demo = options.command {
        return demo::run();
    }
    let place = Place::of(options)?;
    let store = match KeyringStore::open(SERVICE, locks()?) {
        Ok(store) => store,
        Err(error) => {
            show::failed(&error);
            return Err("there is no usable keyring: unlock it, or log in to a desktop session that has one (on Linux GNOME \
                        Keyring, KeePassXC or KDE Wallet, over the session bus). On a server keep the grant in a FileStore"
                .into());
        }
    };
    let session = Session::new(&place.client, Key::new("grant")?, store, Ureq::new(place.agent.clone()));
    match options.command {
        Command::Login => commands::log_in(&place, &session, |url| {
            if open::that_detached(url).is_err() {
                anstream::eprintln!("Open this address in your browser:\n{url}");
            }
        }),
        Command::Token => {
            anstream::println!("{}", commands::token(&session)?);
            Ok(())
        }
        Command::Logout => commands::log_out(&session),
        Command::Status => {
            anstream::println!("{}", commands::status(&session)?);
            Ok(())
        }
        Command::Demo => Ok(()),
    }
}

/// The folder of the locks: the same for every process of this user. No token is in it.
fn locks() -> Outcome<PathBuf> {
    let dir = |name| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let base = dir("XDG_STATE_HOME").or_else(|| dir("LOCALAPPDATA"));
    let base = base.or_else(|| dir("HOME").map(|home| home.join(".local/state")));
    let base = base.ok_or("neither XDG_STATE_HOME, LOCALAPPDATA nor HOME is set: the locks need a folder")?;
    std::fs::create_dir_all(&base)?;
    Ok(base.join(SERVICE))
}
