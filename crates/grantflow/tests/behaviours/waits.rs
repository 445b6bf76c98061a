//! A flow that polls, made up for these tests: the waits are asked before each request, and time is virtual.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use grantflow::{
    AnyExchange, Body, Env, Error, Exchange, Failure, Left, Misuse, Next, Sent, Step, UnixTime, Wait, drive,
};
use http::{Request, Response};

use crate::support::*;

const INTERVAL: Duration = Duration::from_secs(5);
const LIFETIME: Duration = Duration::from_secs(60);

/// Polls every five seconds and waits before the first poll, until the answer is not `pending` or its time is over.
#[derive(Debug)]
pub(crate) struct Poll {
    wait: Wait,
    /// When it ends by the clock.
    end: UnixTime,
    /// How long all its waits were. A clock that stands still ends it by these.
    waited: Duration,
}

impl Poll {
    pub(crate) fn new(now: UnixTime) -> Self {
        Self { wait: Wait::new(now, INTERVAL), end: now.saturating_add(LIFETIME), waited: INTERVAL }
    }

    /// As a store gives it back.
    fn restored(since: UnixTime, length: Duration, end: UnixTime) -> Self {
        Self { wait: Wait::new(since, length), end, waited: length }
    }

    fn again(self, now: UnixTime, length: Duration) -> Result<Step<Self>, Failure<Self>> {
        if now >= self.end || self.waited > LIFETIME {
            return Err(Failure::spent(Error::Expired));
        }
        Ok(Step::Again(Self { wait: Wait::new(now, length), waited: self.waited + length, ..self }))
    }
}

impl Exchange for Poll {
    type Output = String;

    fn rest(&self, now: UnixTime) -> Duration {
        self.wait.left(now)
    }

    fn request(&self, env: &mut Env<'_>) -> Result<Request<Body>, Error> {
        self.wait.check(env.now)?;
        let made_at = env.now.as_secs().to_string().into_bytes();
        Ok(Request::new(Body::from(made_at)))
    }

    fn respond<B: AsRef<[u8]>>(self, env: &mut Env<'_>, response: Response<B>) -> Result<Step<Self>, Failure<Self>> {
        match response.body().as_ref() {
            b"pending" => self.again(env.now, INTERVAL),
            b"slow_down" => {
                let slower = self.wait.length() + INTERVAL;
                self.again(env.now, slower)
            }
            b"no" => Err(Failure::spent(Error::Entropy)),
            b"cut" => Err(Failure::unknown(Error::NoAnswer(Sent::MaybeSent), self)),
            text => Ok(Step::Done(String::from_utf8_lossy(text).into_owned())),
        }
    }

    fn unanswered(self, env: &mut Env<'_>, sent: Sent) -> Result<Step<Self>, Failure<Self>> {
        match sent {
            Sent::NotSent => Err(Failure::intact(Error::NoAnswer(sent), self)),
            Sent::MaybeSent => self.again(env.now, INTERVAL),
        }
    }
}

/// Seconds after [`NOW`].
fn after(seconds: u64) -> UnixTime {
    NOW.saturating_add(Duration::from_secs(seconds))
}

/// What a run asked of its stack.
#[derive(Debug, Default, PartialEq)]
struct Asked {
    /// In seconds.
    waits: Vec<u64>,
    /// For which time each request was made, in seconds after [`NOW`].
    made_at: Vec<u64>,
}

/// Runs over a list of answers; the last one is repeated. `pass` says where the clock is after a wait.
fn run<X: Exchange>(
    exchange: X,
    start: UnixTime,
    pass: impl Fn(UnixTime, Duration) -> UnixTime,
    answers: &[Option<&str>],
) -> (Result<X::Output, Failure<X>>, Asked) {
    let (clock, asked) = (Cell::new(start), RefCell::new(Asked::default()));
    let mut next = 0;
    let outcome = drive(
        exchange,
        &mut Dice(1),
        || clock.get(),
        |wait| {
            asked.borrow_mut().waits.push(wait.as_secs());
            clock.set(pass(clock.get(), wait));
        },
        |request| {
            let text = String::from_utf8(request.into_body().into()).unwrap();
            asked.borrow_mut().made_at.push(text.parse::<u64>().unwrap() - NOW.as_secs());
            let answer = answers[next.min(answers.len() - 1)];
            next += 1;
            assert!(next < 100, "the run does not end");
            match answer {
                Some(text) => Ok(Response::new(text.as_bytes().to_vec())),
                None => Err((Sent::MaybeSent, Error::NoAnswer(Sent::MaybeSent))),
            }
        },
    );
    (outcome, asked.into_inner())
}

/// A clock that goes as far as was waited.
fn right(clock: UnixTime, wait: Duration) -> UnixTime {
    clock.saturating_add(wait)
}

#[test]
fn a_loop_waits_before_each_request_and_the_first_one_too() {
    let answers = [Some("pending"), Some("slow_down"), None, Some("done")];
    let (outcome, asked) = run(Poll::new(NOW), NOW, right, &answers);
    assert_eq!(outcome.unwrap(), "done");
    assert_eq!(asked, Asked { waits: vec![5, 5, 10, 5], made_at: vec![5, 10, 20, 25] });
}

#[test]
fn a_flow_that_does_not_poll_never_waits() {
    let mut world = World::new();
    let exchange = world.exchange();
    assert_eq!(exchange.rest(NOW), Duration::ZERO);
    let failure = drive(
        exchange,
        &mut Dice(1),
        || NOW,
        |wait| panic!("it waited {wait:?}"),
        |_| Ok::<_, (Sent, Error)>(json(400, r#"{"error":"invalid_grant"}"#)),
    )
    .unwrap_err();
    assert!(matches!(failure.left, Left::Spent));
}

#[test]
fn a_request_before_its_time_is_refused_and_nothing_is_lost() {
    let (poll, mut rng) = (Poll::new(NOW), Dice(1));
    for early in 0..4 {
        let error = poll.request(&mut Env::new(after(early), &mut rng)).unwrap_err();
        let Error::Misuse(Misuse::TooEarly { rest }) = error else { panic!("{error}") };
        assert_eq!(rest, poll.rest(after(early)), "{early} s after the start");
        assert_eq!(error.next(), Next::RetryLater(Some(rest)));
        let told = format!("wait {} s", rest.as_secs());
        assert!(error.to_string().contains(&told), "{error}");
    }
    // A clock that shows whole seconds may be a second behind.
    assert!(poll.request(&mut Env::new(after(5), &mut rng)).is_ok());
    let almost = Poll::restored(NOW, Duration::from_secs(1), after(60));
    assert!(almost.request(&mut Env::new(NOW, &mut rng)).is_ok());
}

#[test]
fn a_wait_of_a_fraction_is_told_in_whole_seconds_rounded_up() {
    for (millis, seconds) in [(1_001, "2 s"), (2_000, "2 s"), (2_001, "3 s")] {
        let error = Error::Misuse(Misuse::TooEarly { rest: Duration::from_millis(millis) });
        assert!(error.to_string().contains(&format!("wait {seconds}")), "{error}");
        assert!(error.next().to_string().contains(seconds), "{}", error.next());
    }
}

#[test]
fn a_run_ends_under_a_clock_that_stands_still() {
    let (outcome, asked) = run(Poll::new(NOW), NOW, |clock, _| clock, &[Some("pending")]);
    let failure = outcome.unwrap_err();
    assert!(matches!(failure.error, Error::Expired), "{failure}");
    assert!(asked.made_at.iter().all(|at| *at == 5), "what was waited has passed: {asked:?}");
    let most = LIFETIME.as_secs() / INTERVAL.as_secs() + 2;
    assert!(asked.made_at.len() as u64 <= most, "{asked:?}");
}

#[test]
fn a_clock_that_falls_back_makes_no_wait_longer_and_no_request_too_early() {
    // It falls back in the wait, then between the wait and the question, then for good.
    for fall in [1, 3, 1_000, NOW.as_secs()] {
        let back = |clock: UnixTime, _| UnixTime::from_secs(clock.as_secs().saturating_sub(fall));
        let answers = [Some("pending"), Some("pending"), Some("pending"), Some("done")];
        let poll = Poll::new(NOW);
        let (outcome, waits) = {
            let (clock, waits) = (Cell::new(NOW), RefCell::new(Vec::new()));
            let mut answers = answers.iter();
            let outcome = drive(
                poll,
                &mut Dice(1),
                || clock.get(),
                |wait| {
                    waits.borrow_mut().push(wait.as_secs());
                    clock.set(back(clock.get(), wait));
                },
                |_| {
                    let answer = Response::new(answers.next().unwrap().unwrap().as_bytes().to_vec());
                    clock.set(back(clock.get(), Duration::ZERO));
                    Ok::<_, (Sent, Error)>(answer)
                },
            );
            (outcome, waits.into_inner())
        };
        assert_eq!(outcome.unwrap(), "done", "by {fall} s");
        assert_eq!(waits, [5, 5, 5, 5], "by {fall} s");
    }
}

#[test]
fn a_machine_that_slept_polls_once_and_not_often() {
    let first = Cell::new(true);
    let sleeps = |clock: UnixTime, wait: Duration| {
        let slept = if first.replace(false) { Duration::from_secs(30) } else { Duration::ZERO };
        clock.saturating_add(wait).saturating_add(slept)
    };
    let (outcome, asked) = run(Poll::new(NOW), NOW, sleeps, &[Some("pending"), Some("done")]);
    assert_eq!(outcome.unwrap(), "done");
    assert_eq!(asked, Asked { waits: vec![5, 5], made_at: vec![35, 40] });
}

#[test]
fn what_is_left_of_a_wait_is_waited_after_a_restore() {
    for (passed, waits, made_at) in
        [(0, vec![5], 5), (1, vec![5], 6), (3, vec![3], 6), (5, vec![1], 6), (6, vec![], 6), (50, vec![], 50)]
    {
        let poll = Poll::restored(NOW, INTERVAL, after(60));
        let (outcome, asked) = run(poll, after(passed), right, &[Some("done")]);
        assert_eq!(outcome.unwrap(), "done", "{passed} s had passed");
        assert_eq!(asked, Asked { waits, made_at: vec![made_at] }, "{passed} s had passed");
    }
    // Stored by a machine whose clock was ahead: never longer than the wait was.
    let (outcome, asked) = run(Poll::restored(after(9_000), INTERVAL, after(9_060)), NOW, right, &[Some("done")]);
    assert_eq!((outcome.unwrap().as_str(), asked.waits), ("done", vec![5]));
}

#[test]
fn a_flow_that_has_expired_is_spent_and_says_what_to_do() {
    let failure = run(Poll::new(NOW), NOW, right, &[Some("pending")]).0.unwrap_err();
    assert!(matches!(failure.left, Left::Spent));
    assert!(matches!(failure.error, Error::Expired));
    assert_eq!(failure.error.next(), Next::Reauthorize);
    assert!(failure.error.code().is_none() && failure.error.status().is_none());
    let text = failure.error.to_string();
    assert!(text.contains("authorization server") && text.contains("start the flow again"), "{text}");
}

/// The same poll by itself and in every wrapper: the same waits, the same requests.
#[test]
fn every_wrapper_waits_as_the_flow_in_it_does() {
    let answers = [Some("pending"), None, Some("slow_down"), Some("done")];
    let expected = || Asked { waits: vec![5, 5, 5, 10], made_at: vec![5, 10, 15, 25] };
    let (outcome, asked) = run(AnyExchange::new(Poll::new(NOW)), NOW, right, &answers);
    assert_eq!((outcome.unwrap().as_str(), asked), ("done", expected()));

    let twice = AnyExchange::new(AnyExchange::new(Poll::new(NOW)));
    let (outcome, asked) = run(twice, NOW, right, &answers);
    assert_eq!((outcome.unwrap().as_str(), asked), ("done", expected()));

    // Two polls, one after the other: the second one begins when the first is through, and waits before its first request.
    let both = [Some("pending"), Some("one"), Some("slow_down"), Some("two")];
    let expected = || Asked { waits: vec![5, 5, 5, 10], made_at: vec![5, 10, 15, 25] };
    let next = |first: String, env: &mut Env<'_>| {
        assert_eq!(first, "one");
        Ok(Poll::new(env.now))
    };
    let (outcome, asked) = run(Poll::new(NOW).then(next), NOW, right, &both);
    assert_eq!((outcome.unwrap().as_str(), asked), ("two", expected()));

    let (outcome, asked) = run(AnyExchange::new(Poll::new(NOW).then(next)), NOW, right, &both);
    assert_eq!((outcome.unwrap().as_str(), asked), ("two", expected()));

    let boxed = AnyExchange::new(Poll::new(NOW)).then(move |first, env| next(first, env).map(AnyExchange::new));
    let (outcome, asked) = run(boxed, NOW, right, &both);
    assert_eq!((outcome.unwrap().as_str(), asked), ("two", expected()));
}

#[test]
fn every_wrapper_refuses_a_request_before_its_time() {
    let mut rng = Dice(1);
    let mut early = |request: &dyn Fn(&mut Env<'_>) -> Result<Request<Body>, Error>| {
        let error = request(&mut Env::new(after(1), &mut rng)).unwrap_err();
        assert!(matches!(error, Error::Misuse(Misuse::TooEarly { rest }) if rest == INTERVAL), "{error}");
    };
    let boxed = AnyExchange::new(Poll::new(NOW));
    early(&|env| boxed.request(env));
    let first = Poll::new(NOW).then(|_, env| Ok(Poll::new(env.now)));
    early(&|env| first.request(env));
    let Ok(Step::Again(second)) = first.respond(&mut Env::new(NOW, &mut Dice(2)), Response::new("one")) else {
        panic!()
    };
    early(&|env| second.request(env));
    assert_eq!(second.rest(after(3)), Duration::from_secs(3));
}

/// A run in another thread: a value that holds a boxed exchange can be sent there.
#[test]
fn a_boxed_poll_goes_to_another_thread_and_comes_back() {
    let boxed = AnyExchange::new(Poll::new(NOW).then(|_, env| Ok(Poll::new(env.now))));
    let text =
        std::thread::spawn(move || run(boxed, NOW, right, &[Some("one"), Some("two")]).0.unwrap()).join().unwrap();
    assert_eq!(text, "two");
}
