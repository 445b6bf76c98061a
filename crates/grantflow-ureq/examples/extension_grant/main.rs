//! A grant that one server defines: a voucher of paper gets an access token (RFC 6749 §4.5).
//!
//! `cargo run --example extension_grant` runs it against a server in this process, over real HTTP on loopback. Exits with 0
//! only if everything succeeded.

#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/flows.rs"]
mod flows;
#[allow(dead_code, reason = "shared with the example `login`, which uses all of it")]
#[path = "../login/show.rs"]
mod show;

use std::error::Error;
use std::process::ExitCode;

use grantflow::{ExtensionGrant, Failure, Left, Server};
use grantflow_testkit::{Client, Loopback, Misbehaviour};
use grantflow_ureq::Agent;

type Outcome<T> = Result<T, Box<dyn Error>>;

const ID: &str = "demo-till";
const SECRET: &str = "demo-till-secret";
const VOUCHER: &str = "urn:example:grant-type:voucher";

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
    let provider = Loopback::start(|base_url| {
        let mut server = grantflow_testkit::Server::new(base_url);
        server.register(Client::confidential(ID, SECRET).scope("drinks"));
        server.knobs().extension_grant = Some(VOUCHER.to_owned());
        server
    })?;
    provider.follow_system_clock(true);
    let (token_url, api_url) = provider.with(|server| (server.token_url(), server.resource_url()));
    let server = Server::with_token_endpoint(&token_url)?.token_for(provider.base_url())?;
    let client = server.client(ID).secret_basic(SECRET)?;
    let agent = Agent::new();
    show::title("grantflow", &format!("a server with a grant that no RFC has, at {}", provider.base_url()));

    show::flow(1, "Extension grant", "RFC 6749 §4.5");
    let voucher = || -> Result<ExtensionGrant, grantflow::Error> {
        ExtensionGrant::new(&client, VOUCHER)?.param("voucher", "V-0042")?.scope("drinks")
    };
    let tokens = flows::run(&agent, voucher()?)?;
    show::step("ExtensionGrant", "run", "Tokens");
    flows::call_api(&agent, &tokens, &api_url)?;

    show::flow(2, "A lost answer", "the same grant, and the connection breaks");
    lose_an_answer(&provider);
    let Err(Failure { left: Left::Unknown(_), error }) = flows::run(&agent, voucher()?) else {
        return Err("a voucher whose answer was lost may be used up".into());
    };
    show::good(&format!("its state is unknown, because nothing is known about this grant: {error}"));
    lose_an_answer(&provider);
    let Err(Failure { left: Left::Intact(grant), .. }) = flows::run(&agent, voucher()?.replayable()) else {
        return Err("a grant that may be sent twice was lost".into());
    };
    flows::run(&agent, *grant)?;
    show::good("with replayable() it is intact, and was sent again");

    show::flow(3, "What is no extension grant", "RFC 9700 §2.4");
    for refused in ["password", "authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"] {
        let error = ExtensionGrant::new(&client, refused).err().ok_or("a grant with a flow was built beside it")?;
        show::good(&format!("{refused}: {error}"));
    }

    show::all_well("The voucher bought a drink.");
    Ok(())
}

/// The server takes the next voucher, and its answer does not arrive.
fn lose_an_answer(provider: &Loopback) {
    provider.with(|server| {
        server.knobs().misbehave(Misbehaviour::Lost { acts: true });
    });
}
