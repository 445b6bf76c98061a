//! A run that is dropped, and what the caller has left.

use grantflow::Exchange;
use grantflow_reqwest::{Held, Interrupted, run_held};

use super::*;

fn settle<X: Exchange>(held: Held<X>) -> Left<X> {
    held.settle(&mut Env::new(grantflow_reqwest::now(), &mut SysRng))
}

#[test]
fn a_run_dropped_before_it_began_has_sent_nothing() {
    let mut held = Held::new(code("http://127.0.0.1:1/token"));
    drop(run_held(&agent(), &mut held));
    assert!(matches!(settle(held), Left::Intact(_)));
}

#[test]
fn a_run_dropped_on_its_way_may_have_sent_it_and_sends_nothing_more() {
    let (seen, mut is_seen) = tokio::sync::mpsc::unbounded_channel();
    let server = Listener::start(move |stream| {
        let _ = seen.send(read_request(stream));
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let (agent, mut held) = (agent(), Held::new(code(&server.url("http"))));
    let failure = block_on(async {
        tokio::select! {
            _ = run_held(&agent, &mut held) => panic!("it was to be dropped"),
            request = is_seen.recv() => assert!(request.unwrap().contains("the-code")),
        }
        run_held(&agent, &mut held).await.unwrap_err()
    });
    assert!(matches!(failure.error, Error::Interrupted(Interrupted::MaybeSent)));
    assert!(matches!(failure.left, Left::Unknown(_)));
    assert!(matches!(settle(held), Left::Spent));
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_run_that_ended_leaves_nothing() {
    let server = Listener::answering(answer("200 OK", GOOD));
    let mut held = Held::new(credentials(&server.url("http")));
    block_on(run_held(&agent(), &mut held)).unwrap();
    assert!(matches!(settle(held), Left::Spent));
}
