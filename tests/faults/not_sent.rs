//! Rows 21 and 23: the request certainly did not go out, and how an agent knows.

use grantflow_tests::support::fault_server::refused_url;

use super::*;

/// The left of a refresh at this URL.
fn left(agent: &Agent, url: &str) -> (Left<RefreshExchange>, Error) {
    let failure = grantflow_ureq::run(agent, refresh_exchange(url)).unwrap_err();
    no_secret_in(&failure, url);
    (failure.left, failure.error)
}

#[test]
fn a_refused_connection_was_not_sent_whoever_made_the_agent() {
    let theirs = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
    for agent in [agent(), theirs] {
        let (left, error) = left(&agent, &refused_url());
        assert!(matches!(left, Left::Intact(_)), "{error}");
    }
}

#[test]
fn a_name_that_does_not_resolve_was_not_sent() {
    // Their agent gives an error here that could as well come later, so only ours knows.
    let (left, error) = left(&agent(), "https://nonexistent.invalid/token");
    assert!(matches!(left, Left::Intact(_)), "{error}");
}

#[test]
fn a_handshake_cut_off_was_not_sent() {
    for (what, fault) in [
        ("closed at once", Fault::close_at_once()),
        ("reset at once", Fault::reset_at_once()),
        ("closed in the handshake", Fault::close_after_some()),
        ("reset in the handshake", Fault::reset_after_some()),
        ("an alert", Fault::tls_alert()),
        ("plain HTTP", Fault::http_to_tls()),
        ("silence", Fault::mute()),
    ] {
        let server = FaultServer::start(vec![fault.clone()]);
        let (remains, error) = left(&agent(), &server.https_url("/token"));
        assert!(matches!(remains, Left::Intact(_)), "{what}: {error}");
        assert!(is_transport(&error), "{what}: {error}");
        assert_eq!(server.count(), 0, "{what}: something was sent");

        // An agent that somebody else built cannot know; when in doubt, it may have been sent.
        let server = FaultServer::start(vec![fault]);
        let theirs = Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE);
        let (remains, error) = left(&theirs, &server.https_url("/token"));
        assert!(matches!(remains, Left::Unknown(_)), "{what}, with their agent: {error}");
    }
}

#[test]
fn what_was_not_sent_can_be_sent_after_all() {
    let Left::Intact(exchange) = left(&agent(), &refused_url()).0 else { panic!("not intact") };
    // The same tokens, the same client: only the network was away.
    assert_eq!(exchange.into_tokens().refresh_token().unwrap().expose_secret(), REFRESH_TOKEN);
}
