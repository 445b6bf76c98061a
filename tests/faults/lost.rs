//! Rows 19, 20 and 22: the request went out, and no answer came.

use super::*;

#[test]
fn a_lost_answer_leaves_the_grant_unknown_and_is_not_repeated() {
    for (what, fault) in [
        ("closed after the request", Fault::close_after_request()),
        ("reset after the request", Fault::reset_after_request()),
        ("reset in the body", Fault::reset_mid_body(&GOOD[..20])),
        ("closed in the middle of the request", Fault::close_after_some()),
        ("reset in the middle of the request", Fault::reset_after_some()),
    ] {
        for error in meet(what, fault, Expect::Unknown) {
            assert!(is_transport(&error), "{what}: {error}");
        }
    }
}

#[test]
fn a_connection_that_ends_at_once_repeats_nothing() {
    // Whether connecting still succeeds is a race between two kernels' worth of code: both answers are right. What is
    // wrong is to lose the grant, or to send it twice.
    for agent in agents() {
        for fault in [Fault::close_at_once(), Fault::reset_at_once()] {
            let server = FaultServer::start(vec![fault, good()]);
            let failure = agent.run(refresh_exchange(&server.url("/token"))).unwrap_err();
            assert_eq!(server.connections(), 1, "{}", agent.name());
            match failure.left {
                Left::Intact(exchange) | Left::Unknown(exchange) => {
                    agent.run(*exchange).unwrap();
                }
                Left::Spent => panic!("{}: {}", agent.name(), failure.error),
            }
        }
    }
}

#[test]
fn an_idle_connection_that_was_closed_repeats_nothing() {
    for agent in agents() {
        let name = agent.name();
        for fault in
            [Fault::keep_alive_then_close(GOOD, Duration::from_millis(30)), Fault::close_on_second_request(GOOD)]
        {
            let server = FaultServer::start(vec![fault, good()]);
            for _ in 0..2 {
                agent.run(refresh_exchange(&server.url("/token"))).unwrap();
                std::thread::sleep(Duration::from_millis(60));
            }
            assert_eq!(server.count(), 2, "{name}: each refresh goes out once");
            assert_eq!(server.connections(), 2, "{name}: no connection outlives its request");
        }
    }
}

#[test]
fn a_pool_of_the_callers_own_repeats_nothing_either() {
    let server = FaultServer::start(vec![Fault::close_on_second_request(GOOD), good()]);
    let agent = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
    grantflow_ureq::run(&agent, refresh_exchange(&server.url("/token"))).unwrap();
    // The pooled connection is closed on this one: it may have been sent.
    let failure = grantflow_ureq::run(&agent, refresh_exchange(&server.url("/token"))).unwrap_err();
    assert!(matches!(failure.left, Left::Unknown(_)), "{failure}");
    assert!(server.count() <= 2);
}
