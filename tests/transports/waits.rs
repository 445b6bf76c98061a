//! An exchange that asks to wait and goes on: here one of the test's own, for no flow polls yet.

use std::time::{Duration, Instant};

use grantflow::{Body as RequestBody, Env, Error, Exchange, Failure, Left, Misuse, Sent, Step, UnixTime};
use grantflow_tests::support::fault_server::{Fault, FaultServer};
use grantflow_tests::support::transport::{Transport, block_on};
use grantflow_tower::Held;
use http::{Request, Response};

use super::TransportBody;
use super::world::PATIENCE;

pub(crate) const BODIES: &[(&str, TransportBody)] = &[
    ("a poll waits as long as it asks to, each time", polls),
    ("a poll continues after a lost answer", goes_on),
    ("a poll that was never sent says so", not_sent),
    ("a request that cannot be made is not sent", unmade),
];

/// What takes a run that can be dropped.
pub(crate) const DROPPED: &[(&str, TransportBody)] = &[("a poll that is dropped continues where it was", dropped)];

const WAIT: Duration = Duration::from_millis(40);

/// How often an answer may be lost.
const MOST: usize = 3;

/// Asks until the answer is `done`.
struct Poll {
    url: String,
    /// The outcome of each round trip.
    seen: Vec<String>,
}

impl Poll {
    fn new(url: String) -> Self {
        Self { url, seen: Vec::new() }
    }

    fn again(mut self, what: String) -> Step<Self> {
        self.seen.push(what);
        Step::Again(self)
    }
}

impl Exchange for Poll {
    type Output = Vec<String>;

    /// Not before the first one. What was broken off is waited anew: this is about the loop, and needs no clock.
    fn rest(&self, _: UnixTime) -> Duration {
        if self.seen.is_empty() { Duration::ZERO } else { WAIT }
    }

    fn request(&self, _: &mut Env<'_>) -> Result<Request<RequestBody>, Error> {
        let body = RequestBody::from(format!("poll={}", self.seen.len()).into_bytes());
        Request::post(&self.url).body(body).map_err(|_| Error::Misuse(Misuse::Extra))
    }

    fn respond<B: AsRef<[u8]>>(mut self, _: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        let text = String::from_utf8_lossy(response.body().as_ref()).into_owned();
        if text == "done" {
            self.seen.push(text);
            return Ok(Step::Done(self.seen));
        }
        Ok(self.again(text))
    }

    fn unanswered(self, _: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        match sent {
            Sent::MaybeSent if self.seen.len() < MOST => Ok(self.again("lost".to_owned())),
            sent => Err(Failure::intact(Error::NoAnswer(sent), self)),
        }
    }
}

fn answer(text: &str) -> Fault {
    Fault::response(200, &[], text)
}

fn polls(transport: Transport) {
    let server = FaultServer::start(vec![answer("not yet"), answer("slower"), answer("done")]);
    let start = Instant::now();
    let seen = transport.agent(PATIENCE).run(Poll::new(server.url("/"))).unwrap();
    assert_eq!(seen, ["not yet", "slower", "done"]);
    assert!(start.elapsed() >= 2 * WAIT, "it did not wait");
    let bodies: Vec<String> = server.hits().iter().map(|hit| hit.text()).collect();
    assert_eq!(bodies, ["poll=0", "poll=1", "poll=2"]);
}

fn goes_on(transport: Transport) {
    let server = FaultServer::start(vec![Fault::close_after_request(), Fault::reset_after_request(), answer("done")]);
    let seen = transport.agent(PATIENCE).run(Poll::new(server.url("/"))).unwrap();
    assert_eq!(seen, ["lost", "lost", "done"]);
    assert_eq!(server.count(), 3);
}

fn not_sent(transport: Transport) {
    let url = grantflow_tests::support::fault_server::refused_url();
    let failure = transport.agent(PATIENCE).run(Poll::new(url)).map(drop).unwrap_err();
    assert!(failure.error.is_transport(), "{}", failure.error);
    assert!(matches!(failure.left, Left::Intact(_)));
}

fn unmade(transport: Transport) {
    let failure = transport.agent(PATIENCE).run(Poll::new("no url at all".to_owned())).map(drop).unwrap_err();
    assert!(matches!(failure.error.oauth(), Some(Error::Misuse(Misuse::Extra))), "{}", failure.error);
    let Left::Intact(poll) = failure.left else { panic!("not intact") };
    assert!(poll.seen.is_empty());
}

fn dropped(transport: Transport) {
    let agent = transport.agent(PATIENCE);
    let server = FaultServer::start(vec![answer("not yet"), answer("done")]);
    let mut held = Held::new(Poll::new(server.url("/")));
    let out = block_on(async {
        // It is dropped when it has begun to wait, or, on a slow machine, a little before.
        tokio::select! {
            _ = agent.run_held(&mut held) => panic!("it was to be dropped"),
            () = until(|| server.count() == 1) => {}
        }
        held
    });
    assert!(matches!(format!("{out:?}").as_str(), "Held(not sent)" | "Held(may have been sent)"));
    let mut held = out;
    let seen = block_on(agent.run_held(&mut held)).unwrap();
    assert!(seen == ["not yet", "done"] || seen == ["lost", "done"], "{seen:?}");
    assert_eq!(server.count(), 2);
}

/// Looks again and again.
pub(crate) async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
