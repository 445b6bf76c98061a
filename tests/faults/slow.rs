//! Rows 10 and 11: the deadline is for the whole round trip, even if the server seems busy.

use grantflow_tests::support::fault_server::{Step, refused_url};
use grantflow_tests::support::transport::reqwest_agent;

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a header a byte at a time is left at the deadline", slow_head),
    ("a body a byte at a time is left at the deadline", slow_body),
    ("a server that does not answer is left at the deadline", no_answer),
    ("chunks of a byte without end are left", chunks_without_end),
    ("a deadline that cannot be represented does not count", a_deadline_that_cannot_be_told),
    ("a deadline of zero ends at once", no_time_at_all),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: no timeout of the settings is too long", no_timeout_of_ureqs_is_too_long),
    ("reqwest: no timeout of the settings is too long", no_timeout_of_reqwests_is_too_long),
];

const PAUSE: Duration = Duration::from_millis(50);

fn slow_head(transport: Transport) {
    is_left(transport, "a header a byte at a time", Fault::slow_head(PAUSE));
}

fn slow_body(transport: Transport) {
    is_left(transport, "a body a byte at a time", Fault::slow_body(PAUSE));
}

fn no_answer(transport: Transport) {
    is_left(transport, "no answer at all", Fault::never_answer());
}

fn is_left(transport: Transport, what: &str, fault: Fault) {
    for error in meet_at_the_deadline(transport, what, fault) {
        assert!(error.is_timeout(), "{what}: {error}");
    }
}

/// Each is ready at once, so there is never a wait. The body limit or the deadline ends it.
fn chunks_without_end(transport: Transport) {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let steps = [Step::ReadRequest, Step::Send(head.into())].into_iter();
    let flood = (0..200).map(|_| Step::Send(b"1\r\n \r\n".repeat(10_000)));
    let fault = Fault::steps(steps.chain(flood).chain([Step::Hang]).collect());
    for error in meet_at_the_deadline(transport, "chunks of a byte", fault) {
        assert!(error.is_timeout() || error.too_large().is_some(), "{error}");
    }
}

const TOO_LONG: [Duration; 3] = [Duration::MAX, Duration::from_secs(u64::MAX), Duration::from_secs(u64::MAX / 2)];

fn a_deadline_that_cannot_be_told(transport: Transport) {
    for deadline in TOO_LONG {
        let agent = transport.agent(deadline);
        meet_with(&agent, &agent, "a good answer", good(), Expect::Tokens);
        let refused = agent.run(refresh_exchange(&refused_url())).unwrap_err();
        assert!(matches!(refused.left, Left::Intact(_)), "{refused}");
    }
}

fn no_time_at_all(transport: Transport) {
    let server = FaultServer::start(vec![Fault::never_answer()]);
    let start = std::time::Instant::now();
    let failure = transport.agent(Duration::ZERO).run(refresh_exchange(&server.url("/token"))).unwrap_err();
    assert!(start.elapsed() < PATIENCE, "it waited");
    assert!(matches!(failure.left, Left::Intact(_) | Left::Unknown(_)), "{failure}");
}

fn no_timeout_of_ureqs_is_too_long() {
    let proxy = FaultServer::start(vec![good()]);
    let through = || Some(ureq::Proxy::new(proxy.url("").trim_end_matches('/')).unwrap());
    for timeout in TOO_LONG {
        let configured =
            grantflow_ureq::Agent::configured(PATIENCE, |config| with_timeouts(config, timeout).proxy(through()));
        let theirs: ureq::Agent = with_timeouts(ureq::Agent::config_builder(), timeout).proxy(through()).build().into();
        for agent in [configured, grantflow_ureq::Agent::from_ureq(theirs, timeout)].map(Agent::from) {
            meet_with(&agent, &agent, "every timeout", good(), Expect::Tokens);
        }
    }
    assert_eq!(proxy.connections(), 0, "the other settings of the request are lost");
}

fn with_timeouts(
    config: ureq::config::ConfigBuilder<ureq::typestate::AgentScope>,
    timeout: Duration,
) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    config
        .timeout_global(Some(timeout))
        .timeout_per_call(Some(timeout))
        .timeout_per_read(Some(timeout))
        .timeout_per_write(Some(timeout))
        .timeout_resolve(Some(timeout))
        .timeout_connect(Some(timeout))
        .timeout_send_request(Some(timeout))
        .timeout_await_100(Some(timeout))
        .timeout_send_body(Some(timeout))
        .timeout_recv_response(Some(timeout))
        .timeout_recv_body(Some(timeout))
        .max_idle_age(timeout)
}

fn no_timeout_of_reqwests_is_too_long() {
    for timeout in TOO_LONG {
        let agent = reqwest_agent(PATIENCE, |settings| {
            settings.timeout(timeout).connect_timeout(timeout).pool_idle_timeout(timeout)
        });
        meet_with(&agent, &agent, "every timeout", good(), Expect::Tokens);
    }
}
