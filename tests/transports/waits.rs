//! An exchange that asks to wait and goes on: here one of the test's own, for no flow polls yet.

use std::time::{Duration, Instant};

use grantflow::{AnyExchange, Body as RequestBody, Env, Error, Exchange, Failure, Left, Misuse, Sent, Step, UnixTime};
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
    ("a poll waits before its first request, if it asks to", waits_first),
    ("a boxed poll waits and goes on like the poll in it", boxed),
    ("two polls in a chain wait each for itself, boxed or not", chained),
    ("a request before its time is refused, and nothing is sent", too_early),
];

/// What takes a run that can be dropped.
pub(crate) const DROPPED: &[(&str, TransportBody)] = &[("a poll that is dropped continues where it was", dropped)];

const WAIT: Duration = Duration::from_millis(40);

const EARLY: Duration = Duration::from_secs(7);

/// How often an answer may be lost.
const MOST: usize = 3;

/// Asks until the answer is `done`.
struct Poll {
    url: String,
    /// Between two round trips.
    wait: Duration,
    /// The outcome of each round trip.
    seen: Vec<String>,
    /// How long to wait before the first request.
    first: Duration,
    /// The first request comes before its time, after any wait.
    early: bool,
}

impl Poll {
    fn new(url: String) -> Self {
        Self { url, wait: WAIT, seen: Vec::new(), first: Duration::ZERO, early: false }
    }

    fn again(mut self, what: String) -> Step<Self> {
        self.seen.push(what);
        Step::Again(self)
    }
}

impl Exchange for Poll {
    type Output = Vec<String>;

    /// An interrupted wait begins again: this test is about the loop, and needs no clock.
    fn rest(&self, _: UnixTime) -> Duration {
        if self.seen.is_empty() { self.first } else { self.wait }
    }

    fn request(&self, _: &mut Env<'_>) -> Result<Request<RequestBody>, Error> {
        if self.early {
            return Err(Error::Misuse(Misuse::TooEarly { rest: EARLY }));
        }
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

fn waits_first(transport: Transport) {
    let server = FaultServer::start(vec![answer("done")]);
    let start = Instant::now();
    let poll = Poll { first: WAIT, ..Poll::new(server.url("/")) };
    assert_eq!(transport.agent(PATIENCE).run(poll).unwrap(), ["done"]);
    assert!(start.elapsed() >= WAIT, "it did not wait");
}

fn boxed(transport: Transport) {
    let server = FaultServer::start(vec![answer("not yet"), Fault::close_after_request(), answer("done")]);
    let start = Instant::now();
    let poll = AnyExchange::new(Poll { first: WAIT, ..Poll::new(server.url("/")) });
    assert_eq!(transport.agent(PATIENCE).run(poll).unwrap(), ["not yet", "lost", "done"]);
    assert!(start.elapsed() >= 3 * WAIT, "it did not wait");
    let bodies: Vec<String> = server.hits().iter().map(|hit| hit.text()).collect();
    assert_eq!(bodies, ["poll=0", "poll=1", "poll=2"]);

    // A failure leaves the poll that was put in.
    let url = grantflow_tests::support::fault_server::refused_url();
    let failure = transport.agent(PATIENCE).run(AnyExchange::new(Poll::new(url))).map(drop).unwrap_err();
    let Left::Intact(poll) = failure.left else { panic!("not intact") };
    assert!(poll.downcast::<Poll>().is_ok_and(|poll| poll.seen.is_empty()));
}

fn chained(transport: Transport) {
    for is_boxed in [false, true] {
        let answers = ["not yet", "done", "slower", "done"].map(answer);
        let server = FaultServer::start(answers.to_vec());
        let url = server.url("/");
        let start = Instant::now();
        let chain = Poll { first: WAIT, ..Poll::new(url.clone()) }.then(move |seen: Vec<String>, _| {
            assert_eq!(seen, ["not yet", "done"]);
            Ok(Poll { first: WAIT, ..Poll::new(url) })
        });
        let agent = transport.agent(PATIENCE);
        let seen = if is_boxed { agent.run(AnyExchange::new(chain)).unwrap() } else { agent.run(chain).unwrap() };
        assert_eq!(seen, ["slower", "done"]);
        assert!(start.elapsed() >= 4 * WAIT, "it did not wait");
        let bodies: Vec<String> = server.hits().iter().map(|hit| hit.text()).collect();
        assert_eq!(bodies, ["poll=0", "poll=1", "poll=0", "poll=1"]);
    }
}

fn too_early(transport: Transport) {
    let server = FaultServer::start(vec![answer("done")]);
    let poll = Poll { early: true, ..Poll::new(server.url("/")) };
    let failure = transport.agent(PATIENCE).run(poll).map(drop).unwrap_err();
    assert!(matches!(failure.error.oauth(), Some(Error::Misuse(Misuse::TooEarly { rest })) if *rest == EARLY));
    assert!(matches!(failure.left, Left::Intact(_)));
    assert_eq!(server.count(), 0);
}

fn dropped(transport: Transport) {
    let agent = transport.agent(PATIENCE);
    let server = FaultServer::start(vec![answer("not yet"), answer("done")]);
    // Long enough for a drop, even on a busy machine.
    let mut held = Held::new(Poll { wait: Duration::from_secs(2), ..Poll::new(server.url("/")) });
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
