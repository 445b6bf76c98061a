//! Refused: running a code exchange twice.

use grantflow::CodeExchange;

fn twice(agent: &grantflow_ureq::Agent, exchange: CodeExchange) {
    let _first = grantflow_ureq::run(agent, exchange);
    let _second = grantflow_ureq::run(agent, exchange); //~ E0382
}

fn main() {}
