//! What the command line and the environment ask for.

pub(crate) const HELP: &str = "\
Logs in by the browser, and keeps the grant in the system's keyring.

Usage: keyring_cli login|token|status|logout [options]
       keyring_cli --demo

  --authorize URL   the authorization endpoint   (or GRANTFLOW_AUTHORIZE)
  --token URL       the token endpoint           (or GRANTFLOW_TOKEN)
  --client-id ID    the client's identifier      (or GRANTFLOW_CLIENT_ID)
  --scope \"A B\"     the scope to ask for         (or GRANTFLOW_SCOPE)
  --port PORT       listen for the callback on this port of 127.0.0.1 (default: any free one)
  --demo            all of it against a server in this process, without a keyring
  --help            this text

A client's secret comes from GRANTFLOW_CLIENT_SECRET only: others can read the arguments of a process.
";

pub(crate) enum Command {
    Login,
    Token,
    Status,
    Logout,
    Demo,
}

pub(crate) struct Options {
    pub(crate) command: Command,
    pub(crate) authorize: Option<String>,
    pub(crate) token: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) secret: Option<String>,
    pub(crate) scope: Option<String>,
    pub(crate) port: u16,
}

/// `None` means that help was asked for.
pub(crate) fn read() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::*;
    let env = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let mut options = Options {
        command: Command::Demo,
        authorize: env("GRANTFLOW_AUTHORIZE"),
        token: env("GRANTFLOW_TOKEN"),
        id: env("GRANTFLOW_CLIENT_ID"),
        secret: env("GRANTFLOW_CLIENT_SECRET"),
        scope: env("GRANTFLOW_SCOPE"),
        port: 0,
    };
    let (mut command, mut demo) = (None, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("authorize") => options.authorize = Some(parser.value()?.string()?),
            Long("token") => options.token = Some(parser.value()?.string()?),
            Long("client-id") => options.id = Some(parser.value()?.string()?),
            Long("scope") => options.scope = Some(parser.value()?.string()?),
            Long("port") => options.port = parser.value()?.parse()?,
            Long("demo") => demo = true,
            Long("help") | Short('h') => return Ok(None),
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
    options.command = match (command, demo) {
        (Some(command), false) => command,
        (None, true) => Command::Demo,
        _ => return Err("say one of login, token, status, logout, --demo".into()),
    };
    Ok(Some(options))
}
