//! Refused: sending an assertion twice by accident, because a server may accept it only once (RFC 7523 §3); and an exchange whose
//! state would not be known any more.

use grantflow::*;

fn twice(client: &Client, assertion: Assertion) -> [AssertionGrant; 2] {
    [AssertionGrant::new(client, assertion), AssertionGrant::new(client, assertion)] //~ E0382
}

fn copied(grant: &AssertionGrant, exchange: &TokenExchange) -> (AssertionGrant, TokenExchange) {
    (grant.clone(), exchange.clone()) //~ E0308
}

fn run_twice(agent: &grantflow_ureq::Agent, exchange: TokenExchange) {
    let _ = grantflow_ureq::run(agent, exchange);
    let _ = grantflow_ureq::run(agent, exchange); //~ E0382
}

fn main() {}
