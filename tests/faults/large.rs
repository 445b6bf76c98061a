//! Rows 12 and 13: nothing is read without end.

use super::*;

const LIMIT: u64 = 1024 * 1024;

#[test]
fn a_body_over_the_limit_is_not_read_to_its_end() {
    for (what, fault) in [
        ("100 MB, announced", Fault::huge_body(100_000_000)),
        ("100 MB, not announced", Fault::huge_body_until_close(100_000_000)),
    ] {
        let agent = Agent::configured(Duration::from_secs(20), |config| config);
        for error in meet_with(&agent, what, fault, Expect::Unknown) {
            assert!(matches!(error, Error::BodyTooLarge { limit: LIMIT, .. }), "{what}: {error}");
            assert!(error.to_string().contains("200") && error.to_string().contains("1048576"), "{error}");
        }
    }
}

#[test]
fn a_gzip_bomb_stays_small() {
    // Nobody asked for gzip. But ureq can unpack it here, as in a program where another crate turned that on: the limit
    // is for what it has become, whoever made the agent.
    let theirs = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
    for agent in [agent(), theirs] {
        for error in meet_with(&agent, "a bomb of 200 MB", Fault::gzip_bomb(200_000_000), Expect::Unknown) {
            assert!(matches!(error, Error::BodyTooLarge { limit: LIMIT, .. }), "{error}");
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
    let server = FaultServer::start(vec![good()]);
    let tight = agent().body_limit(GOOD.len() as u64);
    assert!(grantflow_ureq::run(&tight, refresh_exchange(&server.url("/token"))).is_ok());
    let tighter = agent().body_limit(GOOD.len() as u64 - 1);
    let failure = grantflow_ureq::run(&tighter, refresh_exchange(&server.url("/token"))).unwrap_err();
    assert!(matches!(failure.error, Error::BodyTooLarge { .. }) && matches!(failure.left, Left::Unknown(_)));
}
