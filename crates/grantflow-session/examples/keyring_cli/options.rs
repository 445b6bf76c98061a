//! The options of the command line and the environment.

use std::env;
use std::path::PathBuf;

use grantflow::{Client, Server};
use lexopt::prelude::*;

use crate::Outcome;

pub(crate) const HELP: &str = "\
Keeps an OAuth 2 grant in the system's keyring, and prints fresh access tokens.

Usage: keyring_cli login|token|status|logout [options]
       keyring_cli --demo

  --authorize-url URL   the provider's authorization endpoint      or GRANTFLOW_AUTHORIZE_URL
  --token-url URL       its token endpoint                         or GRANTFLOW_TOKEN_URL
  --issuer URL          its issuer, if it names itself (RFC 9207)  or GRANTFLOW_ISSUER
  --client-id ID        this tool's client id there                or GRANTFLOW_CLIENT_ID
                        its secret, if it has one:                    GRANTFLOW_CLIENT_SECRET
  --scope \"A B\"         what to ask for                            or GRANTFLOW_SCOPE
  --account NAME        which grant, if you have several (default: default)
  --store keyring       the system's keyring (the default)
  --store file          a file that only you can read: for machines without a keyring
  --folder DIR          for locks, and with --store file for the grant (default: in your state folder)
  --port PORT           listen for the callback on this port (default: any free one)
  --no-browser          print the address instead of opening it
  --demo                run everything against a server in this process
  --help                this text

For example: curl -H \"Authorization: Bearer $(keyring_cli token)\" https://api.example/user
";

/// What to do.
#[derive(Clone, Copy)]
pub(crate) enum Command {
    Help,
    Login,
    Token,
    Status,
    Logout,
    Demo,
}

/// Where the grant is kept.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    Keyring,
    File,
}

pub(crate) struct Options {
    pub(crate) command: Command,
    authorize_url: Option<String>,
    token_url: Option<String>,
    issuer: Option<String>,
    client_id: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) account: String,
    pub(crate) place: Place,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) port: u16,
    pub(crate) open_browser: bool,
}

impl Options {
    pub(crate) fn from_arguments() -> Result<Self, lexopt::Error> {
        let mut command = None;
        let mut options = Self {
            command: Command::Help,
            authorize_url: variable("GRANTFLOW_AUTHORIZE_URL"),
            token_url: variable("GRANTFLOW_TOKEN_URL"),
            issuer: variable("GRANTFLOW_ISSUER"),
            client_id: variable("GRANTFLOW_CLIENT_ID"),
            scope: variable("GRANTFLOW_SCOPE"),
            account: "default".to_owned(),
            place: Place::Keyring,
            folder: None,
            port: 0,
            open_browser: true,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("authorize-url") => options.authorize_url = Some(parser.value()?.string()?),
                Long("token-url") => options.token_url = Some(parser.value()?.string()?),
                Long("issuer") => options.issuer = Some(parser.value()?.string()?),
                Long("client-id") => options.client_id = Some(parser.value()?.string()?),
                Long("scope") => options.scope = Some(parser.value()?.string()?),
                Long("account") => options.account = parser.value()?.string()?,
                Long("store") => {
                    options.place = match parser.value()?.string()?.as_str() {
                        "keyring" => Place::Keyring,
                        "file" => Place::File,
                        other => return Err(format!("there is no store {other:?}: keyring or file").into()),
                    }
                }
                Long("folder") => options.folder = Some(parser.value()?.into()),
                Long("port") => options.port = parser.value()?.parse()?,
                Long("no-browser") => options.open_browser = false,
                Long("demo") => command = Some(Command::Demo),
                Long("help") | Short('h') => command = Some(Command::Help),
                Value(name) if command.is_none() => {
                    command = Some(match name.string()?.as_str() {
                        "login" => Command::Login,
                        "token" => Command::Token,
                        "status" => Command::Status,
                        "logout" => Command::Logout,
                        other => return Err(format!("there is no command {other:?}").into()),
                    });
                }
                other => return Err(other.unexpected()),
            }
        }
        options.command = command.ok_or("say what to do: login, token, status or logout")?;
        Ok(options)
    }

    /// The client that the options name. Its secret comes from the environment only: every user of the machine can see
    /// a command line.
    pub(crate) fn client(&self) -> Outcome<Client> {
        let mut server = Server::new(
            required(&self.authorize_url, "--authorize-url or GRANTFLOW_AUTHORIZE_URL")?,
            required(&self.token_url, "--token-url or GRANTFLOW_TOKEN_URL")?,
        )?;
        if let Some(issuer) = &self.issuer {
            server = server.issuer(issuer)?;
        }
        let client = server.client(required(&self.client_id, "--client-id or GRANTFLOW_CLIENT_ID")?);
        Ok(match variable("GRANTFLOW_CLIENT_SECRET") {
            Some(secret) => (&client.secret_post(secret)?).into(),
            None => (&client.public()?).into(),
        })
    }
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn required<'a>(value: &'a Option<String>, name: &str) -> Outcome<&'a str> {
    value.as_deref().ok_or_else(|| format!("{name} is missing; --help says more").into())
}
