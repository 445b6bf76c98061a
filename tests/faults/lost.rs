//! Rows 19, 20 and 22: the request was sent, and no answer came.

use grantflow_tests::support::transport::tower_agent_with_a_pool;

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a lost answer leaves the grant unknown and is not repeated", a_lost_answer_is_not_repeated),
    ("a connection that ends at once repeats nothing", a_connection_that_ends_at_once_repeats_nothing),
    ("an idle connection that was closed repeats nothing", an_idle_connection_that_was_closed_repeats_nothing),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: a pool of the caller's own repeats nothing either", a_pool_of_ureqs_repeats_nothing_either),
    ("tower: a pool of the caller's own repeats nothing either", a_pool_of_hyper_utils_repeats_nothing_either),
];

fn a_lost_answer_is_not_repeated(transport: Transport) {
    for (what, fault) in [
        ("closed after the request", Fault::close_after_request()),
        ("reset after the request", Fault::reset_after_request()),
        ("reset in the body", Fault::reset_mid_body(&GOOD[..20])),
        ("closed in the middle of the request", Fault::close_after_some()),
        ("reset in the middle of the request", Fault::reset_after_some()),
    ] {
        for error in meet(transport, what, fault, Expect::Unknown) {
            assert!(error.is_transport(), "{what}: {error}");
        }
    }
}

fn a_connection_that_ends_at_once_repeats_nothing(transport: Transport) {
    // Whether connecting still succeeds is a race between two kernels: both answers are right. Losing the grant or
    // sending it twice is wrong.
    for fault in [Fault::close_at_once(), Fault::reset_at_once()] {
        let server = FaultServer::start(vec![fault, good()]);
        let failure = agent(transport).run(refresh_exchange(&server.url("/token"))).unwrap_err();
        assert_eq!(server.connections(), 1);
        match failure.left {
            Left::Intact(exchange) | Left::Unknown(exchange) => {
                agent(transport).run(*exchange).unwrap();
            }
            Left::Spent => panic!("{}", failure.error),
        }
    }
}

fn an_idle_connection_that_was_closed_repeats_nothing(transport: Transport) {
    for fault in [Fault::keep_alive_then_close(GOOD, Duration::from_millis(30)), Fault::close_on_second_request(GOOD)] {
        let server = FaultServer::start(vec![fault, good()]);
        let agent = agent(transport);
        for _ in 0..2 {
            agent.run(refresh_exchange(&server.url("/token"))).unwrap();
            std::thread::sleep(Duration::from_millis(60));
        }
        assert_eq!(server.count(), 2, "each refresh goes out once");
        assert_eq!(server.connections(), 2, "no connection outlives its request");
    }
}

fn a_pool_of_ureqs_repeats_nothing_either() {
    let server = FaultServer::start(vec![Fault::close_on_second_request(GOOD), good()]);
    let agent = Agent::from(grantflow_ureq::Agent::from_ureq(ureq::Agent::new_with_defaults(), PATIENCE));
    agent.run(refresh_exchange(&server.url("/token"))).unwrap();
    // The pooled connection is closed on this one: it may have been sent.
    let failure = agent.run(refresh_exchange(&server.url("/token"))).unwrap_err();
    assert!(matches!(failure.left, Left::Unknown(_)), "{failure}");
    assert!(server.count() <= 2);
}

fn a_pool_of_hyper_utils_repeats_nothing_either() {
    // A connection returns to the pool some time after its answer: until then there is nothing to see.
    let mut pause = Duration::from_millis(20);
    loop {
        let server = FaultServer::start(vec![Fault::close_on_second_request(GOOD), good()]);
        let agent = tower_agent_with_a_pool(PATIENCE);
        agent.run(refresh_exchange(&server.url("/token"))).unwrap();
        std::thread::sleep(pause);
        let second = agent.run(refresh_exchange(&server.url("/token")));
        assert_eq!(server.count(), 2, "each refresh goes out once");
        if server.connections() == 1 {
            let failure = second.unwrap_err();
            assert!(matches!(failure.left, Left::Unknown(_)), "{failure}");
            break;
        }
        second.unwrap();
        pause *= 2;
        assert!(pause < PATIENCE, "no connection was ever used twice");
    }
}
