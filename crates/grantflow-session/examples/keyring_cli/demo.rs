//! All commands, as a person and their scripts would use them: this program as child processes, against a server in
//! this one.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::{env, thread};

use grantflow::Body;
use grantflow_testkit::{Client, Loopback, Server};
use grantflow_ureq::Agent;
use http::Request;

use crate::{Outcome, show};

const CLIENT_ID: &str = "keyring-cli";

pub(crate) fn run() -> Outcome<()> {
    let provider = Loopback::start(|base_url| {
        let mut server = Server::new(base_url);
        server.register(Client::public(CLIENT_ID).redirect_uri("http://127.0.0.1/callback").scope("clubs"));
        server
    })?;
    provider.follow_system_clock(true);
    let folder = tempfile::tempdir()?;
    let tool = Tool { provider: &provider, folder: folder.path() };
    show::title("keyring_cli", &format!("its commands, against a provider at {}", provider.base_url()));

    show::part("Before the login");
    let refused = tool.run("token")?;
    expect(!refused.status.success() && refused.stdout.is_empty(), "token before the login")?;
    expect(text(&refused.stderr).contains("keyring_cli login"), "what to do")?;
    expect(text(&tool.run("status")?.stdout).contains("not logged in"), "status")?;
    show::good("`token` prints nothing and says what to do");

    show::part("login");
    // Such a short life that it is due at once.
    provider.with(|server| server.knobs().expires_in = 1);
    tool.log_in()?;
    provider.with(|server| server.knobs().expires_in = 3600);
    show::good("the person said yes at the provider; the grant is kept");

    show::part("token, four times at once, when it is time to renew");
    thread::sleep(std::time::Duration::from_millis(1100));
    expect(text(&tool.run("status")?.stdout).contains("is due"), "status")?;
    expect(tool.refreshes() == 0, "status sends nothing")?;
    let scripts = (0..4).map(|_| tool.start("token")).collect::<Outcome<Vec<_>>>()?;
    let mut tokens = BTreeSet::new();
    for script in scripts {
        let output = script.wait_with_output()?;
        let token = text(&output.stdout);
        expect(output.status.success() && output.stderr.is_empty(), text(&output.stderr))?;
        expect(token.ends_with('\n') && token.split_whitespace().count() == 1, "a token and nothing else")?;
        tokens.insert(token.trim().to_owned());
    }
    expect(
        tokens.len() == 1 && tool.refreshes() == 1,
        format!("{} tokens by {} refreshes", tokens.len(), tool.refreshes()),
    )?;
    show::good("four processes, one refresh, one token");

    let token = tokens.first().ok_or("there is no token")?;
    let request = Request::get(provider.server().resource_url());
    let answer = grantflow_ureq::send(
        &Agent::new(),
        request.header("authorization", format!("Bearer {token}")).body(Body::default())?,
    )?;
    expect(answer.status().is_success(), "the API")?;
    show::good("the API takes it");
    expect(text(&tool.run("status")?.stdout).contains("is good for"), "status")?;
    expect(text(&tool.run("token")?.stdout).trim() == token.as_str() && tool.refreshes() == 1, "the same token")?;
    show::good("the next script gets the same one, and sends nothing");

    show::part("logout");
    expect(tool.run("logout")?.status.success(), "logout")?;
    expect(!tool.run("token")?.status.success(), "token after the logout")?;
    expect(text(&tool.run("status")?.stdout).contains("not logged in"), "status")?;
    show::good("the grant is gone");

    show::all_well("All went as it should.");
    Ok(())
}

/// This program, with its settings.
struct Tool<'a> {
    provider: &'a Loopback,
    folder: &'a Path,
}

impl Tool<'_> {
    fn start(&self, command: &str) -> Outcome<Child> {
        let (authorize_url, token_url) = self.provider.with(|server| (server.authorize_url(), server.token_url()));
        Ok(Command::new(env::current_exe()?)
            .args([command, "--store", "file", "--no-browser", "--folder"])
            .arg(self.folder.join("grants"))
            .env("GRANTFLOW_AUTHORIZE_URL", authorize_url)
            .env("GRANTFLOW_TOKEN_URL", token_url)
            .env("GRANTFLOW_ISSUER", self.provider.base_url())
            .env("GRANTFLOW_CLIENT_ID", CLIENT_ID)
            .env("GRANTFLOW_SCOPE", "clubs")
            .env_remove("GRANTFLOW_CLIENT_SECRET")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?)
    }

    fn run(&self, command: &str) -> Outcome<Output> {
        Ok(self.start(command)?.wait_with_output()?)
    }

    /// Runs `login`, and does what a person does with the address that it prints.
    fn log_in(&self) -> Outcome<()> {
        let mut login = self.start("login")?;
        let lines = BufReader::new(login.stdout.take().ok_or("there is no stdout")?).lines();
        let mut said = String::new();
        for line in lines {
            let line = line?;
            if line.starts_with("http") {
                visit(&line)?;
            }
            said.push_str(&line);
        }
        let output = login.wait_with_output()?;
        expect(output.status.success() && said.contains("logged in"), text(&output.stderr))
    }

    fn refreshes(&self) -> usize {
        self.provider.with(|server| server.hits("refresh_token").count())
    }
}

/// A browser, with a person who says yes.
fn visit(address: &str) -> Outcome<()> {
    let get = |url: &str| -> Outcome<_> {
        Ok(grantflow_ureq::send(&Agent::new(), Request::get(url).body(Body::default())?)?)
    };
    let location = |answer: &http::Response<Body>| -> Outcome<String> {
        Ok(answer.headers().get("location").ok_or("the browser is sent nowhere")?.to_str()?.to_owned())
    };
    let callback = location(&get(address)?)?;
    let done = location(&get(&callback)?)?;
    let (tool, _) = callback.split_once("/callback").ok_or("this is not the way back")?;
    expect(get(&format!("{tool}{done}"))?.status().is_success() && !done.contains('?'), "the last page")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn expect(holds: bool, what: impl std::fmt::Display) -> Outcome<()> {
    let line = std::panic::Location::caller().line();
    if holds { Ok(()) } else { Err(format!("{what}: not as it should be (demo.rs:{line})").into()) }
}
