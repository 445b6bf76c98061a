//! What an agent of `grantflow-ureq` does and does not, whoever made it.

use super::*;

#[test]
fn no_cookie_comes_back() {
    let with_cookie =
        || Fault::response(200, &[("content-type", "application/json"), ("set-cookie", "sid=1; Path=/")], GOOD);
    let server = FaultServer::start(vec![with_cookie(), with_cookie()]);
    let agent = agent();
    for _ in 0..2 {
        grantflow_ureq::run(&agent, refresh_exchange(&server.url("/token"))).unwrap();
    }
    let hits = server.hits();
    assert_eq!(hits.len(), 2);
    assert!(hits.iter().all(|hit| hit.header("cookie").is_none()), "a cookie was sent");

    // An agent of ureq's own would have sent it: the feature is on here, as another crate of a program may have it.
    let server = FaultServer::start(vec![with_cookie(), with_cookie()]);
    let plain = ureq::Agent::new_with_defaults();
    for _ in 0..2 {
        plain.get(server.url("/token")).call().unwrap();
    }
    assert_eq!(server.hits()[1].header("cookie"), Some("sid=1"), "the test looks at nothing");
}

#[test]
fn an_answer_is_not_printed() {
    let server = FaultServer::start(vec![good()]);
    let request = http::Request::get(server.url("/token")).body(grantflow::Body::default()).unwrap();
    let response = grantflow_ureq::send(&agent(), request).unwrap();
    let shown = format!("{response:?} {response:#?}");
    assert!(shown.contains("200") && !shown.contains("at-good") && !shown.contains("rt-new"), "{shown}");
    assert_eq!(response.into_body().as_ref(), GOOD.as_bytes());
}

#[test]
fn the_request_is_what_the_core_made() {
    let server = FaultServer::start(vec![good()]);
    grantflow_ureq::run(&agent(), refresh_exchange(&server.url("/token?tenant=a"))).unwrap();
    let hits = server.hits();
    let hit = &hits[0];
    assert_eq!((hit.method(), hit.target()), ("POST", "/token?tenant=a"));
    assert_eq!(hit.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(hit.header("accept"), Some("application/json"));
    assert_eq!(hit.header("accept-encoding"), Some("identity"));
    assert_eq!(hit.header("content-length"), Some(hit.body.len().to_string().as_str()));
    assert_eq!(hit.text(), format!("grant_type=refresh_token&refresh_token={REFRESH_TOKEN}"));
}

#[test]
fn a_callers_own_agent_keeps_the_body_of_a_400() {
    let agent = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
    let fault = Fault::json(400, r#"{"error":"invalid_grant"}"#);
    for error in meet_with(agent, "their agent, 400", fault, Expect::Spent) {
        assert_eq!(status(&error), Some(400));
    }
}

#[test]
fn loopback_is_asked_without_a_proxy() {
    let proxy = FaultServer::start(vec![good()]);
    let address = proxy.url("").trim_end_matches('/').to_owned();
    let configured = Agent::configured(DEADLINE, |config| config.proxy(Some(ureq::Proxy::new(&address).unwrap())));
    let theirs: ureq::Agent =
        ureq::Agent::config_builder().proxy(Some(ureq::Proxy::new(&address).unwrap())).build().into();
    for agent in [configured, Agent::from_ureq(theirs, DEADLINE)] {
        meet_with(agent, "with a proxy", good(), Expect::Tokens);
    }
    assert_eq!(proxy.connections(), 0, "a plain request, credentials and all, went through a proxy");
}

#[test]
fn an_agent_can_be_shared_and_sent() {
    fn is_send_and_sync<T: Send + Sync + Clone + 'static>() {}
    is_send_and_sync::<Agent>();
}
