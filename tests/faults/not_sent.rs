//! Rows 21 and 23: the request was certainly not sent, and how an agent knows.

use grantflow_tests::support::fault_server::refused_url;
use grantflow_tests::support::transport::{block_on, reqwest_agent, tower_agent, tower_agent_for_https_only};

use super::*;

pub(crate) const ROWS: &[Row] = &[
    ("a refused connection was not sent", a_refused_connection_was_not_sent),
    ("a name that does not resolve was not sent", a_name_that_does_not_resolve_was_not_sent),
    ("a handshake cut off was not sent", a_handshake_cut_off_was_not_sent),
    ("a handshake that never ends was not sent, where that can be known", a_handshake_that_never_ends),
    ("an unsent request can be sent later", an_unsent_request_can_be_sent_later),
];

pub(crate) const OWN: &[Own] = &[
    ("ureq: a refused connection was not sent by a caller's own agent", refused_with_their_ureq),
    ("ureq: of a handshake cut off, a caller's own agent cannot tell", cut_off_with_their_ureq),
    ("tower: without a classifier nothing is certain", tower_without_a_classifier),
    ("ureq: settings for https only print no URL", https_only_in_ureq),
    ("reqwest: settings for https only print no URL", https_only_in_reqwest),
    ("tower: a service for https only prints no URL", https_only_in_tower),
];

/// The left of a refresh at this URL.
fn left(agent: &Agent, url: &str) -> (Left<RefreshExchange>, AnyError) {
    let failure = agent.run(refresh_exchange(&format!("{url}?{QUERY}"))).unwrap_err();
    no_secret_in(&failure, url);
    (failure.left, failure.error)
}

fn handshakes() -> [(&'static str, Fault); 6] {
    [
        ("closed at once", Fault::close_at_once()),
        ("reset at once", Fault::reset_at_once()),
        ("closed in the handshake", Fault::close_after_some()),
        ("reset in the handshake", Fault::reset_after_some()),
        ("an alert", Fault::tls_alert()),
        ("plain HTTP", Fault::http_to_tls()),
    ]
}

fn their_ureq(deadline: Duration) -> Agent {
    grantflow_ureq::Agent::from_ureq(ureq::Agent::new_with_defaults(), deadline).into()
}

fn a_refused_connection_was_not_sent(transport: Transport) {
    let (left, error) = left(&agent(transport), &refused_url());
    assert!(matches!(left, Left::Intact(_)), "{error}");
    assert!(error.is_transport(), "{error}");
}

fn refused_with_their_ureq() {
    let (left, error) = left(&their_ureq(PATIENCE), &refused_url());
    assert!(matches!(left, Left::Intact(_)), "{error}");
}

fn a_name_that_does_not_resolve_was_not_sent(transport: Transport) {
    // A plain ureq agent gives an error here that could also come later, so only ours knows.
    let (left, error) = left(&agent(transport), "https://nonexistent.invalid/token");
    assert!(matches!(left, Left::Intact(_)), "{error}");
}

fn a_handshake_cut_off_was_not_sent(transport: Transport) {
    let agent = agent(transport);
    for (what, fault) in handshakes() {
        let server = FaultServer::start(vec![fault]);
        let (remains, error) = left(&agent, &server.https_url("/token"));
        assert!(matches!(remains, Left::Intact(_)), "{what}: {error}");
        assert!(error.is_transport(), "{what}: {error}");
        assert_eq!((server.count(), server.connections()), (0, 1), "{what}: something was sent, or tried again");
    }
}

fn a_handshake_that_never_ends(transport: Transport) {
    let server = FaultServer::start(vec![Fault::mute()]);
    let (remains, error) = left(&transport.agent(DEADLINE), &server.https_url("/token"));
    match transport {
        // The deadline is the agent's, and no classifier learns what the service below it was doing.
        Transport::Tower => assert!(matches!(remains, Left::Unknown(_)), "{error}"),
        Transport::Ureq | Transport::Reqwest => assert!(matches!(remains, Left::Intact(_)), "{error}"),
    }
    assert!(error.is_transport(), "{error}");
    assert_eq!(server.count(), 0, "something was sent");
}

/// An agent that the caller built cannot know; when in doubt, it may have been sent.
fn cut_off_with_their_ureq() {
    for (what, fault) in handshakes().into_iter().chain([("silence", Fault::mute())]) {
        let server = FaultServer::start(vec![fault]);
        let (remains, error) = left(&their_ureq(DEADLINE), &server.https_url("/token"));
        assert!(matches!(remains, Left::Unknown(_)), "{what}, with their agent: {error}");
    }
}

fn tower_without_a_classifier() {
    let agent = tower_agent(PATIENCE, &[], false);
    let (remains, error) = left(&agent, &refused_url());
    assert!(matches!(remains, Left::Unknown(_)), "{error}");
    for (what, fault) in handshakes() {
        let server = FaultServer::start(vec![fault]);
        let (remains, error) = left(&agent, &server.https_url("/token"));
        assert!(matches!(remains, Left::Unknown(_)), "{what}: {error}");
        assert!(error.is_transport(), "{what}: {error}");
    }
}

fn an_unsent_request_can_be_sent_later(transport: Transport) {
    let Left::Intact(exchange) = left(&agent(transport), &refused_url()).0 else { panic!("not intact") };
    // The same tokens, the same client: only the network was away.
    assert_eq!(exchange.into_tokens().refresh_token().unwrap().expose_secret(), REFRESH_TOKEN);
}

/// An error whose text contains the URL: nothing is sent, and the URL's query is not shown.
fn is_refused_without_a_url(agent: &Agent) {
    let server = FaultServer::start(vec![good()]);
    let (remains, error) = left(agent, &server.url("/token"));
    assert!(matches!(remains, Left::Intact(_)), "{error}");
    assert!(error.is_transport(), "{error}");
    assert_eq!(server.connections(), 0);
}

fn https_only_in_ureq() {
    is_refused_without_a_url(&grantflow_ureq::Agent::configured(PATIENCE, |config| config.https_only(true)).into());
    let theirs: ureq::Agent = ureq::Agent::config_builder().https_only(true).build().into();
    is_refused_without_a_url(&grantflow_ureq::Agent::from_ureq(theirs, PATIENCE).into());
    // A plain agent of ureq shows it: the rows can fail.
    let plain: ureq::Agent = ureq::Agent::config_builder().https_only(true).build().into();
    let error = plain.get(format!("http://127.0.0.1:9/token?{QUERY}")).call().unwrap_err();
    assert!(error.to_string().contains(QUERY), "the test looks at nothing: {error}");
}

/// The setting holds for `https:` only: loopback requests use a separate client, under all settings.
fn https_only_in_reqwest() {
    let agent = reqwest_agent(PATIENCE, |settings| settings.https_only(true));
    meet_with(&agent, &agent, "https only", good(), Expect::Tokens);
    let plain = reqwest::Client::builder().https_only(true).build().unwrap();
    let error = block_on(plain.get(format!("http://127.0.0.1:9/token?{QUERY}")).send()).unwrap_err();
    assert!(format!("{error} {error:?}").contains(QUERY), "the test looks at nothing: {error}");
    let (_, error) = left(&agent, "https://127.0.0.1:1/token");
    assert!(error.is_transport(), "{error}");
}

fn https_only_in_tower() {
    is_refused_without_a_url(&tower_agent_for_https_only(PATIENCE));
}
