//! A run that is dropped, and what the caller has left.

use grantflow_reqwest::{Held, Interrupted, run_held};

use super::*;

#[test]
fn a_run_dropped_before_it_began_has_sent_nothing() {
    let mut held = Held::new(code("http://127.0.0.1:1/token"));
    drop(run_held(&agent(), &mut held));
    assert!(matches!(held.into_left(), Left::Intact(_)));
}

#[test]
fn a_run_dropped_on_its_way_may_have_sent_it_and_sends_nothing_more() {
    let server = Listener::start(|stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (agent, mut held) = (agent(), Held::new(code(&server.url("http"))));
    let failure = block_on(async {
        let early = tokio::time::timeout(Duration::from_millis(100), run_held(&agent, &mut held)).await;
        assert!(early.is_err(), "it was to be dropped");
        run_held(&agent, &mut held).await.unwrap_err()
    });
    assert!(matches!(failure.error, Error::Interrupted(Interrupted::MaybeSent)));
    assert!(matches!(failure.left, Left::Unknown(_)));
    assert!(matches!(held.into_left(), Left::Spent));
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_run_that_ended_leaves_nothing() {
    let server = Listener::answering(answer("200 OK", GOOD));
    let mut held = Held::new(credentials(&server.url("http")));
    block_on(run_held(&agent(), &mut held)).unwrap();
    assert!(matches!(held.into_left(), Left::Spent));
}
