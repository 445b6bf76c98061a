//! What an agent does and does not do, for every way to make it.

use grantflow_tests::support::transport::{block_on, install_crypto, reqwest_agent};
use http::Response;

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("no cookie comes back", no_cookie_comes_back),
    ("an answer is not printed", an_answer_is_not_printed),
    ("the request is what the core made", the_request_is_what_the_core_made),
    ("an agent is cheap to share", an_agent_is_shared),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: a plain agent would have sent the cookie", a_plain_ureq_keeps_cookies),
    ("reqwest: a plain client would have sent the cookie", a_plain_reqwest_keeps_cookies),
    ("ureq: a caller's own agent keeps the body of a 400", a_callers_own_agent_keeps_the_body_of_a_400),
    ("ureq: loopback is asked without a proxy", ureq_asks_loopback_without_a_proxy),
    ("reqwest: loopback is asked without a proxy", reqwest_asks_loopback_without_a_proxy),
    ("every agent can be shared and sent", an_agent_can_be_shared_and_sent),
];

fn with_cookie() -> Fault {
    Fault::response(200, &[("content-type", "application/json"), ("set-cookie", "sid=1; Path=/")], GOOD)
}

fn no_cookie_comes_back(transport: Transport) {
    let server = FaultServer::start(vec![with_cookie(), with_cookie()]);
    let agent = agent(transport);
    for _ in 0..2 {
        agent.run(refresh_exchange(&server.url("/token"))).unwrap();
    }
    let hits = server.hits();
    assert_eq!(hits.len(), 2);
    assert!(hits.iter().all(|hit| hit.header("cookie").is_none()), "a cookie was sent");
}

/// The feature is on here, as another crate of a program may have it.
fn a_plain_ureq_keeps_cookies() {
    let server = FaultServer::start(vec![with_cookie(), with_cookie()]);
    let plain = ureq::Agent::new_with_defaults();
    for _ in 0..2 {
        plain.get(server.url("/token")).call().unwrap();
    }
    assert_eq!(server.hits()[1].header("cookie"), Some("sid=1"), "the test looks at nothing");
}

/// A plain client keeps them if it is asked to; ours does not, although the feature is on.
fn a_plain_reqwest_keeps_cookies() {
    install_crypto();
    let server = FaultServer::start(vec![with_cookie(), with_cookie()]);
    let plain = reqwest::Client::builder().cookie_store(true).build().unwrap();
    for _ in 0..2 {
        block_on(plain.get(server.url("/token")).send()).unwrap();
    }
    assert_eq!(server.hits()[1].header("cookie"), Some("sid=1"), "the test looks at nothing");
}

fn an_answer_is_not_printed(transport: Transport) {
    let server = FaultServer::start(vec![good()]);
    let request = http::Request::get(server.url("/token")).body(grantflow::Body::default()).unwrap();
    let response: Response<grantflow::Body> = agent(transport).send(request).unwrap();
    let shown = format!("{response:?} {response:#?}");
    assert!(shown.contains("200") && !shown.contains("at-good") && !shown.contains("rt-new"), "{shown}");
    assert_eq!(response.into_body().as_ref(), GOOD.as_bytes());
}

fn the_request_is_what_the_core_made(transport: Transport) {
    let server = FaultServer::start(vec![good()]);
    agent(transport).run(refresh_exchange(&server.url("/token?tenant=a"))).unwrap();
    let hits = server.hits();
    let hit = &hits[0];
    assert_eq!((hit.method(), hit.target()), ("POST", "/token?tenant=a"));
    assert_eq!(hit.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(hit.header("accept"), Some("application/json"));
    assert_eq!(hit.header("accept-encoding"), Some("identity"));
    assert_eq!(hit.header("content-length"), Some(hit.body.len().to_string().as_str()));
    assert_eq!(hit.text(), format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}"));
    for (name, _) in hit.head.lines().skip(1).filter_map(|line| line.split_once(':')) {
        let times = hit.head.lines().filter(|line| line.split(':').next() == Some(name)).count();
        assert_eq!(times, 1, "{name} was sent {times} times");
    }
}

fn an_agent_is_shared(transport: Transport) {
    let server = FaultServer::start(vec![good()]);
    let agent = agent(transport);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| agent.run(refresh_exchange(&server.url("/token"))).unwrap());
        }
    });
    assert_eq!((server.count(), server.connections()), (4, 4));
}

fn a_callers_own_agent_keeps_the_body_of_a_400() {
    let agent = Agent::from(grantflow_ureq::Agent::from_ureq(ureq::Agent::new_with_defaults(), PATIENCE));
    let fault = Fault::json(400, r#"{"error":"invalid_grant"}"#);
    for error in meet_with(&agent, &agent, "their agent, 400", fault, Expect::Spent) {
        assert_eq!(status(&error), Some(400));
    }
}

fn ureq_asks_loopback_without_a_proxy() {
    let proxy = FaultServer::start(vec![good()]);
    let address = proxy.url("").trim_end_matches('/').to_owned();
    let configured =
        grantflow_ureq::Agent::configured(PATIENCE, |config| config.proxy(Some(ureq::Proxy::new(&address).unwrap())));
    let theirs: ureq::Agent =
        ureq::Agent::config_builder().proxy(Some(ureq::Proxy::new(&address).unwrap())).build().into();
    for agent in [configured, grantflow_ureq::Agent::from_ureq(theirs, PATIENCE)].map(Agent::from) {
        meet_with(&agent, &agent, "with a proxy", good(), Expect::Tokens);
    }
    assert_eq!(proxy.connections(), 0, "a plain request, credentials and all, went through a proxy");
}

fn reqwest_asks_loopback_without_a_proxy() {
    let proxy = FaultServer::start(vec![good()]);
    let through = || reqwest::Proxy::all(proxy.url("")).unwrap();
    let agent = reqwest_agent(PATIENCE, |settings| settings.proxy(through()));
    meet_with(&agent, &agent, "with a proxy", good(), Expect::Tokens);
    assert_eq!(proxy.connections(), 0, "a plain request, credentials and all, went through a proxy");

    // A plain client would have gone there: the test can fail.
    let plain = reqwest::Client::builder().proxy(through()).build().unwrap();
    let server = FaultServer::start(vec![good()]);
    block_on(plain.get(server.url("/token")).send()).unwrap();
    assert_eq!((proxy.connections(), server.connections()), (1, 0), "the test looks at nothing");
}

fn an_agent_can_be_shared_and_sent() {
    fn is_send_and_sync<T: Send + Sync + Clone + 'static>() {}
    is_send_and_sync::<grantflow_ureq::Agent>();
    is_send_and_sync::<grantflow_reqwest::Agent>();
    is_send_and_sync::<grantflow_tower::Agent>();
}
