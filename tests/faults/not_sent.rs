//! Rows 21 and 23: the request certainly did not go out, and how an agent knows.

use grantflow_tests::support::fault_server::refused_url;

use super::*;

/// The left of a refresh at this URL.
fn left(agent: &AnyAgent, url: &str) -> (Left<RefreshExchange>, AnyError) {
    let failure = agent.run(refresh_exchange(url)).unwrap_err();
    no_secret_in(&failure, url);
    (failure.left, failure.error)
}

/// An agent of ureq that somebody else made.
fn theirs() -> AnyAgent {
    AnyAgent::from(Agent::from_ureq(ureq::Agent::new_with_defaults(), DEADLINE)).named("their ureq")
}

#[test]
fn a_refused_connection_was_not_sent_whoever_made_the_agent() {
    for agent in agents().into_iter().chain([theirs()]) {
        let (left, error) = left(&agent, &refused_url());
        assert!(matches!(left, Left::Intact(_)), "{}: {error}", agent.name());
    }
}

#[test]
fn a_name_that_does_not_resolve_was_not_sent() {
    // Their agent gives an error here that could as well come later, so only ours know.
    for agent in agents() {
        let (left, error) = left(&agent, "https://nonexistent.invalid/token");
        assert!(matches!(left, Left::Intact(_)), "{}: {error}", agent.name());
    }
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
        for agent in agents() {
            let server = FaultServer::start(vec![fault.clone()]);
            let (remains, error) = left(&agent, &server.https_url("/token"));
            // A tower service says nothing while it connects: that a deadline passed then, nobody can know.
            let unknowable = agent.name() == Transport::Tower.name() && error.is_timeout();
            match remains {
                Left::Intact(_) => assert!(!unknowable),
                Left::Unknown(_) => assert!(unknowable, "{}, {what}: {error}", agent.name()),
                Left::Spent => panic!("{}, {what}: {error}", agent.name()),
            }
            assert!(is_transport(&error), "{what}: {error}");
            assert_eq!(server.count(), 0, "{what}: something was sent");
        }
        // An agent that somebody else built cannot know; when in doubt, it may have been sent.
        let server = FaultServer::start(vec![fault]);
        let (remains, error) = left(&theirs(), &server.https_url("/token"));
        assert!(matches!(remains, Left::Unknown(_)), "{what}, with their agent: {error}");
    }
}

#[test]
fn what_was_not_sent_can_be_sent_after_all() {
    for agent in agents() {
        let Left::Intact(exchange) = left(&agent, &refused_url()).0 else { panic!("{}: not intact", agent.name()) };
        // The same tokens, the same client: only the network was away.
        assert_eq!(exchange.into_tokens().refresh_token().unwrap().expose_secret(), REFRESH_TOKEN);
    }
}
