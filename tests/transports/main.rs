//! Every flow over every transport, with the same bodies: all give the same results.
//!
//! The tower adapter over a router in the same process counts as another transport; the core without any adapter is the
//! reference, wherever results are compared.

mod backchannel;
mod clients;
mod device;
mod documents;
mod dropped;
mod endpoints;
mod exchanges;
mod fed;
mod flows;
mod mcp;
mod misbehaviours;
mod quirks;
mod registration;
mod waits;
mod world;

use std::process::ExitCode;

use grantflow::{Env, Exchange, RefreshExchange, Server, Step};
use grantflow_tests::support::transport::{SysRng, Transport, now};
use libtest_mimic::{Arguments, Trial};
use world::{Carrier, World};

/// A test in a separate world, with any carrier of its requests.
type Body = fn(&World);

/// The same for tests of sockets.
type TransportBody = fn(Transport);

fn main() -> ExitCode {
    let mut trials = Vec::new();
    for carrier in Carrier::ALL {
        for (name, body) in [
            flows::BODIES,
            clients::BODIES,
            quirks::BODIES,
            misbehaviours::BODIES,
            documents::BODIES,
            device::BODIES,
            backchannel::BODIES,
            endpoints::BODIES,
            exchanges::BODIES,
            registration::BODIES,
            mcp::BODIES,
        ]
        .concat()
        {
            trials.push(Trial::test(format!("{}: {name}", carrier.name()), move || {
                body(&World::new(carrier));
                Ok(())
            }));
        }
    }
    for transport in Transport::ALL {
        // A dropped run needs a transport whose runs can be dropped.
        let dropped =
            if transport == Transport::Ureq { Vec::new() } else { [dropped::BODIES, waits::DROPPED].concat() };
        for (name, body) in [waits::BODIES, fed::BODIES, &dropped].concat() {
            trials.push(Trial::test(format!("{}: {name}", transport.name()), move || {
                body(transport);
                Ok(())
            }));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A refresh at this token endpoint.
fn start_of_refresh(token_url: &str) -> RefreshExchange {
    let client = Server::new("https://as.example/authorize", token_url).unwrap().client("app").public().unwrap();
    let mut rng = SysRng;
    let mut env = Env::new(now(), &mut rng);
    let start = grantflow::Authorization::new(&client, "https://app.example/cb").unwrap().start(&mut env).unwrap();
    let state = start.url.as_str().split("state=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let callback = format!("https://app.example/cb?code=the-code&state={state}");
    let grantflow::Callback::Granted(exchange) = start.pending.receive_url(&callback) else { panic!("not granted") };
    let answer = r#"{"access_token":"at-old","token_type":"Bearer","refresh_token":"rt-old"}"#;
    match exchange.respond(&mut env, http::Response::new(answer)) {
        Ok(Step::Done(tokens)) => tokens.refresh().unwrap(),
        other => panic!("{other:?}"),
    }
}
