//! Rows 12 and 13: nothing is read without end.

use super::*;

const LIMIT: u64 = 1024 * 1024;

#[test]
fn a_body_over_the_limit_is_not_read_to_its_end() {
    for (what, fault) in [
        ("100 MB, announced", Fault::huge_body(100_000_000)),
        ("100 MB, not announced", Fault::huge_body_until_close(100_000_000)),
    ] {
        for agent in Transport::ALL.map(|transport| transport.agent(Duration::from_secs(20))) {
            for error in meet_with(agent, what, fault.clone(), Expect::Unknown) {
                assert_eq!(error.too_large(), Some(LIMIT), "{what}: {error}");
                assert!(error.to_string().contains("200") && error.to_string().contains("1048576"), "{error}");
            }
        }
    }
}

#[test]
fn a_gzip_bomb_stays_small() {
    // Nobody asked for gzip. But ureq can unpack it here, as in a program where another crate turned that on: the limit
    // is for what it has become, whoever made the agent.
    let theirs = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
    for agent in [agent(), theirs] {
        for error in meet_with(agent, "a bomb of 200 MB", Fault::gzip_bomb(200_000_000), Expect::Unknown) {
            assert_eq!(error.too_large(), Some(LIMIT), "{error}");
        }
    }
    // reqwest can unpack it here, too, and our agent tells it not to; hyper-util never does. So it stays what was sent.
    for transport in [Transport::Reqwest, Transport::Tower] {
        let fault = Fault::gzip_bomb(200_000_000);
        for error in meet_with(transport.agent(DEADLINE), "a bomb of 200 MB", fault, Expect::Unknown) {
            let packed = matches!(violation(&error), Some(grantflow::Violation::NotJson { .. }));
            assert!(packed || error.too_large() == Some(LIMIT), "{}: {error}", transport.name());
        }
    }
}

#[test]
fn headers_without_end_are_refused() {
    for (what, fault) in
        [("a header of 2 MB", Fault::huge_header(2_000_000)), ("5,000 headers", Fault::many_headers(5_000))]
    {
        for error in meet(what, fault, Expect::Unknown) {
            assert!(is_transport(&error), "{what}: {error}");
        }
    }
}

#[test]
fn the_limit_can_be_set() {
    for agent in agents() {
        let server = FaultServer::start(vec![good()]);
        let tight = agent.clone().body_limit(GOOD.len() as u64);
        assert!(tight.run(refresh_exchange(&server.url("/token"))).is_ok());
        let tighter = agent.body_limit(GOOD.len() as u64 - 1);
        let failure = tighter.run(refresh_exchange(&server.url("/token"))).unwrap_err();
        assert!(failure.error.too_large().is_some() && matches!(failure.left, Left::Unknown(_)), "{failure}");
    }
}
