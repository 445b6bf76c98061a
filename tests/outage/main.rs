//! The token endpoint fails, in every known way, without having looked at a request. Then it recovers, and there is a
//! token without a login: over every transport, by one process and by two, ahead of the token's expiry and after it.
//!
//! `cargo test --workspace outage` runs these. The program is its own child.

mod child;
mod clock;
mod gateway;
mod kinds;
mod real;
mod trial;

use std::process::ExitCode;

use grantflow_tests::support::transport::Transport;
use libtest_mimic::{Arguments, Trial};

use trial::When;

fn main() -> ExitCode {
    if let Some(orders) = child::Orders::given() {
        child::run(&orders);
        return ExitCode::SUCCESS;
    }
    let mut processes: Vec<(String, Vec<Transport>, bool)> =
        Transport::ALL.into_iter().map(|transport| (transport.name().to_owned(), vec![transport], false)).collect();
    processes.push(("two processes".to_owned(), vec![Transport::Ureq, Transport::Reqwest], false));
    processes.push(("a source".to_owned(), vec![Transport::Ureq], true));
    processes.push(("a source, two processes".to_owned(), vec![Transport::Reqwest, Transport::Tower], true));
    let mut trials = Vec::new();
    for kind in kinds::all() {
        for (name, transports, fed) in &processes {
            for (when, word) in [(When::Ahead, "ahead of expiry"), (When::After, "after expiry")] {
                let (kind, transports, fed) = (kind.clone(), transports.clone(), *fed);
                trials.push(Trial::test(format!("outage: {name}: {}, {word}", kind.name), move || {
                    trial::run(&kind, &transports, when, fed);
                    Ok(())
                }));
            }
        }
    }
    let mut arguments = Arguments::from_args();
    trials.extend(real::trials(&arguments));
    // They wait more than they work.
    arguments.test_threads.get_or_insert(8);
    libtest_mimic::run(&arguments, trials).exit_code()
}
